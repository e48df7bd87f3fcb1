//! What an agreement says about acknowledgments: which ones a sender gets, and which ones we expect. The rules of each
//! kind stand in the codecs; when one is late or fits nothing is the ledger's to know.

use super::resource::parsed;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A partner's clock where the agreement names none: a day, as most operating rules have it.
pub const CLOCK_MINUTES: u32 = 24 * 60;

/// When an acknowledgment is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum AckRule {
    /// For everything.
    Always,
    /// When something is wrong.
    OnError,
    /// When the envelope asks for it, and when something is wrong.
    #[default]
    OnRequest,
    /// Never.
    Never,
}

/// Which functional acknowledgment X12 documents get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum AckForm {
    /// 997, whatever the version.
    #[serde(rename = "997")]
    Functional,
    /// 999; from 005010 on only.
    #[serde(rename = "999")]
    Implementation,
}

/// What one functional acknowledgment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum AckPer {
    /// A group; a CONTRL, an interchange.
    #[default]
    Group,
    /// One document; X12 only.
    Document,
}

/// What a 997 or 999 says of documents that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum AcceptedSets {
    /// An AK2 loop each.
    #[default]
    List,
    /// Nothing: AK9 counts them.
    Omit,
}

/// What GS08 of a 997 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum VersionSuffix {
    /// The base version: `004010`.
    #[default]
    Omit,
    /// What was received: `004010VICS`.
    Echo,
}

/// Which findings may reject a document; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rejects {
    /// The standard's.
    Syntax,
    /// The guide's.
    Guide,
    /// Sums, references, values that cannot be mapped.
    Business,
}

/// Which acknowledgments a sender gets, and where.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AckPolicy {
    /// TA1; CONTRL on the interchange alone.
    #[serde(default)]
    pub technical: AckRule,
    /// 997, 999, CONTRL.
    #[serde(default = "always")]
    pub functional: AckRule,
    /// 824, APERAK: what the business made of a document.
    #[serde(default = "never")]
    pub application: AckRule,
    /// The agreement of way out under which that leaves.
    #[serde(default)]
    pub advice: Option<String>,
    /// 997 or 999; left out: 999 where GS08 names a guide (`005010X…`).
    #[serde(default)]
    pub form: Option<AckForm>,
    /// What each is about.
    #[serde(default)]
    pub per: AckPer,
    /// Whether accepted documents are listed.
    #[serde(default)]
    pub accepted_sets: AcceptedSets,
    /// Whether GS08 comes back with its suffix.
    #[serde(default)]
    pub version_suffix: VersionSuffix,
    /// What rejects; left out: the standard's findings, in a 999 the guide's too.
    #[serde(default)]
    pub rejects: Option<Rejects>,
    /// The partner's clock: how long it waits for its answer.
    #[serde(default = "clock", deserialize_with = "parsed")]
    pub within_minutes: u32,
    /// The outgoing channel it goes over.
    pub channel: String,
}

fn always() -> AckRule {
    AckRule::Always
}

fn never() -> AckRule {
    AckRule::Never
}

fn clock() -> u32 {
    CLOCK_MINUTES
}

/// The standards whose documents are answered by acknowledgments.
const ANSWERED: [&str; 3] = ["x12", "edifact", "ubl"];

impl AckPolicy {
    /// What does not fit the document type.
    pub(super) fn check(&self, document: &str, found: &mut Vec<String>) {
        let mut parts = document.split('/');
        let (standard, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if !ANSWERED.contains(&standard) {
            let words = if standard == "cxml" {
                "which is answered in the call that brings it"
            } else {
                "which no acknowledgment answers"
            };
            found.push(format!(
                "ack: expected with documents of x12, edifact or ubl, found with {document}, {words}; leave it out"
            ));
            return;
        }
        if self.form == Some(AckForm::Implementation) && version < "005010" {
            found.push(format!("ack.form: expected 997, found 999, which {document} does not have"));
        }
        if self.application == AckRule::OnRequest {
            found.push("ack.application: expected always, on_error or never, for no envelope asks for it".to_owned());
        }
        if (self.application == AckRule::Never) != self.advice.is_none() {
            let expected =
                "expected the agreement of way out under which the 824 or APERAK leaves, beside ack.application";
            found.push(format!("ack.advice: {expected}, and only there"));
        }
        let for_x12 = [
            ("form", self.form.is_some()),
            ("per", self.per == AckPer::Document),
            ("accepted_sets", self.accepted_sets == AcceptedSets::Omit),
            ("version_suffix", self.version_suffix == VersionSuffix::Echo),
        ];
        let misplaced = for_x12.iter().filter(|(_, is_set)| *is_set && standard != "x12");
        found.extend(misplaced.map(|(key, _)| format!("ack.{key}: expected for x12 only, found with {document}")));
    }
}

/// The answer to an order, as a kind of acknowledgment and as an entity.
pub const ORDER_RESPONSE: &str = "order_response";

/// An acknowledgment that may be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpectKind {
    /// TA1.
    Ta1,
    /// 997.
    #[serde(rename = "997")]
    Functional,
    /// 999.
    #[serde(rename = "999")]
    Implementation,
    /// CONTRL.
    Contrl,
    /// 824.
    #[serde(rename = "824")]
    Advice,
    /// APERAK.
    Aperak,
    /// ApplicationResponse of UBL.
    #[serde(rename = "application_response")]
    Application,
    /// What the seller answers to an order, in whatever form: 855, ORDRSP, OrderResponse, ConfirmationRequest, a table.
    #[serde(rename = "order_response")]
    OrderResponse,
}

impl ExpectKind {
    /// The word, as the ledger and the lists have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ta1 => "ta1",
            Self::Functional => "997",
            Self::Implementation => "999",
            Self::Contrl => "contrl",
            Self::Advice => "824",
            Self::Aperak => "aperak",
            Self::Application => "application_response",
            Self::OrderResponse => ORDER_RESPONSE,
        }
    }
}

/// An acknowledgment that we expect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Which.
    pub kind: ExpectKind,
    /// Minutes from the delivery until it is overdue.
    #[serde(deserialize_with = "parsed")]
    pub within_minutes: u32,
    /// The calendar by whose working time they are counted; none: by the clock.
    #[serde(default)]
    pub calendar: Option<String>,
}

impl Expect {
    /// What does not fit the document type. Whether that is an order, which `order_response` answers, is for the mappings to say.
    pub(super) fn check(&self, document: &str, found: &mut Vec<String>) {
        if self.kind == ExpectKind::OrderResponse {
            return;
        }
        let of_x12 = [ExpectKind::Ta1, ExpectKind::Functional, ExpectKind::Implementation, ExpectKind::Advice];
        let (wanted, fits) = match document.split('/').next().unwrap_or_default() {
            "x12" => ("ta1, 997, 999, 824 or order_response", of_x12.contains(&self.kind)),
            "edifact" => {
                ("contrl, aperak or order_response", matches!(self.kind, ExpectKind::Contrl | ExpectKind::Aperak))
            }
            "ubl" => ("application_response or order_response", self.kind == ExpectKind::Application),
            _ => ("order_response or none, for no other document answers this type", false),
        };
        if !fits {
            found.push(format!("expect.kind: expected {wanted}, found {}", self.kind.as_str()));
        }
    }
}

/// Reads one, such as an expectation, or a list of them.
pub(super) fn one_or_many<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let all = match Value::deserialize(deserializer)? {
        Value::Array(all) => all,
        one => vec![one],
    };
    all.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(document: &str, policy: Value) -> Vec<String> {
        let policy: AckPolicy = serde_json::from_value(policy).expect("a policy");
        let mut found = Vec::new();
        policy.check(document, &mut found);
        found
    }

    #[test]
    fn what_a_document_type_cannot_have_is_refused() {
        let late = wrong("x12/004010/850", json!({ "channel": "c", "form": "999" }));
        assert_eq!(late, ["ack.form: expected 997, found 999, which x12/004010/850 does not have"]);
        assert!(wrong("x12/005010/850", json!({ "channel": "c", "form": "999", "per": "document" })).is_empty());
        let each = wrong("edifact/d96a/ORDERS", json!({ "channel": "c", "per": "document" }));
        assert_eq!(each, ["ack.per: expected for x12 only, found with edifact/d96a/ORDERS"]);
        let mut found = Vec::new();
        Expect { kind: ExpectKind::Functional, within_minutes: 5, calendar: None }
            .check("edifact/d96a/ORDERS", &mut found);
        assert_eq!(found, ["expect.kind: expected contrl, aperak or order_response, found 997"]);
        Expect { kind: ExpectKind::OrderResponse, within_minutes: 5, calendar: None }.check("csv/1/Order", &mut found);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn err_what_nothing_answers_has_no_policy() {
        for document in ["x12/004010/850", "edifact/d96a/ORDERS", "ubl/2.1/Order"] {
            assert!(wrong(document, json!({ "channel": "c" })).is_empty(), "{document}");
        }
        for (document, words) in [
            ("cxml/1.2/OrderRequest", "answered in the call"),
            ("csv/1/Order", "no acknowledgment"),
            ("idoc/1/ORDERS05", "no acknowledgment"),
            ("cii/d16b/CrossIndustryInvoice", "no acknowledgment"),
        ] {
            let found = wrong(document, json!({ "channel": "c", "per": "document" }));
            assert!(found.len() == 1 && found[0].starts_with("ack: ") && found[0].contains(words), "{found:?}");
        }
    }

    #[test]
    fn one_or_many_are_expected() {
        let one = json!({ "kind": "ta1", "within_minutes": "5" });
        let read = |value: Value| {
            one_or_many(value).map(|all: Vec<Expect>| all.iter().map(|one| one.kind).collect::<Vec<_>>())
        };
        assert_eq!(read(one.clone()).expect("one"), [ExpectKind::Ta1]);
        let other = json!({ "kind": "997", "within_minutes": "60" });
        assert_eq!(read(json!([one, other])).expect("two"), [ExpectKind::Ta1, ExpectKind::Functional]);
        let error = read(json!({ "kind": "mdn", "within_minutes": "5" })).expect_err("not yet").to_string();
        assert!(error.contains("mdn") && error.contains("contrl"), "{error}");
    }
}
