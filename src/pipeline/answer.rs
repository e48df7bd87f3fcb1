//! Acknowledgments that came, as the ledger takes them: what each says of one sending, for the documents it names and
//! for those it does not. Which sending that is, the ledger finds.

use super::acknowledge::state;
use super::identify::{Found, Identified};
use super::meaning;
use super::output::CXML;
use crate::codec::edifact::Contrl;
use crate::codec::segment::{Answer, Answered, Envelope, Verdict};
use crate::codec::{cxml, ubl, xml};
use crate::engine::Rules;
use crate::entity::Entity;
use crate::partner::ORDER_RESPONSE;
use crate::store::ack::{AckLevel, AckState, Faults, Incoming, NamedDocument, Said};
use crate::tree::Run;
use serde_json::Value;

/// The entity that says what an application made of documents.
pub const ADVICE: &str = "application_advice";
/// The code list of documents that are answered, in words of reference.
const ANSWERED: &str = "answered_document";
/// The code list of what an application found wrong, in words of reference.
const WRONG: &str = "application_error";
/// Errors of an advice that are kept with its verdict.
const NOTES_MAX: usize = 100;

/// Faults of an answer that a mail names; how many there are more is said.
const FAULTS_TOLD_MAX: usize = 5;

/// What a TA1 says: it is about the interchange, so about all in it.
#[must_use]
pub fn technical(answer: &Answer, found: &Found, identified: &Identified) -> Incoming {
    let whole = Some(said(answer));
    Incoming { whole, ..about(of(answer), AckLevel::Technical, found, identified) }
}

/// What a 997 or 999 says of a group.
#[must_use]
pub fn functional(answers: &[Answer], found: &Found, identified: &Identified) -> Vec<Incoming> {
    let (named, whole) = parted(answers);
    let Some(first) = answers.first() else { return Vec::new() };
    let of_group = whole.last();
    let mut documents: Vec<(String, Said)> =
        named.iter().map(|answer| (answer.about.document_control_number.clone(), said(answer))).collect();
    let rest = match of_group {
        // A rejected group takes all with it, whatever is said of one.
        Some(group) if group.verdict == Verdict::Rejected => {
            for (_, own) in documents.iter_mut().filter(|(_, own)| own.state != AckState::Rejected) {
                *own = said(group);
            }
            Some(said(group))
        }
        // Each document has its own answer, as where one acknowledgment is sent for each.
        Some(group) if !named.is_empty() && group.claimed == u32::try_from(named.len()).ok() => None,
        // AK2 loops may be left out for what is accepted.
        Some(group) if !named.is_empty() => Some(Said { state: AckState::Accepted, ..said(group) }),
        Some(group) => Some(said(group)),
        None => None,
    };
    vec![Incoming { whole: rest, documents, ..about(of(first), AckLevel::Functional, found, identified) }]
}

/// What a CONTRL says: of the interchange, and unless it only came, of its documents; what is refused by name first.
#[must_use]
pub fn contrl(contrl: &Contrl, found: &Found, identified: &Identified) -> Vec<Incoming> {
    let (named, whole) = parted(&contrl.answers);
    let Some((interchange, groups)) = whole.split_first() else { return Vec::new() };
    let one = |level: AckLevel, answer: &Answer| Incoming {
        whole: Some(said(answer)),
        ..about(of(answer), level, found, identified)
    };
    let mut all = vec![Incoming { is_listed: contrl.only_received, ..one(AckLevel::Technical, interchange) }];
    if !contrl.only_received {
        let documents = named.iter().map(|answer| (answer.about.document_control_number.clone(), said(answer)));
        all.push(Incoming { documents: documents.collect(), ..one(AckLevel::Functional, interchange) });
        let refused = groups.iter().filter(|group| group.verdict == Verdict::Rejected);
        all.extend(refused.map(|group| one(AckLevel::Functional, group)));
    }
    all
}

/// What an ApplicationResponse of UBL or a StatusUpdateRequest of cXML says, of each document that it names.
///
/// # Errors
/// Why it says nothing that counts.
pub fn application(
    rules: &Rules,
    run: &Run<'_>,
    (found, identified): (&Found, &Identified),
) -> Result<Vec<Incoming>, String> {
    let envelope = &found.envelope;
    let text = xml::text(run.bytes, run.charset).text;
    let answers = if envelope.document_type == ubl::KIND { ubl::answers(&text)? } else { cxml::answers(&text)? };
    let one = |answer: &Answer| {
        let number = answer.about.document_control_number.clone();
        let about = about(of(answer), AckLevel::Application, found, identified);
        Incoming {
            whole: Some(said(answer)),
            environment: about.environment.filter(|_| says_environment(rules, envelope)),
            interchange_control_number: Some(number.clone()),
            named: Some(NamedDocument {
                standard: envelope.standard.clone(),
                kinds: meant(rules, &envelope.standard, &answer.about.document_type),
                number,
                is_envelope: envelope.standard == CXML,
                is_awaited: false,
            }),
            ..about
        }
    };
    Ok(answers.iter().map(one).collect())
}

/// Whether documents of this type say that they are for a test.
fn says_environment(rules: &Rules, envelope: &Envelope) -> bool {
    let document = rules.library.document(&envelope.standard, &envelope.version, &envelope.document_type);
    document.is_ok_and(|one| one.markup.as_ref().is_none_or(|markup| markup.envelope.contains_key("test")))
}

/// The document types of a standard that a word is for: the one that is called so, or those that the code of a document says
/// (UNCL1001). What people write may be no type at all.
fn meant(rules: &Rules, standard: &str, word: &str) -> Vec<String> {
    let kinds = rules.library.kinds(standard);
    if let Some(kind) = kinds.into_iter().find(|one| one.eq_ignore_ascii_case(word.trim())) {
        return vec![kind.to_owned()];
    }
    let reference = rules.mappings.codes().canonical(ANSWERED, standard, word.trim());
    reference.map_or_else(Vec::new, |reference| known_by(rules, standard, &reference))
}

/// The document types of a standard that are known by such a number: an `order` is one of those whose entity is called so.
fn known_by(rules: &Rules, standard: &str, reference: &str) -> Vec<String> {
    if reference.is_empty() {
        return Vec::new();
    }
    let is_it = |[one, version, kind]: &[String; 3]| {
        let mapping = (one == standard).then(|| rules.mappings.find(one, version, kind).ok()).flatten();
        mapping.is_some_and(|mapping| mapping.select.iter().any(|one| one.entity.starts_with(reference)))
    };
    let mut kinds: Vec<String> = rules.mappings.list().into_iter().filter(is_it).map(|[_, _, kind]| kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Whether documents of a type say what an application made of others: then it is heard, and need not lead on.
#[must_use]
pub fn is_advice(rules: &Rules, document: &str) -> bool {
    let parts = <[&str; 3]>::try_from(document.split('/').collect::<Vec<_>>());
    let mapping = parts.ok().and_then(|[standard, version, kind]| rules.mappings.find(standard, version, kind).ok());
    mapping.is_some_and(|mapping| mapping.select.iter().all(|one| one.entity == ADVICE))
}

/// What an application advice (824, APERAK) says, of each document that it names: by control numbers where it has them, else
/// by the number that people know the document by.
#[must_use]
pub fn advised(rules: &Rules, entity: &Entity, kind: &str, context: (&Found, &Identified)) -> Vec<Incoming> {
    let advice = entity.to_json();
    let documents = advice["documents"].as_array().into_iter().flatten();
    documents.filter_map(|document| advised_of(rules, document, kind, context)).collect()
}

fn advised_of(
    rules: &Rules,
    document: &Value,
    kind: &str,
    (found, identified): (&Found, &Identified),
) -> Option<Incoming> {
    let standard = found.envelope.standard_in(found.syntax);
    let said = said_by(rules, standard, document)?;
    let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
    let (group, number) = (text("group_control_number"), text("control_number"));
    let named = document["reference"]["id"].as_str().unwrap_or_default();
    let answered = Answered { group_control_number: group.clone(), ..Answered::default() };
    let incoming = about((&kind.to_ascii_lowercase(), &answered), AckLevel::Application, found, identified);
    match (group.is_empty(), number.is_empty(), named.is_empty()) {
        (false, false, _) => Some(Incoming { documents: vec![(number, said)], ..incoming }),
        (_, _, false) => Some(Incoming {
            group_control_number: None,
            interchange_control_number: Some(named.to_owned()),
            named: Some(NamedDocument {
                standard: standard.to_owned(),
                kinds: match meant(rules, standard, &text("document_type")) {
                    kinds if !kinds.is_empty() => kinds,
                    _ => known_by(rules, standard, document["reference"]["kind"].as_str().unwrap_or_default()),
                },
                number: named.to_owned(),
                is_envelope: false,
                is_awaited: false,
            }),
            whole: Some(said),
            ..incoming
        }),
        (false, true, true) => Some(Incoming { whole: Some(said), ..incoming }),
        _ => None,
    }
}

/// What a seller says of an order by its answer, where that is expected. An answer that only says that the order came leaves us
/// waiting.
#[must_use]
pub fn responded(entity: &Entity, (found, identified): (&Found, &Identified)) -> Option<Incoming> {
    let response = entity.to_json();
    let number = response["order"]["number"].as_str()?;
    let lines = response["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all_are = |begin: &str| {
        let is = |line: &Value| line["status"].as_str().is_some_and(|status| status.starts_with(begin));
        !lines.is_empty() && lines.iter().all(is)
    };
    let status = response["status"].as_str().unwrap_or_default();
    let state = match status {
        "received_only" if lines.iter().all(|line| line["status"].is_null()) => return None,
        "accepted" => AckState::Accepted,
        "rejected" => AckState::Rejected,
        _ if all_are("rejected") => AckState::Rejected,
        _ if all_are("accepted") => AckState::Accepted,
        "" if lines.iter().all(|line| line["status"].is_null()) => AckState::Accepted,
        _ => AckState::AcceptedWithErrors,
    };
    let code = response["status"]["code"].as_str().unwrap_or(status).to_owned();
    Some(Incoming {
        interchange_control_number: Some(number.to_owned()),
        named: Some(NamedDocument {
            standard: found.envelope.standard.clone(),
            kinds: Vec::new(),
            number: number.to_owned(),
            is_envelope: false,
            is_awaited: true,
        }),
        whole: Some(Said {
            state,
            code,
            detail: response["number"].as_str().unwrap_or_default().to_owned(),
            faults: Faults::default(),
        }),
        is_listed: false,
        ..about((ORDER_RESPONSE, &Answered::default()), AckLevel::Application, found, identified)
    })
}

/// The verdict on one document. Where there is none, what is wrong with it speaks; that it only came says nothing.
fn said_by(rules: &Rules, standard: &str, document: &Value) -> Option<Said> {
    let errors = document["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let status = document["status"].as_str().unwrap_or_default();
    let state = match status {
        "received_only" => return None,
        "accepted" | "item_accepted" | "group_accepted" | "batch_accepted" => AckState::Accepted,
        "rejected" | "group_rejected" | "batch_rejected" => AckState::Rejected,
        _ if !document["status"].is_null() => AckState::AcceptedWithErrors,
        _ if errors.is_empty() => return None,
        _ => AckState::Rejected,
    };
    let detail: Vec<String> = errors.iter().take(NOTES_MAX).map(|error| wrong(rules, standard, error)).collect();
    let code = document["status"]["code"].as_str().unwrap_or(status);
    Some(Said { state, code: code.to_owned(), detail: detail.join("; "), faults: Faults::default() })
}

/// What an application found wrong: `011 (Not Matching): Price is not that of the order`. The code is that of the standard, with its
/// meaning there; where the standard has no list, the word of reference.
fn wrong(rules: &Rules, standard: &str, error: &Value) -> String {
    let codes = rules.mappings.codes();
    let code = match (error["code"].as_str(), error["code"]["code"].as_str()) {
        (Some(word), _) => {
            codes.preferred(WRONG, standard, word).map_or_else(|| word.to_owned(), |code| code.to_string())
        }
        (None, code) => code.unwrap_or_default().to_owned(),
    };
    let element = codes.of_standard(WRONG, standard).0.unwrap_or_default();
    let meant = match standard {
        "x12" => meaning::of_element(&rules.library, "824", &element, &code),
        _ => error["code"].as_str().filter(|word| *word != code).map(|word| word.replace('_', " ")),
    };
    let code = meant.map_or_else(|| code.clone(), |meant| format!("{code} ({meant})"));
    match (code.as_str(), error["text"].as_str().unwrap_or_default()) {
        (code, "") => code.to_owned(),
        ("", text) => text.to_owned(),
        (code, text) => format!("{code}: {text}"),
    }
}

/// Answers for one document each, and those for a group or an interchange.
fn parted(answers: &[Answer]) -> (Vec<&Answer>, Vec<&Answer>) {
    answers.iter().partition(|answer| !answer.about.document_control_number.is_empty())
}

fn said(answer: &Answer) -> Said {
    Said {
        state: state(answer.verdict),
        code: answer.codes.join(" "),
        detail: answer.notes.join("; "),
        faults: Faults {
            first: answer.faults.iter().take(FAULTS_TOLD_MAX).cloned().collect(),
            more: answer.faults.len().saturating_sub(FAULTS_TOLD_MAX),
        },
    }
}

/// Its kind, and what it is about.
fn of(answer: &Answer) -> (&str, &Answered) {
    (answer.kind, &answer.about)
}

fn about((kind, about): (&str, &Answered), level: AckLevel, found: &Found, identified: &Identified) -> Incoming {
    let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
    Incoming {
        level,
        kind: kind.to_owned(),
        partner: Some(identified.partner.clone()),
        environment: Some(identified.environment.as_str().to_owned()),
        sender: found.envelope.receiver.value.clone(),
        receiver: found.envelope.sender.value.clone(),
        interchange_control_number: filled(&about.interchange_control_number),
        group_control_number: filled(&about.group_control_number),
        named: None,
        whole: None,
        documents: Vec::new(),
        is_listed: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Syntax;
    use crate::partner::Environment;
    use serde_json::json;
    use std::collections::{BTreeMap, BTreeSet};

    fn heard(answers: &[Answer]) -> Incoming {
        let found = Found {
            number: 1,
            syntax: Syntax::X12,
            envelope: Envelope::default(),
            digest: String::new(),
            documents: 1,
            kinds: BTreeSet::new(),
            faults: Vec::new(),
            group_faults: BTreeMap::new(),
        };
        let identified =
            Identified { partner: "acme".into(), environment: Environment::Test, agreements: BTreeMap::new() };
        functional(answers, &found, &identified).remove(0)
    }

    fn said_of(document: &str, verdict: Verdict, claimed: Option<u32>) -> Answer {
        let about = Answered { document_control_number: document.into(), ..Answered::default() };
        Answer { kind: "997", about, verdict, codes: Vec::new(), claimed, notes: Vec::new(), faults: Vec::new() }
    }

    #[test]
    fn rule_8_what_is_not_named_follows_the_group() {
        let rejected = said_of("0002", Verdict::Rejected, None);
        let partly = heard(&[rejected.clone(), said_of("", Verdict::AcceptedWithErrors, Some(3))]);
        assert_eq!(partly.whole.map(|said| said.state), Some(AckState::Accepted), "AK2 only for what is rejected");
        let alone = heard(&[rejected.clone(), said_of("", Verdict::Rejected, Some(1))]);
        assert_eq!(alone.documents[0].1.state, AckState::Rejected);
        let each = heard(&[said_of("0001", Verdict::Accepted, None), said_of("", Verdict::Accepted, Some(1))]);
        assert!(each.whole.is_none(), "one 997 for each document says nothing of the others");
        let group = heard(&[said_of("0001", Verdict::Accepted, None), said_of("", Verdict::Rejected, Some(2))]);
        assert_eq!(group.documents[0].1.state, AckState::Rejected, "a rejected group takes all with it");
    }

    #[test]
    fn a_number_of_an_order_is_for_documents_of_orders() {
        let rules = Rules::new(None, None);
        assert_eq!(known_by(&rules, "edifact", "order"), ["ORDCHG", "ORDERS", "ORDRSP"]);
        assert_eq!(known_by(&rules, "edifact", "invoice"), ["INVOIC"]);
        assert_eq!(known_by(&rules, "x12", "despatch"), ["856"]);
        for unknown in ["", "message", "transaction"] {
            assert!(known_by(&rules, "edifact", unknown).is_empty(), "{unknown}");
        }
    }

    #[test]
    fn an_answer_names_a_type_or_its_code_or_none() {
        let rules = Rules::new(None, None);
        for (standard, word, kinds) in [
            ("ubl", " invoice ", &["Invoice"][..]),
            ("ubl", "380", &["Invoice"]),
            ("ubl", "381", &["CreditNote"]),
            ("ubl", "220", &["Order", "OrderChange", "OrderResponse"]),
            ("x12", "850", &["850"]),
            ("ubl", "", &[]),
            ("ubl", "Rechnung", &[]),
            ("ubl", "999", &[]),
        ] {
            assert_eq!(meant(&rules, standard, word), kinds, "{standard} {word}");
        }
    }

    #[test]
    fn an_advice_without_a_verdict_speaks_by_its_errors() {
        let rules = Rules::new(None, None);
        let said_in = |standard: &str, document: Value| {
            said_by(&rules, standard, &document).map(|said| (said.state, said.code, said.detail))
        };
        let said = |document: Value| said_in("x12", document);
        let wrong = json!([{ "code": "not_matching", "text": "Price" }, { "code": { "list": "x", "code": "42" } }]);
        let expected = |detail: &str| Some((AckState::Rejected, String::new(), detail.to_owned()));
        let in_edifact = said_in("edifact", json!({ "errors": [{ "code": "other", "text": "Price" }] }));
        assert_eq!(in_edifact, expected("ZZZ (other): Price"));
        let expected = expected("011 (Not Matching): Price; 42");
        assert_eq!(said(json!({ "errors": wrong })), expected);
        assert_eq!(said(json!({})), None);
        assert_eq!(said(json!({ "status": "received_only", "errors": wrong })), None);
        let strange = said(json!({ "status": { "list": "edifact/application_status", "code": "27" } }));
        assert_eq!(strange, Some((AckState::AcceptedWithErrors, "27".to_owned(), String::new())));
        assert_eq!(said(json!({ "status": "item_rejected" })).map(|said| said.0), Some(AckState::AcceptedWithErrors));
    }
}
