//! `portolan certificate export`: a certificate as a file for others, and with its key as one that moves house.

use crate::app::write_private;
use crate::cli::client::{Answered, Instance};
use crate::cli::password::Password;
use crate::cli::{Exit, input};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use std::io::IsTerminal as _;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Export {
    /// A certificate, as the resource is called.
    name: String,
    /// As what.
    #[arg(long, default_value = "pem", value_parser = ["pem", "der", "p7b", "p12"])]
    form: String,
    /// With its private key: p12 only, and under a password.
    #[arg(long)]
    with_key: bool,
    #[command(flatten)]
    password: Password,
    /// The file to write, for nobody else to read; standard output when left out.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(instance: &Instance, export: &Export, as_json: bool) -> anyhow::Result<Exit> {
    let is_p12 = export.form == "p12";
    if export.with_key && !is_p12 {
        eprintln!("portolan certificate export: a private key leaves in p12 only, under a password: --form p12");
        return Ok(Exit::Usage);
    }
    if matches!(export.form.as_str(), "der" | "p7b" | "p12")
        && export.out.is_none()
        && !as_json
        && std::io::stdout().is_terminal()
    {
        eprintln!("portolan certificate export: {} is no text; name a file with --out", export.form);
        return Ok(Exit::Usage);
    }
    let password = if is_p12 { export.password.read_twice("Password of the new file: ")? } else { None };
    if is_p12 && password.as_deref().unwrap_or_default().is_empty() {
        eprintln!(
            "portolan certificate export: a p12 needs a password; give one on standard input with --password-stdin"
        );
        return Ok(Exit::Usage);
    }
    let path = format!("/api/v1/certificates/{}/export", export.name);
    let body = json!({ "form": export.form, "with_key": export.with_key, "password": password });
    let made = match instance.ask(Method::POST, &path, &[], Some(&body))? {
        Answered::Done(made) => made,
        Answered::Refused(exit) => return Ok(exit),
    };
    let bytes = STANDARD.decode(made["content"].as_str().unwrap_or_default())?;
    match &export.out {
        Some(file) => {
            write_private(file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
            let with = if export.with_key { ", with its private key" } else { "" };
            eprintln!("{} has certificate {}{with}", file.display(), export.name);
        }
        None if as_json => input::print_json(&made)?,
        None => input::print(&bytes)?,
    }
    Ok(Exit::Ok)
}
