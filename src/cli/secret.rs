//! `portolan secret`: values that resources name and nobody reads back.

use super::Exit;
use super::client::Instance;
use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read as _;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Set a secret; its value is read from standard input, one line end at its end left out.
    Set {
        /// Its name.
        name: String,
    },
    /// List names, and those that resources use and nobody set.
    List,
    /// Remove a secret.
    Remove {
        /// Its name.
        name: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    match &arguments.action {
        Action::Set { name } => {
            let mut value = String::new();
            std::io::stdin().read_to_string(&mut value).context("cannot read the value from standard input")?;
            let value =
                value.strip_suffix('\n').map_or(value.as_str(), |value| value.strip_suffix('\r').unwrap_or(value));
            let body = json!({ "name": name, "value": value });
            instance.show((Method::PUT, "/api/v1/secrets"), (&[], Some(&body)), as_json, |_| format!("{name} is set\n"))
        }
        Action::List => instance.show((Method::GET, "/api/v1/secrets"), (&[], None), as_json, |value| {
            let names = |key: &str| value[key].as_array().cloned().unwrap_or_default();
            let set = names("items")
                .iter()
                .map(|item| format!("{}\n", item["name"].as_str().unwrap_or_default()))
                .collect::<String>();
            let missing = names("missing");
            let missing = missing.iter().filter_map(Value::as_str).map(|name| format!("{name} (used, not set)\n"));
            set + &missing.collect::<String>()
        }),
        Action::Remove { name } => {
            let path = format!("/api/v1/secrets/{name}");
            instance.show((Method::DELETE, &path), (&[], None), as_json, |_| format!("{name} is gone\n"))
        }
    }
}
