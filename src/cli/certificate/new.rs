//! `portolan certificate new`: a key of our own and its self-signed certificate.

use super::{are_free, asked, is_name, resource};
use crate::cli::client::{Answered, Instance};
use crate::cli::{Exit, input};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::id::SystemRandom;
use crate::transport::as2::self_signed::{COMMON_NAME_CHARACTERS_MAX, NewKey, SelfSigned, self_signed};
use jiff::ToSpan as _;
use reqwest::Method;
use serde_json::json;

#[derive(clap::Args)]
pub struct New {
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

/// A common name that a certificate can have.
pub(super) fn common_name(text: &str) -> Result<String, String> {
    let count = text.chars().count();
    let is_fit = (1..=COMMON_NAME_CHARACTERS_MAX).contains(&count) && !text.chars().any(char::is_control);
    is_fit.then(|| text.to_owned()).ok_or_else(|| format!("expected 1 to {COMMON_NAME_CHARACTERS_MAX} characters"))
}

pub fn run(instance: &Instance, new: &New, as_json: bool) -> anyhow::Result<Exit> {
    let (name, secret) = (&new.name, format!("{}-key", new.name));
    if !is_name("new", name) {
        return Ok(Exit::Usage);
    }
    if let Some(exit) = are_free(instance, &[name], &[&secret])? {
        return Ok(exit);
    }
    let from = Timestamp::from_second(SystemClock.now().as_second())?;
    let until = from + (24 * i64::from(new.days)).hours();
    let key = if new.ec { NewKey::P256 } else { NewKey::Rsa3072 };
    let made = self_signed(&new.common_name, key, (from, until), &SystemRandom);
    let made = made.map_err(|_| anyhow::anyhow!("the key and its certificate could not be made"))?;
    let resource = resource(name, &made.certificate, Some(&secret));
    asked!(instance, Method::PUT, "/api/v1/secrets", Some(&json!({ "name": secret, "value": made.key_pem })));
    if new.apply
        && let Some(exit) = super::apply(instance, name, &resource, &[&secret])?
    {
        return Ok(exit);
    }
    print(new, &secret, &made, &resource, as_json)?;
    Ok(Exit::Ok)
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
