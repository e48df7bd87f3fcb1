//! Items that are alike, as they are written: of all that validation looks at only their texts differ from one to the next.
//! So the rules of those are found once for a form, and of each item only its texts are held against them, by the code that
//! judges the values of any segment. Whether all the rest is right, one item of each form shows that is validated whole;
//! where items may stand is for `place`. Whose texts hang together across items, as those of a tree do, is never left out.

use super::clean::Values;
use crate::standard::definition::{Directory, ElementType};
use crate::standard::rules::{Content, PlaceRule, Rows};
use crate::tree::{DraftForm, DraftPlace, DraftTexts, FormSegment, PlaceText, Separators};

/// The rules of the texts of a form.
pub struct TextRules {
    /// Each with the number of its text.
    rules: Vec<(u32, ElementType, PlaceRule)>,
}

impl TextRules {
    /// Those of a form; `None` where more than the texts of each item has to be looked at.
    #[must_use]
    pub fn of(form: &DraftForm, directory: &Directory) -> Option<Self> {
        let mut rules = Vec::new();
        form.segments().iter().all(|segment| add(segment, directory, &mut rules)).then_some(TextRules { rules })
    }

    /// Whether the texts of an item, all of them printable ASCII without separators, are surely without fault.
    #[must_use]
    pub fn allow(&self, item: &DraftTexts, directory: &Directory, separators: Separators) -> bool {
        let values = Values::plain(directory.rules(), item.all().as_bytes(), separators);
        self.rules.iter().all(|(text, kind, place)| {
            let range = item.range(*text);
            !range.is_empty() && values.value(*kind, place, range.start as u32, range.end as u32)
        })
    }
}

/// Adds the rules of the texts of one segment; whether it is judged by them.
fn add(segment: &FormSegment, directory: &Directory, found: &mut Vec<(u32, ElementType, PlaceRule)>) -> bool {
    let rules = directory.rules();
    // What these say is held against others of the document.
    let is_bound =
        |rows: &Rows| rows.node.is_some() || rows.structure.is_some() || ["LS", "LE"].contains(&&*segment.tag);
    let rows = rules.segment(segment.tag.as_bytes()).map(|number| rules.rows(number));
    let Some(rows) = rows.filter(|rows| !is_bound(rows)) else { return false };
    let place_of = |place: &DraftPlace| {
        let [element, component] = [place.element, place.component].map(|number| usize::from(number).wrapping_sub(1));
        let rule = rows.places.get(element)?;
        match rule.content {
            Content::Composite(number) => rules.rows(number as usize).places.get(component),
            _ => Some(rule).filter(|_| component == 0),
        }
    };
    segment.places.iter().all(|place| match (&place.text, place_of(place)) {
        (PlaceText::Said(_), _) => true,
        (PlaceText::Own(_), None) => false,
        (PlaceText::Own(number), Some(rule)) => {
            if let Content::Value(kind) = rule.content {
                found.push((*number, kind, *rule));
            }
            true
        }
    })
}
