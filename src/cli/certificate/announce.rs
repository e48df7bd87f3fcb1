//! `portolan certificate announce`, `list --announced`: partners are told which certificate of ours we will use, and what they
//! answered.

use crate::cli::Exit;
use crate::cli::client::{Instance, column, moment};
use reqwest::Method;
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Announce {
    /// The certificate, which is among the keys of the channel.
    name: String,
    /// The channel of AS2 and way out whose partner is told.
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// Days in which the partner is to answer; 30 when left out.
    #[arg(long, value_name = "DAYS")]
    within: Option<u32>,
    /// Our address for messages of AS2, such as https://HOST/as2; that of receipt_url of the channel when left out.
    #[arg(long, value_name = "URL")]
    respond_to: Option<String>,
}

pub fn run(instance: &Instance, announce: &Announce, as_json: bool) -> anyhow::Result<Exit> {
    let Announce { name, channel, within, respond_to } = announce;
    let body = json!({ "channel": channel, "days": within, "respond_to": respond_to });
    let path = format!("/api/v1/certificates/{name}/announce");
    instance.show((Method::POST, &path), (&[], Some(&body)), as_json, |value| {
        let delivery = value["delivery"].as_str().unwrap_or_default();
        format!("{name} is announced over {channel} as delivery {delivery}; `portolan certificate list --announced` shows the answer\n")
    })
}

pub fn list(instance: &Instance, as_json: bool) -> anyhow::Result<Exit> {
    instance.show((Method::GET, "/api/v1/certificates/announced"), (&[], None), as_json, |value| {
        let all: String = value["items"].as_array().into_iter().flatten().map(row).collect();
        if all.is_empty() { "no certificate was announced\n".to_owned() } else { all }
    })
}

fn row(item: &Value) -> String {
    let state = item["state"].as_str().unwrap_or_default();
    let told = match item["reason"].as_str() {
        Some(reason) => format!(": {reason}"),
        None if item["is_given_up"] == true && state == "waiting" => ", ITS MESSAGE IS GIVEN UP".to_owned(),
        None if item["is_overdue"] == true => ", IT IS OVERDUE".to_owned(),
        None => String::new(),
    };
    let until = if state == "waiting" { format!(" until {}", moment(&item["respond_by"])) } else { String::new() };
    format!(
        "{}{}{state}{until}{told}\n    announced {}; SHA-256 {}\n",
        column(&item["name"], 24),
        column(&item["channel"], 24),
        moment(&item["created_at"]),
        item["fingerprint"].as_str().unwrap_or_default()
    )
}
