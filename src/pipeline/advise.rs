//! What the business made of a document, told to its sender: an application advice (824, APERAK) that leaves under an
//! agreement of way out like any other document. What the standard made of it is `acknowledge`'s; what partners say of
//! ours is read in `answer`.

use super::answer::ADVICE;
use crate::clock::Timestamp;
use crate::codec::segment::Envelope;
use crate::diagnostic::{Diagnostic, Effect, Fault, Severity};
use crate::entity::{Entity, Value, set};
use crate::partner::{AckPolicy, AckRule};
use crate::store::document::Processing;

/// Errors that an advice names; the count of the others is told.
const ERRORS_MAX: usize = 20;

/// Characters of an error in words: the room that an 824 has for them.
const TEXT_CHARACTERS_MAX: usize = 80;

/// Characters of a value that is quoted (X12 724).
const VALUE_CHARACTERS_MAX: usize = 99;

/// What became of a document, as its sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Accepted,
    AcceptedWithErrors,
    Rejected,
}

/// The document that is spoken of.
pub struct Subject<'s> {
    /// Its envelope, as it came.
    pub envelope: &'s Envelope,
    /// The version it was read in.
    pub version: &'s str,
    /// What it says.
    pub entity: &'s Entity,
    /// What was found in it.
    pub findings: &'s [Diagnostic],
    /// Where it rests.
    pub processing: Processing,
}

impl Subject<'_> {
    /// What the business made of it; nothing while it waits, and where the standard refused it already.
    fn status(&self) -> Option<Status> {
        let of = |severity: Severity| self.of_business().any(|finding| finding.severity == severity);
        match self.processing {
            Processing::Routed | Processing::Dropped if of(Severity::Warning) => Some(Status::AcceptedWithErrors),
            Processing::Routed | Processing::Dropped => Some(Status::Accepted),
            Processing::Failed if of(Severity::Error) => Some(Status::Rejected),
            _ => None,
        }
    }

    /// What stands in the way of the business; that a mapping has no home for something is our own affair.
    fn of_business(&self) -> impl Iterator<Item = &Diagnostic> {
        let is_theirs = |finding: &&Diagnostic| {
            finding.fault.info().effect == Effect::Business
                && !matches!(finding.fault, Fault::MappingLoss | Fault::MappingMissing)
        };
        self.findings.iter().filter(is_theirs)
    }
}

/// Whether an agreement wants the sender to be told, and under which agreement.
#[must_use]
pub fn due<'p>(policy: &'p AckPolicy, subject: &Subject<'_>) -> Option<&'p str> {
    let status = subject.status()?;
    let is_due = match policy.application {
        AckRule::Always => true,
        AckRule::OnError => status == Status::Rejected,
        AckRule::OnRequest | AckRule::Never => false,
    };
    // An advice is never answered by one.
    if is_due && subject.entity.kind != ADVICE { policy.advice.as_deref() } else { None }
}

/// The advice, under a number of its own.
#[must_use]
pub fn advice(subject: &Subject<'_>, number: &str, now: Timestamp) -> Entity {
    let mut advice = Entity::new(ADVICE);
    let issued = now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M").to_string();
    for (field, value) in [("purpose", "response"), ("number", number), ("issued", &issued)] {
        set(&mut advice.fields, field, value.into());
    }
    let mut document = crate::entity::Map::new();
    let status = match subject.status() {
        Some(Status::Rejected) => "rejected",
        Some(Status::AcceptedWithErrors) => "accepted_with_errors",
        _ => "accepted",
    };
    set(&mut document, "status", status.into());
    if let Some(kind) = reference_kind(&subject.entity.kind) {
        set(&mut document, "reference.kind", kind.into());
    }
    let envelope = subject.envelope;
    for (field, value) in [
        ("reference.id", subject.entity.known_by().unwrap_or_default()),
        ("sender", &envelope.sender.value),
        ("receiver", &envelope.receiver.value),
        ("group_control_number", &envelope.group_control_number),
        ("control_number", &envelope.document_control_number),
        ("document_type", &envelope.document_type),
        ("version", subject.version),
    ] {
        if !value.trim().is_empty() {
            set(&mut document, field, value.trim().into());
        }
    }
    let errors: Vec<&Diagnostic> = subject.of_business().filter(|one| one.severity != Severity::Info).collect();
    let mut told: Vec<Value> = errors.iter().take(ERRORS_MAX).map(|finding| error(finding)).collect();
    if errors.len() > ERRORS_MAX {
        let more = format!("and {} more", errors.len() - ERRORS_MAX);
        told.push(Value::from([("code", "other".into()), ("text", more.into())]));
    }
    if !told.is_empty() {
        set(&mut document, "errors", Value::Array(told));
    }
    set(&mut advice.fields, "documents", Value::Array(vec![Value::Object(document)]));
    advice
}

/// What the number of a document is a number of.
fn reference_kind(entity: &str) -> Option<&'static str> {
    match entity {
        "order" | "order_change" | "order_response" => Some("order"),
        "invoice" | "credit_note" => Some("invoice"),
        "despatch_advice" => Some("despatch"),
        _ => None,
    }
}

fn error(finding: &Diagnostic) -> Value {
    // What could be a separator of the interchange is written as a blank.
    let plain = |c: char| if c.is_control() || "*~>^|<".contains(c) { ' ' } else { c };
    let cut = |text: &str, most: usize| text.chars().map(plain).take(most).collect::<String>();
    let code = match finding.fault {
        Fault::SumDiffers => "total",
        Fault::QuantityDiffers => "quantity",
        Fault::DateOrder => "date",
        Fault::FieldsDisagree => "combination",
        Fault::FieldMissing => "missing",
        Fault::CheckDigit | Fault::MappingValue => "incorrect",
        Fault::ReferenceUnknown | Fault::OriginLine => "not_matching",
        Fault::ReferenceTwice => "duplicate",
        Fault::OriginMissing => "order_number",
        _ => "other",
    };
    let position = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    let mut error = crate::entity::Map::new();
    for (field, value) in [
        ("code", code),
        ("text", &cut(&finding.message(), TEXT_CHARACTERS_MAX)),
        ("segment", &finding.tag),
        ("position", &position(finding.position.segment.into())),
        ("element", &position(finding.position.element.into())),
        ("value", &cut(&finding.value, VALUE_CHARACTERS_MAX)),
    ] {
        if !value.is_empty() {
            set(&mut error, field, value.into());
        }
    }
    Value::Object(error)
}
