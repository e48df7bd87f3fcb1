//! `portolan transmission`: what transports carried.

use super::bulk::{self, Chosen, Wish};
use super::client::{Answered, Instance, column, moment};
use super::{Exit, input};
use crate::transport::as2::crypto::{Digest, Hash, hexadecimal};
use crate::transport::as2::related::{Part, related};
use crate::transport::source::{Source, Spooled};
use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List transmissions, newest first.
    List {
        /// `in` or `out`.
        #[arg(long)]
        direction: Option<String>,
        /// `stored`, `split`, `held`, `rejected`, `duplicate`.
        #[arg(long)]
        state: Option<String>,
        /// Channel by name.
        #[arg(long)]
        channel: Option<String>,
        /// Partner by name.
        #[arg(long)]
        partner: Option<String>,
    },
    /// Show one with its documents, deliveries and history.
    Show {
        /// Its id.
        id: String,
    },
    /// Fetch its bytes, as they came or went.
    Content {
        /// Its id.
        id: String,
        /// Where to; ID.bin when left out.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List the parts of one that brought attachments with its document, or fetch one of them.
    Attachments {
        /// Its id.
        id: String,
        /// The part to fetch, by its number.
        number: Option<u32>,
        /// Where to; ID-NUMBER.bin when left out.
        #[arg(long, short, value_name = "FILE", requires = "number")]
        output: Option<PathBuf>,
    },
    /// Send a file as it is over a channel of AS2, with attachments beside it or without; it is not translated.
    Send {
        /// A channel of transport as2 and way out, by name.
        channel: String,
        /// The file; its type behind a semicolon: `order.edi;type=application/EDI-X12`, bytes of unknown kind when left out.
        file: String,
        /// A further file that goes along, with its type in the same way; may be given again.
        #[arg(long = "attach", value_name = "FILE")]
        attachments: Vec<String>,
        /// A key of your own: the same again under it is sent once.
        #[arg(long)]
        key: Option<String>,
    },
    /// List what is held, by equal cause: how many, since when, why.
    Groups,
    /// Let held ones go on.
    Release {
        #[command(flatten)]
        chosen: Chosen,
        /// The partner they are from, whatever their envelopes say.
        #[arg(long = "as", value_name = "PARTNER")]
        as_partner: Option<String>,
    },
    /// Give up held ones for good.
    Reject {
        #[command(flatten)]
        chosen: Chosen,
        /// For those who look later.
        #[arg(long)]
        reason: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let instance = &arguments.instance;
    let many = |action: &'static str, chosen: &Chosen, reason: Option<&str>, as_partner: Option<&str>| {
        let wish = Wish { path: "transmissions", action, reason, as_partner };
        bulk::run(instance, &wish, chosen, as_json)
    };
    match &arguments.action {
        Action::Groups => bulk::groups(instance, "transmissions", as_json),
        Action::List { direction, state, channel, partner } => {
            let wishes = [("direction", direction), ("state", state), ("channel", channel), ("partner", partner)];
            let query: Vec<_> = wishes.iter().filter_map(|(key, value)| Some((*key, (*value).clone()?))).collect();
            instance.show((Method::GET, "/api/v1/transmissions"), (&query, None), as_json, |value| {
                value["items"].as_array().into_iter().flatten().map(row).collect()
            })
        }
        Action::Show { id } => {
            instance.show((Method::GET, &format!("/api/v1/transmissions/{id}")), (&[], None), as_json, shown)
        }
        Action::Content { id, output } => {
            let output = output.clone().unwrap_or_else(|| format!("{id}.bin").into());
            fetch(instance, &format!("/api/v1/transmissions/{id}/content"), &output)
        }
        Action::Attachments { id, number: None, .. } => {
            let path = format!("/api/v1/transmissions/{id}/attachments");
            instance.show((Method::GET, &path), (&[], None), as_json, |value| {
                value["items"].as_array().into_iter().flatten().map(part).collect()
            })
        }
        Action::Attachments { id, number: Some(number), output } => {
            let output = output.clone().unwrap_or_else(|| format!("{id}-{number}.bin").into());
            fetch(instance, &format!("/api/v1/transmissions/{id}/attachments/{number}"), &output)
        }
        Action::Send { channel, file, attachments, key } => {
            send(instance, (channel, key.as_ref()), (file, attachments), as_json)
        }
        Action::Release { chosen, as_partner } => match chosen.alone() {
            Some(id) => {
                let (path, body) = (format!("/api/v1/transmissions/{id}/release"), json!({ "as": as_partner }));
                instance.show((Method::POST, &path), (&[], Some(&body)), as_json, |_| format!("{id} goes on\n"))
            }
            None => many("release", chosen, None, as_partner.as_deref()),
        },
        Action::Reject { chosen, reason } => match chosen.alone() {
            Some(id) => {
                let (path, body) = (format!("/api/v1/transmissions/{id}/reject"), json!({ "reason": reason }));
                instance.show((Method::POST, &path), (&[], Some(&body)), as_json, |_| format!("{id} is given up\n"))
            }
            None => many("reject", chosen, Some(reason), None),
        },
    }
}

/// What a file is called without its folder, what it is, and its bytes.
fn named(said: &str) -> anyhow::Result<(String, String, Arc<dyn Source>)> {
    let (path, content_type) = said.split_once(";type=").unwrap_or((said, "application/octet-stream"));
    let name = Path::new(path).file_name().with_context(|| format!("expected a file, found {path:?}"))?;
    let opened = File::open(path).with_context(|| format!("cannot read {path}"))?;
    anyhow::ensure!(opened.metadata()?.is_file(), "cannot read {path}: expected a file with a length");
    Ok((name.to_string_lossy().into_owned(), content_type.to_owned(), Arc::new(Spooled::new(opened)?)))
}

/// Sends a file, and tells the ids of transmission and delivery.
fn send(
    instance: &Instance,
    (channel, key): (&str, Option<&String>),
    (file, attachments): (&str, &[String]),
    as_json: bool,
) -> anyhow::Result<Exit> {
    let (name, mut content_type, mut content) = named(file)?;
    let mut query = vec![("channel", channel.to_owned())];
    if attachments.is_empty() {
        query.push(("file_name", name));
    } else {
        let part =
            |(name, content_type, content)| Part { content_type, encoding: None, file_name: Some(name), content };
        let mut parts = vec![part((name, content_type, content))];
        for attachment in attachments {
            parts.push(part(named(attachment)?));
        }
        let boundary = boundary_of(&parts)?;
        let (joined_type, joined) = related(parts, &boundary);
        (content_type, content) = (joined_type, Arc::new(joined));
    }
    let lines: Vec<_> =
        [("content-type", content_type)].into_iter().chain(key.map(|key| ("idempotency-key", key.clone()))).collect();
    match instance.post("/api/v1/transmissions", &query, &lines, content)? {
        Answered::Refused(exit) => Ok(exit),
        Answered::Done(value) if as_json => input::print_json(&value).map(|()| Exit::Ok),
        Answered::Done(value) => {
            let word = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            input::print(format!("{} leaves as delivery {}\n", word("transmission"), word("delivery")).as_bytes())?;
            Ok(Exit::Ok)
        }
    }
}

/// A boundary that stands in no content, for it is made of the digests of all of it; the same files again are the same bytes.
fn boundary_of(parts: &[Part<'_>]) -> io::Result<String> {
    let (mut all, mut room) = (Hash::new(Digest::Sha256), vec![0; PIECE_BYTES]);
    for part in parts {
        let (mut hash, mut content) = (Hash::new(Digest::Sha256), part.content.open()?);
        loop {
            match content.read(&mut room)? {
                0 => break,
                count => hash.update(&room[..count]),
            }
        }
        all.update(&hash.finish());
    }
    Ok(format!("=_{}", &hexadecimal(&all.finish())[..32]))
}

/// Fetches bytes into a file, and says which.
pub fn fetch(instance: &Instance, path: &str, output: &Path) -> anyhow::Result<Exit> {
    if let Some(exit) = instance.fetch(path, output)? {
        return Ok(exit);
    }
    input::print(format!("{}\n", output.display()).as_bytes())?;
    Ok(Exit::Ok)
}

fn part(item: &Value) -> String {
    let document = if item["is_document"] == true { "the document" } else { "" };
    format!(
        "{}{}{}{}{document}\n",
        column(&item["number"], 4),
        column(&item["size"], 10),
        column(&item["content_type"], 32),
        column(&item["name"], 32)
    )
}

fn row(item: &Value) -> String {
    let text = |key: &str, width| column(&item[key], width);
    let why = item["reason"].as_str().map_or(String::new(), |reason| format!("{} ", reason));
    format!(
        "{}  {}{}{}{}{}{}{why}\n",
        moment(&item["created_at"]),
        text("transmission_id", 36),
        text("direction", 3),
        text("state", 9),
        text("channel", 16),
        text("size", 8),
        item["code"].as_str().map_or(String::new(), |code| format!("{code}: ")),
    )
}

fn shown(value: &Value) -> String {
    let mut text = row(&value["transmission"]);
    text.push_str(&super::pause::waits(&value["waits"]));
    for document in value["documents"].as_array().into_iter().flatten() {
        text.push_str("  ");
        text.push_str(&super::document::row(document));
    }
    for delivery in value["deliveries"].as_array().into_iter().flatten() {
        text.push_str("  ");
        text.push_str(&super::delivery::row(delivery));
    }
    if let Some(delivery) = value["answers"].as_str() {
        text.push_str(&format!("  answers delivery {delivery}\n"));
    }
    text.push_str(&history(&value["events"]));
    text
}

/// Events, a line each.
pub fn history(events: &Value) -> String {
    let one = |event: &Value| {
        let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let step = match (word("from_state"), word("to_state")) {
            (from, to) if !from.is_empty() => format!("{from} → {to}"),
            (_, to) => to,
        };
        format!("  {}  {:12} {step:24} {} {}\n", moment(&event["at"]), word("kind"), word("actor"), word("cause"))
    };
    events.as_array().into_iter().flatten().map(one).collect()
}
