//! What a channel says of a folder of files: a partner's SFTP server, and how files are picked up there. Both may be of a folder
//! of this machine, which has no server.

use super::schedule::{self, When};
use super::shape::{Key, SECRET, Shape, may, must};
use super::{Secret, is_folder, parsed};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;

/// Characters of a pattern, at most.
const PATTERN_CHARACTERS_MAX: usize = 200;
/// Bytes of a folder's path, at most.
const PATH_BYTES_MAX: usize = 1024;
/// Octets of SHA-256.
const FINGERPRINT_OCTETS: usize = 32;
/// The port of SSH (RFC 4253, 4.1).
const SSH_PORT: u16 = 22;
/// Seconds between two looks, where a channel does not say it.
const EVERY_SECONDS: u64 = 60;

/// Keys of a server.
pub(super) const SERVER_KEYS: &[Key] = &[
    must("host", Shape::Filled, "Its name or address"),
    may("port", Shape::Number(1, 65_535), "Its port; 22 when left out"),
    must("user", Shape::Filled, "Who we are there"),
    may("password", SECRET, "The password, where it takes one"),
    may("key", SECRET, "Our private key, as ssh-keygen writes it without a passphrase"),
    must(
        "host_keys",
        Shape::List(&Shape::Filled),
        "Its keys, each ssh-ed25519 AAAA… or SHA256:…; see them with portolan channel host-keys HOST, and compare them \
         with what the partner says",
    ),
];

const THEN: Shape = Shape::Either(&[
    Shape::Word(&["delete", "keep"]),
    Shape::Object(&[must("move", Shape::Filled, "The folder it goes to, seen from the one it lay in")]),
]);

/// Keys of a pick-up.
pub(super) const PICKUP_KEYS: &[Key] = &[
    may("names", Shape::List(&Shape::Filled), "Patterns of names, with * and ?; all when left out"),
    may(
        "done",
        Shape::Filled,
        "A file counts when one of its name with this ending is there, such as .done; left out, when two looks find it alike",
    ),
    must("then", THEN, "What becomes of a file that was taken: delete, keep, or move to a folder"),
    may(
        "every_seconds",
        Shape::Number(1, 86_400),
        "How often is looked, and with schedule how soon again where a file may still be written; 60 when left out",
    ),
    may(
        "unchanged",
        Shape::Word(&["take", "skip"]),
        "skip: a file with the bytes of the one taken last, or last under its name, makes no work; take when left out",
    ),
    may("schedule", Shape::Object(schedule::KEYS), "When is looked, instead of all the time"),
];

/// A partner's SFTP server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    #[serde(default = "ssh", deserialize_with = "parsed")]
    pub port: u16,
    /// Who we are there.
    pub user: String,
    /// The password, where it takes one.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Our private key.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Its keys, as lines or as fingerprints.
    pub host_keys: Vec<String>,
}

fn ssh() -> u16 {
    SSH_PORT
}

/// How files are picked up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pickup {
    /// Patterns of names; none: all.
    #[serde(default)]
    pub names: Vec<String>,
    /// The ending of what says that a file is whole; none: two looks have to find it alike.
    #[serde(default)]
    pub done: Option<String>,
    /// What becomes of a file that was taken.
    pub then: Then,
    /// Seconds between two looks.
    #[serde(default = "every", deserialize_with = "parsed")]
    pub every_seconds: u64,
    /// What becomes of a file that has the bytes of the one taken last.
    #[serde(default)]
    pub unchanged: Unchanged,
    /// When is looked; none: all the time.
    #[serde(default)]
    pub schedule: Option<When>,
}

fn every() -> u64 {
    EVERY_SECONDS
}

/// What a file becomes that has the bytes of the one taken last, or last under its name; or a document that says what the last of
/// its number said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unchanged {
    /// It is taken like any other.
    #[default]
    Take,
    /// It makes no work, and only that is noted.
    Skip,
}

/// What becomes of a file that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub enum Then {
    /// It is removed.
    Delete,
    /// It stays, and is known.
    Keep,
    /// It goes to this folder.
    Move(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Word(String),
    Move {
        #[serde(rename = "move")]
        folder: String,
    },
}

impl From<Written> for Then {
    fn from(written: Written) -> Self {
        match written {
            Written::Word(word) if word == "keep" => Then::Keep,
            Written::Word(_) => Then::Delete,
            Written::Move { folder } => Then::Move(folder),
        }
    }
}

/// A key that a server may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKey {
    /// The whole key as SSH writes it (RFC 4253, 6.6), with its kind.
    Line(String, Vec<u8>),
    /// SHA-256 of it.
    Fingerprint(Vec<u8>),
}

impl Server {
    /// Its keys; what is none was told when it was applied.
    pub fn pinned(&self) -> impl Iterator<Item = HostKey> {
        self.host_keys.iter().filter_map(|text| host_key(text).ok())
    }

    pub(in crate::partner) fn check(&self, found: &mut Vec<String>) {
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "/@[]".contains(c);
        if self.host.chars().any(is_odd) {
            found.push(format!(
                "server.host: expected such as sftp.partner.example, found {}",
                self.host.escape_debug()
            ));
        }
        if self.user.chars().any(char::is_control) {
            found.push("server.user: expected no control characters".to_owned());
        }
        if self.password.is_none() && self.key.is_none() {
            found.push("server: expected password or key, by which we show who we are, found neither".to_owned());
        }
        if self.host_keys.is_empty() {
            found.push(format!(
                "server.host_keys: expected the key of the server, found none; see it with `portolan channel host-keys \
                 {}:{}`, and compare it with what the partner says",
                self.host, self.port
            ));
        }
        for text in &self.host_keys {
            found.extend(host_key(text).err().map(|why| format!("server.host_keys: {why}")));
        }
    }
}

impl Pickup {
    /// Whether a file of this name is meant.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let is_mark = self.done.as_ref().is_some_and(|ending| name.ends_with(ending));
        !is_mark && (self.names.is_empty() || self.names.iter().any(|pattern| matches(pattern, name)))
    }

    pub(in crate::partner) fn check(&self, is_local: bool, found: &mut Vec<String>) {
        for pattern in &self.names {
            if pattern.contains(['/', '\\']) || pattern.chars().count() > PATTERN_CHARACTERS_MAX {
                let pattern = pattern.escape_debug();
                found.push(format!("pickup.names: expected a pattern of names such as *.edi, found {pattern}"));
            }
        }
        if let Some(ending) = self.done.as_ref().filter(|ending| ending.contains(['/', '*', '?'])) {
            found.push(format!("pickup.done: expected an ending such as .done, found {}", ending.escape_debug()));
        }
        if let Then::Move(folder) = &self.then {
            let below = folder.strip_prefix('/').filter(|_| !is_local).unwrap_or(folder);
            if folder.len() > PATH_BYTES_MAX || !below.split('/').all(is_folder) {
                let folder = folder.escape_debug();
                found.push(format!("pickup.then.move: expected a folder such as archive, found {folder}"));
            }
        }
    }
}

/// What is wrong with the path of a folder on a partner's server.
pub(in crate::partner) fn check_remote(folder: &str) -> Option<String> {
    let is_bad = folder.is_empty() || folder.len() > PATH_BYTES_MAX || folder.chars().any(char::is_control);
    is_bad.then(|| format!("folder: expected a path on the server such as outbox, found {}", folder.escape_debug()))
}

/// What is wrong with the path of a folder of this machine.
pub(in crate::partner) fn check_local(folder: &str) -> Option<String> {
    let is_plain = folder.split('/').skip(1).all(|part| !matches!(part, "." | "..") && !part.contains('\0'));
    let is_bad = !folder.starts_with('/') || folder.len() > PATH_BYTES_MAX || !is_plain;
    is_bad.then(|| format!("folder: expected a path such as /srv/edi/in, found {}", folder.escape_debug()))
}

/// Whether a name is of a pattern: `*` stands for any characters, `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where the last star was, and what it stands for so far ends.
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(one) if *one == '?' || *one == name[seen] => (at, seen) = (at + 1, seen + 1),
            _ => match star {
                Some((back, taken)) => {
                    star = Some((back, taken + 1));
                    (at, seen) = (back + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|one| *one == '*')
}

/// Reads a key of a server.
fn host_key(text: &str) -> Result<HostKey, String> {
    if let Some(digest) = text.strip_prefix("SHA256:") {
        let bytes = STANDARD_NO_PAD.decode(digest.trim().trim_end_matches('='));
        let bytes = bytes.ok().filter(|bytes| bytes.len() == FINGERPRINT_OCTETS);
        return bytes.map(HostKey::Fingerprint).ok_or_else(|| {
            format!("expected SHA256: and 43 characters of base64 behind it, found {}", text.escape_debug())
        });
    }
    let mut words = text.split_whitespace();
    let (kind, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let known = ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];
    let wrong = || {
        let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
        format!("expected SHA256:… or a key that begins with {}, found {shown}", known.join(", "))
    };
    let bytes = STANDARD.decode(key).ok().filter(|_| known.contains(&kind)).ok_or_else(wrong)?;
    // A key says itself of which kind it is (RFC 4253, 6.6).
    let own = bytes.get(4..4 + kind.len());
    if own == Some(kind.as_bytes()) { Ok(HostKey::Line(kind.to_owned(), bytes)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_shells_mean() {
        for (pattern, name) in
            [("*", "a"), ("*.edi", "order.edi"), ("ORD?_*.x12", "ORDS_1.x12"), ("*a*b*", "xxaxxbxx"), ("é?", "éé")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*.edi", "order.edi.part"), ("*.edi", "order.EDI"), ("a?", "a"), ("", "a"), ("a*b", "a")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        let slow = format!("{}b", "a*".repeat(90));
        assert!(!matches(&slow, &"a".repeat(255)), "and in time");
    }

    #[test]
    fn err_keys_of_a_server_that_are_none() {
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1oQyJdPzTp2pE0tP7lfKqCkD8bX0V8nF0f1yT3l0aB";
        assert!(matches!(host_key(line), Ok(HostKey::Line(..))));
        let digest = "SHA256:hGPr+5y/p2cb/JiWkhLuhGNNhyhdTB8t5OoZo0jI+9k";
        assert!(matches!(host_key(digest), Ok(HostKey::Fingerprint(bytes)) if bytes.len() == 32));
        for text in ["SHA256:abc", "ssh-dss AAAA", "", "host.example ssh-ed25519 AAAA", "ssh-rsa AAAAC3NzaC1lZDI1NTE5"]
        {
            assert!(host_key(text).is_err(), "{text}");
        }
    }
}
