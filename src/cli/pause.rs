//! `portolan pause` and `portolan resume`: what is kept from going on for a while, and lets it go on. What comes in is taken in
//! all the same.

use super::Exit;
use super::client::{Instance, moment};
use reqwest::Method;
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List what is paused, since when, by whom, why, until when, and how much waits for it.
    List,
    /// What comes from the partner is taken in and waits; nothing is sent to it.
    Partner(Named),
    /// What comes over the channel is taken in and waits; nothing is sent over it, and no folder is looked at.
    Channel(Named),
    /// What comes or goes under the agreement waits.
    Agreement(Named),
    /// What would go along the route waits, with all that came in together with it.
    Route(Named),
}

#[derive(clap::Args)]
struct Named {
    /// Its name.
    name: String,
    /// For those who look later.
    #[arg(long)]
    reason: Option<String>,
    /// When it ends by itself, such as 2026-11-28T06:00:00Z.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

#[derive(clap::Args)]
pub struct Resume {
    #[command(flatten)]
    instance: Instance,
    /// `partner`, `channel`, `agreement` or `route`.
    #[arg(value_parser = ["partner", "channel", "agreement", "route"])]
    kind: String,
    /// Its name.
    name: String,
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    let (kind, named) = match &arguments.action {
        None | Some(Action::List) => {
            return instance.show((Method::GET, "/api/v1/pauses"), (&[], None), as_json, listed);
        }
        Some(Action::Partner(named)) => ("partner", named),
        Some(Action::Channel(named)) => ("channel", named),
        Some(Action::Agreement(named)) => ("agreement", named),
        Some(Action::Route(named)) => ("route", named),
    };
    let Named { name, reason, until } = named;
    let body = json!({ "kind": kind, "name": name, "reason": reason, "until": until });
    let words = format!("{kind} {name} is paused; portolan resume {kind} {name} lets it go on\n");
    instance.show((Method::POST, "/api/v1/pauses"), (&[], Some(&body)), as_json, |_| words.clone())
}

pub fn resume(arguments: &Resume, as_json: bool) -> anyhow::Result<Exit> {
    let Resume { instance, kind, name } = arguments;
    // A slash is part of the name here, and no step of the path.
    let step = name.replace('%', "%25").replace('/', "%2F").replace('?', "%3F").replace('#', "%23");
    let path = format!("/api/v1/pauses/{kind}/{step}");
    instance.show((Method::DELETE, &path), (&[], None), as_json, |_| format!("{kind} {name} goes on\n"))
}

fn listed(value: &Value) -> String {
    let lines: String = value["items"].as_array().into_iter().flatten().map(line).collect();
    if lines.is_empty() { "nothing is paused\n".to_owned() } else { lines }
}

/// A line for something that is paused, with how much waits for it.
pub fn line(pause: &Value) -> String {
    let (transmissions, deliveries) = (&pause["transmissions"], &pause["deliveries"]);
    let interchanges = &pause["interchanges"];
    format!(
        "{}; {transmissions} transmissions, {deliveries} deliveries, {interchanges} interchanges wait\n",
        is_paused(pause)
    )
}

/// What something waits for, behind its own line; nothing where it waits for no pause.
pub fn waits(pause: &Value) -> String {
    if pause.is_null() { String::new() } else { format!("    waits: {}\n", is_paused(pause)) }
}

/// `partner lamps is paused since 2026-11-27 10:00:00 by token:anna until 2026-11-28 06:00:00: their ERP is down`.
fn is_paused(pause: &Value) -> String {
    let word = |key: &str| pause[key].as_str().unwrap_or_default();
    let until =
        if pause["ends_at"].is_null() { String::new() } else { format!(" until {}", moment(&pause["ends_at"])) };
    let reason = pause["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
    let since = moment(&pause["began_at"]);
    format!("{} {} is paused since {since} by {}{until}{reason}", word("kind"), word("name"), word("actor"))
}
