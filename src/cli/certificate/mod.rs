//! `portolan certificate`: keys and certificates of AS2, made here, brought in from files and out again, asked for from
//! authorities, offered by partners, and looked at.

mod announce;
mod export;
mod forecast;
mod import;
mod new;
mod offered;
mod request;
mod words;

use super::Exit;
use super::client::{Answered, Instance, column};
use crate::clock::Timestamp;
use crate::partner::parse_all;
use crate::transport::as2::certificate::Certificate;
use reqwest::Method;
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a key and its self-signed certificate: the key becomes the secret NAME-key, the certificate is printed.
    ///
    /// The key goes sealed into the ledger, and nowhere else. What is printed is a resource to apply; with --apply it is
    /// applied, and the certificate is printed in PEM, for the partner.
    New(new::New),
    /// Say what stands in files of certificates and keys; no instance is asked.
    Show(import::Files),
    /// Bring in certificates, and keys with them: PEM, DER, PKCS#7 (.p7b), PKCS#12 (.p12, .pfx), PKCS#8, JKS.
    ///
    /// Private keys become secrets, NAME-key; they are never printed. What is printed is resources to apply; with --apply
    /// they are applied. A certificate that answers `certificate request` finds its key by itself.
    Import(import::Import),
    /// Write a certificate as a file: PEM, DER, PKCS#7 or PKCS#12, the latter with its key where that is asked for.
    Export(export::Export),
    /// Make a key and a request for its certificate (CSR, PKCS#10), which is printed for an authority.
    ///
    /// The key becomes the secret NAME-key. What the authority answers is brought in with `certificate import`.
    Request(request::Request),
    /// List certificates, ours and the partners': until when each counts, and which channels use it.
    List {
        /// Those that partners signed with and nobody trusts yet: who, when, and what they say.
        #[arg(long)]
        offered: bool,
        /// Ours that partners were told of: who answered, and what.
        #[arg(long, conflicts_with = "offered")]
        announced: bool,
    },
    /// Tell a partner which certificate of ours we will use (certificate exchange message); its answer is awaited.
    Announce(announce::Announce),
    /// Trust a certificate that was offered: shows it and what changes, asks, and puts it into the channels that are named.
    Accept(offered::Accept),
    /// Take a certificate off the list of those that are offered.
    Refuse(offered::Refuse),
    /// From which day on a channel has no certificate or key that counts, and for what.
    Forecast(forecast::Forecast),
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    match &arguments.action {
        Action::New(new) => new::run(instance, new, as_json),
        Action::Show(files) => import::show(files, as_json),
        Action::Import(import) => import::run(instance, import, as_json),
        Action::Export(export) => export::run(instance, export, as_json),
        Action::Request(request) => request::run(instance, request, as_json),
        Action::Accept(accept) => offered::accept(instance, accept, as_json),
        Action::Refuse(refuse) => offered::refuse(instance, refuse, as_json),
        Action::Forecast(forecast) => forecast::run(instance, forecast, as_json),
        Action::Announce(announce) => announce::run(instance, announce, as_json),
        Action::List { announced: true, .. } => announce::list(instance, as_json),
        Action::List { offered: true, .. } => offered::list(instance, as_json),
        Action::List { .. } => instance.show((Method::GET, "/api/v1/certificates"), (&[], None), as_json, |value| {
            value["items"].as_array().into_iter().flatten().map(row).collect()
        }),
    }
}

fn row(item: &Value) -> String {
    let day = |key: &str| {
        let at = item[key].as_i64().and_then(|micros| Timestamp::from_microsecond(micros).ok());
        at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
    };
    let days = item["days_left"].as_i64().unwrap_or_default();
    let mark = match item["ends_soon"] == true {
        true if days < 0 => "  IT IS OVER",
        true => "  ENDS SOON",
        false => "",
    };
    let channels: Vec<&str> = item["channels"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let channels = if channels.is_empty() { "no channel".to_owned() } else { channels.join(", ") };
    let whose = if item["ours"] == true { "ours  " } else { "theirs" };
    format!(
        "{}{whose} {}{} to {}, {days} days left{mark}\n    {channels}; SHA-256 {}\n",
        column(&item["name"], 24),
        column(&item["common_name"], 24),
        day("not_before"),
        day("not_after"),
        item["fingerprint"].as_str().unwrap_or_default(),
    )
}

/// What a request answers, or the exit code with which the command ends.
macro_rules! asked {
    ($instance:expr, $method:expr, $path:expr, $body:expr) => {
        match $instance.ask($method, $path, &[], $body)? {
            Answered::Done(value) => value,
            Answered::Refused(exit) => return Ok(exit),
        }
    };
}
pub(super) use asked;

/// A certificate as a resource; `secret` names its key.
pub(in crate::cli) fn resource(name: &str, certificate: &Certificate, secret: Option<&str>) -> String {
    let pem = certificate.pem().trim_end().replace('\n', "\n  ");
    let key = secret.map_or(String::new(), |secret| format!("key: {{ secret: {secret} }}\n"));
    format!("kind: certificate\nname: {name}\npem: |\n  {pem}\n{key}")
}

/// Whether a text may be the name of a certificate; if not, it is told.
fn is_name(command: &str, name: &str) -> bool {
    let (_, wrong) = parse_all("NAME", &format!("kind: certificate\nname: {name}\n"));
    if let Some(error) = wrong.first() {
        eprintln!("portolan certificate {command}: {}", error.message);
    }
    wrong.is_empty()
}

/// Whether certificates and secrets of such names are new; if one is not, it is told, and with which code the command ends.
/// What is there already stays: partners know it.
pub(in crate::cli) fn are_free(
    instance: &Instance,
    certificates: &[&str],
    secrets: &[&str],
) -> anyhow::Result<Option<Exit>> {
    let kinds = [("/api/v1/certificates", "certificate", certificates), ("/api/v1/secrets", "secret", secrets)];
    for (path, what, names) in kinds {
        let there = match instance.ask(Method::GET, path, &[], None)? {
            Answered::Done(value) => value,
            Answered::Refused(exit) => return Ok(Some(exit)),
        };
        let has = |name: &&&str| there["items"].as_array().into_iter().flatten().any(|one| one["name"] == **name);
        if let Some(name) = names.iter().find(has) {
            eprintln!("portolan: {what} {name} is there already; choose another NAME");
            return Ok(Some(Exit::Conflict));
        }
    }
    Ok(None)
}

/// Applies resources; where that is refused, the secrets that were set for them are removed: a key without its certificate
/// is of no use. Where it is not known whether they were applied, they stay, which is told.
fn apply(instance: &Instance, name: &str, yaml: &str, secrets: &[&str]) -> anyhow::Result<Option<Exit>> {
    let body = json!({ "files": [[format!("{name}.yaml"), yaml]], "prune": false });
    let Answered::Refused(exit) = instance.ask(Method::POST, "/api/v1/resources/apply", &[], Some(&body))? else {
        return Ok(None);
    };
    let is_refused = matches!(exit, Exit::Invalid | Exit::NotFound | Exit::NotPermitted | Exit::Conflict);
    if !is_refused && !secrets.is_empty() {
        eprintln!(
            "portolan: whether {name} was applied is not known, so its key stays, the secret {}; `portolan certificate list` \
             shows whether it was",
            secrets.join(", ")
        );
        return Ok(Some(exit));
    }
    for secret in secrets {
        // What it says is told already; the first refusal is the one that counts.
        instance.ask(Method::DELETE, &format!("/api/v1/secrets/{secret}"), &[], None)?;
    }
    Ok(Some(exit))
}
