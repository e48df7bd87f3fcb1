//! What stands at a place: the loops and segments that it names, the elements and components in them, their texts. It
//! takes nothing; which rule may is the reader's.

use super::{Address, At, Reader};
use crate::mapping::notation::{Place, Selector};
use crate::standard::place::Child;

impl Reader<'_> {
    /// The first filled address of a place that no rule has taken.
    pub(super) fn first(&self, at: At, place: &Place) -> Option<Address> {
        // What the slots of a segment share is read for each.
        let is_shared = matches!(at, At::Slot(..)) && place.offset.is_none();
        self.addresses(at, place).into_iter().find(|address| is_shared || !self.claimed.has(address))
    }

    /// The address of a single value: in the first loop that fits, and of the segments there in one whose code comes
    /// first in the selector, so that values of several rules belong together.
    pub(super) fn preferred(&self, at: At, place: &Place) -> Option<Address> {
        let wanted = place.selectors.iter().find_map(|selector| match selector {
            Selector::Is(_, _, values) if values.len() > 1 => Some((selector, values)),
            _ => None,
        });
        let narrowed = wanted.and_then(|(selector, values)| {
            let there = self.segments(at, place);
            let code = |segment| self.selected(segment, selector).map(|address| self.text(address));
            let codes: Vec<String> = there.into_iter().filter_map(|(segment, _)| code(segment)).collect();
            let best = values.iter().find(|value| codes.contains(value))?;
            let Selector::Is(element, component, _) = selector else { return None };
            let mut narrowed = place.clone();
            narrowed.selectors.retain(|one| one != selector);
            narrowed.selectors.push(Selector::Is(*element, *component, vec![best.clone()]));
            Some(narrowed)
        });
        let address = self.first(at, narrowed.as_ref().unwrap_or(place))?;
        (place.loops.is_empty() || self.is_in_first_loop(at, place, address.0)).then_some(address)
    }

    pub(super) fn is_in_first_loop(&self, at: At, place: &Place, segment: usize) -> bool {
        let At::Loop(_) = at else { return true };
        let trigger = Place { tag: String::new(), selectors: Vec::new(), ..place.clone() };
        let outer = self.segments(at, &trigger).first().and_then(|(_, instance)| *instance);
        let home = self.placement.homes.get(segment).copied().flatten().map(|(_, instance)| instance);
        let is_trigger = |home: &usize| self.trigger(*home) == Some(segment);
        let around = home.map(|home| if is_trigger(&home) { self.placement.loops[home].parent } else { home });
        around == outer
    }

    /// All filled addresses of a place, in the order of the document.
    pub(super) fn addresses(&self, at: At, place: &Place) -> Vec<Address> {
        let mut found = Vec::new();
        let (from, to) = match (at, place.offset) {
            (At::Slot(_, first), Some(offset)) => (first + offset, first + offset),
            _ => place.elements,
        };
        for (segment, _) in self.segments(at, place) {
            for element in (from..=to).step_by(usize::from(place.step.max(1))) {
                let (first, last) = self.component_range(segment, element, place.components);
                found.extend(
                    (first..=last)
                        .map(|component| (segment, element, component))
                        .filter(|address| !self.text(*address).is_empty()),
                );
            }
        }
        found
    }

    /// A simple element is component 0; a composite that a place names whole is its first component.
    pub(super) fn component_range(&self, segment: usize, element: u16, (first, last): (u16, u16)) -> (u16, u16) {
        let is_composite = self.components(segment, element) > 1 || self.is_defined_composite(segment, element);
        match (first, is_composite) {
            (0, true) => (1, 1),
            (0, false) => (0, 0),
            (1, false) => (0, 0),
            _ => (first, last),
        }
    }

    pub(super) fn is_defined_composite(&self, segment: usize, element: u16) -> bool {
        let Some(segment) = self.run.segment(segment) else { return false };
        let definition = self.context.directory.segments.get(&*segment.tag_text());
        let place = definition.and_then(|one| one.elements.get(usize::from(element).wrapping_sub(1)));
        place.is_some_and(|place| self.context.directory.composites.contains_key(&place.id))
    }

    /// The segments a place names, with the loop instance each triggers.
    pub(super) fn segments(&self, at: At, place: &Place) -> Vec<(usize, Option<usize>)> {
        let at = if place.is_outer { self.outer(at) } else { at };
        let mut loops = match at {
            At::Segment(segment) | At::Slot(segment, _) => {
                let fits = place.tag.is_empty() || self.tag_is(segment, &place.tag);
                let here = if fits { vec![(segment, None)] } else { Vec::new() };
                return self.select(here, &place.selectors);
            }
            At::Loop(instance) => vec![instance],
        };
        for (tag, selectors) in &place.loops {
            let inner = loops.iter().flat_map(|&outer| self.inner_loops(outer, tag, place)).collect::<Vec<_>>();
            loops = self.select(inner, selectors).into_iter().filter_map(|(_, instance)| instance).collect();
        }
        if place.tag.is_empty() {
            // The trigger of the loop at hand.
            return loops.iter().filter_map(|&instance| Some((self.trigger(instance)?, Some(instance)))).collect();
        }
        let mut found = Vec::new();
        for &instance in &loops {
            found.extend(self.placement.loops[instance].children.iter().filter_map(|child| match *child {
                Child::Segment(segment) if self.tag_is(segment, &place.tag) => {
                    self.in_area(segment, instance, place).then_some((segment, None))
                }
                _ => None,
            }));
            found.extend(self.inner_loops(instance, &place.tag, place));
        }
        self.select(found, &place.selectors)
    }

    /// The loop that a segment stands in, or the one around a loop.
    pub(super) fn outer(&self, at: At) -> At {
        let home = |segment: usize| self.placement.homes.get(segment).copied().flatten().map_or(0, |home| home.1);
        At::Loop(match at {
            At::Segment(segment) | At::Slot(segment, _) => home(segment),
            At::Loop(instance) => self.placement.loops[instance].parent,
        })
    }

    pub(super) fn in_area(&self, segment: usize, instance: usize, place: &Place) -> bool {
        let home = self.placement.homes.get(segment).copied().flatten();
        instance != 0 || place.area.is_none_or(|area| home.is_some_and(|(one, _)| one == area))
    }

    pub(super) fn inner_loops(&self, outer: usize, tag: &str, place: &Place) -> Vec<(usize, Option<usize>)> {
        let children = self.placement.loops[outer].children.iter();
        let inner = children.filter_map(|child| match *child {
            Child::Loop(instance) => Some((self.trigger(instance)?, Some(instance))),
            Child::Segment(_) => None,
        });
        let fits =
            |instance: usize| outer != 0 || place.area.is_none_or(|area| self.placement.loops[instance].area == area);
        inner.filter(|(segment, instance)| self.tag_is(*segment, tag) && instance.is_some_and(fits)).collect()
    }

    pub(super) fn select(
        &self,
        mut found: Vec<(usize, Option<usize>)>,
        selectors: &[Selector],
    ) -> Vec<(usize, Option<usize>)> {
        for selector in selectors {
            match selector {
                Selector::Is(element, component, values) => {
                    found.retain(|(segment, _)| {
                        let (component, _) = self.component_range(*segment, *element, (*component, *component));
                        values.contains(&self.text((*segment, *element, component)))
                    });
                }
                Selector::Occurrence(number) => {
                    found = found.into_iter().skip(number.saturating_sub(1)).take(1).collect();
                }
            }
        }
        found
    }

    pub(super) fn trigger(&self, instance: usize) -> Option<usize> {
        self.placement.loops[instance].children.iter().find_map(|child| match *child {
            Child::Segment(segment) => Some(segment),
            Child::Loop(_) => None,
        })
    }

    pub(super) fn tag_is(&self, segment: usize, tag: &str) -> bool {
        self.run.segment(segment).is_some_and(|segment| segment.tag_text() == tag)
    }

    pub(super) fn text(&self, (segment, element, component): Address) -> String {
        let Some(value) = self.run.segment(segment).and_then(|segment| segment.element(element.into())) else {
            return String::new();
        };
        let Some(value) = value.repetitions().next() else { return String::new() };
        let value = if component == 0 { Some(value) } else { value.component(component.into()) };
        value.map_or(String::new(), |value| value.text().trim_end_matches(' ').to_owned())
    }

    pub(super) fn is_filled(&self, segment: usize, element: u16) -> bool {
        let value = self.run.segment(segment).and_then(|segment| segment.element(element.into()));
        value.is_some_and(|value| !value.is_empty())
    }

    pub(super) fn components(&self, segment: usize, element: u16) -> u16 {
        let value = self.run.segment(segment).and_then(|segment| segment.element(element.into()));
        value.map_or(0, |value| u16::try_from(value.components().count()).unwrap_or(u16::MAX))
    }
}
