//! Acknowledgments that came, as the ledger takes them: what each says of one sending, for the documents it names and
//! for those it does not. Which sending that is, the ledger finds.

use super::acknowledge::state;
use super::identify::{Found, Identified};
use crate::codec::edifact::Contrl;
use crate::codec::segment::{Answer, Verdict};
use crate::store::ack::{AckLevel, AckState, Incoming, NamedDocument, Said};

/// What a TA1 says: it is about the interchange, so about all in it.
#[must_use]
pub fn technical(answer: &Answer, found: &Found, identified: &Identified) -> Incoming {
    let whole = Some(said(answer));
    Incoming { whole, ..about(answer, AckLevel::Technical, found, identified) }
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
    vec![Incoming { whole: rest, documents, ..about(first, AckLevel::Functional, found, identified) }]
}

/// What a CONTRL says: of the interchange, and unless it only came, of its documents; what is refused by name first.
#[must_use]
pub fn contrl(contrl: &Contrl, found: &Found, identified: &Identified) -> Vec<Incoming> {
    let (named, whole) = parted(&contrl.answers);
    let Some((interchange, groups)) = whole.split_first() else { return Vec::new() };
    let one = |level: AckLevel, answer: &Answer| Incoming {
        whole: Some(said(answer)),
        ..about(answer, level, found, identified)
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

/// What a UBL ApplicationResponse or a StatusUpdateRequest of cXML says, of each document that it names.
#[must_use]
pub fn application(answers: &[Answer], found: &Found, identified: &Identified) -> Vec<Incoming> {
    let standard = &found.envelope.standard;
    let one = |answer: &Answer| {
        let number = answer.about.document_control_number.clone();
        Incoming {
            whole: Some(said(answer)),
            interchange_control_number: Some(number.clone()),
            named: Some(NamedDocument {
                standard: standard.clone(),
                kind: Some(answer.about.document_type.clone()).filter(|kind| !kind.is_empty()),
                number,
                is_envelope: standard == "cxml",
            }),
            ..about(answer, AckLevel::Application, found, identified)
        }
    };
    answers.iter().map(one).collect()
}

/// Answers for one document each, and those for a group or an interchange.
fn parted(answers: &[Answer]) -> (Vec<&Answer>, Vec<&Answer>) {
    answers.iter().partition(|answer| !answer.about.document_control_number.is_empty())
}

fn said(answer: &Answer) -> Said {
    Said { state: state(answer.verdict), code: answer.codes.join(" "), detail: answer.notes.join("; ") }
}

fn about(answer: &Answer, level: AckLevel, found: &Found, identified: &Identified) -> Incoming {
    let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
    Incoming {
        level,
        kind: answer.kind.to_owned(),
        partner: Some(identified.partner.clone()),
        sender: found.envelope.receiver.value.clone(),
        receiver: found.envelope.sender.value.clone(),
        interchange_control_number: filled(&answer.about.interchange_control_number),
        group_control_number: filled(&answer.about.group_control_number),
        named: None,
        whole: None,
        documents: Vec::new(),
        is_listed: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::segment::{Answered, Envelope};
    use crate::diagnostic::Syntax;
    use crate::partner::Environment;
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
        Answer { kind: "997", about, verdict, codes: Vec::new(), claimed, notes: Vec::new() }
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
}
