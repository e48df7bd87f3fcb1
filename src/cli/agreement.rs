//! `portolan agreement`: taking over from another system, control numbers and what it has seen.

use super::client::Instance;
use super::{Exit, input};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Set the control numbers that come next under an agreement of way out; they never go backwards.
    Seed {
        /// Name of the agreement.
        name: String,
        /// Interchange control number.
        #[arg(long, value_name = "NUMBER")]
        interchange: Option<u64>,
        /// Group control number (X12).
        #[arg(long, value_name = "NUMBER")]
        group: Option<u64>,
        /// Document control number, where they run on.
        #[arg(long, value_name = "NUMBER")]
        document: Option<u64>,
    },
    /// Note interchanges that came before: sent again, they are known as duplicates.
    Seen {
        /// Name of an agreement of way in.
        name: String,
        /// Control numbers, one a line; - for standard input.
        file: PathBuf,
        /// Who sent them, QUALIFIER:ID as in the envelope.
        #[arg(long, value_name = "QUALIFIER:ID")]
        sender: String,
        /// To whom, QUALIFIER:ID.
        #[arg(long, value_name = "QUALIFIER:ID")]
        receiver: String,
        /// Where they were seen.
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let (path, body) = match &arguments.action {
        Action::Seed { name, interchange, group, document } => {
            let numbers = [("interchange", interchange), ("group", group), ("document", document)];
            let given = numbers.iter().filter_map(|(key, number)| Some(((*key).to_owned(), Value::from((**number)?))));
            (format!("/api/v1/agreements/{name}/seed"), Value::Object(given.collect()))
        }
        Action::Seen { name, file, sender, receiver, note } => {
            let mut text = String::new();
            input::open(file)?.read_to_string(&mut text)?;
            let numbers: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let body = json!({ "sender": sender, "receiver": receiver, "control_numbers": numbers, "note": note });
            (format!("/api/v1/agreements/{name}/seen"), body)
        }
    };
    arguments.instance.show((Method::POST, &path), (&[], Some(&body)), as_json, words)
}

fn words(answer: &Value) -> String {
    if let Some(noted) = answer["noted"].as_u64() {
        return format!("{noted} interchanges noted\n");
    }
    let next = answer["next"].as_object().cloned().unwrap_or_default();
    next.iter().map(|(name, next)| format!("{name}: next is {next}\n")).collect()
}
