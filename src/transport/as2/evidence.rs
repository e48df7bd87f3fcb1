//! Evidence: one file that proves, to whoever has it and without asking anybody, that a message was signed by its sender or that
//! its receiver said to have received it. Written from what the ledger kept, and read again here; what the ledger keeps and
//! for how long is the store's. The file is a ZIP of parts that other tools read too; it says itself how OpenSSL checks them.

use super::certificate::Certificate;
use super::crypto::{Digest, Hash, hexadecimal};
use super::mime::Peeked;
use super::name::bare_id;
use super::open::{Layer, Mic, Policy, Seen, open_clear};
use super::receipt::{self, Disposition, RECEIPT_BYTES_MAX, Received};
use super::variant::{TRIED_BYTES_MAX, Variant, fitting};
use super::{mime::Headers, refused::Refused};
use crate::clock::Timestamp;
use crate::id::Random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, Read, Seek, Write};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// The form of the file.
pub const FORM: &str = "portolan-as2-evidence/1";
/// What the evidence is about, in the file.
const ABOUT: &str = "evidence.json";
/// The message as it stood under its encryption, with its header lines.
const MESSAGE: &str = "message.eml";
/// The receipt, with its header lines.
const RECEIPT: &str = "receipt.eml";
/// The payload.
const PAYLOAD: &str = "payload";
/// For who opens the file.
const READ_ME: &str = "README.txt";
/// Bytes of `evidence.json`, and of a certificate.
const PART_BYTES_MAX: u64 = 4 << 20;
/// Certificates in a file.
const CERTIFICATES_MAX: usize = 64;
/// Bytes that are taken at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// A partner sent it, and we gave the receipt.
    In,
    /// We sent it, and the partner gave the receipt.
    Out,
}

/// Whose a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The partner's.
    Partner,
    /// Of the house that wrote the evidence.
    Ours,
}

/// A part of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// A certificate in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its fingerprint, which also names its part.
    pub sha256: String,
    /// Its common name.
    pub name: String,
    /// Whose it is.
    pub whose: Whose,
}

/// What the evidence is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// [`FORM`].
    pub form: String,
    /// Which way the message went.
    pub way: Way,
    /// The transmission that came in, or the delivery that went out.
    pub id: String,
    /// The partner.
    pub partner: Option<String>,
    /// Its AS2 name or ours, of who sent it.
    pub from: String,
    /// Of who received it.
    pub to: String,
    /// The message's id.
    pub message_id: String,
    /// When it came, or was sealed.
    pub at: Timestamp,
    /// When its receipt was given, or came.
    pub receipt_at: Timestamp,
    /// `Content-Type` of the payload.
    pub content_type: String,
    /// The name of its file.
    pub file_name: Option<String>,
    /// The digest of it that its receipt has to name: base 64, a comma, which digest.
    pub mic: Option<String>,
    /// What else the ledger knows: header lines as they came, attempts with their answers.
    pub history: Value,
    /// `payload`.
    pub payload: Option<Part>,
    /// `message.eml`; none where the message had no layer and is its payload.
    pub message: Option<Part>,
    /// `receipt.eml`.
    pub receipt: Option<Part>,
    /// `certificates/…`.
    pub certificates: Vec<Named>,
}

/// What goes into a file besides what it is about.
pub struct Parts<'p> {
    /// The payload.
    pub payload: &'p mut dyn Read,
    /// The message under its encryption, with its header lines.
    pub message: Option<&'p mut dyn Read>,
    /// The receipt, with its header lines.
    pub receipt: Option<&'p [u8]>,
    /// Certificates, and whose each is.
    pub certificates: &'p [(Certificate, Whose)],
}

/// Writes evidence; the parts of `about` are filled in from what is written.
///
/// # Errors
/// A part cannot be read, or the file not be written.
pub fn write<W: Write + Seek>(file: W, mut about: About, parts: Parts<'_>) -> io::Result<W> {
    let Parts { payload, message, receipt, certificates } = parts;
    let mut zip = ZipWriter::new(file);
    about.payload = Some(put(&mut zip, PAYLOAD, payload)?);
    about.message = message.map(|message| put(&mut zip, MESSAGE, message)).transpose()?;
    about.receipt = receipt.map(|mut receipt| put(&mut zip, RECEIPT, &mut receipt)).transpose()?;
    about.certificates.clear();
    for (certificate, whose) in certificates.iter().take(CERTIFICATES_MAX) {
        let sha256 = certificate.fingerprint();
        // One may be both sides', where somebody is its own partner.
        if !about.certificates.iter().any(|one| one.sha256 == sha256) {
            put(&mut zip, &certificate_name(&sha256), &mut certificate.pem().as_bytes())?;
        }
        about.certificates.push(Named { sha256, name: certificate.common_name(), whose: *whose });
    }
    put(&mut zip, READ_ME, &mut read_me(&about).as_bytes())?;
    let json = serde_json::to_vec_pretty(&about).map_err(io::Error::other)?;
    put(&mut zip, ABOUT, &mut &json[..])?;
    zip.finish().map_err(io::Error::other)
}

fn put<W: Write + Seek>(zip: &mut ZipWriter<W>, name: &str, source: &mut dyn Read) -> io::Result<Part> {
    let how = SimpleFileOptions::default().large_file(true);
    zip.start_file(name, how).map_err(io::Error::other)?;
    let mut hash = Hashed { hash: Hash::new(Digest::Sha256), size: 0 };
    pass(source, |piece| {
        hash.update(piece);
        zip.write_all(piece)
    })?;
    Ok(hash.finish())
}

/// Gives all that is read to somebody, piece by piece.
fn pass(source: &mut dyn Read, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut room = vec![0; PIECE_BYTES];
    loop {
        match source.read(&mut room) {
            Ok(0) => return Ok(()),
            Ok(count) => to(&room[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Digest and length of what passes.
struct Hashed {
    hash: Hash,
    size: u64,
}

impl Hashed {
    fn update(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.size += piece.len() as u64;
    }

    fn finish(self) -> Part {
        Part { sha256: hexadecimal(&self.hash.finish()), size: self.size }
    }
}

impl Write for Hashed {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.update(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn certificate_name(fingerprint: &str) -> String {
    format!("certificates/{fingerprint}.pem")
}

fn read_me(about: &About) -> String {
    let (from, to, id) = (&about.from, &about.to, &about.message_id);
    format!(
        "Evidence of the AS2 message {id} from {from} to {to}.\n\n\
         payload         what was sent\n\
         message.eml     the message that held it, as it was signed\n\
         receipt.eml     the receipt (MDN) that answered it\n\
         certificates/   who signed; the names of the files are their fingerprints (SHA-256)\n\
         evidence.json   all that is known of it, and the digest of each part\n\n\
         All of it is checked by\n\n  portolan as2 verify FILE\n\n\
         Any tool that knows S/MIME can check the signatures. They are over the bytes of the first part of a multipart/signed as \
         they stand, without the line end in front of the boundary. OpenSSL's own reader of MIME changes bare line feeds, so give \
         it that part and the second, decoded from base 64, each as a file:\n\n  \
         openssl cms -verify -binary -inform DER -in SIGNATURE -content PART -CAfile CERTIFICATE -certfile CERTIFICATE \
         -partial_chain -purpose any -out /dev/null\n\n\
         Whether a certificate is whose evidence.json says it is, only a copy proves that came from there.\n"
    )
}

/// How a look came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It holds.
    Proved,
    /// There is nothing that could prove it.
    Missing,
    /// It does not hold.
    Failed,
}

/// One look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Look {
    /// At what: `parts`, `message`, `payload`, `receipt`, `digest`.
    pub at: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was seen.
    pub seen: String,
}

/// What a file proves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// What it is about.
    pub about: About,
    /// Every look, in order.
    pub looks: Vec<Look>,
    /// In a sentence each.
    pub proves: Vec<String>,
}

impl Judgement {
    /// Whether nothing in the file is wrong and it proves something.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.proves.is_empty() && self.looks.iter().all(|look| look.outcome != Outcome::Failed)
    }
}

/// Checks evidence by itself. Where certificates are `known` to be the partner's from elsewhere, no others count as its.
///
/// # Errors
/// It is no such file, or cannot be read.
pub fn verify<F: Read + Seek>(file: F, known: Option<&[Certificate]>, random: &dyn Random) -> io::Result<Judgement> {
    let mut zip = ZipArchive::new(file).map_err(|error| unfit(format!("expected evidence, a ZIP file: {error}")))?;
    let json = small(&mut zip, ABOUT)?;
    let about: About = serde_json::from_slice(&json).map_err(|error| unfit(format!("{ABOUT}: {error}")))?;
    if about.form != FORM {
        return Err(unfit(format!("expected evidence of form {FORM}, found {}", about.form)));
    }
    let mut check =
        Check { about, looks: Vec::new(), proves: Vec::new(), certificates: Vec::new(), has_payload: false };
    check.parts(&mut zip)?;
    check.certificates(&mut zip, known)?;
    let mic = check.message(&mut zip, random)?;
    check.receipt(&mut zip, mic)?;
    let Check { about, looks, proves, .. } = check;
    Ok(Judgement { about, looks, proves })
}

fn unfit(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A part that is held whole.
fn small<F: Read + Seek>(zip: &mut ZipArchive<F>, name: &str) -> io::Result<Vec<u8>> {
    let part = zip.by_name(name).map_err(|error| unfit(format!("expected a part {name}: {error}")))?;
    let mut bytes = Vec::new();
    part.take(PART_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > PART_BYTES_MAX {
        return Err(unfit(format!("expected at most {PART_BYTES_MAX} bytes in {name}, found more")));
    }
    Ok(bytes)
}

struct Check {
    about: About,
    looks: Vec<Look>,
    proves: Vec<String>,
    certificates: Vec<(Certificate, Whose)>,
    /// The message holds the payload.
    has_payload: bool,
}

impl Check {
    fn say(&mut self, at: &'static str, outcome: Outcome, seen: String) {
        self.looks.push(Look { at, outcome, seen });
    }

    /// Every part is as `evidence.json` says.
    fn parts<F: Read + Seek>(&mut self, zip: &mut ZipArchive<F>) -> io::Result<()> {
        let About { payload, message, receipt, .. } = &self.about;
        let expected = [(PAYLOAD, payload), (MESSAGE, message), (RECEIPT, receipt)];
        let (mut wrong, mut count) = (Vec::new(), 0);
        for (name, part) in expected {
            let Some(part) = part else { continue };
            count += 1;
            let mut hashed = Hashed { hash: Hash::new(Digest::Sha256), size: 0 };
            match zip.by_name(name) {
                Ok(mut source) => pass(&mut source, |piece| hashed.write_all(piece))?,
                Err(error) => wrong.push(format!("{name}: {error}")),
            }
            let found = hashed.finish();
            if found != *part {
                let (size, sha256) = (part.size, &part.sha256);
                let (own, found) = (found.size, found.sha256);
                wrong.push(format!("{name}: expected {size} bytes, SHA-256 {sha256}; found {own} bytes, {found}"));
            }
        }
        match wrong.is_empty() {
            true => self.say("parts", Outcome::Proved, format!("{count} parts are as {ABOUT} says")),
            false => self.say("parts", Outcome::Failed, wrong.join("; ")),
        }
        Ok(())
    }

    fn certificates<F: Read + Seek>(
        &mut self,
        zip: &mut ZipArchive<F>,
        known: Option<&[Certificate]>,
    ) -> io::Result<()> {
        for Named { sha256, whose, .. } in self.about.certificates.iter().take(CERTIFICATES_MAX) {
            let found = Certificate::all(&small(zip, &certificate_name(sha256))?)?;
            self.certificates.extend(found.into_iter().map(|one| (one, *whose)));
        }
        if let Some(known) = known {
            self.certificates.retain(|(_, whose)| *whose == Whose::Ours);
            self.certificates.extend(known.iter().map(|one| (one.clone(), Whose::Partner)));
        }
        Ok(())
    }

    /// Those that one side may sign with.
    fn of(&self, whose: Whose) -> Vec<Certificate> {
        self.certificates.iter().filter(|(_, own)| *own == whose).map(|(one, _)| one.clone()).collect()
    }

    /// The message is signed by its sender and holds the payload. What its digest is, for the receipt.
    fn message<F: Read + Seek>(&mut self, zip: &mut ZipArchive<F>, random: &dyn Random) -> io::Result<Option<Mic>> {
        let sender = if self.about.way == Way::In { Whose::Partner } else { Whose::Ours };
        let trusted = self.of(sender);
        let Ok(mut part) = zip.by_name(MESSAGE) else {
            let seen = "it had no layer: nobody signed it, and its payload is all there is".to_owned();
            self.say("message", Outcome::Missing, seen);
            let digest = self.receipt_digest();
            let mut hash = Hash::new(digest);
            let mut payload = zip.by_name(PAYLOAD).map_err(|error| unfit(format!("{PAYLOAD}: {error}")))?;
            pass(&mut payload, |piece| {
                hash.update(piece);
                Ok(())
            })?;
            self.has_payload = true;
            return Ok(Some(Mic { digest, value: hash.finish() }));
        };
        let policy = Policy {
            trusted: &trusted,
            keys: &[],
            must_be_signed: false,
            must_be_encrypted: false,
            allows_legacy: true,
            receipt_digest: self.receipt_digest(),
            takes_crlf: true,
            payload_bytes_max: u64::MAX,
            now: self.about.at,
        };
        let mut payload = Hashed { hash: Hash::new(Digest::Sha256), size: 0 };
        let (seen, done) = open_clear(&mut part, &policy, random, &mut payload)?;
        drop(part);
        let signer = signer(&seen, &trusted);
        match (done, &signer) {
            (Err(refused), _) => self.say("message", Outcome::Failed, told(&refused)),
            (Ok(()), None) => self.say("message", Outcome::Missing, "nobody signed it".to_owned()),
            (Ok(()), Some(signer)) => self.say("message", Outcome::Proved, format!("signed by {signer}")),
        }
        let found = payload.finish();
        self.has_payload = self.about.payload.as_ref() == Some(&found);
        let Part { sha256, size } = found;
        match self.has_payload {
            true => {
                self.say("payload", Outcome::Proved, format!("{size} bytes, SHA-256 {sha256}, as the message has it"))
            }
            false => {
                let seen = format!("the message holds another: {size} bytes, SHA-256 {sha256}");
                self.say("payload", Outcome::Failed, seen);
            }
        }
        if let (Some(signer), true, Way::In) = (signer, self.has_payload, self.about.way) {
            let (from, file) = (&self.about.from, &self.about.message_id);
            self.proves.push(format!("{from} sent this payload as {file}: it is signed by {signer}"));
        }
        Ok(seen.mic)
    }

    /// The digest that the receipt names, for messages that say none themselves.
    fn receipt_digest(&self) -> Digest {
        let named = self.about.mic.as_deref().and_then(|mic| Digest::named(mic.rsplit(',').next()?));
        named.unwrap_or(Digest::Sha256)
    }

    /// The receipt is signed by the receiver, for this message, and names its digest.
    fn receipt<F: Read + Seek>(&mut self, zip: &mut ZipArchive<F>, mic: Option<Mic>) -> io::Result<()> {
        if self.about.receipt.is_none() {
            self.say("receipt", Outcome::Missing, "there is none".to_owned());
            return Ok(());
        }
        let whose = if self.about.way == Way::In { Whose::Ours } else { Whose::Partner };
        let (trusted, bytes) = (self.of(whose), small(zip, RECEIPT)?);
        let received = match read_receipt(&bytes, &trusted, self.about.receipt_at) {
            Ok(received) => received,
            Err(seen) => {
                self.say("receipt", Outcome::Failed, seen);
                return Ok(());
            }
        };
        let signer = received.signed_by.map(|at| named(&trusted[at]));
        let is_for_it = bare_id(&received.message_id) == bare_id(&self.about.message_id);
        let says = match &received.disposition {
            Disposition::Processed => "processed".to_owned(),
            Disposition::Warning(text) => format!("processed, with a warning: {text}"),
            Disposition::Error(text) | Disposition::Failed(text) => format!("not processed: {text}"),
        };
        match (is_for_it, &signer) {
            (false, _) => {
                let (expected, found) = (&self.about.message_id, &received.message_id);
                let seen = format!("expected one for {expected}, found one for {found}");
                self.say("receipt", Outcome::Failed, seen);
            }
            (true, None) => self.say("receipt", Outcome::Missing, format!("nobody signed it; it says: {says}")),
            (true, Some(signer)) => self.say("receipt", Outcome::Proved, format!("signed by {signer}; {says}")),
        }
        let tried = match (&received.mic, &mic) {
            (Some(found), Some(mic)) if found != mic => Tried::of(zip, &found.value)?,
            _ => Tried::Not,
        };
        let is_same = self.digest(&received, mic, tried);
        if let (Some(signer), Way::Out, true, true) = (signer, self.about.way, is_for_it, is_same)
            && self.has_payload
            && received.disposition.is_received()
        {
            let (to, file) = (&self.about.to, &self.about.message_id);
            self.proves.push(format!("{to} received this payload as {file}, and said so: signed by {signer}"));
        }
        Ok(())
    }

    /// Whether what the receipt says to have received is what the message is.
    fn digest(&mut self, received: &Received, mic: Option<Mic>, tried: Tried) -> bool {
        let shown = |mic: &Mic| format!("{} {}", mic.digest.name(), STANDARD.encode(&mic.value));
        match (&received.mic, mic) {
            (None, _) => self.say("digest", Outcome::Missing, "the receipt names none".to_owned()),
            (Some(_), None) => self.say("digest", Outcome::Missing, "the message has none to be compared".to_owned()),
            (Some(found), Some(mic)) if *found == mic => {
                self.say("digest", Outcome::Proved, format!("{}, of the message and in the receipt", shown(found)));
                return true;
            }
            (Some(found), Some(_)) if let Tried::Fits(variant) = tried => {
                self.say("digest", Outcome::Proved, format!("{} in the receipt is {variant}", shown(found)));
                return true;
            }
            (Some(found), Some(mic)) if let Tried::TooLarge = tried => {
                let (mic, found) = (shown(&mic), shown(found));
                let seen = format!(
                    "the message has {mic}, the receipt names {found}; of what that is cannot be told of more than \
                     {TRIED_BYTES_MAX} bytes"
                );
                self.say("digest", Outcome::Missing, seen);
            }
            (Some(found), Some(mic)) => {
                let seen = format!("the message has {}, the receipt names {}", shown(&mic), shown(found));
                self.say("digest", Outcome::Failed, seen);
            }
        }
        false
    }
}

/// Whether another digest than the right one is of something that partners are known to digest.
enum Tried {
    /// It was not looked for, or is of nothing known.
    Not,
    Fits(Variant),
    TooLarge,
}

impl Tried {
    fn of<F: Read + Seek>(zip: &mut ZipArchive<F>, value: &[u8]) -> io::Result<Self> {
        let Ok(part) = zip.by_name(MESSAGE) else { return Ok(Tried::Not) };
        let mut message = Vec::new();
        part.take(TRIED_BYTES_MAX as u64 + 1).read_to_end(&mut message)?;
        if message.len() > TRIED_BYTES_MAX {
            return Ok(Tried::TooLarge);
        }
        Ok(fitting(&message, value).map_or(Tried::Not, Tried::Fits))
    }
}

fn signer(seen: &Seen, trusted: &[Certificate]) -> Option<String> {
    seen.layers.iter().find_map(|layer| match layer {
        Layer::Signed(at, digest) => {
            let ends = if seen.has_turned_ends { ", its line feeds made CRLF" } else { "" };
            Some(format!("{}, with {}{ends}", named(&trusted[*at]), digest.name()))
        }
        _ => None,
    })
}

fn named(certificate: &Certificate) -> String {
    let (from, until) = (certificate.not_before, certificate.not_after);
    format!("{:?} ({}, {from} to {until})", certificate.common_name(), certificate.fingerprint())
}

fn told(refused: &Refused) -> String {
    format!("{}: {}", refused.cause.word(), refused.detail)
}

fn read_receipt(bytes: &[u8], trusted: &[Certificate], at: Timestamp) -> Result<Received, String> {
    let mut source = bytes;
    let head = Peeked::new(&mut source).head().map_err(|error| error.to_string())?;
    let body = &bytes[head.len()..];
    if body.len() as u64 > RECEIPT_BYTES_MAX {
        return Err(format!("expected at most {RECEIPT_BYTES_MAX} bytes, found {}", body.len()));
    }
    receipt::read(&Headers::parse(&head), body, trusted, at).map_err(|refused| told(&refused))
}
