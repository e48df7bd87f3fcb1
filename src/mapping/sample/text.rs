//! Sampled texts: what may stand in a place by its definition.

use super::{Spot, function_spot};
use crate::entity::{Entity, Value};
use crate::mapping::Context;
use crate::mapping::function::Call;
use crate::mapping::notation::{Place, Tag};
use crate::standard::content::{Content, Form, ITSELF};
use crate::standard::definition::ElementType;

/// Longest sampled text.
const TEXT_MAX: usize = 12;

pub(super) fn value(
    context: &Context<'_>,
    place: &Place,
    spot: Spot<'_>,
    calls: &[Call],
    entity: &Entity,
    dice: &mut dyn FnMut(usize) -> usize,
) -> Option<Value> {
    let known = function_spot(context, None, Some(entity));
    let sampled = calls.iter().rev().find_map(|call| call.function.sample(&call.arguments, dice, &known));
    let is_computed = calls.iter().any(|call| call.function.name() == "sum");
    sampled.or_else(|| if is_computed { None } else { text(context, place, spot, dice) })
}

/// Whether a function of this name names the value: one that is not written, or none that can be.
pub(super) fn names(calls: &[Call], function: &str, value: &Value) -> bool {
    let own = |call: &Call| {
        call.function.name() == function && call.arguments.first().is_some_and(|own| value == own.as_str())
    };
    calls.iter().any(own)
}

pub(super) fn many(
    context: &Context<'_>,
    places: &[Place],
    spot: Spot<'_>,
    calls: &[Call],
    dice: &mut dyn FnMut(usize) -> usize,
) -> Option<Value> {
    let place = places.first()?;
    // What a function makes of several places by itself, such as a day with its time.
    let known = function_spot(context, None, None);
    let sampled = calls.iter().rev().find_map(|call| call.function.sample(&call.arguments, dice, &known));
    if sampled.is_some() {
        return sampled;
    }
    let joins = calls.iter().any(|call| call.function.name() == "lines");
    // In the segment at hand there are as many places as it has; elsewhere segments may follow.
    let spots =
        |place: &Place| usize::from(place.elements.1 - place.elements.0 + 1) * usize::from(place.components.1.max(1));
    let is_own = places.len() == 1 && place.tag.is_empty();
    let most = if places.len() == 1 { most(context, spot, place) } else { None };
    let room = if is_own { spots(place).min(2) } else { most.map_or(2, |most| 2.min(most as usize)) };
    let lines: Vec<Value> = (0..1 + dice(room)).filter_map(|_| text(context, place, spot, dice)).collect();
    if joins {
        let lines: Vec<_> = lines.iter().filter_map(Value::as_str).collect();
        return Some(lines.join("\n").into());
    }
    (!lines.is_empty()).then_some(Value::Array(lines))
}

/// A text within the lengths of the element; a number where the standard wants one, a code of its list where it has one.
fn text(context: &Context<'_>, place: &Place, spot: Spot<'_>, dice: &mut dyn FnMut(usize) -> usize) -> Option<Value> {
    if let Some(content) = if place.is_outer { spot.outer } else { spot.content } {
        return of_content(context, inside(context, Some(content), place)?, place, dice).map(Into::into);
    }
    let tag = if place.tag.is_empty() { spot.tag } else { &place.tag };
    let segment = context.directory.segments.get(tag)?;
    let slot = place.elements.0.max(1).wrapping_sub(1);
    let holder = segment.elements.get(usize::from(slot))?;
    let id = match context.directory.composites.get(&holder.id) {
        Some(composite) => &composite.components.get(usize::from(place.components.0.max(1)) - 1)?.id,
        None => &holder.id,
    };
    let element = context.directory.elements.get(id)?;
    if let Some(codes) = context.directory.codes.get(&element.codes).filter(|codes| !codes.is_empty()) {
        return codes.keys().nth(dice(codes.len())).map(|code| code.clone().into());
    }
    let (min, max) = (element.min as usize, (element.max as usize).min(TEXT_MAX));
    let length = min.max(1) + dice(max.saturating_sub(min.max(1)) + 1);
    let digits = matches!(element.kind, ElementType::Number | ElementType::Implied(_));
    let symbol =
        |roll: usize| if digits { char::from(b'1' + (roll % 9) as u8) } else { char::from(b'A' + (roll % 26) as u8) };
    Some((0..length).map(|_| symbol(dice(1000))).collect::<String>().into())
}

/// What the element holds that a place lies in, from what the one at hand holds.
pub(super) fn inside<'d>(context: &Context<'d>, at: Option<&'d Content>, place: &Place) -> Option<&'d Content> {
    let markup = context.document.markup.as_ref()?;
    let contents = &markup.contents;
    if place.loops.is_empty() && *place.tag == *markup.root {
        return markup.root().map(|content| &**content);
    }
    let loops = place.loops.iter().map(|(tag, _)| &**tag);
    // The element that begins a loop is the loop's own.
    let begins = place.loops.last().is_some_and(|(tag, _)| *tag == place.tag);
    let names = loops.chain((!begins && !place.tag.is_empty()).then_some(&*place.tag));
    names.fold(at, |content, name| contents.get(&content?.part(name)?.1.content).map(|content| &**content))
}

/// How often the element of a place may stand in the one around it; `None` is no limit.
fn most(context: &Context<'_>, spot: Spot<'_>, place: &Place) -> Option<u32> {
    let around = Place { tag: Tag::default(), ..place.clone() };
    match place.elements.0 {
        0 | ITSELF => inside(context, spot.content, &around)?.part(&place.tag)?.1.max,
        _ => spot.content.map(|_| 1),
    }
}

/// A text for the element of a place; `content` is what the element holds that it lies in.
fn of_content(
    context: &Context<'_>,
    content: &Content,
    place: &Place,
    dice: &mut dyn FnMut(usize) -> usize,
) -> Option<String> {
    let contents = &context.document.markup.as_ref()?.contents;
    let holder = match place.elements.0 {
        0 | ITSELF => content,
        element => contents.get(&content.part_of(element)?.content)?,
    };
    let Some(attribute) = place.components.0.checked_sub(2) else {
        let record = context.document.layout().and_then(|layout| layout.records.get(&content.key));
        let field = record.and_then(|record| record.field(&content.part_of(place.elements.0)?.name));
        let lengths = field.map_or(ANY_LENGTH, |field| field.length);
        return holder.text.map(|form| formed(form, lengths, dice));
    };
    let attribute = holder.attributes.get(usize::from(attribute))?;
    match attribute.values.len() {
        0 => Some(formed(attribute.form, ANY_LENGTH, dice)),
        count => attribute.values.get(dice(count)).cloned(),
    }
}

/// What a text may have where nothing says how long it is.
const ANY_LENGTH: (usize, usize) = (1, TEXT_MAX);

/// A text of a form, of so many characters at least and at most where its form leaves that open.
fn formed(form: Form, (min, max): (usize, usize), dice: &mut dyn FnMut(usize) -> usize) -> String {
    let length = |usual: usize| usual.max(min).min(max);
    let mut symbols = |first: u8, count: usize, length: usize| -> String {
        (0..length).map(|_| char::from(first + u8::try_from(dice(count)).unwrap_or(0))).collect()
    };
    match form {
        Form::Text | Form::Code | Form::Binary => symbols(b'A', 26, length(4)),
        Form::Number | Form::Integer => symbols(b'1', 9, length(3)),
        Form::Boolean => "true".to_owned(),
        Form::Date => format!("2026-0{}-1{}", symbols(b'1', 9, 1), symbols(b'0', 10, 1)),
        Form::Time => format!("1{}:30:00", symbols(b'0', 10, 1)),
        Form::DateTime => format!("2026-0{}-1{}T09:30:00", symbols(b'1', 9, 1), symbols(b'0', 10, 1)),
    }
}
