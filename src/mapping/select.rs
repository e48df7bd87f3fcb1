//! The value that decides which entity a document is, on the way back: written where no rule has said it more precisely,
//! and looked at, so that a document is never read as another entity than the one it was written from.

use super::notation::{Place, Select};
use super::write::{At, Writer};
use crate::diagnostic::Fault;
use crate::entity::Path;

impl Writer<'_> {
    /// Writes the value that selects the entity.
    pub(super) fn selector(&mut self) {
        let choices = &self.context.mapping.select;
        let own = choices.iter().find(|choice| choice.entity == self.entity.kind);
        if let Some((place, values)) = own.and_then(|choice| choice.when.as_ref())
            && self.standing(place).is_empty()
        {
            let value = values.first().map_or("", String::as_str);
            self.put_text(At::Loop(0), place, value.into(), &Path::Root);
        }
        let is_chosen = |choice: &&Select| match &choice.when {
            Some((place, values)) => values.contains(&self.standing(place)),
            None => true,
        };
        let chosen = choices.iter().find(is_chosen).map(|choice| &choice.entity);
        if chosen != Some(&self.entity.kind) {
            let expected = format!("a kind that says it is of type {}", self.entity.kind);
            let found = self.entity.text("kind").unwrap_or("none").to_owned();
            self.fault(Fault::MappingValue, &Path::Field(&Path::Root, "kind"), &expected, &found);
        }
    }

    /// What stands at a place of the document so far.
    fn standing(&self, place: &Place) -> String {
        if !place.loops.is_empty() {
            return self.inside(0, place).to_owned();
        }
        let nodes = self.loops[0].nodes.iter().position(|node| node.tag == place.tag);
        let Some(address) = nodes.and_then(|node| self.addresses(0, node).next()) else { return String::new() };
        self.draft(address).get(place.elements.0, place.components.0.max(1)).to_owned()
    }
}
