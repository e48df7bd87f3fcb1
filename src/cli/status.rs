//! `portolan status`: where everything is, and whether the sums hold.

use super::Exit;
use super::client::Instance;
use reqwest::Method;
use serde_json::Value;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    arguments.instance.show((Method::GET, "/api/v1/status"), (&[], None), as_json, words)
}

fn words(status: &Value) -> String {
    let mut text = format!("{:14} {}\n", "database", status["database"].as_str().unwrap_or_default());
    for balance in status["balances"].as_array().into_iter().flatten() {
        let terms = balance["terms"].as_object().into_iter().flatten();
        let terms: Vec<_> =
            terms.filter(|(_, count)| **count != 0).map(|(name, count)| format!("{count} {name}")).collect();
        let verdict = if balance["holds"] == true {
            "the sum holds"
        } else {
            "THE SUM DOES NOT HOLD: run `portolan doctor --history`"
        };
        let stage = balance["stage"].as_str().unwrap_or_default();
        let terms = if terms.is_empty() { "none".to_owned() } else { terms.join(", ") };
        text.push_str(&format!("{stage:14} {} = {terms}; {verdict}\n", balance["total"]));
    }
    let (moment, milliseconds) = (super::client::moment(&status["counted_at"]), &status["count_ms"]);
    text.push_str(&format!("{:14} at {moment}, in {milliseconds} ms\n", "counted"));
    for row in status["backlog"].as_array().into_iter().flatten() {
        let (kind, due, oldest) = (row["kind"].as_str().unwrap_or_default(), &row["due"], &row["oldest_seconds"]);
        text.push_str(&format!("waiting        {due} {kind}, the oldest for {oldest} s\n"));
    }
    for row in status["ack_levels"].as_array().into_iter().flatten().filter(|row| row["state"] == "overdue") {
        let level = row["level"].as_str().unwrap_or_default();
        text.push_str(&format!("overdue        {} {level} acknowledgments we expect\n", row["count"]));
    }
    for row in status["unanswered"].as_array().into_iter().flatten().filter(|row| row["urgency"] != "waiting") {
        let (id, code) =
            (row["transmission_id"].as_str().unwrap_or_default(), row["code"].as_str().unwrap_or_default());
        let due = super::client::moment(&row["answer_due_at"]);
        text.push_str(&format!("unanswered     {id} is held ({code}); its sender waits for an answer until {due}\n"));
    }
    for row in status["refused"].as_array().into_iter().flatten() {
        let (channel, claims) =
            (row["channel"].as_str().unwrap_or_default(), row["claims"].as_str().unwrap_or_default());
        let hour = super::client::moment(&row["hour"]);
        let who = if claims.is_empty() { "nobody we know".to_owned() } else { format!("partner {claims}") };
        text.push_str(&format!(
            "refused        {} posts to {channel} in the hour from {hour}, said to be of {who} and not proved\n",
            row["refused"]
        ));
    }
    for ban in status["bans"].as_array().into_iter().flatten() {
        let name = ban["name"].as_str().unwrap_or_default();
        text.push_str(&format!("not heard      {}; portolan mailbox unban {name}\n", super::mailbox::ban(ban)));
    }
    if let Some(reason) = status["collector"]["reason"].as_str() {
        let since = super::client::moment(&status["collector"]["since"]);
        text.push_str(&format!("not traced     the collector takes no traces since {since}: {reason}\n"));
    }
    for row in status["circuits"].as_array().into_iter().flatten() {
        let (since, probe) = (super::client::moment(&row["since"]), super::client::moment(&row["next_probe"]));
        let channel = row["channel"].as_str().unwrap_or_default();
        let failures = &row["failures"];
        text.push_str(&format!(
            "left alone     channel {channel} since {since}, after {failures} failures; next probe {probe}\n"
        ));
    }
    for row in status["alarms"].as_array().into_iter().flatten() {
        let (severity, state) =
            (row["severity"].as_str().unwrap_or_default(), row["state"].as_str().unwrap_or_default());
        text.push_str(&format!("alarms         {} {severity}, {state}: portolan alarm list\n", row["count"]));
    }
    for pause in status["pauses"].as_array().into_iter().flatten() {
        text.push_str(&format!("paused         {}", super::pause::line(pause)));
    }
    if status["gathered"] != 0 {
        text.push_str(&format!(
            "waiting        {} documents, for others to share an interchange with\n",
            status["gathered"]
        ));
    }
    if status["unmatched_acks"] != 0 {
        text.push_str(&format!(
            "{} acknowledgments fit nothing we sent: portolan document unmatched\n",
            status["unmatched_acks"]
        ));
    }
    text
}
