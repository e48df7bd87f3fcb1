//! `portolan certificate forecast`: from which day on which channel has no certificate or key that counts.

use crate::cli::Exit;
use crate::cli::client::{Instance, column, moment};
use reqwest::Method;
use serde_json::Value;

#[derive(clap::Args)]
pub struct Forecast {
    /// Days to look ahead.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

pub fn run(instance: &Instance, forecast: &Forecast, as_json: bool) -> anyhow::Result<Exit> {
    let query = [("days", forecast.days.to_string())];
    instance.show((Method::GET, "/api/v1/certificates/forecast"), (&query, None), as_json, |value| {
        let all: String = value["items"].as_array().into_iter().flatten().map(row).collect();
        if all.is_empty() { format!("every channel has what it needs for {} days\n", forecast.days) } else { all }
    })
}

/// What the channel cannot do then.
fn words(what: &str) -> &'static str {
    match what {
        "verify_signature" => "take signed messages",
        "verify_receipt" => "take signed receipts",
        "encrypt_to" => "encrypt to the partner",
        "decrypt" => "be encrypted to",
        "sign_message" => "sign messages",
        _ => "sign receipts",
    }
}

fn row(item: &Value) -> String {
    let word = |key: &str| item[key].as_str();
    let day = |key: &str| moment(&item[key]).chars().take(10).collect::<String>();
    let ends = word("ends").map_or_else(|| "there is none".to_owned(), |name| format!("{name} ends"));
    let follows = match word("follows") {
        Some(name) => format!("{name} counts from {} on", day("until")),
        None => "nothing follows".to_owned(),
    };
    let when = match item["days_left"].as_i64() {
        Some(0) => "today".to_owned(),
        Some(1) => "in 1 day".to_owned(),
        days => format!("in {} days", days.unwrap_or_default()),
    };
    format!(
        "{}  {}cannot {}: {ends}, {follows}; {when}\n",
        day("from"),
        column(&item["channel"], 24),
        words(word("use").unwrap_or_default())
    )
}
