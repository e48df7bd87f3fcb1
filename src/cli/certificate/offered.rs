//! `portolan certificate list --offered`, `accept`, `refuse`: certificates that partners signed with and nobody trusts yet. One
//! is accepted by a person, into channels that are named, after the plan was shown.

use super::{are_free, asked, is_name, resource};
use crate::cli::client::{Answered, Instance, moment};
use crate::cli::{Exit, apply, input};
use crate::partner::{Resource, export, parse_all};
use crate::transport::as2::certificate::Certificate;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};

/// Hexadecimal digits that name a certificate, at least: so many nobody makes fit.
const FINGERPRINT_DIGITS_MIN: usize = 16;

#[derive(clap::Args)]
pub struct Accept {
    /// Its fingerprint, as `list --offered` shows it: all of it, or the first 16 digits and more.
    fingerprint: String,
    /// A channel whose partner may sign with it; again for more, such as those of both ways.
    #[arg(long, required = true, value_name = "NAME")]
    channel: Vec<String>,
    /// What the resource is called; the channel's name and the first digits when left out.
    #[arg(long)]
    name: Option<String>,
    /// Apply without asking.
    #[arg(long)]
    yes: bool,
}

#[derive(clap::Args)]
pub struct Refuse {
    /// Its fingerprint, as `list --offered` shows it: all of it, or the first 16 digits and more.
    fingerprint: String,
}

pub fn list(instance: &Instance, as_json: bool) -> anyhow::Result<Exit> {
    instance.show((Method::GET, "/api/v1/certificates/offered"), (&[], None), as_json, |value| {
        let all: String = value["items"].as_array().into_iter().flatten().map(row).collect();
        if all.is_empty() { "no certificate is offered\n".to_owned() } else { all }
    })
}

fn row(item: &Value) -> String {
    let word = |key: &str| item[key].as_str().unwrap_or_default();
    let day = |key: &str| moment(&item[key]).chars().take(10).collect::<String>();
    let channels: Vec<&str> = item["channels"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let how = match (word("signed"), item["wants_answer"] == true) {
        ("exchange", true) => "came in a certificate exchange message, which waits for an answer,",
        ("exchange", false) => "came in a certificate exchange message",
        ("receipt", _) => "signed a receipt",
        _ => "signed a message",
    };
    let mark = if item["counts_now"] == true { "" } else { "  IT DOES NOT COUNT TODAY" };
    let uses: Vec<&str> = item["uses"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut wanted = if uses.is_empty() { String::new() } else { format!("    for {}", uses.join(", ")) };
    if item["respond_by"].is_string() {
        wanted.push_str(&format!(", an answer is wanted until {}", word("respond_by")));
    }
    if item["trusted"] == true {
        wanted.push_str("; IT IS TRUSTED, and the answer has not left: `portolan certificate accept` sends it");
    }
    wanted.push_str(if wanted.is_empty() { "" } else { "\n" });
    format!(
        "{}\n    {}\n    {}, {} to {}{mark}; issued by {}, serial number {}\n    {} on {}, {} times from {} to {}; last {}\n\
         {wanted}    the partner's channels: {}\n",
        word("fingerprint"),
        word("subject"),
        word("key"),
        day("not_before"),
        day("not_after"),
        if word("issuer") == word("subject") { "itself" } else { word("issuer") },
        word("serial"),
        how,
        word("channel"),
        item["seen"],
        moment(&item["first_at"]),
        moment(&item["last_at"]),
        word("seen_in"),
        if channels.is_empty() { "none".to_owned() } else { channels.join(", ") },
    )
}

/// A fingerprint as it is kept: lower case, without colons and spaces; none where it is too short or something else.
fn digits(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
    let is_fit = plain.len() >= FINGERPRINT_DIGITS_MIN && plain.chars().all(|c| c.is_ascii_hexdigit());
    is_fit.then_some(plain)
}

/// The one that is meant; else the code with which the command ends.
fn find(instance: &Instance, fingerprint: &str) -> anyhow::Result<Result<Value, Exit>> {
    let Some(wanted) = digits(fingerprint) else {
        eprintln!(
            "portolan certificate: expected a fingerprint, at least {FINGERPRINT_DIGITS_MIN} hexadecimal digits of it"
        );
        return Ok(Err(Exit::Usage));
    };
    let all = match instance.ask(Method::GET, "/api/v1/certificates/offered", &[], None)? {
        Answered::Done(all) => all,
        Answered::Refused(exit) => return Ok(Err(exit)),
    };
    let is = |one: &&Value| one["fingerprint"].as_str().is_some_and(|own| own.starts_with(&wanted));
    match all["items"].as_array().into_iter().flatten().find(is) {
        Some(one) => Ok(Ok(one.clone())),
        None => {
            eprintln!(
                "portolan certificate: no certificate {wanted} is offered; `portolan certificate list --offered` shows all"
            );
            Ok(Err(Exit::NotFound))
        }
    }
}

pub fn refuse(instance: &Instance, refuse: &Refuse, as_json: bool) -> anyhow::Result<Exit> {
    let one = match find(instance, &refuse.fingerprint)? {
        Ok(one) => one,
        Err(exit) => return Ok(exit),
    };
    let fingerprint = one["fingerprint"].as_str().unwrap_or_default();
    let path = format!("/api/v1/certificates/offered/{fingerprint}");
    instance.show((Method::DELETE, &path), (&[], None), as_json, |done| {
        let answers = answers(&one, &done["answered"]).map_or_else(String::new, |told| format!("; {told}"));
        format!("{fingerprint} is off the list{answers}\n")
    })
}

/// How many answers left; none where nobody waited for one.
fn answers(one: &Value, answered: &Value) -> Option<String> {
    match answered.as_i64() {
        Some(0) | None if one["wants_answer"] != true => None,
        Some(0) | None => Some(
            "no answer to its certificate exchange message left: no channel out has the same pair, or it is trusted"
                .to_owned(),
        ),
        Some(1) => Some("the partner is answered".to_owned()),
        Some(all) => Some(format!("{all} answers leave")),
    }
}

/// The name of a certificate that is there already under that fingerprint.
fn known(instance: &Instance, fingerprint: &str) -> anyhow::Result<Result<Option<String>, Exit>> {
    let all = match instance.ask(Method::GET, "/api/v1/certificates", &[], None)? {
        Answered::Done(all) => all,
        Answered::Refused(exit) => return Ok(Err(exit)),
    };
    let mut items = all["items"].as_array().into_iter().flatten();
    let found = items.find(|one| one["fingerprint"] == *fingerprint);
    Ok(Ok(found.and_then(|one| one["name"].as_str()).map(str::to_owned)))
}

pub fn accept(instance: &Instance, accept: &Accept, as_json: bool) -> anyhow::Result<Exit> {
    let one = match find(instance, &accept.fingerprint)? {
        Ok(one) => one,
        Err(exit) => return Ok(exit),
    };
    let fingerprint = one["fingerprint"].as_str().unwrap_or_default();
    let certificate = Certificate::all(one["pem"].as_str().unwrap_or_default().as_bytes())?.swap_remove(0);
    anyhow::ensure!(certificate.fingerprint() == fingerprint, "the instance shows another certificate than it names");
    let there = match known(instance, fingerprint)? {
        Ok(there) => there,
        Err(exit) => return Ok(exit),
    };
    let first = accept.channel.first().map(String::as_str).unwrap_or_default();
    let own = accept.name.clone().unwrap_or_else(|| format!("{first:.48}-{fingerprint:.8}"));
    let name = there.clone().unwrap_or(own);
    if there.is_none() {
        if !is_name("accept", &name) {
            return Ok(Exit::Usage);
        }
        if let Some(exit) = are_free(instance, &[&name], &[])? {
            return Ok(exit);
        }
    } else if accept.name.as_ref().is_some_and(|own| *own != name) {
        eprintln!("portolan certificate accept: it is there already as certificate/{name}; --name is not looked at");
    }
    let exported = asked!(instance, Method::GET, "/api/v1/resources", None);
    let (all, _) = parse_all("the instance", exported.as_str().unwrap_or_default());
    let mut wanted = if there.is_some() { String::new() } else { resource(&name, &certificate, None) };
    for channel in &accept.channel {
        let found = all.iter().find(|one| one.kind == "channel" && one.name == *channel && one.body["as2"].is_object());
        let Some(found) = found else {
            let names: Vec<&str> =
                all.iter().filter(|one| one.body["as2"].is_object()).map(|one| one.name.as_str()).collect();
            let hint = crate::near::hint(channel, &names);
            eprintln!("portolan certificate accept: no channel of transport as2 is called {channel}{hint}");
            return Ok(Exit::NotFound);
        };
        let its: Vec<&str> = one["channels"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !its.contains(&channel.as_str()) {
            let its = if its.is_empty() { "none".to_owned() } else { its.join(", ") };
            eprintln!(
                "portolan certificate accept: {channel} is no channel of the partner that offered it; the partner's channels: {its}"
            );
            return Ok(Exit::Conflict);
        }
        wanted.push_str(&with_certificate(found, &name));
    }
    let body = json!({ "files": [["accepted.yaml", wanted]], "prune": false });
    let planned = asked!(instance, Method::POST, "/api/v1/resources/plan", Some(&body));
    if !as_json {
        let shown = format!("{}{}", row(&one), apply::words(&planned));
        input::print(shown.as_bytes())?;
    }
    if !accept.yes && !is_confirmed()? {
        eprintln!("nothing is changed; --yes applies it without asking");
        return Ok(Exit::Conflict);
    }
    // What somebody changed since it was shown is not written over.
    let mut looked_at = body;
    looked_at["revision"] = planned["revision"].clone();
    let applied = asked!(instance, Method::POST, "/api/v1/resources/apply", Some(&looked_at));
    let path = format!("/api/v1/certificates/offered/{fingerprint}/answer");
    let answered = asked!(instance, Method::POST, &path, None)["answered"].clone();
    if as_json {
        input::print_json(
            &json!({ "certificate": name, "answered": answered, "fingerprint": fingerprint, "changes": applied["changes"],
            "revision": applied["revision"] }),
        )?;
        return Ok(Exit::Ok);
    }
    if let Some(told) = answers(&one, &answered) {
        eprintln!("{told}");
    }
    eprintln!(
        "certificate/{name} counts from now on; what it signed before was refused, and is taken when the partner sends it again"
    );
    Ok(Exit::Ok)
}

/// A channel as YAML, with a certificate more.
fn with_certificate(channel: &Resource, name: &str) -> String {
    let mut changed = channel.clone();
    let mut all = changed.body["as2"]["certificates"].as_array().cloned().unwrap_or_default();
    if !all.iter().any(|one| one == name) {
        all.push(name.into());
    }
    changed.body["as2"]["certificates"] = Value::Array(all);
    export(&[changed])
}

/// Asks on a terminal whether to go on.
fn is_confirmed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("The partner has told you this fingerprint on another way, and it is to be trusted? [y/N] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
