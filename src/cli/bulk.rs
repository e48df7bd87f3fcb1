//! Many deliveries or transmissions at once, for the commands of both: which are chosen, the groups they are in, the plan, and
//! the act, which is done only where somebody says so.

use super::client::{Answered, Instance, column, moment};
use super::{Exit, input};
use reqwest::Method;
use serde_json::{Map, Value, json};

/// Which are chosen, and whether it is only planned. One id alone needs no plan.
#[derive(clap::Args)]
pub struct Chosen {
    /// Their ids.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All of a group, by its key; `groups` lists them.
    #[arg(long, value_name = "KEY")]
    group: Option<String>,
    /// Over this channel.
    #[arg(long)]
    channel: Option<String>,
    /// Of this partner.
    #[arg(long)]
    partner: Option<String>,
    /// In this state; when left out, in those that this is for.
    #[arg(long)]
    state: Option<String>,
    /// With this code.
    #[arg(long)]
    code: Option<String>,
    /// That came to be so then or later: 2026-11-27, or 2026-11-27T06:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// That came to be so before.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Whose reason has this text.
    #[arg(long, value_name = "TEXT")]
    reason_like: Option<String>,
    /// Print the plan and do nothing, as without --yes.
    #[arg(long, conflicts_with_all = ["yes", "plan"])]
    dry_run: bool,
    /// Plan it and do it.
    #[arg(long)]
    yes: bool,
    /// Do what a plan said, if nothing changed since.
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
}

/// What is done to each.
pub struct Wish<'w> {
    /// `deliveries` or `transmissions`.
    pub path: &'static str,
    /// `resubmit`, `hold`, `release`, `cancel`, `reject`.
    pub action: &'static str,
    /// For those who look later.
    pub reason: Option<&'w str>,
    /// Of whom released transmissions are said to be.
    pub as_partner: Option<&'w str>,
}

impl Chosen {
    /// The id, where one is named and nothing else is said.
    pub fn alone(&self) -> Option<&str> {
        let [id] = self.ids.as_slice() else { return None };
        let is_said = self.dry_run || self.yes || self.plan.is_some() || self.selection().len() > 1;
        Some(id.as_str()).filter(|_| !is_said)
    }

    fn selection(&self) -> Map<String, Value> {
        let conditions = [
            ("group", &self.group),
            ("channel", &self.channel),
            ("partner", &self.partner),
            ("state", &self.state),
            ("code", &self.code),
            ("since", &self.since),
            ("until", &self.until),
            ("reason_like", &self.reason_like),
        ];
        let said = conditions.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?))));
        let ids = Some(("ids".to_owned(), json!(self.ids))).filter(|_| !self.ids.is_empty());
        said.chain(ids).collect()
    }
}

/// Plans it, and does it where that was said: 8 where some could not be done, 6 where none could.
pub fn run(instance: &Instance, wish: &Wish<'_>, chosen: &Chosen, as_json: bool) -> anyhow::Result<Exit> {
    let mut body = json!({ "action": wish.action, "selection": chosen.selection(), "as": wish.as_partner });
    if let Some(reason) = wish.reason {
        body["reason"] = json!(reason);
    }
    let token = match &chosen.plan {
        Some(token) => token.clone(),
        None => {
            let plan = match ask(instance, wish, "plan", &body)? {
                Answered::Done(plan) => plan,
                Answered::Refused(exit) => return Ok(exit),
            };
            if !chosen.yes {
                print(&plan, as_json, |plan| planned(plan) + &undone(plan))?;
                return Ok(Exit::Ok);
            }
            if !as_json {
                print(&plan, false, planned)?;
            }
            let token = plan["plan"].as_str().unwrap_or_default().to_owned();
            eprintln!("portolan: where this is broken off, the same line with --plan {token} for --yes does the rest");
            token
        }
    };
    body["plan"] = json!(token);
    let acted = match ask(instance, wish, "act", &body)? {
        Answered::Done(acted) => acted,
        Answered::Refused(exit) => {
            if matches!(exit, Exit::Unreachable | Exit::Failed) {
                eprintln!("portolan: the same line with --plan {token} does what is left");
            }
            return Ok(exit);
        }
    };
    print(&acted, as_json, |acted| came_of(wish.action, acted))?;
    Ok(match (acted["done"].as_i64(), acted["refused"].as_i64()) {
        (_, Some(0)) => Exit::Ok,
        (Some(0), _) => Exit::Conflict,
        _ => Exit::Partial,
    })
}

/// Prints the groups of equal failures.
pub fn groups(instance: &Instance, path: &'static str, as_json: bool) -> anyhow::Result<Exit> {
    let path = format!("/api/v1/{path}/groups");
    instance.show((Method::GET, &path), (&[], None), as_json, |value| {
        let mut text: String = value["items"].as_array().into_iter().flatten().map(group).collect();
        if value["is_cut"] == true {
            text.push_str("There are more causes than are told apart; choose by channel and time.\n");
        }
        text
    })
}

fn ask(instance: &Instance, wish: &Wish<'_>, what: &str, body: &Value) -> anyhow::Result<Answered> {
    instance.ask(Method::POST, &format!("/api/v1/{}/{what}", wish.path), &[], Some(body))
}

fn print(value: &Value, as_json: bool, words: impl Fn(&Value) -> String) -> anyhow::Result<()> {
    if as_json { input::print_json(value) } else { input::print(words(value).as_bytes()) }
}

/// A line for a group, and one with its reason and some of its ids.
fn group(item: &Value) -> String {
    let text = |key: &str, width| column(&item[key], width);
    format!(
        "{}{}{}{}{}{}{} … {}\n  {}\n  {}\n",
        text("key", 16),
        text("count", 6),
        text("state", 9),
        text("channel", 16),
        text("partner", 12),
        text("code", 16),
        moment(&item["first_at"]),
        moment(&item["last_at"]),
        item["reason"].as_str().unwrap_or("-"),
        ids(item)
    )
}

fn planned(plan: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let (action, object) = (word(&plan["action"]), word(&plan["object"]));
    let mut text = format!("{action}: {} of {} chosen ({object})\n", plan["able"], plan["count"]);
    let each = |key: &str| plan[key].as_array().cloned().unwrap_or_default();
    for over in each("channels") {
        let to = over["destination"].as_str().map_or(String::new(), |to| format!(" → {to}"));
        text.push_str(&format!("  {} over {}{to}\n", column(&over["count"], 6), word(&over["channel"])));
        if over["open_since"].is_number() {
            let since = moment(&over["open_since"]);
            text.push_str(&format!(
                "         left alone since {since} for its failures: one goes first, the others once it arrived\n"
            ));
        }
    }
    for whose in each("partners") {
        text.push_str(&format!("  {} of {}\n", column(&whose["count"], 6), word(&whose["partner"])));
    }
    for unable in each("unable") {
        let (count, code, why) = (&unable["count"], word(&unable["code"]), word(&unable["why"]));
        text.push_str(&format!("{count} cannot: {code}: {why}\n  {}\n", ids(&unable)));
    }
    if plan["doubtful"]["count"].as_i64().is_some_and(|count| count > 0) {
        let count = &plan["doubtful"]["count"];
        text.push_str(&format!(
            "{count} the receiver may have already: there may be duplicates; ask the partner first\n  {}\n",
            ids(&plan["doubtful"])
        ));
    }
    if plan["is_more"] == true {
        text.push_str("There are more than one act is about; these are the oldest. Do it again for the rest.\n");
    }
    text
}

fn undone(plan: &Value) -> String {
    let token = plan["plan"].as_str().unwrap_or_default();
    format!("Nothing was done. --plan {token} does just this; --yes plans anew and does it.\n")
}

fn came_of(action: &str, acted: &Value) -> String {
    let mut text = format!("{action}: {} done, {} could not be\n", acted["done"], acted["refused"]);
    let items = acted["items"].as_array().map_or(&[][..], Vec::as_slice);
    for item in items {
        let why = item["why"].as_str().unwrap_or_default();
        text.push_str(&format!("  {} {why}\n", column(&item["id"], 40)));
    }
    let more = acted["refused"].as_u64().unwrap_or_default().saturating_sub(items.len() as u64);
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}

fn ids(item: &Value) -> String {
    let ids: Vec<&str> = item["samples"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    ids.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_refused_and_not_listed_are_counted() {
        let item = |id: usize| json!({ "id": format!("del_{id}"), "why": "gone" });
        let acted = |refused: usize, shown: usize| json!({ "done": 1, "refused": refused, "items": (0..shown).map(item).collect::<Vec<_>>() });
        let all = came_of("hold", &acted(2, 2));
        assert!(all.starts_with("hold: 1 done, 2 could not be\n") && !all.contains("more"), "{all}");
        assert!(came_of("hold", &acted(103, 100)).ends_with("\n  and 3 more\n"));
    }
}
