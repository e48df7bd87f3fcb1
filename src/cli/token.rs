//! `portolan token`: tokens of channels and of the API.

use super::Exit;
use super::client::{Instance, column, moment};
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
                let state = if item["revoked_at"].is_null() { "valid" } else { "revoked" };
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
