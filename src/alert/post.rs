//! A notice as a post: for an incoming webhook of Slack (mrkdwn in blocks), for a workflow of Teams (an adaptive card), or as
//! JSON for a program. What Slack and Teams read as markup is escaped.

use crate::partner::Form;
use serde_json::{Value, json};

/// Alarms that one post shows; how many there are more is said.
const SHOWN_MAX: usize = 20;

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// What an alarm says in one line.
fn line(item: &Value) -> String {
    let what = match text(item, "what") {
        "over" => "Over".to_owned(),
        "escalated" => format!("{}, not taken up", text(item, "severity").to_uppercase()),
        "stands" | "woken" => format!("{}, still", text(item, "severity").to_uppercase()),
        "passed" => format!("{}, over by now", text(item, "severity").to_uppercase()),
        _ => text(item, "severity").to_uppercase(),
    };
    format!("{what}: {}: {}", text(item, "title"), text(item, "words"))
}

/// The headline of a notice.
fn headline(kind: &str, facts: &Value) -> String {
    match (kind, facts["items"].as_array().map_or(0, Vec::len)) {
        ("heartbeat", _) => format!("Portolan {} is well", text(facts, "instance")),
        ("test", _) => format!("A test of Portolan {}", text(facts, "instance")),
        (_, 1) => line(&facts["items"][0]),
        (_, count) => format!("{count} alarms of Portolan {}", text(facts, "instance")),
    }
}

/// `&`, `<` and `>` as Slack wants them.
fn slack_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What Markdown would read in a card of Teams, in front of a backslash.
fn teams_escaped(text: &str) -> String {
    text.chars().flat_map(|c| ['\\'].into_iter().filter(move |_| "\\*_[]()#`~<>".contains(c)).chain([c])).collect()
}

/// The body of a post.
#[must_use]
pub fn body(form: Form, id: &str, kind: &str, facts: &Value) -> Value {
    let headline = headline(kind, facts);
    let items: Vec<&Value> = facts["items"].as_array().into_iter().flatten().take(SHOWN_MAX).collect();
    let more = facts["items"].as_array().map_or(0, Vec::len).saturating_sub(SHOWN_MAX)
        + usize::try_from(facts["more"].as_u64().unwrap_or(0)).unwrap_or(0);
    let rest = (more > 0).then(|| format!("and {more} more"));
    match form {
        Form::Json => json!({ "id": id, "kind": kind, "told": facts }),
        Form::Slack => {
            let mut blocks = Vec::new();
            for item in &items {
                let link = text(item, "link");
                let mut words = format!("*{}*", slack_escaped(&line(item)));
                if !link.is_empty() {
                    words.push_str(&format!("\n<{link}|{}>", text(item, "alarm")));
                }
                blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": words } }));
            }
            if let Some(rest) = rest {
                blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": rest } }));
            }
            match blocks.is_empty() {
                true => json!({ "text": slack_escaped(&headline) }),
                false => json!({ "text": slack_escaped(&headline), "blocks": blocks }),
            }
        }
        Form::Teams => {
            let block = |text: String, is_bold: bool| json!({ "type": "TextBlock", "text": text, "wrap": true, "weight": if is_bold { "bolder" } else { "default" } });
            let mut shown = vec![block(teams_escaped(&headline), true)];
            if items.len() > 1 {
                shown.extend(items.iter().map(|item| block(teams_escaped(&line(item)), false)));
            }
            shown.extend(rest.map(|rest| block(rest, false)));
            let links = items.iter().filter(|item| item["link"].is_string());
            let actions: Vec<Value> = links
                .take(5)
                .map(|item| json!({ "type": "Action.OpenUrl", "title": text(item, "alarm"), "url": item["link"] }))
                .collect();
            let card = json!({ "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
                "version": "1.4", "body": shown, "actions": actions });
            let content_type = "application/vnd.microsoft.card.adaptive";
            json!({ "type": "message", "attachments": [{ "contentType": content_type, "content": card }] })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(count: usize) -> Value {
        let item = json!({ "alarm": "alm_1", "what": "raised", "severity": "error", "title": "Deliveries are parked",
            "words": "2 over <lamps_out> & co", "link": "https://portolan.example/api/v1/alarms/alm_1" });
        json!({ "instance": "edi-1", "items": vec![item; count], "more": 0 })
    }

    #[test]
    fn slack_and_teams_read_no_markup_in_it() {
        let slack = body(Form::Slack, "ntc_1", "alarm", &facts(1));
        assert_eq!(slack["text"], "ERROR: Deliveries are parked: 2 over &lt;lamps_out&gt; &amp; co");
        assert!(slack["blocks"][0]["text"]["text"].as_str().expect("text").ends_with("alarms/alm_1|alm_1>"));
        let teams = body(Form::Teams, "ntc_1", "alarm", &facts(1));
        let card = &teams["attachments"][0]["content"];
        assert_eq!(card["body"][0]["text"], "ERROR: Deliveries are parked: 2 over \\<lamps\\_out\\> & co");
        assert_eq!(card["actions"][0]["url"], "https://portolan.example/api/v1/alarms/alm_1");
        assert_eq!(body(Form::Json, "ntc_1", "alarm", &facts(1))["told"], facts(1));
    }

    #[test]
    fn what_was_over_before_it_was_told_says_so() {
        let mut told = facts(1);
        told["items"][0]["what"] = "passed".into();
        let slack = body(Form::Slack, "ntc_1", "alarm", &told);
        assert_eq!(slack["text"], "ERROR, over by now: Deliveries are parked: 2 over &lt;lamps_out&gt; &amp; co");
        told["items"][0]["what"] = "woken".into();
        let teams = body(Form::Teams, "ntc_1", "alarm", &told);
        let first = &teams["attachments"][0]["content"]["body"][0]["text"];
        assert!(first.as_str().is_some_and(|text| text.starts_with("ERROR, still: ")), "{first}");
    }

    #[test]
    fn many_are_told_up_to_a_limit_with_how_many_more() {
        let slack = body(Form::Slack, "ntc_1", "alarm", &facts(25));
        assert_eq!(slack["text"], "25 alarms of Portolan edi-1");
        let blocks = slack["blocks"].as_array().expect("blocks");
        assert_eq!((blocks.len(), blocks[SHOWN_MAX]["text"]["text"].as_str()), (SHOWN_MAX + 1, Some("and 5 more")));
        let well = body(Form::Slack, "ntc_1", "heartbeat", &json!({ "instance": "edi-1" }));
        assert_eq!(well, json!({ "text": "Portolan edi-1 is well" }));
    }
}
