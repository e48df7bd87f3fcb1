//! `portolan certificate request`: a key of our own, and a request for its certificate that an authority answers.

use super::new::common_name;
use super::{are_free, asked, is_name};
use crate::cli::client::{Answered, Instance};
use crate::cli::{Exit, input};
use crate::transport::as2::request::{AlternativeName, Subject, request};
use crate::transport::as2::self_signed::NewKey;
use reqwest::Method;
use serde_json::json;
use std::net::IpAddr;

#[derive(clap::Args)]
pub struct Request {
    /// What the certificate will be called; the key becomes the secret NAME-key.
    name: String,
    /// Whom the certificate names, such as "ACME AS2".
    #[arg(long, value_name = "CN", value_parser = common_name)]
    common_name: String,
    /// The organisation.
    #[arg(long, value_name = "O")]
    organization: Option<String>,
    /// Its unit.
    #[arg(long, value_name = "OU")]
    unit: Option<String>,
    /// Its place.
    #[arg(long, value_name = "L")]
    locality: Option<String>,
    /// Its state or province.
    #[arg(long, value_name = "ST")]
    state: Option<String>,
    /// Its country, two letters, such as DE.
    #[arg(long, value_name = "C")]
    country: Option<String>,
    /// A host that the certificate is for as well; again for more.
    #[arg(long = "dns", value_name = "HOST")]
    dns: Vec<String>,
    /// An address of e-mail; again for more.
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// An address of IP; again for more.
    #[arg(long, value_name = "IP")]
    ip: Vec<IpAddr>,
    /// A URI; again for more.
    #[arg(long, value_name = "URI")]
    uri: Vec<String>,
    /// Which key.
    #[arg(long, default_value = "rsa-3072", value_parser = ["rsa-2048", "rsa-3072", "rsa-4096", "p-256", "p-384"])]
    key: String,
}

pub fn run(instance: &Instance, asked: &Request, as_json: bool) -> anyhow::Result<Exit> {
    let (name, secret) = (&asked.name, format!("{}-key", asked.name));
    if !is_name("request", name) {
        return Ok(Exit::Usage);
    }
    if let Some(exit) = are_free(instance, &[name], &[&secret])? {
        return Ok(exit);
    }
    let subject = Subject {
        common_name: asked.common_name.clone(),
        organization: asked.organization.clone(),
        unit: asked.unit.clone(),
        locality: asked.locality.clone(),
        state: asked.state.clone(),
        country: asked.country.clone(),
    };
    let texts =
        |texts: &[String], kind: fn(String) -> AlternativeName| texts.iter().cloned().map(kind).collect::<Vec<_>>();
    let mut beside = texts(&asked.dns, AlternativeName::Dns);
    beside.extend(texts(&asked.email, AlternativeName::Email));
    beside.extend(asked.ip.iter().copied().map(AlternativeName::Ip));
    beside.extend(texts(&asked.uri, AlternativeName::Uri));
    let key = match asked.key.as_str() {
        "rsa-2048" => NewKey::Rsa2048,
        "rsa-4096" => NewKey::Rsa4096,
        "p-256" => NewKey::P256,
        "p-384" => NewKey::P384,
        _ => NewKey::Rsa3072,
    };
    let Ok(made) = request(&subject, &beside, key) else {
        eprintln!(
            "portolan certificate request: expected names of 1 to 64 characters, a country of two capital letters, and hosts, \
             addresses and URIs of plain ASCII, found another"
        );
        return Ok(Exit::Usage);
    };
    asked!(instance, Method::PUT, "/api/v1/secrets", Some(&json!({ "name": secret, "value": made.key_pem })));
    if as_json {
        input::print_json(&json!({ "certificate": name, "secret": secret, "request": made.request_pem }))?;
        return Ok(Exit::Ok);
    }
    input::print(made.request_pem.as_bytes())?;
    eprintln!(
        "secret {secret} is set; send the request that is printed to an authority, and bring in what it answers with \
         `portolan certificate import {name} FILE --apply`"
    );
    Ok(Exit::Ok)
}
