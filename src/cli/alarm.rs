//! `portolan alarm`: what is wrong, who was told, and what to do about it.

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
    /// List alarms that are not over; --all lists all, newest first.
    List {
        /// Those that are over or closed, too.
        #[arg(long)]
        all: bool,
        /// Of this partner only.
        #[arg(long)]
        partner: Option<String>,
    },
    /// Show an alarm with its history.
    Show {
        /// Its id.
        id: String,
    },
    /// Take an alarm up: nobody is reminded of it until it is over.
    Acknowledge {
        /// Its id.
        id: String,
    },
    /// Keep an alarm quiet for a while.
    Snooze {
        /// Its id.
        id: String,
        /// How long.
        #[arg(long, default_value_t = 240)]
        minutes: u64,
    },
    /// Close an alarm: it is raised again when more comes.
    Close {
        /// Its id.
        id: String,
    },
    /// Send again what an alarm of parked deliveries is about.
    Retry {
        /// Its id.
        id: String,
    },
    /// List what is watched, and how bad it is.
    Alerts,
    /// List mails and posts about alarms, newest first.
    Notices {
        /// Only those that are ready, sent or given_up.
        #[arg(long)]
        state: Option<String>,
    },
    /// Send a notice again that was given up.
    Resend {
        /// The id of the notice.
        notice: String,
    },
    /// Send a test to a recipient; mail is that of [mail] in portolan.toml.
    Test {
        /// The recipient.
        recipient: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    let act = |id: &str, body: Value, words: &str| {
        let (path, words) = (format!("/api/v1/alarms/{id}/act"), format!("{id} {words}\n"));
        instance.show((Method::POST, &path), (&[], Some(&body)), as_json, |_| words.clone())
    };
    match &arguments.action {
        Action::List { all, partner } => {
            let mut query: Vec<(&str, String)> = partner.iter().map(|partner| ("partner", partner.clone())).collect();
            query.push(("standing", (!all).to_string()));
            instance.show((Method::GET, "/api/v1/alarms"), (&query, None), as_json, listed)
        }
        Action::Show { id } => {
            instance.show((Method::GET, &format!("/api/v1/alarms/{id}")), (&[], None), as_json, shown)
        }
        Action::Acknowledge { id } => act(id, json!({ "to": "acknowledged" }), "is taken up"),
        Action::Snooze { id, minutes } => {
            act(id, json!({ "to": "snoozed", "minutes": minutes }), &format!("is quiet for {minutes} minutes"))
        }
        Action::Close { id } => act(id, json!({ "to": "closed" }), "is closed"),
        Action::Retry { id } => {
            let path = format!("/api/v1/alarms/{id}/retry");
            let words = |value: &Value| format!("{} deliveries go again\n", value["resubmitted"]);
            instance.show((Method::POST, &path), (&[], None), as_json, words)
        }
        Action::Alerts => instance.show((Method::GET, "/api/v1/alerts"), (&[], None), as_json, alerts),
        Action::Notices { state } => {
            let query: Vec<(&str, String)> = state.iter().map(|state| ("state", state.clone())).collect();
            instance.show((Method::GET, "/api/v1/notices"), (&query, None), as_json, notices)
        }
        Action::Resend { notice } => {
            let path = format!("/api/v1/notices/{notice}/retry");
            instance.show((Method::POST, &path), (&[], None), as_json, |_| format!("{notice} goes again\n"))
        }
        Action::Test { recipient } => {
            let path = format!("/api/v1/recipients/{recipient}/test");
            let words = |value: &Value| {
                format!("{} on their way; portolan alarm notices says whether they were taken\n", value["notices"])
            };
            instance.show((Method::POST, &path), (&[], None), as_json, words)
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn listed(value: &Value) -> String {
    let rows = value["items"].as_array().into_iter().flatten();
    let lines: String = rows
        .map(|one| {
            let (id, severity) = (column(&one["alarm_id"], 42), column(&one["severity"], 10));
            let (state, at) = (column(&one["state"], 14), moment(&one["created_at"]));
            format!("{id}{severity}{state}{at}  {}: {}\n", text(one, "title"), text(one, "words"))
        })
        .collect();
    if lines.is_empty() { "no alarms\n".to_owned() } else { lines }
}

fn shown(value: &Value) -> String {
    let alarm = &value["alarm"];
    let mut words = format!(
        "{}  {}  {}\n{}\n{}\n",
        text(alarm, "alarm_id"),
        text(alarm, "severity"),
        text(alarm, "state"),
        text(alarm, "title"),
        text(alarm, "words")
    );
    for key in ["alert", "partner", "channel", "document", "code", "subject", "acted_by"] {
        if let Some(found) = alarm[key].as_str() {
            words.push_str(&format!("{key:12} {found}\n"));
        }
    }
    words.push_str(&format!("{:12} {}\n", "count", alarm["count"]));
    for (key, name) in [
        ("first_at", "since"),
        ("last_at", "last"),
        ("created_at", "raised"),
        ("snoozed_until", if alarm["state"] == "snoozed" { "quiet until" } else { "was quiet to" }),
        ("ended_at", "ended"),
    ] {
        if !alarm[key].is_null() {
            words.push_str(&format!("{name:12} {}\n", moment(&alarm[key])));
        }
    }
    for event in value["events"].as_array().into_iter().flatten() {
        words.push_str(&format!(
            "{}  {}  {}\n",
            moment(&event["at"]),
            column(&event["to_state"], 14),
            text(event, "actor")
        ));
    }
    words
}

fn alerts(value: &Value) -> String {
    let rows = value["items"].as_array().into_iter().flatten();
    let line = |one: &Value| {
        let off = if one["enabled"] == true { "" } else { "  (switched off)" };
        let (name, watch) = (column(&one["alert"], 26), column(&one["watch"], 14));
        format!("{name}{watch}{}{}{off}\n", column(&one["severity"], 10), text(one, "title"))
    };
    rows.map(line).collect()
}

fn notices(value: &Value) -> String {
    let rows = value["items"].as_array().into_iter().flatten();
    let line = |one: &Value| {
        let to = one["address"].as_str().unwrap_or("post");
        let why = one["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
        let (id, kind, state) = (column(&one["notice_id"], 42), column(&one["kind"], 11), text(one, "state"));
        format!("{id}{}  {kind}{} {to}  {state}{why}\n", moment(&one["created_at"]), column(&one["recipient"], 16))
    };
    let lines: String = rows.map(line).collect();
    if lines.is_empty() { "no notices\n".to_owned() } else { lines }
}
