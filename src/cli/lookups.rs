//! `portolan lookups`: the work list of values that lookup tables have not.

use super::Exit;
use super::client::{Instance, column, moment};
use reqwest::Method;
use serde_json::Value;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    /// Of this table only.
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

/// Prints one page, 200 at most.
pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let query: Vec<_> = arguments.table.iter().map(|table| ("table", table.clone())).collect();
    arguments.instance.show((Method::GET, "/api/v1/lookups/missing"), (&query, None), as_json, words)
}

fn words(list: &Value) -> String {
    let rows = list["items"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        return "nothing is missing\n".to_owned();
    }
    let mut text =
        format!("{:20} {:12} {:24} {:12} {:>6} {:19} last\n", "TABLE", "COLUMN", "VALUE", "WANTED", "SEEN", "FIRST");
    for row in &rows {
        for (key, width) in [("table_name", 20), ("column_name", 12), ("value", 24), ("wanted", 12)] {
            text.push_str(&column(&row[key], width));
        }
        let waits = if row["is_holding"] == 1 { ", transmissions wait" } else { "" };
        let last = row["last_seen_in"].as_str().unwrap_or_default();
        text.push_str(&format!("{:>6} {} {last}{waits}\n", row["seen"], moment(&row["created_at"])));
    }
    text
}
