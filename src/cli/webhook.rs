//! `portolan webhook`: how webhooks are doing, a test of one, and letting one go on that was given up.

use super::client::{Answered, Instance, column, moment};
use super::{Exit, input};
use crate::id::{Random as _, SystemRandom};
use crate::transport::http::webhook::SECRET_PREFIX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

/// Random bytes of a secret that is made here.
const SECRET_BYTES: usize = 32;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List webhooks: how far each has come, and why it fails.
    List,
    /// Post an event of type webhook.test to a webhook, once; 1 where it is not taken.
    Test {
        /// Its name.
        name: String,
    },
    /// Let a webhook go on where it stopped, at once.
    Resume {
        /// Its name.
        name: String,
    },
    /// Make a secret that signs events, set it under a name, and print it once, for the receiver.
    Secret {
        /// The name of the secret, as the resource has it.
        secret: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    match &arguments.action {
        Action::List => instance.show((Method::GET, "/api/v1/webhooks"), (&[], None), as_json, words),
        Action::Test { name } => test(instance, name, as_json),
        Action::Resume { name } => {
            let path = format!("/api/v1/webhooks/{name}/resume");
            instance.show((Method::POST, &path), (&[], None), as_json, |_| format!("{name} goes on\n"))
        }
        Action::Secret { secret } => {
            let mut bytes = [0; SECRET_BYTES];
            SystemRandom.fill(&mut bytes);
            let written = format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes));
            let body = json!({ "name": secret, "value": written });
            match instance.ask(Method::PUT, "/api/v1/secrets", &[], Some(&body))? {
                Answered::Refused(exit) => Ok(exit),
                Answered::Done(_) => {
                    match as_json {
                        true => input::print_json(&json!({ "secret": secret, "value": written }))?,
                        false => input::print(format!("{written}\n").as_bytes())?,
                    }
                    Ok(Exit::Ok)
                }
            }
        }
    }
}

fn test(instance: &Instance, name: &str, as_json: bool) -> anyhow::Result<Exit> {
    let seen = match instance.ask(Method::POST, &format!("/api/v1/webhooks/{name}/test"), &[], None)? {
        Answered::Refused(exit) => return Ok(exit),
        Answered::Done(seen) => seen,
    };
    let passed = seen["passed"] == true;
    match as_json {
        true => input::print_json(&seen)?,
        false if passed => input::print(format!("{name} took it: {}\n", seen["status"]).as_bytes())?,
        false => {
            let reason = seen["reason"].as_str().unwrap_or_default();
            input::print(format!("{name} did not take it: {reason}\n").as_bytes())?;
        }
    }
    Ok(if passed { Exit::Ok } else { Exit::Failed })
}

fn words(value: &Value) -> String {
    let mut text = String::new();
    for one in value["items"].as_array().into_iter().flatten() {
        let state = match (one["disabled_at"].is_null(), one["failures"].as_i64()) {
            (false, _) => format!("given up {}", moment(&one["disabled_at"])),
            (true, Some(1..)) => {
                format!("fails since {}, again {}", moment(&one["failing_since"]), moment(&one["next_at"]))
            }
            _ => format!("told last {}", moment(&one["delivered_at"])),
        };
        let reason = one["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
        text.push_str(&format!("{}{}{state}{reason}\n", column(&one["webhook_id"], 24), column(&one["position"], 10)));
    }
    text
}
