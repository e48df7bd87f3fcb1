//! `portolan transmission`: what transports carried.

use super::bulk::{self, Chosen, Wish};
use super::client::{Instance, column, moment};
use super::{Exit, input};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List transmissions, newest first.
    List {
        /// `in` or `out`.
        #[arg(long)]
        direction: Option<String>,
        /// `stored`, `split`, `held`, `rejected`, `duplicate`.
        #[arg(long)]
        state: Option<String>,
        /// Channel by name.
        #[arg(long)]
        channel: Option<String>,
        /// Partner by name.
        #[arg(long)]
        partner: Option<String>,
    },
    /// Show one with its documents, deliveries and history.
    Show {
        /// Its id.
        id: String,
    },
    /// Fetch its bytes, as they came or went.
    Content {
        /// Its id.
        id: String,
        /// Where to; ID.bin when left out.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List the parts of one that brought attachments with its document, or fetch one of them.
    Attachments {
        /// Its id.
        id: String,
        /// The part to fetch, by its number.
        number: Option<u32>,
        /// Where to; ID-NUMBER.bin when left out.
        #[arg(long, short, value_name = "FILE", requires = "number")]
        output: Option<PathBuf>,
    },
    /// List what is held, by equal cause: how many, since when, why.
    Groups,
    /// Let held ones go on.
    Release {
        #[command(flatten)]
        chosen: Chosen,
        /// The partner they are from, whatever their envelopes say.
        #[arg(long = "as", value_name = "PARTNER")]
        as_partner: Option<String>,
    },
    /// Give up held ones for good.
    Reject {
        #[command(flatten)]
        chosen: Chosen,
        /// For those who look later.
        #[arg(long)]
        reason: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    let many = |action: &'static str, chosen: &Chosen, reason: Option<&str>, as_partner: Option<&str>| {
        let wish = Wish { path: "transmissions", action, reason, as_partner };
        bulk::run(instance, &wish, chosen, as_json)
    };
    match &arguments.action {
        Action::Groups => bulk::groups(instance, "transmissions", as_json),
        Action::List { direction, state, channel, partner } => {
            let wishes = [("direction", direction), ("state", state), ("channel", channel), ("partner", partner)];
            let query: Vec<_> = wishes.iter().filter_map(|(key, value)| Some((*key, (*value).clone()?))).collect();
            instance.show((Method::GET, "/api/v1/transmissions"), (&query, None), as_json, |value| {
                value["items"].as_array().into_iter().flatten().map(row).collect()
            })
        }
        Action::Show { id } => {
            instance.show((Method::GET, &format!("/api/v1/transmissions/{id}")), (&[], None), as_json, shown)
        }
        Action::Content { id, output } => {
            let output = output.clone().unwrap_or_else(|| format!("{id}.bin").into());
            fetch(instance, &format!("/api/v1/transmissions/{id}/content"), &output)
        }
        Action::Attachments { id, number: None, .. } => {
            let path = format!("/api/v1/transmissions/{id}/attachments");
            instance.show((Method::GET, &path), (&[], None), as_json, |value| {
                value["items"].as_array().into_iter().flatten().map(part).collect()
            })
        }
        Action::Attachments { id, number: Some(number), output } => {
            let output = output.clone().unwrap_or_else(|| format!("{id}-{number}.bin").into());
            fetch(instance, &format!("/api/v1/transmissions/{id}/attachments/{number}"), &output)
        }
        Action::Release { chosen, as_partner } => match chosen.alone() {
            Some(id) => {
                let (path, body) = (format!("/api/v1/transmissions/{id}/release"), json!({ "as": as_partner }));
                instance.show((Method::POST, &path), (&[], Some(&body)), as_json, |_| format!("{id} goes on\n"))
            }
            None => many("release", chosen, None, as_partner.as_deref()),
        },
        Action::Reject { chosen, reason } => match chosen.alone() {
            Some(id) => {
                let (path, body) = (format!("/api/v1/transmissions/{id}/reject"), json!({ "reason": reason }));
                instance.show((Method::POST, &path), (&[], Some(&body)), as_json, |_| format!("{id} is given up\n"))
            }
            None => many("reject", chosen, Some(reason), None),
        },
    }
}

/// Fetches bytes into a file, and says which.
pub fn fetch(instance: &Instance, path: &str, output: &Path) -> anyhow::Result<Exit> {
    if let Some(exit) = instance.fetch(path, output)? {
        return Ok(exit);
    }
    input::print(format!("{}\n", output.display()).as_bytes())?;
    Ok(Exit::Ok)
}

fn part(item: &Value) -> String {
    let document = if item["is_document"] == true { "the document" } else { "" };
    format!(
        "{}{}{}{}{document}\n",
        column(&item["number"], 4),
        column(&item["size"], 10),
        column(&item["content_type"], 32),
        column(&item["name"], 32)
    )
}

fn row(item: &Value) -> String {
    let text = |key: &str, width| column(&item[key], width);
    let why = item["reason"].as_str().map_or(String::new(), |reason| format!("{} ", reason));
    format!(
        "{}  {}{}{}{}{}{}{why}\n",
        moment(&item["created_at"]),
        text("transmission_id", 36),
        text("direction", 3),
        text("state", 9),
        text("channel", 16),
        text("size", 8),
        item["code"].as_str().map_or(String::new(), |code| format!("{code}: ")),
    )
}

fn shown(value: &Value) -> String {
    let mut text = row(&value["transmission"]);
    text.push_str(&super::pause::waits(&value["waits"]));
    for document in value["documents"].as_array().into_iter().flatten() {
        text.push_str("  ");
        text.push_str(&super::document::row(document));
    }
    for delivery in value["deliveries"].as_array().into_iter().flatten() {
        text.push_str("  ");
        text.push_str(&super::delivery::row(delivery));
    }
    if let Some(delivery) = value["answers"].as_str() {
        text.push_str(&format!("  answers delivery {delivery}\n"));
    }
    text.push_str(&history(&value["events"]));
    text
}

/// Events, a line each.
pub fn history(events: &Value) -> String {
    let one = |event: &Value| {
        let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let step = match (word("from_state"), word("to_state")) {
            (from, to) if !from.is_empty() => format!("{from} → {to}"),
            (_, to) => to,
        };
        format!("  {}  {:12} {step:24} {} {}\n", moment(&event["at"]), word("kind"), word("actor"), word("cause"))
    };
    events.as_array().into_iter().flatten().map(one).collect()
}
