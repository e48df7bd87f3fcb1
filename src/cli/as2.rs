//! `portolan as2`: whether a partner of AS2 can be reached, and answers as it should; settings for products that are known, and
//! partnerships of other products taken over.

mod openas2;
mod presets;

use super::client::{Answered, Instance};
use super::{Exit, input};
use reqwest::Method;
use serde_json::Value;

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
    let channel = match &arguments.action {
        Action::Test { channel } => channel,
        Action::Presets { name } => return presets::run(name.as_deref(), as_json),
        Action::Import { from: From::Openas2(import) } => return openas2::run(&arguments.instance, import, as_json),
    };
    let path = format!("/api/v1/channels/{channel}/test");
    let walk = match arguments.instance.ask(Method::POST, &path, &[], None)? {
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
