//! `portolan mailbox`: what lies in mailboxes, who fetched it, their passwords, and who is not heard for a while.

use super::Exit;
use super::client::{Instance, column, moment};
use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read as _;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List mailboxes: user, folders, files, and how many of them nobody fetched.
    List,
    /// Show the files of a mailbox: when each came, was fetched, and was removed by the partner.
    Show {
        /// Its name.
        name: String,
    },
    /// Set the password of a mailbox; it is read from standard input, one line end at its end left out.
    Password {
        /// Its name.
        name: String,
    },
    /// Print the keys of this server, for the known_hosts of partners.
    HostKeys,
    /// List the addresses that are not heard since they guessed, and the users whose password is barred since it was guessed at.
    Bans,
    /// Hear an address again, or take the password of a user again.
    Unban {
        /// The address or the user, as bans lists it.
        name: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    match &arguments.action {
        Action::List => instance.show((Method::GET, "/api/v1/mailboxes"), (&[], None), as_json, listed),
        Action::Show { name } => {
            let path = format!("/api/v1/mailboxes/{name}/files");
            instance.show((Method::GET, &path), (&[], None), as_json, shown)
        }
        Action::Password { name } => {
            let mut value = String::new();
            std::io::stdin().read_to_string(&mut value).context("cannot read the password from standard input")?;
            let value =
                value.strip_suffix('\n').map_or(value.as_str(), |value| value.strip_suffix('\r').unwrap_or(value));
            let (path, body) = (format!("/api/v1/mailboxes/{name}/password"), json!({ "password": value }));
            let words = |_: &Value| format!("the password of {name} is set\n");
            instance.show((Method::PUT, &path), (&[], Some(&body)), as_json, words)
        }
        Action::HostKeys => instance.show((Method::GET, "/api/v1/mailboxes"), (&[], None), as_json, |value| {
            let keys = value["host_keys"].as_array().into_iter().flatten();
            let line = |key: &Value| {
                let word = |name: &str| key[name].as_str().unwrap_or_default().trim().to_owned();
                format!("{}  {}\n", word("line"), word("fingerprint"))
            };
            keys.map(line).collect()
        }),
        Action::Bans => instance.show((Method::GET, "/api/v1/bans"), (&[], None), as_json, |value| {
            let lines: String = value["items"].as_array().into_iter().flatten().map(|one| ban(one) + "\n").collect();
            if lines.is_empty() { "nobody is banned\n".to_owned() } else { lines }
        }),
        Action::Unban { name } => {
            let words = |_: &Value| format!("{name} is heard again\n");
            instance.show((Method::DELETE, &format!("/api/v1/bans/{name}")), (&[], None), as_json, words)
        }
    }
}

/// `address 203.0.113.7 from 10:00 until 10:15`.
pub(super) fn ban(one: &Value) -> String {
    let (name, since, until) = (one["name"].as_str().unwrap_or_default(), moment(&one["since"]), moment(&one["until"]));
    match one["mailbox"].as_str() {
        None => format!("address {name} from {since} until {until}"),
        Some(mailbox) => format!("passwords of user {name} of mailbox {mailbox} from {since} until {until}"),
    }
}

fn listed(value: &Value) -> String {
    let items = value["items"].as_array().into_iter().flatten();
    let row = |item: &Value| {
        let folders = item["folders"].as_array().into_iter().flatten();
        let folders: Vec<&str> = folders.filter_map(|folder| folder["name"].as_str()).collect();
        let way_in = match (item["keys"].as_u64().unwrap_or(0), item["has_password"].as_bool().unwrap_or(false)) {
            (0, false) => "nobody can come in",
            (0, true) => "password",
            (_, false) => "keys",
            (_, true) => "keys and password",
        };
        format!(
            "{}{}{} files, {} unfetched, {} unfinished; {way_in}; {}\n",
            column(&item["name"], 24),
            column(&item["user"], 24),
            item["files"],
            item["unfetched"],
            item["unfinished"],
            folders.join(" ")
        )
    };
    items.map(row).collect()
}

fn shown(value: &Value) -> String {
    let items = value["items"].as_array().into_iter().flatten();
    let row = |item: &Value| {
        let fetched = match item["fetched"].as_i64().unwrap_or(0) {
            0 => "not fetched".to_owned(),
            times => {
                let from = item["fetched_from"].as_str().unwrap_or_default();
                format!("fetched {times}×, first {} by {from}", moment(&item["fetched_at"]))
            }
        };
        let removed = if item["hidden_at"].is_null() { "" } else { "; removed by the partner" };
        let (folder, name) = (item["folder"].as_str().unwrap_or_default(), item["name"].as_str().unwrap_or_default());
        let (at, transmission) = (moment(&item["created_at"]), item["transmission_id"].as_str().unwrap_or_default());
        format!("{at}  {folder}/{name}  {} bytes  {transmission}  {fetched}{removed}\n", item["size"])
    };
    items.map(row).collect()
}
