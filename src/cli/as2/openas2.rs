//! `portolan as2 import openas2`: what OpenAS2's `partnerships.xml` and keystore say, drafted as resources to read, mend and
//! apply. Of each setting it is told what became of it; what is not understood is told with the reason, and never left out
//! silently. What its settings are with us stands in `as2/import/openas2.yaml`. Where the files of a partnership come from and go
//! to is not taken over: that is what agreements and routes are for.

use super::super::certificate::{are_free, resource as certificate};
use super::super::client::{Answered, Instance};
use super::super::password::Password;
use super::super::{Exit, input};
use crate::partner::{Resource, export, is_secret};
use crate::transport::as2::certificate::written_pem;
use crate::transport::as2::keystore::{FILE_BYTES_MAX, Found, Unread, read};
use crate::yaml;
use anyhow::Context as _;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

static SETTINGS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/as2/import/openas2.yaml"));

/// Partners and partnerships of a file, together.
const ENTRIES_MAX: usize = 10_000;
/// Settings of one.
const SETTINGS_MAX: usize = 200;
/// Characters of the name of a resource that are a partner's.
const NAME_CHARACTERS_MAX: usize = 48;
/// Digests and ciphers for which a channel of way in says `legacy: allowed`: they are read, though we send none but 3DES.
const LEGACY: [&str; 3] = ["sha1", "sha1withrsa", "3des"];
/// What names of settings have whose values are secrets, beside those of [`is_secret`].
const SECRET_PARTS: [&str; 3] = ["pass", "pwd", "secret"];

#[derive(clap::Args)]
pub struct Openas2 {
    /// `partnerships.xml` of OpenAS2's config folder.
    partnerships: PathBuf,
    /// Its keystore, `as2_certs.p12`: certificates, and our keys.
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
    /// The partner that is us, by its name there; where it is left out, whoever has its key in the keystore.
    #[arg(long, value_name = "NAME")]
    us: Option<String>,
    /// Seal our keys of the keystore in the instance at once, as the secrets that the draft names.
    #[arg(long, requires = "keystore")]
    seal_keys: bool,
}

/// A partner or partnership as the file has it.
#[derive(Default)]
struct Entry {
    name: String,
    settings: Vec<(String, String)>,
    /// Of a partnership: who sends, and who receives.
    sender: BTreeMap<String, String>,
    receiver: BTreeMap<String, String>,
}

/// What became of a setting.
#[derive(serde::Serialize)]
struct Note {
    /// `partner OpenAS2B`, `partnership A-to-B`.
    of: String,
    setting: String,
    value: String,
    understood: bool,
    /// What it is with us, or why it is not.
    says: String,
}

#[derive(Default)]
struct Draft {
    resources: Vec<String>,
    notes: Vec<Note>,
    /// Pairs and way that have a channel already.
    channels: BTreeSet<(String, String)>,
    /// Certificates that are drafted, by alias in lower case, as keystores compare them.
    certificates: BTreeMap<String, String>,
    /// Those that the keystore does not have, in the same way.
    missing: BTreeMap<String, String>,
    /// Partners, by their name there.
    partners: BTreeMap<String, String>,
    /// Names that are taken, with their kinds.
    taken: BTreeSet<(&'static str, String)>,
}

/// What stands in the file: partners, partnerships, and elements that are something else.
#[derive(Default)]
struct File {
    partners: Vec<Entry>,
    partnerships: Vec<Entry>,
    others: BTreeSet<String>,
}

fn attributes(start: &BytesStart<'_>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for one in start.attributes() {
        let one = one?;
        anyhow::ensure!(found.len() < SETTINGS_MAX, "expected at most {SETTINGS_MAX} settings in an element");
        let value = one.normalized_value(quick_xml::XmlVersion::Implicit1_0)?.into_owned();
        found.insert(one.key.as_ref().to_owned(), value);
    }
    Ok(found)
}

/// Reads `partnerships.xml`; attributes of elements, and elements `attribute` of partnerships.
fn parse(text: &str) -> anyhow::Result<File> {
    let (mut reader, mut file) = (Reader::from_str(text), File::default());
    let (mut depth, mut is_partnership, mut is_ours) = (0usize, false, false);
    loop {
        let event = reader.read_event().with_context(|| format!("at byte {} of it", reader.buffer_position()))?;
        let (start, is_empty) = match &event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                is_partnership &= depth > 1;
                continue;
            }
            Event::Eof => {
                anyhow::ensure!(
                    depth == 0,
                    "at byte {} of it: expected the end of an element, found that of the file",
                    text.len()
                );
                break;
            }
            _ => continue,
        };
        let kind = start.local_name().as_ref().to_owned();
        let mut said = attributes(start)?;
        let last = file.partnerships.last_mut().filter(|_| is_partnership);
        match (depth, kind.as_str(), last) {
            (0, "partnerships", _) => is_ours = true,
            (1, "partner" | "partnership", _) => {
                anyhow::ensure!(
                    file.partners.len() + file.partnerships.len() < ENTRIES_MAX,
                    "expected at most {ENTRIES_MAX} partners and partnerships"
                );
                let name = said.remove("name").unwrap_or_default();
                let entry = Entry { name, settings: said.into_iter().collect(), ..Entry::default() };
                let is_partner = kind == "partner";
                is_partnership = !is_partner && !is_empty;
                if is_partner { file.partners.push(entry) } else { file.partnerships.push(entry) }
            }
            (2, "sender", Some(last)) => last.sender = said,
            (2, "receiver", Some(last)) => last.receiver = said,
            (2, "attribute", Some(last)) => {
                anyhow::ensure!(last.settings.len() < SETTINGS_MAX, "expected at most {SETTINGS_MAX} settings");
                let value = said.remove("value").unwrap_or_default();
                last.settings.push((said.remove("name").unwrap_or_default(), value));
            }
            (_, name, Some(last)) => drop(file.others.insert(format!("{name} of partnership {}", last.name))),
            (_, name, None) => drop(file.others.insert(name.to_owned())),
        }
        if !is_empty {
            depth += 1;
        }
    }
    anyhow::ensure!(is_ours, "expected the element partnerships of OpenAS2's partnerships.xml, found another file");
    Ok(file)
}

/// A name that a resource can have.
fn slug(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let joined = plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let cut: String = joined.chars().take(NAME_CHARACTERS_MAX).collect();
    if cut.is_empty() { "partner".to_owned() } else { cut.trim_end_matches('-').to_owned() }
}

/// Without case, - and _, as values are compared.
fn plain(value: &str) -> String {
    value.trim().chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

/// The digest of a value of `sign`.
fn digest(value: &str) -> String {
    let plain = plain(value);
    plain.strip_suffix("withrsa").map_or(plain.clone(), str::to_owned)
}

/// The first digest that `as2_mdn_options` wishes for the receipt (RFC 4130 7.3).
fn micalg(options: &str) -> Option<String> {
    let (_, wish) = options.split_once("signed-receipt-micalg=")?;
    let all = wish.split(';').next().unwrap_or_default();
    all.split(',').nth(1).map(digest).filter(|name| !name.is_empty())
}

/// What settings of OpenAS2 are with us.
fn known() -> anyhow::Result<Value> {
    Ok(yaml::document(SETTINGS).map_err(|error| anyhow::anyhow!("{}", error.message))?.to_json())
}

pub fn run(instance: &Instance, import: &Openas2, as_json: bool) -> anyhow::Result<Exit> {
    let file = match text(&import.partnerships).and_then(|text| parse(&text)) {
        Ok(file) => file,
        Err(error) => {
            eprintln!("portolan as2 import: {}: {error:#}", import.partnerships.display());
            return Ok(Exit::Invalid);
        }
    };
    let keys = match keystore(import)? {
        Ok(keys) => keys,
        Err(exit) => return Ok(exit),
    };
    let ours = ours(&file, import, &keys);
    if ours.is_empty() {
        let names: Vec<&str> = file.partners.iter().map(|one| one.name.as_str()).collect();
        eprintln!(
            "portolan as2 import: which of these partners is us? say --us NAME, or give the keystore that has our key: {}",
            names.join(", ")
        );
        return Ok(Exit::Usage);
    }
    if let Some(us) = ours.iter().find(|us| !file.partners.iter().any(|one| one.name == **us)) {
        let names: Vec<&str> = file.partners.iter().map(|one| one.name.as_str()).collect();
        eprintln!("portolan as2 import: no partner is called {us}{}", crate::near::hint(us, &names));
        return Ok(Exit::NotFound);
    }
    let mut draft = Draft::default();
    for one in &file.others {
        let says = "this element is not taken over: where files come from and go to is said by agreements and routes";
        draft.note("partnerships.xml", (one, ""), false, says);
    }
    let secrets = draft.certificates(&file, &ours, &keys);
    for partner in &file.partners {
        draft.partner(partner, &ours);
    }
    for partnership in &file.partnerships {
        draft.partnership(partnership, &file, &ours)?;
    }
    if import.seal_keys {
        let sealed: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
        let certificates: Vec<&str> = draft.certificates.values().map(String::as_str).collect();
        if let Some(exit) = are_free(instance, &certificates, &sealed)? {
            return Ok(exit);
        }
        for (name, value) in &secrets {
            let body = json!({ "name": name, "value": value });
            if let Answered::Refused(exit) = instance.ask(Method::PUT, "/api/v1/secrets", &[], Some(&body))? {
                return Ok(exit);
            }
        }
    }
    tell(&draft, &secrets, import.seal_keys, as_json)?;
    Ok(Exit::Ok)
}

fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(path: &Path) -> anyhow::Result<String> {
    let bytes = bytes(path)?;
    anyhow::ensure!(bytes.len() <= FILE_BYTES_MAX, "expected at most {FILE_BYTES_MAX} bytes, found more");
    String::from_utf8(bytes).context("expected UTF-8")
}

fn keystore(import: &Openas2) -> anyhow::Result<Result<Found, Exit>> {
    let Some(path) = &import.keystore else { return Ok(Ok(Found::default())) };
    let bytes = bytes(path)?;
    let mut found = read(&bytes, None);
    if matches!(found, Err(Unread::PasswordNeeded))
        && let Some(password) = import.password.read(&format!("Password of {}: ", path.display()))?
    {
        found = read(&bytes, Some(&password));
    }
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(error) => {
            let remedy = "; config.xml of OpenAS2 has it at certificates, and --password-stdin takes it";
            let remedy = if matches!(error, Unread::Unfit(_)) { "" } else { remedy };
            eprintln!("portolan as2 import: {}: {error}{remedy}", path.display());
            Ok(Err(Exit::Invalid))
        }
    }
}

fn setting<'e>(entry: &'e Entry, key: &str) -> Option<&'e str> {
    entry.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// The partners that are us.
fn ours(file: &File, import: &Openas2, keys: &Found) -> Vec<String> {
    if let Some(us) = &import.us {
        return vec![us.clone()];
    }
    let has_key = |alias: &str| {
        let own = keys
            .certificates
            .iter()
            .find(|one| one.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(alias)));
        own.is_some_and(|own| keys.key_of(&own.certificate).is_some())
    };
    let is_ours = |one: &&Entry| setting(one, "x509_alias").is_some_and(has_key);
    file.partners.iter().filter(is_ours).map(|one| one.name.clone()).collect()
}

impl Draft {
    fn note(&mut self, of: &str, (setting, value): (&str, &str), understood: bool, says: impl Into<String>) {
        let (of, setting) = (of.to_owned(), setting.to_owned());
        let plain = setting.to_ascii_lowercase();
        let is_hidden = is_secret(&plain) || SECRET_PARTS.iter().any(|part| plain.contains(part));
        let value = if is_hidden { "…".to_owned() } else { value.to_owned() };
        self.notes.push(Note { of, setting, value, understood, says: says.into() });
    }

    fn add(&mut self, kind: &str, name: &str, body: Value) {
        let one = Resource { kind: kind.to_owned(), name: name.to_owned(), body, ..Resource::default() };
        self.resources.push(export(&[one]).trim_start_matches("---\n").to_owned());
    }

    /// A name that no other resource of its kind has; several that are slugged alike are numbered.
    fn named(&mut self, kind: &'static str, base: &str) -> String {
        let mut own = base.to_owned();
        for again in 2.. {
            if self.taken.insert((kind, own.clone())) {
                break;
            }
            own = format!("{base}-{again}");
        }
        own
    }

    /// What a partner is called here.
    fn partner_name(&mut self, name: &str) -> String {
        if let Some(own) = self.partners.get(name) {
            return own.clone();
        }
        let own = self.named("partner", &slug(name));
        self.partners.insert(name.to_owned(), own.clone());
        own
    }

    /// What the certificate of an alias is called: as it is drafted, else as it may be brought in, which no drafted one is
    /// called.
    fn certificate_name(&mut self, alias: &str) -> String {
        let key = alias.to_ascii_lowercase();
        if let Some(own) = self.certificates.get(&key).or(self.missing.get(&key)) {
            return own.clone();
        }
        let own = self.named("certificate", &slug(alias));
        self.missing.insert(key, own.clone());
        own
    }

    /// The certificates of the keystore; the secrets of our keys, with their values.
    fn certificates(&mut self, file: &File, ours: &[String], keys: &Found) -> Vec<(String, String)> {
        let mut secrets = Vec::new();
        let aliases: Vec<(&str, &str)> =
            file.partners.iter().filter_map(|one| Some((one.name.as_str(), setting(one, "x509_alias")?))).collect();
        for one in &keys.certificates {
            let Some(name) = &one.name else { continue };
            let owner = aliases.iter().find(|(_, alias)| alias.eq_ignore_ascii_case(name)).map(|(owner, _)| *owner);
            let Some(owner) = owner else {
                self.note(
                    "keystore",
                    (name, &one.certificate.subject_name()),
                    false,
                    "no partner names this alias; left out",
                );
                continue;
            };
            let alias = name.to_ascii_lowercase();
            if let Some(own) = self.certificates.get(&alias) {
                let says = format!("certificate/{own} is drafted of this alias already; left out");
                self.note("keystore", (name, ""), false, says);
                continue;
            }
            let own = self.named("certificate", &slug(name));
            self.certificates.insert(alias, own.clone());
            let key = keys.key_of(&one.certificate).filter(|_| ours.iter().any(|us| us == owner));
            let secret = key.map(|_| format!("{own}-key"));
            if let (Some(key), Some(secret)) = (key, &secret) {
                secrets.push((secret.clone(), written_pem("PRIVATE KEY", key.key.pkcs8())));
            }
            let says = match &secret {
                Some(secret) => format!("certificate/{own}, its key the secret {secret}"),
                None => format!("certificate/{own}"),
            };
            self.note("keystore", (name, &one.certificate.fingerprint()), true, says);
            self.resources.push(certificate(&own, &one.certificate, secret.as_deref()));
        }
        secrets
    }

    fn partner(&mut self, partner: &Entry, ours: &[String]) {
        let of = format!("partner {}", partner.name);
        let is_us = ours.contains(&partner.name);
        for (key, value) in &partner.settings {
            match key.as_str() {
                "as2_id" if is_us => self.note(&of, (key, value), true, "our name in the channels"),
                "as2_id" => self.note(&of, (key, value), true, "its name in the channels"),
                "x509_alias" if self.certificates.contains_key(&value.to_ascii_lowercase()) => {
                    let alias = self.certificate_name(value);
                    self.note(&of, (key, value), true, format!("certificate/{alias}"));
                }
                "x509_alias" => {
                    let alias = self.certificate_name(value);
                    let says = format!(
                        "its certificate is not here: give the keystore, or bring it in with `portolan certificate import {alias} FILE`"
                    );
                    self.note(&of, (key, value), false, says);
                }
                "email" => self.note(&of, (key, value), false, "nothing is mailed to partners"),
                _ => self.note(
                    &of,
                    (key, value),
                    false,
                    "not known here; look up what it does in OpenAS2's documentation",
                ),
            }
        }
        if is_us {
            return;
        }
        let id = setting(partner, "as2_id").unwrap_or(&partner.name);
        let says = "the ids of its envelopes (ISA06, UNB 0004), which OpenAS2 does not know; drafted is its AS2 name, put in the right ones";
        self.note(&of, ("party_ids", id), false, says);
        let own = self.partner_name(&partner.name);
        self.add("partner", &own, json!({ "title": partner.name, "party_ids": [id] }));
    }

    fn partnership(&mut self, one: &Entry, file: &File, ours: &[String]) -> anyhow::Result<()> {
        let of = format!("partnership {}", one.name);
        let side = |said: &BTreeMap<String, String>| -> Entry {
            let name = said.get("name").cloned().unwrap_or_default();
            let mut known = Entry { name: name.clone(), ..Entry::default() };
            if let Some(partner) = file.partners.iter().find(|partner| partner.name == name) {
                known.settings.clone_from(&partner.settings);
            }
            // What stands at the sender or receiver itself counts.
            for (key, value) in said {
                known.settings.retain(|(name, _)| name != key);
                known.settings.push((key.clone(), value.clone()));
            }
            known
        };
        let (sender, receiver) = (side(&one.sender), side(&one.receiver));
        let (is_out, is_in) = (ours.contains(&sender.name), ours.contains(&receiver.name));
        if is_out == is_in {
            let says = if is_out { "both sides are us; left out" } else { "neither side is us; left out" };
            self.note(&of, ("sender, receiver", &format!("{}, {}", sender.name, receiver.name)), false, says);
            return Ok(());
        }
        let (other, us) = if is_out { (&receiver, &sender) } else { (&sender, &receiver) };
        let id = |entry: &Entry| setting(entry, "as2_id").unwrap_or(&entry.name).to_owned();
        let (from, to) = (id(&sender), id(&receiver));
        let way = if is_out { "out" } else { "in" };
        if !self.channels.insert((from.clone(), to.clone())) {
            self.note(
                &of,
                ("sender, receiver", &format!("{from}, {to}")),
                false,
                "another partnership has the same pair; left out",
            );
            return Ok(());
        }
        let partner = self.partner_name(&other.name);
        let name = self.named("channel", &format!("{partner}-as2-{way}"));
        self.note(
            &of,
            ("sender, receiver", &format!("{}, {}", sender.name, receiver.name)),
            true,
            format!("channel/{name}"),
        );
        let mut as2 = Map::new();
        let mut body = Map::new();
        as2.insert("from".to_owned(), from.into());
        as2.insert("to".to_owned(), to.into());
        for (key, side) in [("certificates", other), ("keys", us)] {
            if let Some(alias) = setting(side, "x509_alias") {
                as2.insert(key.to_owned(), json!([self.certificate_name(alias)]));
            }
        }
        if is_out {
            self.outgoing(&of, one, &mut as2, &mut body)?;
        } else {
            self.incoming(&of, one, &mut as2)?;
        }
        let mut whole = Map::new();
        whole.insert("transport".to_owned(), "as2".into());
        whole.insert("way".to_owned(), way.into());
        whole.insert("partners".to_owned(), json!([partner]));
        whole.extend(body);
        whole.insert("as2".to_owned(), Value::Object(as2));
        self.add("channel", &name, Value::Object(whole));
        Ok(())
    }

    /// Settings of what we send.
    fn outgoing(
        &mut self,
        of: &str,
        one: &Entry,
        as2: &mut Map<String, Value>,
        body: &mut Map<String, Value>,
    ) -> anyhow::Result<()> {
        let known = known()?;
        // What OpenAS2 does not do unless it is told to.
        for (key, value) in [("sign", "none"), ("encrypt", "none"), ("receipt", "none")] {
            as2.insert(key.to_owned(), value.into());
        }
        let signs_with = setting(one, "sign").map(digest).filter(|own| !matches!(own.as_str(), "" | "none"));
        let signs_with = signs_with.unwrap_or_else(|| "sha256".to_owned());
        for (key, value) in &one.settings {
            let rule = &known[key.as_str()];
            if value.contains('$') && rule["to"].is_string() {
                self.note(of, (key, value), false, "it holds a placeholder of OpenAS2; set it by hand");
                continue;
            }
            if !rule.is_object() {
                self.note(of, (key, value), false, "not known here; look up what it does in OpenAS2's documentation");
                continue;
            }
            let why = rule["why"].as_str().unwrap_or_default();
            let is_same = |one: &Value| one.as_str().is_some_and(|one| plain(one) == plain(value));
            match rule["to"].as_str() {
                None if rule["same"].as_array().into_iter().flatten().any(is_same) => {
                    self.note(of, (key, value), true, "the same here, without a setting");
                }
                None => self.note(of, (key, value), false, why),
                Some("url") => {
                    body.insert("url".to_owned(), value.as_str().into());
                    self.note(of, (key, value), true, "url of the channel");
                }
                Some("receipt") => self.receipt((of, &signs_with), (key, value), as2, why),
                Some("receipt_url") => {
                    as2.insert("receipt_url".to_owned(), value.as_str().into());
                    self.note(of, (key, value), false, format!("as2.receipt_url: {why}"));
                }
                Some(to) => {
                    let listed = rule["is"][plain(value).as_str()].as_str();
                    let own = listed.or(rule["other"].as_str()).unwrap_or_default();
                    as2.insert(to.to_owned(), own.into());
                    let says = if listed.is_some() { String::new() } else { format!("; {why}") };
                    self.note(of, (key, value), listed.is_some(), format!("as2.{to}: {own}{says}"));
                }
            }
        }
        if as2.get("receipt").is_some_and(|receipt| receipt == "none") {
            as2.remove("receipt_url");
        }
        Ok(())
    }

    /// Which receipt is asked for: `as2_mdn_to` asks for one, `as2_mdn_options` for a signed one.
    fn receipt(
        &mut self,
        (of, signs_with): (&str, &str),
        (key, value): (&str, &str),
        as2: &mut Map<String, Value>,
        why: &str,
    ) {
        let is_signed = value.contains("pkcs7-signature");
        let now = as2.get("receipt").and_then(Value::as_str).unwrap_or_default().to_owned();
        let own = match (key, is_signed) {
            ("as2_mdn_options", true) => "signed",
            _ if now == "none" && !value.trim().is_empty() => "unsigned",
            _ => now.as_str(),
        };
        let says = if why.is_empty() || key == "as2_mdn_options" { String::new() } else { format!("; {why}") };
        // Ours asks for the digest that the message is signed with, and for SHA-256 where it is not signed.
        let (is_same, digest) = match micalg(value).filter(|wished| *wished != signs_with) {
            Some(wished) => (
                false,
                format!(
                    "; the digest {wished} is not taken over: a receipt is asked for in {signs_with}, as `sign` has it"
                ),
            ),
            None => (true, String::new()),
        };
        self.note(of, (key, value), is_same, format!("as2.receipt: {own}{says}{digest}"));
        as2.insert("receipt".to_owned(), own.into());
    }

    /// Settings of what the partner sends: how its messages have to be.
    fn incoming(&mut self, of: &str, one: &Entry, as2: &mut Map<String, Value>) -> anyhow::Result<()> {
        let (known, mut require) = (known()?, Vec::new());
        for (key, value) in &one.settings {
            let is_wanted = !matches!(plain(value).as_str(), "" | "none");
            let word = match key.as_str() {
                "sign" => "signed",
                "encrypt" => "encrypted",
                "as2_url" => {
                    let says = "partners post to /as2 of our partner listener; tell the partner that address";
                    self.note(of, (key, value), false, says);
                    continue;
                }
                "protocol" if plain(value) == "as2" => {
                    self.note(of, (key, value), true, "the same here, without a setting");
                    continue;
                }
                _ => {
                    self.note(
                        of,
                        (key, value),
                        false,
                        "what the partner sends is its own concern: it is read as it comes",
                    );
                    continue;
                }
            };
            let mut says = format!("as2.require has {word}");
            if is_wanted {
                require.push(word);
            } else {
                says = format!("as2.require has no {word}");
            }
            if LEGACY.contains(&plain(value).as_str()) {
                as2.insert("legacy".to_owned(), "allowed".into());
                says.push_str(
                    ", and legacy: allowed, since that is weak: ask the partner for SHA-256 and AES, then take it away",
                );
            }
            let own = plain(value);
            let is_read = !is_wanted || LEGACY.contains(&own.as_str()) || known[key.as_str()]["is"][&own].is_string();
            if !is_read {
                says.push_str(", and nothing in that is read here: ask the partner for SHA-256 and AES");
            }
            self.note(of, (key, value), is_read, says);
        }
        as2.insert("require".to_owned(), json!(require));
        Ok(())
    }
}

fn tell(draft: &Draft, secrets: &[(String, String)], is_sealed: bool, as_json: bool) -> anyhow::Result<()> {
    let yaml = draft.resources.join("---\n");
    let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    if as_json {
        return input::print_json(
            &json!({ "resource": yaml, "notes": draft.notes, "secrets": names, "sealed": is_sealed }),
        );
    }
    input::print(yaml.as_bytes())?;
    let mut of = "";
    for note in &draft.notes {
        if note.of != of {
            eprintln!("{}", note.of);
            of = &note.of;
        }
        let mark = if note.understood { "ok " } else { "ASK" };
        eprintln!("  {mark} {} {:?}: {}", note.setting, note.value, note.says);
    }
    if !names.is_empty() && !is_sealed {
        eprintln!("our keys are not sealed yet: --seal-keys sets {}", names.join(", "));
    }
    let open = draft.notes.iter().filter(|note| !note.understood).count();
    eprintln!(
        "{} settings were taken over, {open} ask for a look; then plan and apply what is printed",
        draft.notes.len() - open
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A comma in text that is not quoted would end it, and a key that is misspelt would say nothing.
    #[test]
    fn what_settings_are_with_us_is_written_without_slips() {
        let known = yaml::document(SETTINGS).expect("YAML").to_json();
        let all = known.as_object().expect("settings");
        assert!(all.len() > 20, "{}", all.len());
        for (name, rule) in all {
            for key in rule.as_object().expect("a rule").keys() {
                assert!(["to", "is", "other", "same", "why"].contains(&key.as_str()), "{name}: {key}");
            }
            assert!(
                rule["to"].is_string() || rule["same"].is_array() || rule["why"].is_string(),
                "{name} says nothing"
            );
        }
    }

    /// What is told of each setting of a partnership, by its name: whether it is understood, the value that is shown, what is said.
    fn notes(way: &str, settings: &[(&str, &str)]) -> BTreeMap<String, (bool, String, String)> {
        let (sender, receiver) = if way == "out" { ("us", "them") } else { ("them", "us") };
        let attributes: String =
            settings.iter().map(|(name, value)| format!("<attribute name=\"{name}\" value=\"{value}\"/>")).collect();
        let text = format!(
            "<partnerships><partner name=\"us\"/><partner name=\"them\"/><partnership name=\"p\">\
             <sender name=\"{sender}\"/><receiver name=\"{receiver}\"/>{attributes}</partnership></partnerships>"
        );
        let (file, mut draft) = (parse(&text).expect("partnerships"), Draft::default());
        draft.partnership(&file.partnerships[0], &file, &["us".to_owned()]).expect("it is drafted");
        draft.notes.into_iter().map(|note| (note.setting, (note.understood, note.value, note.says))).collect()
    }

    #[test]
    fn err_what_we_cannot_do_is_asked_about() {
        for (key, value, is_understood) in [
            ("sign", "SHA256", true),
            ("sign", "sha1", true),
            ("sign", "none", true),
            ("sign", "MD5", false),
            ("encrypt", "AES128", true),
            ("encrypt", "3DES", true),
            ("encrypt", "RC2_CBC", false),
            ("encrypt", "CAST5", false),
        ] {
            let told = &notes("in", &[(key, value)])[key];
            assert_eq!(told.0, is_understood, "{key} {value}: {told:?}");
            assert_eq!(told.2.contains("is read here"), !is_understood, "{told:?}");
        }
        let options = |digest: &str| {
            format!("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {digest}")
        };
        for (sign, digest, is_understood) in [
            ("SHA512", "SHA512", true),
            ("SHA256", "sha-256", true),
            ("SHA256", "SHA1", false),
            ("none", "sha256", true),
        ] {
            let told = notes("out", &[("as2_mdn_options", &options(digest)), ("sign", sign)]);
            let told = &told["as2_mdn_options"];
            assert_eq!(told.0, is_understood, "{sign} {digest}: {told:?}");
            assert!(is_understood || told.2.contains("the digest sha1 is not taken over"), "{told:?}");
        }
    }

    #[test]
    fn secrets_of_settings_are_not_shown() {
        for (key, is_hidden) in
            [("http_password", true), ("proxy.Pwd", true), ("client_secret", true), ("colour", false)]
        {
            for way in ["in", "out"] {
                assert_eq!(notes(way, &[(key, "geheim")])[key].1 != "geheim", is_hidden, "{way} {key}");
            }
        }
    }

    #[test]
    fn err_files_that_are_something_else() {
        for (text, told) in [
            ("<html/>", "expected the element partnerships"),
            ("", "expected the element partnerships"),
            ("<partnerships><partner name=\"a\"", "at byte"),
            ("<partnerships><partner name=\"a\"/>", "expected the end of an element, found that of the file"),
        ] {
            let error = parse(text).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(error.contains(told), "{text}: {error}");
        }
        let many = format!("<partnerships>{}</partnerships>", "<partner name=\"a\"/>".repeat(ENTRIES_MAX + 1));
        assert!(parse(&many).err().is_some_and(|error| error.to_string().contains("at most 10000")));
        let settings = "<attribute name=\"a\" value=\"b\"/>".repeat(SETTINGS_MAX + 1);
        let long = format!("<partnerships><partnership name=\"a\">{settings}</partnership></partnerships>");
        assert!(parse(&long).err().is_some_and(|error| error.to_string().contains("at most 200 settings")));
    }
}
