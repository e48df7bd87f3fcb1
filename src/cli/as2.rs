//! `portolan as2`: whether a partner of AS2 can be reached, and answers as it should; what proves a message, and whether it does;
//! settings for products that are known, and partnerships of other products taken over.

mod openas2;
mod presets;

use super::client::{Answered, Instance};
use super::{Exit, input};
use crate::id::SystemRandom;
use crate::transport::as2::certificate::Certificate;
use crate::transport::as2::evidence::{Judgement, Outcome, verify};
use anyhow::Context as _;
use reqwest::Method;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Walk to a partner step by step, send it a small message, and read its receipt.
    ///
    /// Ends at the first step that fails: with 7 where nobody could be reached, else with 1. The message is text/plain, sealed
    /// as the channel says, and no delivery.
    Test {
        /// A channel of transport as2 and way out.
        channel: String,
    },
    /// Fetch what proves a message: a transmission that came in over AS2, or a delivery that went out over it.
    ///
    /// The file is a ZIP with the payload, the signed message, its receipt and the certificates of who signed; keep it where
    /// the ledger does not reach, and check it with `portolan as2 verify`.
    Evidence {
        /// Id of a transmission or of a delivery.
        id: String,
        /// Where to; ID.evidence.zip when left out.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check evidence by itself: no instance is asked, and nothing but the file counts.
    ///
    /// Ends with 1 where something does not hold, or nothing is proved.
    Verify {
        /// A file of `portolan as2 evidence`.
        file: PathBuf,
        /// The partner's certificates in PEM, as they came from there; only these count then.
        #[arg(long, value_name = "FILE")]
        trust: Option<PathBuf>,
    },
    /// List settings for partners whose product is known (`preset` of an AS2 channel), or those of one with their reasons.
    Presets {
        /// A preset.
        name: Option<String>,
    },
    /// Take over what another product of AS2 is set to: drafts resources, and says of each setting what became of it.
    Import {
        #[command(subcommand)]
        from: From,
    },
}

#[derive(clap::Subcommand)]
enum From {
    /// OpenAS2: its partnerships.xml, and its keystore.
    Openas2(openas2::Openas2),
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    match &arguments.action {
        Action::Test { channel } => test(&arguments.instance, channel, as_json),
        Action::Evidence { id, output } => fetch(&arguments.instance, id, output.as_deref()),
        Action::Verify { file, trust } => check(file, trust.as_deref(), as_json),
        Action::Presets { name } => presets::run(name.as_deref(), as_json),
        Action::Import { from: From::Openas2(import) } => openas2::run(&arguments.instance, import, as_json),
    }
}

fn test(instance: &Instance, channel: &str, as_json: bool) -> anyhow::Result<Exit> {
    let path = format!("/api/v1/channels/{channel}/test");
    let walk = match instance.ask(Method::POST, &path, &[], None)? {
        Answered::Refused(exit) => return Ok(exit),
        Answered::Done(walk) => walk,
    };
    match as_json {
        true => input::print_json(&walk)?,
        false => input::print(words(&walk).as_bytes())?,
    }
    Ok(match (walk["passed"] == true, walk["reached"] == true) {
        (true, _) => Exit::Ok,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Unreachable,
    })
}

fn fetch(instance: &Instance, id: &str, output: Option<&Path>) -> anyhow::Result<Exit> {
    let own = PathBuf::from(format!("{id}.evidence.zip"));
    let output = output.unwrap_or(&own);
    super::transmission::fetch(instance, &format!("/api/v1/evidence/{id}"), output)
}

fn check(file: &Path, trust: Option<&Path>, as_json: bool) -> anyhow::Result<Exit> {
    let read = |path: &Path| std::fs::read(path).with_context(|| path.display().to_string());
    let known = trust.map(|path| {
        let bytes = read(path)?;
        Certificate::all(&bytes).with_context(|| path.display().to_string())
    });
    let known = known.transpose()?;
    let opened = File::open(file).with_context(|| file.display().to_string())?;
    let judged = verify(opened, known.as_deref(), &SystemRandom).with_context(|| file.display().to_string())?;
    match as_json {
        true => input::print_json(&serde_json::to_value(&judged)?)?,
        false => input::print(judgement(&judged, known.is_some()).as_bytes())?,
    }
    Ok(if judged.holds() { Exit::Ok } else { Exit::Failed })
}

fn judgement(judged: &Judgement, is_known: bool) -> String {
    let mut text = String::new();
    for look in &judged.looks {
        let outcome = match look.outcome {
            Outcome::Proved => "proved ",
            Outcome::Missing => "MISSING",
            Outcome::Failed => "FAILED ",
        };
        text.push_str(&format!("{:8} {outcome}  {}\n", look.at, look.seen));
    }
    text.push('\n');
    for sentence in &judged.proves {
        text.push_str(&format!("{sentence}.\n"));
    }
    match (judged.holds(), is_known) {
        (false, _) => text.push_str("This proves nothing.\n"),
        (true, true) => {}
        (true, false) => text.push_str(
            "That this certificate is its own, the file only says: compare the fingerprint, or give what came from there with \
             --trust.\n",
        ),
    }
    text
}

fn words(walk: &Value) -> String {
    let mut text = String::new();
    for step in walk["steps"].as_array().into_iter().flatten() {
        let word = |key: &str| step[key].as_str().unwrap_or_default();
        match step["passed"] == true {
            true => text.push_str(&format!("{:8} passed  {}\n", word("step"), word("seen"))),
            false => text.push_str(&format!(
                "{:8} FAILED  {}\n         expected: {}\n         to do: {}\n",
                word("step"),
                word("seen"),
                word("expected"),
                word("remedy")
            )),
        }
    }
    text
}
