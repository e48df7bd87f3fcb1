//! `portolan delivery`: what goes out, and what to do when it does not.

use super::Exit;
use super::bulk::{self, Chosen, Wish};
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
    /// List deliveries, newest first.
    List {
        /// `ready`, `retry_wait`, `uncertain`, `delivered`, `parked`, `held`, `cancelled`.
        #[arg(long)]
        state: Option<String>,
        /// Channel by name.
        #[arg(long)]
        channel: Option<String>,
        /// Partner by name.
        #[arg(long)]
        partner: Option<String>,
    },
    /// Show one with its attempts.
    Show {
        /// Its id.
        id: String,
    },
    /// List what waits for a person, by equal cause: how many, since when, why.
    Groups,
    /// Send parked ones anew, under new keys.
    Resubmit {
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Keep some from being sent.
    Hold {
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Let held ones go, or such that wait go now.
    Release {
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Give some up.
    Cancel {
        #[command(flatten)]
        chosen: Chosen,
        /// For those who look later.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    let steer = |id: &str, to: &str, reason: &str| {
        let (path, body) = (format!("/api/v1/deliveries/{id}/steer"), json!({ "to": to, "reason": reason }));
        instance
            .show((Method::POST, &path), (&[], Some(&body)), as_json, |value| format!("{id} is {to}{}\n", turn(value)))
    };
    let many = |action: &'static str, chosen: &Chosen, reason: Option<&str>| {
        let wish = Wish { path: "deliveries", action, reason, as_partner: None };
        bulk::run(instance, &wish, chosen, as_json)
    };
    match &arguments.action {
        Action::Groups => bulk::groups(instance, "deliveries", as_json),
        Action::List { state, channel, partner } => {
            let wishes = [("state", state), ("channel", channel), ("partner", partner)];
            let query: Vec<_> = wishes.iter().filter_map(|(key, value)| Some((*key, (*value).clone()?))).collect();
            instance.show((Method::GET, "/api/v1/deliveries"), (&query, None), as_json, |value| {
                value["items"].as_array().into_iter().flatten().map(row).collect()
            })
        }
        Action::Show { id } => {
            instance.show((Method::GET, &format!("/api/v1/deliveries/{id}")), (&[], None), as_json, |value| {
                let mut text = row(&value["delivery"]);
                if let Some(opens) = value["window"]["opens"].as_str() {
                    let channel = &value["window"]["channel"];
                    let other = channel.as_str().filter(|_| *channel != value["delivery"]["channel"]);
                    let of = other.map_or(String::new(), |name| format!(" of {name}"));
                    text.push_str(&format!("  waits for the window{of}, {opens}\n"));
                }
                for attempt in value["attempts"].as_array().into_iter().flatten() {
                    let word = |key: &str| attempt[key].as_str().unwrap_or("-").to_owned();
                    let status = attempt["status"].as_i64().map_or(String::new(), |status| status.to_string());
                    let at = moment(&attempt["started_at"]);
                    text.push_str(&format!(
                        "  attempt {} {at} {} {status} {}\n",
                        attempt["number"],
                        word("outcome"),
                        word("detail")
                    ));
                }
                text
            })
        }
        Action::Resubmit { chosen } => match chosen.alone() {
            Some(id) => {
                let path = format!("/api/v1/deliveries/{id}/resubmit");
                instance.show((Method::POST, &path), (&[], None), as_json, |value| {
                    format!("{id} goes again as {}{}\n", value["delivery"].as_str().unwrap_or_default(), turn(value))
                })
            }
            None => many("resubmit", chosen, None),
        },
        Action::Hold { chosen } => match chosen.alone() {
            Some(id) => steer(id, "held", "held by hand"),
            None => many("hold", chosen, Some("held by hand")),
        },
        Action::Release { chosen } => match chosen.alone() {
            Some(id) => steer(id, "ready", "released by hand"),
            None => many("release", chosen, Some("released by hand")),
        },
        Action::Cancel { chosen, reason } => match chosen.alone() {
            Some(id) => steer(id, "cancelled", reason),
            None => many("cancel", chosen, Some(reason)),
        },
    }
}

/// What is said behind a delivery that was sent anew or let go, and whose turn it is not.
fn turn(value: &Value) -> String {
    match (value["waits_for"].as_str(), value["waits_for_state"].as_str()) {
        (Some(first), Some(state)) => format!("; of its lane {first} goes first, which is {state}"),
        _ => String::new(),
    }
}

/// A line for a delivery.
pub fn row(item: &Value) -> String {
    let text = |key: &str, width| column(&item[key], width);
    let waits = match (item["waits_for"].as_str(), item["waits_for_state"].as_str()) {
        (Some(first), Some(state)) => format!("waits for {first}, which is {state}"),
        _ => String::new(),
    };
    let reason = item["reason"].as_str().unwrap_or_default();
    let why = if reason.is_empty() {
        waits
    } else if waits.is_empty() {
        reason.to_owned()
    } else {
        format!("{reason}; {waits}")
    };
    format!(
        "{}  {}{}{}{}{why}\n{}",
        moment(&item["created_at"]),
        text("delivery_id", 36),
        text("channel", 16),
        text("state", 12),
        text("attempts", 3),
        super::pause::waits(&item["waits"]),
    )
}
