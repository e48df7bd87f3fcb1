//! `portolan certificate`: keys and certificates of AS2, made here and looked at.

use super::client::{Answered, Instance, column};
use super::{Exit, input};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::id::SystemRandom;
use crate::partner::parse_all;
use crate::transport::as2::self_signed::{COMMON_NAME_CHARACTERS_MAX, NewKey, SelfSigned, self_signed};
use jiff::ToSpan as _;
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
    New(New),
    /// List certificates, ours and the partners': until when each counts, and which channels use it.
    List,
}

#[derive(clap::Args)]
struct New {
    /// What the resource is called.
    name: String,
    /// Whom the certificate names, such as "ACME AS2".
    #[arg(long, value_name = "CN", value_parser = common_name)]
    common_name: String,
    /// Days that it counts.
    #[arg(long, default_value_t = 1095, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// A key of the curve P-256, in place of RSA with 3072 bits; ask the partner first.
    #[arg(long)]
    ec: bool,
    /// Apply the resource at once.
    #[arg(long)]
    apply: bool,
}

fn common_name(text: &str) -> Result<String, String> {
    let count = text.chars().count();
    let is_fit = (1..=COMMON_NAME_CHARACTERS_MAX).contains(&count) && !text.chars().any(char::is_control);
    is_fit.then(|| text.to_owned()).ok_or_else(|| format!("expected 1 to {COMMON_NAME_CHARACTERS_MAX} characters"))
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    match &arguments.action {
        Action::New(new) => make(instance, new, as_json),
        Action::List => instance.show((Method::GET, "/api/v1/certificates"), (&[], None), as_json, |value| {
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

fn make(instance: &Instance, new: &New, as_json: bool) -> anyhow::Result<Exit> {
    let (name, secret) = (&new.name, format!("{}-key", new.name));
    let (_, wrong) = parse_all("NAME", &format!("kind: certificate\nname: {name}\n"));
    if let Some(error) = wrong.first() {
        eprintln!("portolan certificate new: {}", error.message);
        return Ok(Exit::Usage);
    }
    // What is there already stays: partners know it.
    let has =
        |value: &Value, name: &str| value["items"].as_array().into_iter().flatten().any(|one| one["name"] == name);
    for (path, what, name) in [("/api/v1/certificates", "certificate", name), ("/api/v1/secrets", "secret", &secret)] {
        if has(&asked!(instance, Method::GET, path, None), name) {
            eprintln!("portolan: {what} {name} is there already; choose another NAME");
            return Ok(Exit::Conflict);
        }
    }
    let from = Timestamp::from_second(SystemClock.now().as_second())?;
    let until = from + (24 * i64::from(new.days)).hours();
    let key = if new.ec { NewKey::P256 } else { NewKey::Rsa3072 };
    let made = self_signed(&new.common_name, key, (from, until), &SystemRandom);
    let made = made.map_err(|_| anyhow::anyhow!("the key and its certificate could not be made"))?;
    let resource = resource(name, &secret, &made);
    asked!(instance, Method::PUT, "/api/v1/secrets", Some(&json!({ "name": secret, "value": made.key_pem })));
    if new.apply {
        let body = json!({ "files": [[format!("{name}.yaml"), resource]], "prune": false });
        if let Answered::Refused(exit) = instance.ask(Method::POST, "/api/v1/resources/apply", &[], Some(&body))? {
            // A key without its certificate is of no use.
            asked!(instance, Method::DELETE, &format!("/api/v1/secrets/{secret}"), None);
            return Ok(exit);
        }
    }
    print(new, &secret, &made, &resource, as_json)?;
    Ok(Exit::Ok)
}

/// The resource, as it is applied.
fn resource(name: &str, secret: &str, made: &SelfSigned) -> String {
    let pem = made.certificate_pem.trim_end().replace('\n', "\n  ");
    format!("kind: certificate\nname: {name}\npem: |\n  {pem}\nkey: {{ secret: {secret} }}\n")
}

fn print(new: &New, secret: &str, made: &SelfSigned, resource: &str, as_json: bool) -> anyhow::Result<()> {
    let (name, one) = (&new.name, &made.certificate);
    if as_json {
        return input::print_json(&json!({
            "certificate": name,
            "secret": secret,
            "common_name": one.common_name(),
            "not_before": one.not_before.as_microsecond(),
            "not_after": one.not_after.as_microsecond(),
            "fingerprint": one.fingerprint(),
            "pem": made.certificate_pem,
            "resource": resource,
            "applied": new.apply,
        }));
    }
    input::print(if new.apply { &made.certificate_pem } else { resource }.as_bytes())?;
    let until = one.not_after.strftime("%Y-%m-%d");
    let next = match new.apply {
        true => format!("certificate/{name} is applied; the partner gets what is printed"),
        false => "apply the resource that is printed, and give the partner the certificate in it".to_owned(),
    };
    eprintln!("secret {secret} is set; the certificate counts until {until}; {next}");
    Ok(())
}
