//! `portolan certificate import` and `show`: what stands in files, made into resources and sealed keys.

use super::{are_free, asked, is_name, resource, words};
use crate::cli::client::{Answered, Instance};
use crate::cli::password::Password;
use crate::cli::{Exit, input};
use crate::clock::{Clock as _, SystemClock};
use crate::transport::as2::certificate::{Certificate, written_pem};
use crate::transport::as2::keystore::{FILE_BYTES_MAX, Found, FoundCertificate, Unread, read};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::PathBuf;

/// Characters of the name of a resource.
const NAME_CHARACTERS_MAX: usize = 64;

#[derive(clap::Args)]
pub struct Files {
    /// Files, of one certificate and its key for example; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    password: Password,
}

#[derive(clap::Args)]
pub struct Import {
    /// What the resource is called; where several come in, NAME is put before what the file calls each.
    name: String,
    #[command(flatten)]
    files: Files,
    /// Bring in only what the file calls so (friendlyName, alias).
    #[arg(long)]
    alias: Option<String>,
    /// Apply the resources at once.
    #[arg(long)]
    apply: bool,
}

/// What stands in all files together; else the code with which the command ends, what is wrong being told.
pub fn all(files: &Files) -> anyhow::Result<Result<Found, Exit>> {
    if files.password.is_on_stdin() && files.files.iter().any(|file| file.as_os_str() == "-") {
        eprintln!(
            "portolan: standard input is the password already (--password-stdin); name the file itself in place of -"
        );
        return Ok(Err(Exit::Usage));
    }
    let (mut all, mut password) = (Found::default(), None);
    for file in &files.files {
        let mut bytes = Vec::new();
        let most = FILE_BYTES_MAX as u64 + 1;
        input::open(file)?.take(most).read_to_end(&mut bytes)?;
        let mut found = read(&bytes, password.as_deref());
        if matches!(found, Err(Unread::PasswordNeeded)) && password.is_none() {
            password = files.password.read(&format!("Password of {}: ", file.display()))?;
            if let Some(given) = &password {
                found = read(&bytes, Some(given));
            }
        }
        if let Err(error) = found.and_then(|found| all.extend(found)) {
            let remedy = match error {
                Unread::PasswordNeeded => "; give it on standard input with --password-stdin",
                Unread::PasswordWrong => "; ask for it once more",
                Unread::Unfit(_) => "",
            };
            eprintln!("portolan: {}: {error}{remedy}", file.display());
            return Ok(Err(Exit::Invalid));
        }
    }
    Ok(Ok(all))
}

pub fn show(files: &Files, as_json: bool) -> anyhow::Result<Exit> {
    let found = match all(files)? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let now = SystemClock.now();
    let has_key = |one: &Certificate| found.key_of(one).is_some();
    let lonely = found.keys.iter().filter(|key| is_lonely(&found, key)).count();
    if as_json {
        let all = found.certificates.iter().map(|one| {
            let mut item = words::json(&one.certificate);
            item["name"] = json!(one.name);
            item["has_key"] = has_key(&one.certificate).into();
            item
        });
        input::print_json(&json!({ "certificates": all.collect::<Vec<_>>(), "keys_alone": lonely }))?;
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    for one in &found.certificates {
        let name = one.name.clone().unwrap_or_else(|| one.certificate.common_name());
        let whose = if has_key(&one.certificate) { "its private key is here" } else { "without a private key" };
        text.push_str(&format!("{name}\n{}", words::lines(&one.certificate, whose, now)));
    }
    if lonely > 0 {
        text.push_str(&format!("private keys without their certificates: {lonely}\n"));
    }
    input::print(text.as_bytes())?;
    Ok(Exit::Ok)
}

/// Whether a key belongs to no certificate that came with it.
fn is_lonely(found: &Found, key: &crate::transport::as2::keystore::FoundKey) -> bool {
    use crate::transport::as2::keystore::belongs;
    !found.certificates.iter().any(|one| belongs(&key.key, &one.certificate))
}

/// One that comes in.
struct Chosen<'f> {
    name: String,
    one: &'f FoundCertificate,
    /// The name of its key's secret, and the key where it came with it.
    key: Option<(String, Option<String>)>,
}

/// What a resource may be called after what a file calls it.
fn slug(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// Names for those that come in, each its own.
fn named<'f>(name: &str, chosen: Vec<&'f FoundCertificate>) -> Vec<Chosen<'f>> {
    let is_one = chosen.len() == 1;
    let mut all: Vec<Chosen<'_>> = Vec::new();
    for one in chosen {
        let called = one.name.clone().unwrap_or_else(|| one.certificate.common_name());
        let base = if is_one { name.to_owned() } else { format!("{name}-{}", slug(&called)) };
        let cut: String = base.chars().take(NAME_CHARACTERS_MAX - 4).collect();
        let cut = if is_one { base } else { cut.trim_end_matches('-').to_owned() };
        let mut own = cut.clone();
        for again in 2.. {
            if all.iter().all(|other| other.name != own) {
                break;
            }
            own = format!("{cut}-{again}");
        }
        all.push(Chosen { name: own, one, key: None });
    }
    all
}

pub fn run(instance: &Instance, import: &Import, as_json: bool) -> anyhow::Result<Exit> {
    if !is_name("import", &import.name) {
        return Ok(Exit::Usage);
    }
    let found = match all(&import.files)? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    if found.certificates.is_empty() {
        eprintln!(
            "portolan certificate import: expected a certificate, found a private key alone; name the file of its \
             certificate beside it"
        );
        return Ok(Exit::Invalid);
    }
    let mut chosen = found.leaves();
    if let Some(alias) = &import.alias {
        let all: Vec<&FoundCertificate> = found.certificates.iter().collect();
        let is = |one: &&FoundCertificate| one.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(alias));
        chosen = all.iter().copied().filter(is).collect();
        if chosen.is_empty() {
            let names: Vec<&str> = all.iter().filter_map(|one| one.name.as_deref()).collect();
            let hint = crate::near::hint(alias, &names);
            eprintln!("portolan certificate import: nothing is called {alias}; there is: {}{hint}", names.join(", "));
            return Ok(Exit::NotFound);
        }
    }
    if chosen.is_empty() {
        eprintln!(
            "portolan certificate import: each certificate of these issued another of them; --alias says which is meant"
        );
        return Ok(Exit::Invalid);
    }
    let left_out: Vec<&Certificate> = found
        .certificates
        .iter()
        .map(|one| &one.certificate)
        .filter(|one| chosen.iter().all(|other| other.certificate != **one))
        .collect();
    let mut chosen = named(&import.name, chosen);
    for one in &mut chosen {
        let secret = format!("{}-key", one.name);
        one.key = match found.key_of(&one.one.certificate) {
            Some(key) => Some((secret, Some(written_pem("PRIVATE KEY", key.key.pkcs8())))),
            None => {
                // It may be what an authority answered to a request.
                let body = json!({ "pem": one.one.certificate.pem() });
                let there = asked!(instance, Method::POST, "/api/v1/certificates/key", Some(&body));
                there["secret"].as_str().map(|name| (name.to_owned(), None))
            }
        };
    }
    let names: Vec<&str> = chosen.iter().map(|one| one.name.as_str()).collect();
    let new = |one: &Chosen<'_>| one.key.clone().and_then(|(name, pem)| Some((name, pem?)));
    let secrets: Vec<(String, String)> = chosen.iter().filter_map(new).collect();
    let secret_names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(exit) = are_free(instance, &names, &secret_names)? {
        return Ok(exit);
    }
    let of = |one: &Chosen<'_>| {
        resource(&one.name, &one.one.certificate, one.key.as_ref().map(|(secret, _)| secret.as_str()))
    };
    let yaml = chosen.iter().map(of).collect::<Vec<_>>().join("---\n");
    for (name, value) in &secrets {
        asked!(instance, Method::PUT, "/api/v1/secrets", Some(&json!({ "name": name, "value": value })));
    }
    if import.apply
        && let Some(exit) = super::apply(instance, &import.name, &yaml, &secret_names)?
    {
        return Ok(exit);
    }
    let lonely = found.keys.iter().filter(|key| is_lonely(&found, key)).count();
    tell(import, &chosen, (&left_out, lonely), &yaml, as_json)?;
    Ok(Exit::Ok)
}

/// Says what came in, and what was left out and why.
fn tell(
    import: &Import,
    chosen: &[Chosen<'_>],
    (left_out, lonely): (&[&Certificate], usize),
    yaml: &str,
    as_json: bool,
) -> anyhow::Result<()> {
    let why = "it stands here beside what it issued; trust is in certificates themselves, so it is not needed";
    let why = if import.alias.is_some() { "another was asked for" } else { why };
    if as_json {
        let item = |one: &Chosen<'_>| -> Value {
            let mut item = words::json(&one.one.certificate);
            item["certificate"] = json!(one.name);
            item["secret"] = json!(one.key.as_ref().map(|(secret, _)| secret));
            item["key_was_there"] = json!(one.key.as_ref().is_some_and(|(_, pem)| pem.is_none()));
            item
        };
        return input::print_json(&json!({
            "certificates": chosen.iter().map(item).collect::<Vec<_>>(),
            "left_out": left_out.iter().map(|one| json!({ "subject": one.subject_name(),
                "fingerprint": one.fingerprint(), "why": why })).collect::<Vec<_>>(),
            "keys_alone": lonely,
            "resource": yaml,
            "applied": import.apply,
        }));
    }
    let now = SystemClock.now();
    let mut text = String::new();
    for one in chosen {
        let whose = match &one.key {
            Some((secret, Some(_))) => format!("its private key is sealed as the secret {secret}"),
            Some((secret, None)) => format!("its private key is there already, the secret {secret}"),
            None => "a partner's, without a private key".to_owned(),
        };
        text.push_str(&format!("certificate/{}\n{}", one.name, words::lines(&one.one.certificate, &whose, now)));
    }
    for one in left_out {
        text.push_str(&format!("left out: {} ({why})\n", one.subject_name()));
    }
    if lonely > 0 {
        text.push_str(&format!("left out: {lonely} private keys whose certificates are not here\n"));
    }
    if import.apply {
        return input::print(text.as_bytes());
    }
    input::print(yaml.as_bytes())?;
    eprint!("{text}");
    eprintln!("apply what is printed, and name it in certificates or keys of the channels");
    Ok(())
}
