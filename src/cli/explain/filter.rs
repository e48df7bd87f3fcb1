//! Which segments and values are asked for.

use crate::mapping::{self, Place, Selector};
use crate::pipeline::explain::{ChangePart, ElementPart, Explanation, SegmentPart};

/// What to show; empty shows all.
#[derive(Debug, Default)]
pub struct Filter {
    at: Option<(String, Place)>,
    field: Option<String>,
    segment: Option<u32>,
    is_errors: bool,
}

impl Filter {
    /// Reads what was asked for.
    ///
    /// # Errors
    /// A sentence saying how a place is written.
    pub fn new(at: Option<&str>, field: Option<&str>, segment: Option<u32>, is_errors: bool) -> Result<Self, String> {
        let place = |text: &str| match mapping::place(text) {
            Ok(place) if !place.tag.is_empty() => Ok((text.to_owned(), place)),
            _ => Err(format!("{text}: expected a place such as PO1.04, N101, NAD.03.1, LIN/PRI or QTY[2].01.2")),
        };
        let at = at.map(place).transpose()?;
        Ok(Filter { at, field: field.map(str::to_owned), segment, is_errors })
    }

    /// Whether something certain is asked for, which may not be there.
    pub fn is_narrow(&self) -> bool {
        self.at.is_some() || self.field.is_some() || self.segment.is_some()
    }

    /// The sentence when nothing fits.
    pub fn nothing(&self) -> String {
        match (&self.at, &self.field, self.segment) {
            (Some((text, _)), ..) => format!("nothing stands at {text}"),
            (_, Some(field), _) => format!("nothing feeds {field}; `portolan translate --to entity` prints the fields"),
            (.., Some(segment)) => format!("no document has a segment {segment}"),
            _ => "nothing is wrong".to_owned(),
        }
    }

    /// Leaves what is asked for of a document, and what its steps do to that.
    pub fn apply(&self, explanation: &mut Explanation) {
        explanation.segments.retain_mut(|part| {
            let is_counted = self.segment.is_none_or(|number| part.segment == number);
            is_counted && self.fits(part)
        });
        if self.is_errors {
            explanation.documents.clear();
            for step in &mut explanation.steps {
                step.changes.clear();
            }
            explanation.steps.retain(|step| !step.findings.is_empty());
        }
        if self.is_narrow() {
            let elements = explanation.segments.iter().flat_map(|part| &part.elements);
            let fields: Vec<&str> = elements.flat_map(|one| &one.fields).map(|one| one.field.as_str()).collect();
            for step in &mut explanation.steps {
                step.changes.retain(|change| self.concerns(change, &fields));
            }
            explanation.steps.retain(|step| !step.changes.is_empty() || step.dropped.is_some());
        }
    }

    /// Whether a step's change is one of what is asked for; `fields` are those of the values that are left.
    fn concerns(&self, change: &ChangePart, fields: &[&str]) -> bool {
        let is_around = |field: &str, inner: &str| {
            inner.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let is_left = |origin: &String| fields.iter().any(|field| is_around(field, origin) || is_around(origin, field));
        let is_made = change.change == "made";
        let asked = self.field.as_deref().filter(|_| is_made);
        change.origins.iter().any(is_left) || asked.is_some_and(|asked| is_around(asked, &change.field))
    }

    /// Leaves what is asked for of the envelope, which feeds no fields and has no numbers.
    pub fn envelope(&self, segments: &mut Vec<SegmentPart>) {
        if self.segment.is_some() || self.field.is_some() {
            segments.clear();
        }
        segments.retain_mut(|part| self.fits(part));
    }

    fn fits(&self, part: &mut SegmentPart) -> bool {
        if self.is_errors {
            if !part.has_findings() {
                return false;
            }
            part.elements.retain(|element| !element.findings.is_empty());
            part.rules.retain(|rule| !rule.is_met);
        }
        if let Some(field) = &self.field {
            part.elements.retain(|element| feeds(element, field));
            part.rules.clear();
        }
        let is_there = self.at.as_ref().is_none_or(|(_, place)| stands(part, place));
        is_there && (self.field.is_none() || !part.elements.is_empty())
    }
}

fn feeds(element: &ElementPart, field: &str) -> bool {
    element
        .fields
        .iter()
        .any(|one| one.field.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])))
}

/// Whether the segment is the one the place names; of its values only those named are left.
fn stands(part: &mut SegmentPart, place: &Place) -> bool {
    let steps: Vec<&str> = part.loop_path.split('/').collect();
    let asked: Vec<&str> = place.loops.iter().map(|(tag, _)| &**tag).collect();
    let whole = [asked.as_slice(), &[&*place.tag]].concat();
    let in_loop = asked.is_empty() || steps.ends_with(&asked) || (part.is_trigger && steps.ends_with(&whole));
    let in_area = place.area.is_none_or(|area| part.area == Some(area.name()));
    if part.tag != place.tag || !in_loop || !in_area || !place.selectors.iter().all(|one| chosen(part, one)) {
        return false;
    }
    if place.elements.0 > 0 {
        let (first, last) = place.elements;
        part.elements.retain(|element| (first..=last).contains(&element.element));
        part.rules.retain(|rule| rule.elements.iter().any(|element| (first..=last).contains(element)));
    }
    if place.components.0 > 0 {
        let (first, last) = place.components;
        part.elements.retain(|element| (first..=last).contains(&element.component));
    }
    place.elements.0 == 0 || !part.elements.is_empty()
}

fn chosen(part: &SegmentPart, selector: &Selector) -> bool {
    match selector {
        // What stands in another segment is not looked at.
        Selector::Inside(..) => true,
        Selector::Occurrence(number) => {
            part.place == format!("{}[{number}]", part.tag) || (*number == 1 && part.place == part.tag)
        }
        Selector::Is(element, component, values) => part.elements.iter().any(|one| {
            let here = one.element == *element && one.component.max(1) == (*component).max(1);
            here && values.contains(&one.value)
        }),
    }
}
