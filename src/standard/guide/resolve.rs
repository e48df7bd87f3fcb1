//! Finds a guide's places in a placed document: the loops that a path means, the segments in them, the values in those.

use super::{GuidePlace, GuideTest, Selector, Step};
use crate::standard::definition::Area;
use crate::standard::place::{Child, Placement};
use crate::tree::{Run, Segment, Value};

/// Looks places up in one document.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// The document's bytes.
    pub run: &'a Run<'a>,
    /// Where its segments stand.
    pub placement: &'a Placement,
}

impl<'a> Resolver<'a> {
    /// The loop instances that hold the place's segment, from the instance `from` on; 0 is the document.
    #[must_use]
    pub fn holders(&self, from: usize, place: &GuidePlace) -> Vec<usize> {
        let mut open = vec![from];
        for step in &place.loops {
            let inner = |&outer: &usize| self.inner(outer, step, place.area);
            open = open.iter().flat_map(inner).map(|(_, instance)| instance).collect();
        }
        open
    }

    /// The segments of the place that stand directly in a loop instance, triggers of its inner loops included.
    #[must_use]
    pub fn inside(&self, holder: usize, place: &GuidePlace) -> Vec<usize> {
        let step = &place.segment;
        let mut found = Vec::new();
        for child in self.placement.children(holder) {
            match child {
                Child::Segment(segment)
                    if self.is(segment, holder, step) && self.is_in(segment, holder, place.area) =>
                {
                    found.push(segment);
                }
                Child::Loop(inner) => {
                    let trigger = self.trigger(inner).filter(|&trigger| self.is(trigger, inner, step));
                    found.extend(trigger.filter(|&trigger| self.is_in(trigger, holder, place.area)));
                }
                Child::Segment(_) => {}
            }
        }
        found
    }

    /// All segments of a place.
    #[must_use]
    pub fn segments(&self, from: usize, place: &GuidePlace) -> Vec<usize> {
        self.holders(from, place).into_iter().flat_map(|holder| self.inside(holder, place)).collect()
    }

    /// The instances of a loop by its trigger path, anywhere in the document.
    #[must_use]
    pub fn instances(&self, path: &[String]) -> Vec<usize> {
        let path = path.join("/");
        (1..self.placement.loops.len()).filter(|&instance| self.placement.path(instance) == path).collect()
    }

    /// The value of an element or component; a composite named whole is its first component. `None` when empty.
    #[must_use]
    pub fn value(&self, segment: usize, element: u16, component: u16) -> Option<Value<'a>> {
        let value = self.run.segment(segment)?.element(element.into())?;
        let one =
            if component == 0 && value.is_plain() { Some(value) } else { value.component(component.max(1).into()) };
        one.filter(|value| !value.is_empty())
            .or_else(|| Some(value).filter(|value| component == 0 && !value.is_empty()))
    }

    /// Whether a test holds, relative to a loop instance.
    #[must_use]
    pub fn holds(&self, from: usize, test: &GuideTest) -> bool {
        let place = &test.place;
        let fits = |segment: usize| {
            if place.element == 0 && test.values.is_empty() {
                return true;
            }
            let (element, component) = place.value();
            let value = self.value(segment, element, component).map(|value| value.text().into_owned());
            value.is_some_and(|value| test.values.is_empty() || test.values.iter().any(|one| one == value.trim_end()))
        };
        self.segments(from, place).into_iter().any(fits) != test.negated
    }

    /// The first segment of a loop instance, which opens it.
    #[must_use]
    pub fn trigger(&self, instance: usize) -> Option<usize> {
        match self.placement.children(instance).next() {
            Some(Child::Segment(segment)) => Some(segment),
            _ => None,
        }
    }

    /// A segment of the document.
    #[must_use]
    pub fn segment(&self, ordinal: usize) -> Option<Segment<'a>> {
        self.run.segment(ordinal)
    }

    fn inner(&self, outer: usize, step: &Step, area: Option<Area>) -> Vec<(usize, usize)> {
        let one = |child: Child| match child {
            Child::Loop(inner) => {
                let trigger = self.trigger(inner).filter(|&trigger| self.is(trigger, inner, step))?;
                self.is_in(trigger, outer, area).then_some((trigger, inner))
            }
            Child::Segment(_) => None,
        };
        self.placement.children(outer).filter_map(one).collect()
    }

    fn is_in(&self, segment: usize, holder: usize, area: Option<Area>) -> bool {
        let home = self.placement.homes.get(segment).copied().flatten();
        holder != 0 || area.is_none_or(|area| home.is_some_and(|(one, _)| one == area))
    }

    /// Whether a segment is the step's; `home` is the loop instance that it stands in, or begins.
    fn is(&self, segment: usize, home: usize, step: &Step) -> bool {
        let is_tag = self.run.segment(segment).is_some_and(|one| one.tag_text() == step.tag);
        is_tag && step.selectors.iter().all(|selector| self.is_chosen(segment, home, selector))
    }

    fn is_chosen(&self, segment: usize, home: usize, selector: &Selector) -> bool {
        let place = &selector.place;
        let there = if place.segment.tag.is_empty() { vec![segment] } else { self.segments(home, place) };
        let (element, component) = place.value();
        there.into_iter().any(|segment| {
            let value = self.value(segment, element, component);
            value.is_some_and(|value| selector.values.iter().any(|one| one == value.text().trim_end()))
        })
    }
}
