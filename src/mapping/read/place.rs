//! What stands at a place: the loops and segments that it names, the elements and components in them, their texts. It
//! takes nothing; which rule may is the reader's.

use super::source::{Address, Seat};
use super::{At, Reader};
use crate::mapping::notation::{Place, Selector, Tag};
use std::borrow::Cow;

impl<'a> Reader<'a> {
    /// The first filled address of a place that no rule has taken.
    pub(super) fn first(&self, at: At, place: &Place) -> Option<Address> {
        self.first_by(at, place, None)
    }

    /// The same; of the values of one selector, only the chosen one counts.
    fn first_by(&self, at: At, place: &Place, chosen: Option<(&Selector, &str)>) -> Option<Address> {
        // What the slots of a segment share, or all items around which it stands, is read for each.
        let is_shared = place.is_root || place.is_outer || (matches!(at, At::Slot(..)) && place.offset.is_none());
        let is_free = |address: &Address| is_shared || !self.is_claimed(address);
        if place.is_own() {
            let segment = self.own(at)?;
            return match self.only(at, place, segment) {
                Some(address) => Some(address).filter(|address| !self.source.is_blank(*address) && is_free(address)),
                None => self.filled_in(at, place, segment).find(is_free),
            };
        }
        let segments = self.segments_by(at, place, chosen);
        self.filled(at, place, &segments).find(is_free)
    }

    /// The address of a single value: in the first loop that fits, and of the segments there in one whose code comes
    /// first in the selector, so that values of several rules belong together.
    pub(super) fn preferred(&self, at: At, place: &Place) -> Option<Address> {
        let wanted = place.selectors.iter().find_map(|selector| match selector {
            Selector::Is(_, _, values) if values.len() > 1 => Some((selector, values)),
            _ => None,
        });
        let chosen = wanted.and_then(|(selector, values)| {
            let there = self.segments(at, place);
            let code = |segment| self.selected(segment, selector).map(|address| self.deciding(address));
            let codes: Vec<_> = there.into_iter().filter_map(|(segment, _)| code(segment)).collect();
            let best = values.iter().find(|value| codes.iter().any(|code| code == *value))?;
            Some((selector, best.as_str()))
        });
        let address = self.first_by(at, place, chosen)?;
        (place.loops.is_empty() || self.is_in_first_loop(at, place, address.0)).then_some(address)
    }

    /// The first loop that a place goes into.
    fn first_loop(&self, at: At, place: &Place) -> Option<usize> {
        let At::Loop(instance) = self.beginning(at, place) else { return None };
        self.loops(instance, place).into_iter().find(|&instance| self.source.trigger(instance).is_some())
    }

    /// The segment at hand.
    fn own(&self, at: At) -> Option<usize> {
        match at {
            At::Loop(instance) => self.source.trigger(instance),
            At::Segment(segment) | At::Slot(segment, _) => Some(segment),
        }
    }

    /// The loops that a place goes into from one.
    fn loops(&self, instance: usize, place: &Place) -> Vec<usize> {
        let mut loops = vec![instance];
        for (tag, selectors) in &place.loops {
            let inner = loops.iter().flat_map(|&outer| self.inner_loops(outer, tag, place)).collect::<Vec<_>>();
            loops = self.select(inner, selectors, None).into_iter().filter_map(|(_, instance)| instance).collect();
        }
        loops
    }

    pub(super) fn is_in_first_loop(&self, at: At, place: &Place, segment: usize) -> bool {
        let At::Loop(_) = self.beginning(at, place) else { return true };
        let outer = self.first_loop(at, place);
        let home = self.placement.homes.get(segment).copied().flatten().map(|(_, instance)| instance);
        let is_trigger = |home: &usize| self.source.trigger(*home) == Some(segment);
        let around = home.map(|home| if is_trigger(&home) { self.placement.loops[home].parent } else { home });
        around == outer
    }

    /// All filled addresses of a place, in the order of the document.
    pub(super) fn addresses(&self, at: At, place: &Place) -> Vec<Address> {
        self.filled(at, place, &self.segments(at, place)).collect()
    }

    /// The filled addresses of a place in segments that it names.
    fn filled<'s>(
        &'s self,
        at: At,
        place: &'s Place,
        segments: &'s [Seat],
    ) -> impl Iterator<Item = Address> + use<'s, 'a> {
        segments.iter().flat_map(move |&(segment, _)| self.filled_in(at, place, segment))
    }

    /// The address of a place that is a single value.
    fn only(&self, at: At, place: &Place, segment: usize) -> Option<Address> {
        let (from, to) = match (at, place.offset) {
            (At::Slot(_, first), Some(offset)) => (first + offset, first + offset),
            _ => place.elements,
        };
        let (first, last) = self.component_range(segment, from, place.components);
        (from == to && first == last).then_some((segment, from, first))
    }

    /// The same in one segment.
    fn filled_in<'s>(
        &'s self,
        at: At,
        place: &'s Place,
        segment: usize,
    ) -> impl Iterator<Item = Address> + use<'s, 'a> {
        let (from, to) = match (at, place.offset) {
            (At::Slot(_, first), Some(offset)) => (first + offset, first + offset),
            _ => place.elements,
        };
        let elements = (from..=to).step_by(usize::from(place.step.max(1)));
        let addresses = elements.flat_map(move |element| {
            let (first, last) = self.component_range(segment, element, place.components);
            (first..=last).map(move |component| (segment, element, component))
        });
        addresses.filter(|address| !self.source.is_blank(*address))
    }

    /// A simple element is component 0; a composite that a place names whole is its first component.
    pub(super) fn component_range(&self, segment: usize, element: u16, (first, last): (u16, u16)) -> (u16, u16) {
        let is_composite = self.source.is_composite(segment, element).unwrap_or(false);
        match (first, is_composite) {
            (0, true) => (1, 1),
            (0, false) => (0, 0),
            (1, false) => (0, 0),
            _ => (first, last),
        }
    }

    /// The segments a place names, with the loop instance each triggers.
    pub(super) fn segments(&self, at: At, place: &Place) -> Vec<Seat> {
        self.segments_by(at, place, None)
    }

    /// The same; of the values of one selector, only the chosen one counts.
    fn segments_by(&self, at: At, place: &Place, chosen: Option<(&Selector, &str)>) -> Vec<Seat> {
        let at = self.beginning(at, place);
        let loops = match at {
            At::Segment(segment) | At::Slot(segment, _) => {
                let fits = place.tag.is_empty() || self.source.tag_is(segment, &place.tag);
                let here = if fits { vec![(segment, None)] } else { Vec::new() };
                return self.select(here, &place.selectors, chosen);
            }
            At::Loop(instance) => self.loops(instance, place),
        };
        if place.tag.is_empty() {
            // The document itself, where its first segment is its root.
            if loops == [0] && place.loops.is_empty() && self.context.document.markup.is_some() {
                return vec![(0, Some(0))];
            }
            // The trigger of the loop at hand.
            return loops
                .iter()
                .filter_map(|&instance| Some((self.source.trigger(instance)?, Some(instance))))
                .collect();
        }
        let mut found = Vec::new();
        for &instance in &loops {
            found.extend(self.source.seats(instance, &place.tag).filter(|seat| match *seat {
                (segment, None) => self.in_area(segment, instance, place),
                (_, Some(inner)) => self.is_in_area(inner, instance, place),
            }));
        }
        self.select(found, &place.selectors, chosen)
    }

    /// Where a place begins: here, in the loop around, or in the document.
    fn beginning(&self, at: At, place: &Place) -> At {
        if place.is_root {
            if let Some(recording) = &self.recording {
                recording.look_at(0);
            }
            return At::Loop(0);
        }
        if place.is_outer { self.outer(at) } else { at }
    }

    /// The loop that a segment stands in, or the one around a loop.
    pub(super) fn outer(&self, at: At) -> At {
        let home = |segment: usize| self.placement.homes.get(segment).copied().flatten().map_or(0, |home| home.1);
        let outer = match at {
            At::Segment(segment) | At::Slot(segment, _) => home(segment),
            At::Loop(instance) => self.placement.loops[instance].parent,
        };
        if let Some(recording) = &self.recording {
            recording.look_at(outer);
        }
        At::Loop(outer)
    }

    fn in_area(&self, segment: usize, instance: usize, place: &Place) -> bool {
        let home = self.placement.homes.get(segment).copied().flatten();
        instance != 0 || place.area.is_none_or(|area| home.is_some_and(|(one, _)| one == area))
    }

    pub(super) fn inner_loops(&self, outer: usize, tag: &Tag, place: &Place) -> impl Iterator<Item = Seat> {
        let seats = self.source.seats(outer, tag);
        seats.filter(move |(_, inner)| inner.is_some_and(|inner| self.is_in_area(inner, outer, place)))
    }

    /// Whether a loop is of the place's area, as far as the document's own loops are concerned.
    fn is_in_area(&self, inner: usize, outer: usize, place: &Place) -> bool {
        outer != 0 || place.area.is_none_or(|area| self.placement.loops[inner].area == area)
    }

    fn select(&self, mut found: Vec<Seat>, selectors: &[Selector], chosen: Option<(&Selector, &str)>) -> Vec<Seat> {
        let is_chosen = |one: &Selector| chosen.is_some_and(|(selector, _)| std::ptr::eq(one, selector));
        let value = |segment, (element, component)| {
            let (component, _) = self.component_range(segment, element, (component, component));
            self.deciding((segment, element, component))
        };
        for selector in selectors.iter().filter(|one| !is_chosen(one)) {
            match selector {
                Selector::Is(element, component, values) => found.retain(|(segment, _)| {
                    let value = value(*segment, (*element, *component));
                    values.iter().any(|one| *one == value)
                }),
                Selector::Inside(inside, values) => found.retain(|(_, instance)| {
                    let value =
                        instance.and_then(|instance| self.addresses(At::Loop(instance), inside).first().copied());
                    let value = value.map_or(Cow::Borrowed(""), |address| self.deciding(address));
                    values.iter().any(|one| *one == value)
                }),
                Selector::Occurrence(number) => {
                    found = found.into_iter().skip(number.saturating_sub(1)).take(1).collect();
                }
            }
        }
        if let Some((Selector::Is(element, component, _), chosen)) = chosen {
            found.retain(|(segment, _)| value(*segment, (*element, *component)) == chosen);
        }
        found
    }

    /// A text that decides what is read.
    fn deciding(&self, address: Address) -> Cow<'a, str> {
        if let Some(recording) = &self.recording {
            recording.say(address);
        }
        self.text(address)
    }

    pub(super) fn text(&self, address: Address) -> Cow<'a, str> {
        self.source.text(address)
    }
}
