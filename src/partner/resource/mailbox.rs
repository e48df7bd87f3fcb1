//! `kind: mailbox`: where a partner drops and fetches files: who may come in, and what lies there. Its folders are those of the
//! channels of transport `sftp` that name it. Its password is no part of it; it is set by command and kept as a hash.

use super::parsed;
use super::shape::{Key, Shape, may};
use base64::Engine as _;
use serde::Deserialize;

/// Endings of names under which clients upload before they rename; so does a name that begins with a dot.
pub const TEMPORARY_ENDINGS: [&str; 9] =
    [".part", ".filepart", ".tmp", ".temp", ".partial", ".incomplete", ".uploading", ".crdownload", ".swp"];
/// Characters of a user name, at most.
const USER_CHARACTERS_MAX: usize = 64;
/// Octets of an RSA modulus, at least: 2048 bits.
const RSA_OCTETS_MIN: usize = 256;
/// Kinds of public keys that may be used (RFC 4253, RFC 5656, RFC 8709, PROTOCOL.u2f).
const KEY_KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// Its keys.
pub const KEYS: &[Key] = &[
    may("user", Shape::Filled, "The user name; the mailbox's own name when left out"),
    may("keys", Shape::List(&Shape::Filled), "Public keys that let in, each a line such as ssh-ed25519 AAAA… comment"),
    may("networks", Shape::List(&Shape::Filled), "Networks that may come in, such as 203.0.113.0/24; none: all"),
    may("errors", Shape::Filled, "The folder that tells what was refused; errors when left out"),
    may(
        "temporary",
        Shape::List(&Shape::Filled),
        "Further endings of names that wait for their rename; .part, .tmp and their like are known",
    ),
    may(
        "counts",
        Shape::Word(&["closed", "renamed"]),
        "When a file that is dropped over SFTP counts: when it is closed, or when it is renamed, whatever it is called before",
    ),
    may(
        "repeats",
        Shape::Word(&["answered", "taken"]),
        "What the same file under the same name is: an upload whose answer was lost, or a new one each time",
    ),
    may("sessions", Shape::Number(1, 1000), "Sessions at once; 10 when left out"),
    may("uploads", Shape::Number(1, 10_000), "Unfinished uploads that are kept, at most; 100 when left out"),
    may("keep_days", Shape::Number(1, 36_500), "Days that a fetched file stays in sight; 30 when left out"),
];

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// The user name; none: the mailbox's own name.
    #[serde(default)]
    pub user: Option<String>,
    /// Public keys that let in, as lines of `authorized_keys`.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Networks that may come in; none: all.
    #[serde(default)]
    pub networks: Vec<String>,
    /// The folder that tells what was refused.
    #[serde(default = "errors")]
    pub errors: String,
    /// Further endings of names that wait for their rename.
    #[serde(default)]
    pub temporary: Vec<String>,
    /// When a file that is dropped over SFTP counts.
    #[serde(default)]
    pub counts: Counts,
    /// What the same file under the same name is.
    #[serde(default)]
    pub repeats: Repeats,
    /// Sessions at once.
    #[serde(default = "ten", deserialize_with = "parsed")]
    pub sessions: usize,
    /// Unfinished uploads that are kept.
    #[serde(default = "a_hundred", deserialize_with = "parsed")]
    pub uploads: usize,
    /// Days that a fetched file stays in sight.
    #[serde(default = "thirty", deserialize_with = "parsed")]
    pub keep_days: u32,
}

fn errors() -> String {
    "errors".to_owned()
}

fn ten() -> usize {
    10
}

fn a_hundred() -> usize {
    100
}

fn thirty() -> u32 {
    30
}

/// When a file that is dropped over SFTP counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counts {
    /// When it is closed, unless its name is a temporary one.
    #[default]
    Closed,
    /// When it is renamed: clients that are interrupted close what they have.
    Renamed,
}

/// What the same file under the same name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repeats {
    /// An upload whose answer was lost: it is answered as before and taken once.
    #[default]
    Answered,
    /// A new one each time.
    Taken,
}

impl Mailbox {
    /// Whether a name is one under which clients upload before they rename.
    #[must_use]
    pub fn is_temporary(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        is_temporary(name) || self.temporary.iter().any(|ending| lower.ends_with(&ending.to_ascii_lowercase()))
    }

    /// Whether a file that is closed under this name waits for its rename.
    #[must_use]
    pub fn waits_for_rename(&self, name: &str) -> bool {
        self.counts == Counts::Renamed || self.is_temporary(name)
    }

    /// Its public keys as SSH writes them (RFC 4253, 6.6).
    pub fn key_bytes(&self) -> impl Iterator<Item = Vec<u8>> {
        self.keys.iter().filter_map(|line| public_key(line).ok())
    }

    /// What is wrong with it by itself: key and sentence.
    pub(in crate::partner) fn check(&self, found: &mut Vec<String>) {
        for line in &self.keys {
            found.extend(public_key(line).err().map(|why| format!("keys: {why}")));
        }
        if let Some(user) = self.user.as_ref().filter(|user| {
            user.chars().count() > USER_CHARACTERS_MAX || user.chars().any(|c| c.is_control() || c.is_whitespace())
        }) {
            found.push(format!(
                "user: expected up to {USER_CHARACTERS_MAX} characters without blanks, found {}",
                user.escape_debug()
            ));
        }
        for ending in self.temporary.iter().filter(|ending| !ending.starts_with('.')) {
            found.push(format!("temporary: expected an ending such as .xfer, found {ending}"));
        }
        if !is_folder(&self.errors) {
            found.push(format!("errors: expected a folder's name such as errors, found {}", self.errors));
        }
    }
}

/// Whether a name is one that is written to before it is renamed, wherever it lies.
#[must_use]
pub fn is_temporary(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with('.') || name.ends_with('~') || TEMPORARY_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// Whether a folder may be called so.
pub(in crate::partner) fn is_folder(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain) && !name.starts_with(['.', ' '])
}

/// The bytes of a key in a line of `authorized_keys`; options before it are not for mailboxes.
fn public_key(line: &str) -> Result<Vec<u8>, String> {
    let mut words = line.split_whitespace();
    let (kind, text) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !KEY_KINDS.contains(&kind) {
        let shown: String = kind.chars().take(40).collect();
        return Err(format!("expected a public key that begins with {}, found {shown}", KEY_KINDS.join(", ")));
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let bytes = bytes.map_err(|_| format!("expected the base64 of a key behind {kind}"))?;
    let parts = parts(&bytes).ok_or_else(|| format!("expected a whole key behind {kind}"))?;
    if parts.first().is_none_or(|first| *first != kind.as_bytes()) {
        return Err(format!("expected a key that says itself that it is {kind}"));
    }
    // mpint e, mpint n (RFC 4253, 6.6).
    let modulus = parts.get(2).map_or(0, |n| n.iter().skip_while(|byte| **byte == 0).count());
    if kind == "ssh-rsa" && modulus < RSA_OCTETS_MIN {
        return Err(format!("expected an RSA key of 2048 bits at least, found {}", modulus * 8));
    }
    Ok(bytes)
}

/// The strings that a key consists of, each behind its length.
fn parts(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*head)).ok()?)?;
        parts.push(part);
        bytes = rest;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(more: &str) -> Mailbox {
        serde_json::from_str(&format!("{{{more}}}")).expect("a mailbox")
    }

    #[test]
    fn names_that_wait_for_their_rename() {
        let own = mailbox(r#""temporary": [".xfer"]"#);
        for name in ["a.edi.part", "a.FILEPART", ".a.edi.swp", ".hidden", "a.tmp", "a.xfer", "a.edi~"] {
            assert!(own.is_temporary(name), "{name}");
        }
        for name in ["a.edi", "part", "partial.edi", "a.xferred"] {
            assert!(!own.is_temporary(name), "{name}");
        }
        assert!(!mailbox("").is_temporary("a.xfer"));
        let renamed = mailbox(r#""counts": "renamed""#);
        assert!(renamed.waits_for_rename("a.edi") && !renamed.is_temporary("a.edi"), "and its rename counts");
        assert!(!own.waits_for_rename("a.edi") && own.waits_for_rename("a.xfer"));
    }

    #[test]
    fn err_keys_that_are_none() {
        let fine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1oQyJdPzTp2pE0tP7lfKqCkD8bX0V8nF0f1yT3l0aB me@there";
        assert_eq!(public_key(fine).map(|bytes| bytes.len()), Ok(51));
        for (line, why) in [
            ("ssh-dss AAAA", "begins with"),
            ("", "begins with"),
            ("ssh-ed25519 %%%", "base64"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1o", "whole key"),
            ("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ1oQyJdPzTp2pE0tP7lfKqCkD8bX0V8nF0f1yT3l0aB", "itself"),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQM=", "2048 bits"),
        ] {
            let told = public_key(line).expect_err(line);
            assert!(told.contains(why), "{line}: {told}");
        }
    }
}
