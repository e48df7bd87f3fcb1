//! `portolan token`: tokens of channels and of the API.

use super::Exit;
use super::client::{Instance, column, moment};
use crate::clock::{Clock as _, SystemClock, Timestamp};
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
    /// Make a token and print it, this once.
    Create {
        /// A channel of way in; without it, and without a mailbox, the token is for the admin API.
        #[arg(long, conflicts_with = "mailbox")]
        channel: Option<String>,
        /// A mailbox, to be reached over HTTPS.
        #[arg(long)]
        mailbox: Option<String>,
        /// What people call it.
        #[arg(long, default_value = "")]
        label: String,
        /// Days until it ends.
        #[arg(long)]
        days: Option<u32>,
    },
    /// List all tokens, without their texts.
    List,
    /// End a token now.
    Revoke {
        /// Its id.
        id: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    match &arguments.action {
        Action::Create { channel, mailbox, label, days } => {
            let body = json!({ "channel": channel, "mailbox": mailbox, "label": label, "days": days });
            let words = |value: &Value| format!("{}\n", value["text"].as_str().unwrap_or_default());
            instance.show((Method::POST, "/api/v1/tokens"), (&[], Some(&body)), as_json, words)
        }
        Action::List => instance.show((Method::GET, "/api/v1/tokens"), (&[], None), as_json, |value| {
            let items = value["items"].as_array().into_iter().flatten();
            let row = |item: &Value| {
                let state = state(item, SystemClock.now());
                let (id, hint, scope) =
                    (column(&item["token_id"], 36), column(&item["hint"], 12), column(&item["scope"], 24));
                format!(
                    "{id}{hint}{scope}{state} {} {}\n",
                    moment(&item["created_at"]),
                    item["label"].as_str().unwrap_or_default()
                )
            };
            items.map(row).collect()
        }),
        Action::Revoke { id } => {
            let path = format!("/api/v1/tokens/{id}");
            instance.show((Method::DELETE, &path), (&[], None), as_json, |_| format!("{id} is ended\n"))
        }
    }
}

/// Whether a token lets in now.
fn state(item: &Value, now: Timestamp) -> String {
    let is_over = item["expires_at"].as_i64().is_some_and(|at| at <= now.as_microsecond());
    match (item["revoked_at"].is_null(), is_over) {
        (false, _) => "revoked".to_owned(),
        (true, true) => format!("ended {}", moment(&item["expires_at"])),
        (true, false) if item["expires_at"].is_null() => "valid".to_owned(),
        (true, false) => format!("valid until {}", moment(&item["expires_at"])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_has_ended_is_not_called_valid() {
        let now = Timestamp::from_second(1000).expect("a moment");
        let micros = 1_000_000_000_i64;
        let token = |expires: Option<i64>, revoked: Option<i64>| {
            state(&json!({ "expires_at": expires, "revoked_at": revoked }), now)
        };
        assert_eq!(token(None, None), "valid");
        assert_eq!(token(Some(micros + 1), None), format!("valid until {}", moment(&json!(micros + 1))));
        assert_eq!(token(Some(micros), None), format!("ended {}", moment(&json!(micros))), "as the ledger counts");
        assert_eq!(token(Some(micros - 1), Some(5)), "revoked");
    }
}
