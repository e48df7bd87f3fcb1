//! `kind: recipient`: who is told of alarms: which ones, by mail or by a post, when not, and how often at most. How mails look is
//! `alert`'s, when they go is `alert::due`'s.

use super::calendar::time_of_day;
use super::shape::{Key, SECRET, Shape, may, must};
use super::{SecretOrText, Severity, fits, parsed, parsed_option};
use serde::{Deserialize, Serialize};

/// Addresses of one recipient, at most.
const ADDRESSES_MAX: usize = 50;
/// What a post looks like, as it is written.
const FORMS: [&str; 3] = ["slack", "teams", "json"];
/// Minutes of a week.
const MINUTES_MAX: u64 = 7 * 24 * 60;

/// A webhook of a chat is its own password.
const SECRET_OR_URL: Shape = Shape::Either(&[
    Shape::Url("keep the whole address as a secret, url: { secret: NAME }, or name an auth under auth"),
    SECRET,
]);
const POST_KEYS: &[Key] = &[
    must("url", SECRET_OR_URL, "Where to, or the name of the secret that holds it"),
    may("form", Shape::Word(&FORMS), "What it looks like: slack, teams, or json (when left out)"),
    may("auth", Shape::Filled, "The auth that shows who we are"),
    may("allow_networks", Shape::List(&Shape::Filled), "Networks that may be reached although not public"),
];

const QUIET_KEYS: &[Key] = &[
    may("from", Shape::Filled, "From when on nothing is told, such as 22:00, in the time zone of [alert]"),
    may("to", Shape::Filled, "Until when"),
    may("calendar", Shape::Filled, "Nothing is told while nobody works by this calendar"),
    may("unless", Shape::Word(&Severity::WORDS), "What is so bad is told all the same; critical when left out"),
];

/// Its keys.
pub const KEYS: &[Key] = &[
    may("mail", Shape::List(&Shape::Filled), "Addresses, each of which gets a mail of its own"),
    may("post", Shape::Object(POST_KEYS), "Where alarms are posted: a channel of Slack or Teams, or a program"),
    may("alerts", Shape::List(&Shape::Filled), "Of these alerts only; a * at the end stands for anything"),
    may("severities", Shape::List(&Shape::Word(&Severity::WORDS)), "Of these severities only"),
    may("partners", Shape::List(&Shape::Filled), "What concerns these partners only"),
    may("documents", Shape::List(&Shape::Filled), "What concerns these types only, 850 or INVOIC"),
    may("quiet", Shape::Object(QUIET_KEYS), "When nothing is told"),
    may("after_minutes", Shape::Number(1, MINUTES_MAX), "Only of what nobody took up for so long: an escalation"),
    may("digest_minutes", Shape::Number(0, MINUTES_MAX), "How often at most; 15 when left out"),
    may("recovered", Shape::Word(&["yes", "no"]), "Whether it is told that an alarm is over; yes when left out"),
    may("heartbeat", Shape::Filled, "When to say every day that all is well, such as 07:00"),
];

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Addresses.
    #[serde(default)]
    pub mail: Vec<String>,
    /// Where alarms are posted.
    #[serde(default)]
    pub post: Option<Posted>,
    /// Of these alerts only; none: of all.
    #[serde(default)]
    pub alerts: Vec<String>,
    /// Of these severities only; none: of all.
    #[serde(default)]
    pub severities: Vec<Severity>,
    /// What concerns these partners only; none: whatever it concerns.
    #[serde(default)]
    pub partners: Vec<String>,
    /// What concerns these types only; none: whatever it concerns.
    #[serde(default)]
    pub documents: Vec<String>,
    /// When nothing is told.
    #[serde(default)]
    pub quiet: Option<Quiet>,
    /// Only of what nobody took up for so long.
    #[serde(default, deserialize_with = "parsed_option")]
    pub after_minutes: Option<u64>,
    /// How often at most.
    #[serde(default = "a_quarter", deserialize_with = "parsed")]
    pub digest_minutes: u64,
    /// `no`: that an alarm is over is not told.
    #[serde(default)]
    pub recovered: Option<String>,
    /// When to say that all is well.
    #[serde(default)]
    pub heartbeat: Option<String>,
}

fn a_quarter() -> u64 {
    15
}

/// Where alarms are posted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posted {
    /// Where to.
    pub url: SecretOrText,
    /// What it looks like.
    #[serde(default)]
    pub form: Form,
    /// The auth that shows who we are.
    #[serde(default)]
    pub auth: Option<String>,
    /// Networks that may be reached although they are not public.
    #[serde(default)]
    pub allow_networks: Vec<String>,
}

/// What a post looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow of Teams, which takes an adaptive card.
    Teams,
    /// All that is known, for programs.
    #[default]
    Json,
}

/// When nothing is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// From when on.
    #[serde(default)]
    pub from: Option<String>,
    /// Until when.
    #[serde(default)]
    pub to: Option<String>,
    /// While nobody works by this calendar.
    #[serde(default)]
    pub calendar: Option<String>,
    /// What is so bad is told all the same.
    #[serde(default = "critical")]
    pub unless: Severity,
}

fn critical() -> Severity {
    Severity::Critical
}

impl Recipient {
    /// One that is told everything at some addresses.
    #[must_use]
    pub fn of_mail(mail: Vec<String>, heartbeat: Option<String>) -> Self {
        Recipient {
            mail,
            post: None,
            alerts: Vec::new(),
            severities: Vec::new(),
            partners: Vec::new(),
            documents: Vec::new(),
            quiet: None,
            after_minutes: None,
            digest_minutes: a_quarter(),
            recovered: None,
            heartbeat,
        }
    }

    /// Whether it is told that an alarm is over.
    #[must_use]
    pub fn is_told_recoveries(&self) -> bool {
        self.recovered.as_deref() != Some("no")
    }

    /// Whether an alarm is its business.
    #[must_use]
    pub fn wants(&self, alert: &str, severity: Severity, partner: Option<&str>, document: Option<&str>) -> bool {
        (self.severities.is_empty() || self.severities.contains(&severity))
            && fits(&self.alerts, Some(alert))
            && fits(&self.partners, partner)
            && fits(&self.documents, document)
    }

    /// What is wrong with it by itself: key and sentence.
    pub(in crate::partner) fn check(&self, found: &mut Vec<String>) {
        if self.mail.is_empty() && self.post.is_none() {
            found.push("mail: expected an address, or post, found neither".to_owned());
        }
        if self.mail.len() > ADDRESSES_MAX {
            found.push(format!("mail: expected up to {ADDRESSES_MAX} addresses, found {}", self.mail.len()));
        }
        for address in self.mail.iter().filter(|address| !is_address(address)) {
            let shown = address.escape_debug();
            found.push(format!("mail: expected an address such as edi@example.com, found {shown}"));
        }
        if let Some(quiet) = &self.quiet {
            if quiet.from.is_some() != quiet.to.is_some() || (quiet.from.is_none() && quiet.calendar.is_none()) {
                found.push("quiet: expected from and to, or a calendar".to_owned());
            }
            for (key, text) in [("from", &quiet.from), ("to", &quiet.to)] {
                let why = text.as_ref().and_then(|text| time_of_day(text).err());
                found.extend(why.map(|why| format!("quiet.{key}: {why}")));
            }
        }
        let why = self.heartbeat.as_ref().and_then(|text| time_of_day(text).err());
        found.extend(why.map(|why| format!("heartbeat: {why}")));
        if let Some(SecretOrText::Text(url)) = self.post.as_ref().map(|post| &post.url)
            && !url.starts_with("http")
        {
            found.push(format!("post.url: expected such as https://hooks.example.com/alarms, found {url}"));
        }
    }
}

/// Whether a text can be an address of mail (RFC 5321, 4.1.2, without quoted local parts; letters of
/// other alphabets would need servers that take them, RFC 6531).
#[must_use]
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    !local.is_empty()
        && local.len() <= 64
        && !domain.is_empty()
        && domain.len() <= 255
        && local.chars().all(is_plain)
        && domain.chars().all(is_host)
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_is_told_what_is_its_business() {
        let body = json!({ "mail": ["a@b.example"], "alerts": ["parked", "lamps-*"], "severities": ["critical"],
            "partners": ["lamps"], "documents": ["INVOIC"] });
        let one: Recipient = serde_json::from_value(body).expect("a recipient");
        let invoice = Some("INVOIC");
        assert!(one.wants("parked", Severity::Critical, Some("lamps"), invoice));
        assert!(one.wants("lamps-silent", Severity::Critical, Some("lamps"), invoice));
        for (alert, severity, partner) in [
            ("failed", Severity::Critical, Some("lamps")),
            ("parked", Severity::Error, Some("lamps")),
            ("parked", Severity::Critical, Some("others")),
            ("parked", Severity::Critical, None),
        ] {
            assert!(!one.wants(alert, severity, partner, invoice), "{alert}");
        }
        assert!(!one.wants("parked", Severity::Critical, Some("lamps"), Some("ORDERS")));
        assert!(Recipient::of_mail(Vec::new(), None).wants("disk", Severity::Warning, None, None));
    }

    #[test]
    fn err_addresses_that_are_none() {
        for fine in ["edi@example.com", "a.b+c@x-y.example"] {
            assert!(is_address(fine), "{fine}");
        }
        for wrong in [
            "edi",
            "edi@",
            "@example.com",
            "a b@example.com",
            "a@b\r\nBcc: c@d",
            "a@.example",
            "<a@b.c>",
            "ärger@müller.example",
        ] {
            assert!(!is_address(wrong), "{wrong}");
        }
        let mut found = Vec::new();
        let body = json!({ "quiet": { "from": "22:00" }, "heartbeat": "7", "post": { "url": "ftp://x" } });
        let one: Recipient = serde_json::from_value(body).expect("a recipient");
        one.check(&mut found);
        for expected in ["quiet: expected from and to", "heartbeat: expected a time", "post.url: expected"] {
            assert!(found.iter().any(|one| one.starts_with(expected)), "{expected} in {found:?}");
        }
    }
}
