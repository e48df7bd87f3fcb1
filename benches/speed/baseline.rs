//! What we are measured against: known programs and the plainest loops, on the same bytes in the same process.
//! None of them is part of the engine. Each returns a number that depends on everything it looked at.

use edifact_rs::{
    DirectoryValidator, OwnedComponentRef, OwnedElementRef, OwnedSegmentDef, Repr, ServiceStringAdvice, Status, Token,
    Tokenizer, ValidationContext, ValidationLayer,
};
use portolan::standard::definition::{Directory, ElementType, Place, Usage};
use portolan::tree::Separators;
use serde::Serialize;
use std::collections::BTreeSet;

/// `memchr3` over terminator, element and component separator, every hit visited: what a good search costs that finds
/// the structure and does nothing with it.
pub fn memchr3(bytes: &[u8], separators: &Separators) -> u64 {
    let hits = memchr::memchr3_iter(separators.segment, separators.element, separators.component, bytes);
    hits.fold(0, |sum, at| sum + at as u64)
}

/// `memchr3` over any three bytes, every hit visited.
pub fn visited(bytes: &[u8], [one, two, three]: [u8; 3]) -> u64 {
    memchr::memchr3_iter(one, two, three, bytes).fold(0, |sum, at| sum + at as u64)
}

/// The events of `quick-xml`, names checked and nothing else done with them: what our reader of XML stands on.
pub fn xml_events(bytes: &[u8]) -> u64 {
    let mut reader = quick_xml::Reader::from_reader(bytes);
    let mut sum = 0;
    loop {
        match reader.read_event().expect("well-formed input") {
            quick_xml::events::Event::Eof => return sum,
            event => sum += event.len() as u64,
        }
    }
}

/// Splits at terminators, then at element separators; no release characters, no components, nothing checked.
pub fn naive_split(bytes: &[u8], separators: &Separators) -> u64 {
    let mut sum = 0;
    for segment in bytes.split(|&byte| byte == separators.segment) {
        for element in segment.split(|&byte| byte == separators.element) {
            sum += element.len() as u64;
        }
    }
    sum
}

/// The tokens of `edifact-rs`.
pub fn edifact_rs_tokens(bytes: &[u8]) -> u64 {
    let advice = ServiceStringAdvice::from_bytes(bytes).expect("the generator writes a UNA");
    let length = |token: Token<'_>| match token {
        Token::SegmentTag { value, .. } | Token::DataElement { value, .. } | Token::ComponentElement { value, .. } => {
            value.len()
        }
        _ => 0,
    };
    Tokenizer::new(bytes, advice).map(|token| length(token.expect("clean input")) as u64).sum()
}

/// The directory validator of `edifact-rs`, with our definitions of the segments in `bytes`. It checks neither order
/// nor codes; with envelope and syntax layers it is the nearest it has to our validation.
pub fn edifact_rs_validator(directory: &Directory, bytes: &[u8]) -> ValidationContext {
    let tags: BTreeSet<String> =
        edifact_rs::from_bytes(bytes).map(|segment| segment.expect("clean input").tag.into_owned()).collect();
    let definitions = tags.iter().filter_map(|tag| {
        let places = &directory.segments.get(tag)?.elements;
        let elements = places.iter().zip(1..).map(|(place, at)| element(directory, place, at)).collect();
        Some(OwnedSegmentDef::new_unchecked(tag.clone(), tag.clone(), elements))
    });
    let validator = DirectoryValidator::from_owned_definitions(definitions.collect()).enforce_known_tags(false);
    ValidationContext::builder().with_validator(ValidationLayer::Structure, validator).with_syntax_validation().build()
}

fn element(directory: &Directory, place: &Place, at: u8) -> OwnedElementRef {
    let made = OwnedElementRef::new_unchecked(at, place.id.clone(), status(place), place.max.clamp(1, 255) as u8);
    match directory.composites.get(&place.id) {
        None => match representation(directory, place) {
            Some(form) => made.with_repr(form),
            None => made,
        },
        Some(composite) => made.with_components(
            composite.components.iter().zip(1..).map(|(place, at)| component(directory, place, at)).collect(),
        ),
    }
}

fn component(directory: &Directory, place: &Place, at: u8) -> OwnedComponentRef {
    let made = OwnedComponentRef::new_unchecked(at, place.id.clone(), status(place));
    match representation(directory, place) {
        Some(form) => made.with_repr(form),
        None => made,
    }
}

fn status(place: &Place) -> Status {
    if place.usage == Usage::Required { Status::Mandatory } else { Status::Conditional }
}

fn representation(directory: &Directory, place: &Place) -> Option<Repr> {
    let element = directory.elements.get(&place.id)?;
    let max = u16::try_from(element.max).ok()?;
    Some(match element.kind {
        ElementType::Number => Repr::n_up_to(max),
        ElementType::Letters => Repr::a_up_to(max),
        _ => Repr::an_up_to(max),
    })
}

/// Parses and validates with `edifact-rs`; returns segments and findings.
pub fn edifact_rs_validate(bytes: &[u8], context: &ValidationContext) -> u64 {
    let segments: Vec<_> = edifact_rs::from_bytes(bytes).map(|segment| segment.expect("clean input")).collect();
    let report = context.validate(&segments);
    (segments.len() + report.errors().len()) as u64
}

/// An order in fields of its own types, for the fastest that `serde_json` writes.
#[derive(Serialize)]
pub struct TypedOrder {
    number: String,
    date: String,
    currency: String,
    buyer: TypedParty,
    lines: Vec<TypedLine>,
}

#[derive(Serialize)]
struct TypedParty {
    id: String,
    name: String,
    street: String,
    city: String,
}

#[derive(Serialize)]
struct TypedLine {
    number: u32,
    quantity: String,
    unit: String,
    price: String,
    gtin: String,
    buyer_item: String,
    description: String,
}

impl TypedOrder {
    /// An order of so many lines.
    pub fn sample(lines: u32) -> Self {
        let text = str::to_owned;
        let line = |number| TypedLine {
            number,
            quantity: (number * 7).to_string(),
            unit: text("EA"),
            price: format!("{number}.25"),
            gtin: text("4012345123456"),
            buyer_item: format!("{number:07}"),
            description: text("EXTENSION CORD 100 FT"),
        };
        let [id, name, street, city] = ["4012345000009", "NORTH STORES", "77 HARBOR BLVD", "SEATTLE"].map(text);
        let (number, date, currency) = (text("PO00000001"), text("2026-11-24"), text("USD"));
        TypedOrder {
            number,
            date,
            currency,
            buyer: TypedParty { id, name, street, city },
            lines: (1..=lines).map(line).collect(),
        }
    }

    /// Writes it; returns how many bytes.
    pub fn write(&self) -> usize {
        serde_json::to_vec(self).expect("memory takes it").len()
    }
}
