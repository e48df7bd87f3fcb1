//! `kind: agreement`: what was agreed for one document type, one way, with one partner, in one environment.

use super::shape::{Key, Shape, may, must};
use super::turn::{Order, Priority};
use super::{EnvelopeProfile, Split, Unchanged, Way, parsed, parsed_option};
use crate::entity::{self, Entity, Tolerance};
use crate::partner::ack::{AckPolicy, Expect, one_or_many};
use crate::partner::duplicate::{Duplicate, DuplicateKey};
use serde::{Deserialize, Serialize};

const RULE: Shape = Shape::Word(&["always", "on_error", "on_request", "never"]);
const YES_NO: Shape = Shape::Word(&["true", "false"]);
const MINUTES: Shape = Shape::Number(0, u32::MAX as u64);

/// Of what a sender gets.
pub const ACK_KEYS: &[Key] = &[
    must("channel", Shape::Filled, "The outgoing channel it goes over"),
    may("technical", RULE, "TA1; CONTRL on the interchange alone; UBL: AB"),
    may("functional", RULE, "997, 999, CONTRL, ApplicationResponse"),
    may("application", Shape::Word(&["always", "on_error", "never"]), "824, APERAK: what the business made of it"),
    may("advice", Shape::Filled, "The agreement of way out under which the 824 or APERAK leaves"),
    may("form", Shape::Word(&["997", "999"]), "Which one; left out: 999 where GS08 names a guide"),
    may("per", Shape::Word(&["group", "document"]), "What each is about"),
    may("accepted_sets", Shape::Word(&["list", "omit"]), "Whether accepted documents are listed"),
    may("version_suffix", Shape::Word(&["omit", "echo"]), "Whether GS08 comes back with its suffix"),
    may("rejects", Shape::Word(&["syntax", "guide", "business"]), "Which findings may reject a document"),
    may("within_minutes", MINUTES, "How long the partner waits for its answer"),
];

/// Of what we expect.
pub const EXPECT_KEYS: &[Key] = &[
    must(
        "kind",
        Shape::Word(&["ta1", "997", "999", "824", "contrl", "aperak", "application_response", "order_response"]),
        "Which acknowledgment",
    ),
    must("within_minutes", MINUTES, "Minutes until it is overdue"),
    may("calendar", Shape::Filled, "The calendar by whose working time they are counted"),
];
const EXPECT: Shape = Shape::Object(EXPECT_KEYS);

/// Of differences that may pass.
pub const TOLERANCE_KEYS: &[Key] = &[
    may("line", Shape::Amount, "Of the net amount of a line"),
    may("total", Shape::Amount, "Of each total and of the tax breakdown"),
];

/// Its keys.
pub const KEYS: &[Key] = &[
    must("way", Shape::Word(&["in", "out"]), "From a partner to us, or from us to a partner"),
    must("partner", Shape::Filled, "With whom"),
    must("document", Shape::Filled, "x12/004010/850; portolan standards list"),
    may("environment", Shape::Word(&["production", "test"]), "ISA15, UNB 0035"),
    may("valid_from", Shape::Date, "First day"),
    may("valid_until", Shape::Date, "Last day"),
    may("mapping", Shape::Filled, "A mapping of our own in place of the packed one"),
    may("guide", Shape::Filled, "The guide that documents have to follow"),
    may("channel", Shape::Filled, "Out: over which channel"),
    may("envelope", Shape::Object(super::envelope::KEYS), "Out: what the envelope says, and how it is written"),
    may("split", Shape::Object(super::split::KEYS), "Out: how one document is cut into several"),
    may("ack", Shape::Object(ACK_KEYS), "In: what the sender gets"),
    may("expect", Shape::Either(&[EXPECT, Shape::List(&EXPECT)]), "Out: the acknowledgments we expect"),
    may("duplicate", Shape::Word(&["allow", "warn", "hold", "reject", "answer"]), "In: what happens to repeats"),
    may("duplicate_key", Shape::Word(&["control_number", "content"]), "In: how repeats are told"),
    may("duplicate_window_days", MINUTES, "In: for how many days an interchange is remembered"),
    may(
        "unchanged",
        Shape::Word(&["take", "skip"]),
        "In: what happens to a document that says what the last of its number said",
    ),
    may(
        "vanished",
        Shape::Word(&["ignore", "tell"]),
        "In: whether it is told which numbers a transmission has no more",
    ),
    may("tolerance", Shape::Object(TOLERANCE_KEYS), "In: by how much sums may differ; what passes is a warning"),
    may("all_or_nothing", YES_NO, "In: one faulty document keeps all of its interchange from going on"),
    may("order", Shape::Word(&["none", "partner", "key"]), "Out: whether deliveries leave one after the other"),
    may(
        "key",
        Shape::Filled,
        "Out, with order: key: the field of the entity whose value keeps them in order: order.number",
    ),
    may("priority", Shape::Word(&Priority::WORDS), "Out: what leaves first within a channel"),
    may(
        "attachments",
        Shape::Word(&["keep", "pass"]),
        "Out: whether attachments that came with a document go on with it",
    ),
    may("on_uncertain", Shape::Word(&["repeat", "hold"]), "Out: what an uncertain delivery leads to"),
];

/// What two parties agreed on for one document type.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// In or out.
    pub way: Way,
    /// With whom.
    pub partner: String,
    /// `x12/004010/850`.
    pub document: String,
    /// Test or production.
    #[serde(default = "production")]
    pub environment: Environment,
    /// First day, `2026-01-31`.
    #[serde(default, deserialize_with = "parsed_option")]
    pub valid_from: Option<jiff::civil::Date>,
    /// Last day.
    #[serde(default, deserialize_with = "parsed_option")]
    pub valid_until: Option<jiff::civil::Date>,
    /// A mapping of our own in place of the packed one.
    #[serde(default)]
    pub mapping: Option<String>,
    /// The guide that documents have to follow.
    #[serde(default)]
    pub guide: Option<String>,
    /// Out: over which channel.
    #[serde(default)]
    pub channel: Option<String>,
    /// Out: what the envelope says.
    #[serde(default)]
    pub envelope: EnvelopeProfile,
    /// Out: how one document is cut into several; none is when left out.
    #[serde(default)]
    pub split: Option<Split>,
    /// In: what the sender gets.
    #[serde(default)]
    pub ack: Option<AckPolicy>,
    /// Out: what we expect.
    #[serde(default, deserialize_with = "one_or_many")]
    pub expect: Vec<Expect>,
    /// In: what happens to repeats.
    #[serde(default)]
    pub duplicate: Duplicate,
    /// In: how they are told.
    #[serde(default)]
    pub duplicate_key: DuplicateKey,
    /// In: for how many days an interchange is remembered; for ever when left out.
    #[serde(default, deserialize_with = "parsed_option")]
    pub duplicate_window_days: Option<u32>,
    /// In: what happens to a document that says what the last of its number said.
    #[serde(default)]
    pub unchanged: Unchanged,
    /// In: whether it is told which numbers a transmission has no more.
    #[serde(default)]
    pub vanished: Vanished,
    /// In: by how much sums may differ.
    #[serde(default)]
    pub tolerance: Tolerance,
    /// In: one faulty document keeps all of its interchange from going on.
    #[serde(default, deserialize_with = "parsed")]
    pub all_or_nothing: bool,
    /// Out: whether deliveries leave one after the other.
    #[serde(default)]
    pub order: Order,
    /// Out, with `order: key`: the field of the entity whose value keeps them in order.
    #[serde(default)]
    pub key: Option<String>,
    /// Out: what leaves first within a channel.
    #[serde(default)]
    pub priority: Priority,
    /// Out: whether attachments that came with what a document was made from go on with it.
    #[serde(default)]
    pub attachments: Attachments,
    /// Out: what an uncertain delivery leads to.
    #[serde(default)]
    pub on_uncertain: OnUncertain,
}

/// Whether any entity has a field; which one a document becomes, its mapping says.
fn is_field(path: &str) -> bool {
    entity::names().any(|kind| entity::definition(kind).is_some_and(|entity| entity.field(path).is_some()))
}

impl Agreement {
    /// The value that a document is kept in order by; empty where it has none, and none where it is not asked for.
    #[must_use]
    pub fn order_key(&self, entity: &Entity) -> Option<String> {
        let path = self.key.as_ref().filter(|_| self.order == Order::Key)?;
        Some(entity.text(path).unwrap_or_default().to_owned())
    }

    /// What is wrong with what it says of order.
    pub(in crate::partner) fn check_order(&self, found: &mut Vec<String>) {
        match (self.order, &self.key) {
            (Order::Key, None) => found
                .push("key: expected the field that keeps documents in order, such as number, found none".to_owned()),
            (Order::Key, Some(key)) if !is_field(key) => found.push(format!(
                "key: expected a field of an entity such as number or order.number, found {key}, which none has"
            )),
            (Order::None | Order::Partner, Some(_)) => found.push("key: expected with order: key only".to_owned()),
            _ => {}
        }
        if self.way == Way::In && self.order != Order::None {
            found.push("order: expected in an agreement of way out, under which deliveries leave".to_owned());
        }
        let envelope = &self.envelope;
        let shared = [
            ("gather", envelope.gather.is_some()),
            ("gather_minutes", envelope.gather_minutes.is_some()),
            ("documents_max", envelope.documents_max.is_some_and(|max| max > 1)),
        ];
        for (key, _) in shared.iter().filter(|(_, is_shared)| *is_shared && self.order == Order::Key) {
            found.push(format!(
                "order: expected none or partner where documents share an interchange (envelope.{key}), which has many keys; \
                 found key"
            ));
        }
    }

    /// Whether a document that says nothing new makes no work.
    #[must_use]
    pub fn skips_unchanged(&self) -> bool {
        self.unchanged == Unchanged::Skip
    }

    /// Whether a transmission is a whole, so that it is told what it lacks.
    #[must_use]
    pub fn tells_vanished(&self) -> bool {
        self.vanished == Vanished::Tell
    }
}

/// What happens where a transmission lacks a number that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Vanished {
    /// Nothing.
    #[default]
    Ignore,
    /// It is told with the transmission.
    Tell,
}

/// What becomes of attachments that came with what a document was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Attachments {
    /// They stay with the transmission that brought them.
    #[default]
    Keep,
    /// They go along, over AS2.
    Pass,
}

fn production() -> Environment {
    Environment::Production
}

/// Test or production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// ISA15 T, UNB 0035 1.
    Test,
    /// All else.
    Production,
}

impl Environment {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

/// What an uncertain delivery leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum OnUncertain {
    /// It goes again under the same key.
    #[default]
    Repeat,
    /// A person decides.
    Hold,
}
