//! `portolan channel`: how channels that send and those that pick files up are doing, and by which keys the server of a partner is known.

use super::client::{Instance, column, moment};
use super::{Exit, input};
use crate::pipeline::pickup::PickupState;
use crate::transport::http::address::Network;
use crate::transport::place::Trouble;
use crate::transport::sftp::client::host_keys;
use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

/// The port of SSH.
const SSH_PORT: u16 = 22;
/// All networks: who types a host means it.
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List channels of way out: which take deliveries, and which are left alone since they fail, with the next probe.
    List,
    /// List channels that pick files up: when each looked last and looks next, what it took last, and why it fails.
    Pickups,
    /// Print the keys that an SFTP server shows, for host_keys of a channel. No instance is asked.
    ///
    /// Compare them with what the partner says before you use them: whoever stands in between can show others.
    HostKeys {
        /// The server, HOST or HOST:PORT.
        server: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    match &arguments.action {
        Action::List => arguments.instance.show((Method::GET, "/api/v1/channels"), (&[], None), as_json, paced),
        Action::Pickups => arguments.instance.show((Method::GET, "/api/v1/pickups"), (&[], None), as_json, listed),
        Action::HostKeys { server } => shown(server, as_json),
    }
}

fn shown(server: &str, as_json: bool) -> anyhow::Result<Exit> {
    // An address of IPv6 has colons of its own.
    let (host, port) = match server.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
        Some((host, port)) => (host, port.parse().with_context(|| format!("expected HOST:PORT, found {server}"))?),
        None => (server, SSH_PORT),
    };
    let allowed: Vec<Network> = EVERYWHERE.iter().filter_map(|text| text.parse().ok()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let keys = match runtime.block_on(host_keys(host.trim_matches(['[', ']']), port, &allowed)) {
        Ok(keys) => keys,
        Err(trouble) => {
            eprintln!("portolan: {trouble}");
            return Ok(if matches!(trouble, Trouble::NotReached(_)) { Exit::Unreachable } else { Exit::Failed });
        }
    };
    if as_json {
        let items: Vec<Value> =
            keys.iter().map(|one| json!({ "line": one.line, "fingerprint": one.fingerprint })).collect();
        input::print_json(&json!({ "items": items }))?;
    } else {
        let lines: String = keys.iter().map(|one| format!("{}  {}\n", one.line.trim(), one.fingerprint)).collect();
        input::print(lines.as_bytes())?;
    }
    Ok(Exit::Ok)
}

/// A line for each channel of way out.
fn paced(value: &Value) -> String {
    let row = |item: &Value| {
        let circuit = &item["circuit"];
        let state = match (circuit.is_null(), item["not_before"].is_null()) {
            (false, _) => format!(
                "left alone since {} after {} failures; next probe {}",
                moment(&circuit["since"]),
                circuit["failures"],
                moment(&circuit["next_probe"])
            ),
            (true, false) => format!("asked to wait until {}", moment(&item["not_before"])),
            (true, true) => "takes deliveries".to_owned(),
        };
        format!("{}{}{state}\n", column(&item["channel"], 24), column(&item["transport"], 8))
    };
    value["items"].as_array().into_iter().flatten().map(row).collect()
}

fn listed(value: &Value) -> String {
    let items = value["items"].as_array().into_iter().flatten();
    let row = |item: &Value| {
        let (state, last) = (&item["state"], &item["last"]);
        let looked =
            if state["looked_at"].is_null() { "not looked yet".to_owned() } else { moment(&state["looked_at"]) };
        let took = match last["name"].as_str() {
            Some(name) if last["unchanged"] == 1 => {
                format!("found {name} unchanged at {}", moment(&last["created_at"]))
            }
            Some(name) => format!("took {name} at {}", moment(&last["created_at"])),
            None => "took nothing yet".to_owned(),
        };
        let mut lines =
            format!("{}looked {looked}; {took}; {} unsettled", column(&item["channel"], 24), item["unsettled"]);
        if !state["next_at"].is_null() {
            lines.push_str(&format!("; next look {}", moment(&state["next_at"])));
        }
        lines.push('\n');
        if let Some(reason) = state["reason"].as_str() {
            let (code, since) = (state["code"].as_str().unwrap_or_default(), moment(&state["failing_since"]));
            let times = match state["failures"].as_i64().unwrap_or_default() {
                0 => String::new(),
                failures => format!(", {failures} times"),
            };
            lines.push_str(&format!("  {code} since {since}{times}: {reason}\n"));
        }
        if !state["cut_since"].is_null() {
            let (cut, since) = (PickupState::cut(), moment(&state["cut_since"]));
            lines.push_str(&format!("  LISTING-CUT since {since}: {cut}; take away what is done with\n"));
        }
        for one in state["troubles"].as_array().into_iter().flatten() {
            let word = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            lines.push_str(&format!("  {}: {}\n", word("name"), word("reason")));
        }
        lines
    };
    items.map(row).collect()
}
