//! `portolan document`: where is order 4711?

use super::Exit;
use super::client::{Instance, column, moment};
use reqwest::Method;
use serde_json::Value;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List documents, newest first.
    List {
        /// Number of the order, invoice …
        #[arg(long)]
        number: Option<String>,
        /// `in` or `out`.
        #[arg(long)]
        direction: Option<String>,
        /// Partner by name.
        #[arg(long)]
        partner: Option<String>,
        /// Document type: 850, ORDERS.
        #[arg(long = "type")]
        kind: Option<String>,
        /// `routed`, `failed`, `held`, `duplicate`, `dropped`.
        #[arg(long)]
        processing: Option<String>,
        /// `waiting`, `accepted`, `rejected`, `overdue`.
        #[arg(long)]
        ack: Option<String>,
    },
    /// List acknowledgments that came and fit nothing we sent, newest first.
    Unmatched,
    /// Show one with its findings, deliveries, answers and history.
    Show {
        /// Its id.
        id: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    match &arguments.action {
        Action::List { number, direction, partner, kind, processing, ack } => {
            let wishes = [
                ("number", number),
                ("direction", direction),
                ("partner", partner),
                ("type", kind),
                ("processing", processing),
                ("ack", ack),
            ];
            let query: Vec<_> = wishes.iter().filter_map(|(key, value)| Some((*key, (*value).clone()?))).collect();
            instance.show((Method::GET, "/api/v1/documents"), (&query, None), as_json, |value| {
                value["items"].as_array().into_iter().flatten().map(row).collect()
            })
        }
        Action::Unmatched => instance.show((Method::GET, "/api/v1/acks/unmatched"), (&[], None), as_json, |value| {
            value["items"].as_array().into_iter().flatten().map(unmatched).collect()
        }),
        Action::Show { id } => {
            instance.show((Method::GET, &format!("/api/v1/documents/{id}")), (&[], None), as_json, shown)
        }
    }
}

/// A line for a document.
pub fn row(item: &Value) -> String {
    let text = |key: &str, width| column(&item[key], width);
    let why = item["reason"].as_str().unwrap_or_default();
    format!(
        "{}  {}{}{}{}{}{}{}{why}\n",
        moment(&item["created_at"]),
        text("document_id", 36),
        text("direction", 3),
        text("type", 6),
        text("business_number", 14),
        text("processing", 9),
        text("delivery", 12),
        text("ack", 10),
    )
}

/// A line for an acknowledgment that fits nothing: by which numbers it means what, and the transmission that brought it.
fn unmatched(item: &Value) -> String {
    let text = |key: &str, width| column(&item[key], width);
    format!(
        "{}  {}{}{}{}interchange {} group {} document {}  {}\n",
        moment(&item["created_at"]),
        text("transmission_id", 36),
        text("partner", 16),
        text("kind", 10),
        text("state", 22),
        word(&item["interchange_control_number"]),
        word(&item["group_control_number"]),
        word(&item["document_control_number"]),
        item["detail"].as_str().unwrap_or_default()
    )
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn shown(value: &Value) -> String {
    let mut text = row(&value["document"]);
    for finding in value["document"]["report"].as_array().into_iter().flatten() {
        let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!(
            "  {} {}\n    {}\n    {}\n",
            word("severity"),
            word("code"),
            word("message"),
            word("remedy")
        ));
    }
    for (key, word) in [("made_from", "made from"), ("made_into", "made into")] {
        for id in value[key].as_array().into_iter().flatten().filter_map(Value::as_str) {
            text.push_str(&format!("  {word} {id}\n"));
        }
    }
    for waiting in value["waiting"].as_array().into_iter().flatten() {
        let (agreement, due) =
            (waiting["agreement"].as_str().unwrap_or_default(), super::client::moment(&waiting["due_at"]));
        text.push_str(&format!("waits          for others of {agreement}; it leaves at {due} at the latest\n"));
        text.push_str(&super::pause::waits(&waiting["waits"]));
    }
    for delivery in value["deliveries"].as_array().into_iter().flatten() {
        text.push_str("  ");
        text.push_str(&super::delivery::row(delivery));
    }
    for ack in value["acks"].as_array().into_iter().flatten() {
        let word = |key: &str| ack[key].as_str().unwrap_or("-").to_owned();
        let when = if ack["answered_at"].is_null() { "deadline" } else { "answered_at" };
        let when = if ack[when].is_null() { String::new() } else { moment(&ack[when]) };
        let way = if ack["direction"] == "out" { "sent" } else { "from them" };
        let (kind, level, state) = (word("kind"), word("level"), word("state"));
        text.push_str(&format!("  {kind} {way}: {level} {state} {when} {}\n", word("detail")));
    }
    text + &super::transmission::history(&value["events"])
}
