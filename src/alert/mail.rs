//! A notice as a mail: subject, text and HTML, from the templates beside this file. Values are escaped in HTML and kept on one
//! line in the subject.

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;
use std::sync::OnceLock;

/// Characters of a subject, at most.
const SUBJECT_CHARACTERS_MAX: usize = 150;

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its subject.
    pub subject: String,
    /// As text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

const TEMPLATES: [(&str, &str); 9] = [
    ("alarm.subject", include_str!("templates/alarm.subject")),
    ("alarm.txt", include_str!("templates/alarm.txt")),
    ("alarm.html", include_str!("templates/alarm.html")),
    ("heartbeat.subject", include_str!("templates/heartbeat.subject")),
    ("heartbeat.txt", include_str!("templates/heartbeat.txt")),
    ("heartbeat.html", include_str!("templates/heartbeat.html")),
    ("test.subject", include_str!("templates/test.subject")),
    ("test.txt", include_str!("templates/test.txt")),
    ("test.html", include_str!("templates/test.html")),
];
const PAGE: (&str, &str) = ("page.html", include_str!("templates/page.html"));

fn templates() -> &'static Environment<'static> {
    static ALL: OnceLock<Environment<'static>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = Environment::new();
        all.set_undefined_behavior(UndefinedBehavior::Strict);
        all.set_auto_escape_callback(|name| match name.ends_with(".html") {
            true => AutoEscape::Html,
            false => AutoEscape::None,
        });
        for (name, text) in TEMPLATES.into_iter().chain([PAGE]) {
            // A test renders each of them.
            drop(all.add_template(name, text));
        }
        all
    })
}

/// One template with its facts.
///
/// # Errors
/// A fact that it needs is not there.
fn render(name: &str, facts: &Value) -> Result<String, String> {
    let all = templates();
    let rendered = all.get_template(name).and_then(|template| template.render(minijinja::value::Serde(facts)));
    rendered.map_err(|error| format!("{error:#}"))
}

/// A notice of a kind as a mail.
///
/// # Errors
/// A fact that its template needs is not there.
pub fn letter(kind: &str, facts: &Value) -> Result<Letter, String> {
    let subject = render(&format!("{kind}.subject"), facts)?;
    let words: Vec<&str> =
        subject.split(|c: char| c.is_control() || c.is_whitespace()).filter(|one| !one.is_empty()).collect();
    let mut subject = words.join(" ");
    if subject.chars().count() > SUBJECT_CHARACTERS_MAX {
        subject = subject.chars().take(SUBJECT_CHARACTERS_MAX - 1).chain(['…']).collect();
    }
    Ok(Letter { subject, text: render(&format!("{kind}.txt"), facts)?, html: render(&format!("{kind}.html"), facts)? })
}

/// The page behind a link: what it would do, with a button that does it, or what came of it.
///
/// # Errors
/// A fact that the template needs is not there.
pub fn page(facts: &Value) -> Result<String, String> {
    render(PAGE.0, facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(what: &str, severity: &str) -> Value {
        json!({ "alarm": "alm_1", "what": what, "severity": severity, "title": "Deliveries are parked",
            "words": "312 deliveries over channel <lamps-out> are parked: HTTP-503", "count": 312, "since": "08:15",
            "last": "08:20", "subject": "delivery/del_1", "link": "https://portolan.example/api/v1/alarms/alm_1",
            "acts": [{ "label": "I take it up", "url": "https://portolan.example/alarms/alm_1/acknowledge/x/1/y" }] })
    }

    fn facts(items: &[Value]) -> Value {
        json!({ "instance": "edi-1", "recipient": "operators", "time": "2026-11-27 08:15 CET", "items": items, "more": 0,
            "severities": "1 error", "open": 3 })
    }

    #[test]
    fn an_alarm_is_told_in_the_subject() {
        let one = letter("alarm", &facts(&[item("raised", "error")])).expect("a mail");
        assert!(
            one.subject.starts_with("ERROR: Deliveries are parked: 312 deliveries over channel"),
            "{}",
            one.subject
        );
        assert!(one.text.contains("I take it up: https://portolan.example/alarms/alm_1"), "{}", one.text);
        assert!(one.html.contains("&lt;lamps-out&gt;") && !one.html.contains("<lamps-out>"), "{}", one.html);
        let over = letter("alarm", &facts(&[item("over", "error")])).expect("a mail");
        assert!(over.subject.starts_with("Over: "), "{}", over.subject);
        let mut item_passed = item("passed", "error");
        item_passed["times"] = 13.into();
        let passed = letter("alarm", &facts(&[item_passed])).expect("a mail");
        assert!(passed.subject.starts_with("ERROR, over by now: Deliveries are parked"), "{}", passed.subject);
        let words = "was, and is over, before you were told; it came and went 13 times";
        assert!(passed.text.contains(words) && passed.html.contains(words), "{} {}", passed.text, passed.html);
        let woken = letter("alarm", &facts(&[item("woken", "error")])).expect("a mail");
        assert!(woken.subject.starts_with("ERROR, still: "), "{}", woken.subject);
        assert!(woken.text.contains("Its time of quiet is over") && woken.html.contains("its time of quiet is over"));
        let two = letter("alarm", &facts(&[item("raised", "error"), item("over", "error")])).expect("a mail");
        assert!(two.subject.starts_with("2 alarms"), "{}", two.subject);
    }

    #[test]
    fn what_an_answer_finds_is_told_line_by_line() {
        let fault = |number: u32| format!("segment {number} BEG: code 8 (Segment has <element> errors)");
        let mut refused = item("raised", "error");
        refused["faults"] = json!({ "first": [fault(1), fault(2)], "more": 4 });
        let one = letter("alarm", &facts(&[refused.clone()])).expect("a mail");
        let lines = format!("The answer finds in the newest:\n  {}\n  {}\n  and 4 more\nAlarm: ", fault(1), fault(2));
        assert!(one.text.contains(&lines), "{}", one.text);
        assert!(
            one.html.contains("<li>segment 1 BEG: code 8 (Segment has &lt;element&gt; errors)</li>"),
            "{}",
            one.html
        );
        assert!(one.html.contains("<li>and 4 more</li>"), "{}", one.html);
        refused["faults"] = Value::Null;
        for without in [refused, item("raised", "error")] {
            let one = letter("alarm", &facts(&[without])).expect("a mail, also of a notice from before");
            assert!(!one.text.contains("The answer") && !one.html.contains("The answer"), "{}", one.text);
        }
    }

    #[test]
    fn a_subject_is_one_line_and_not_long() {
        let mut wild = item("raised", "error");
        wild["words"] = format!("a\r\nBcc: x@y.example {}", "long ".repeat(100)).into();
        let one = letter("alarm", &facts(&[wild])).expect("a mail");
        assert!(!one.subject.contains(['\r', '\n']) && one.subject.chars().count() <= SUBJECT_CHARACTERS_MAX);
    }

    #[test]
    fn all_templates_can_be_rendered() {
        let well = json!({ "instance": "edi-1", "recipient": "operators", "time": "08:15", "received": 12, "delivered": 11,
            "failed": 1, "open": 0, "until": "tomorrow 07:00", "alarms": [], "version": "1" });
        letter("heartbeat", &well).expect("a mail");
        letter("test", &json!({ "instance": "edi-1", "recipient": "operators", "time": "08:15" })).expect("a mail");
        for facts in [
            json!({ "title": "t", "words": "w", "button": "b", "note": null }),
            json!({ "title": "t", "words": "w", "button": null, "note": "done" }),
        ] {
            assert!(page(&facts).expect("a page").contains("<title>t"));
        }
    }
}
