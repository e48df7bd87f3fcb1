//! The segments and loops being written: the one that a place means is found, or made with the codes that its selectors
//! say, up to the maximum of the definition. What stands in them is put there by the rules.

use super::record::Recording;
use super::trial::Source;
use super::{Address, At, Find, Item, Writer, spot};
use crate::diagnostic::Fault;
use crate::entity::Path;
use crate::mapping::notation::{Place, Selector, Tag};
use crate::standard::definition::{Area, Node};
use crate::tree::DraftSegment;

/// Segments and loops of a loop, usually at most: room is made for as many.
const ITEMS_OF_LOOP: usize = 8;

/// What was sought, the nodes of a loop by where they stand, a tag and a part of the document, and which node it is.
pub(super) type Sought = ((usize, u32, Option<Area>), usize);

impl Writer<'_> {
    /// The segment a single value goes to: one that fits and has the place free, else a fresh one.
    pub(super) fn segment_for(
        &mut self,
        at: At,
        place: &Place,
        (text, trial): (&str, usize),
        field: &Path<'_>,
    ) -> Option<Address> {
        let address = self.segment(at, place, Find::First, field)?;
        let (element, component) = spot(place, at);
        let there = self.draft(address).get(element, component);
        let is_free = there.is_empty() || there == text;
        if !there.is_empty() {
            self.note(|one| {
                one.decide(Source::Made(trial, 0), text);
                one.compare((address.1, element, component), there);
            });
        }
        if (place.is_root || place.is_outer) && !is_free {
            let expected = format!("what it says of all of them, and {there} stands in {} already", place.tag);
            self.fault(Fault::MappingValue, field, &expected, text);
            return None;
        }
        // The root of an XML document is there once.
        let markup = self.context.document.markup.as_ref();
        let is_once = markup.is_some_and(|markup| place.tag.number() == Tag::new(&markup.root).number());
        let by_number = place.selectors.iter().any(|one| matches!(one, Selector::Occurrence(_)));
        let fixed = matches!(at, At::Segment(_) | At::Slot(..))
            || place.tag.is_empty()
            || by_number
            || (place.loops.is_empty() && self.names_trigger(at, place));
        if is_free || fixed || is_once { Some(address) } else { self.segment(at, place, Find::Fresh, field) }
    }

    /// The segment at hand.
    pub(super) fn own_segment(&self, at: At) -> Option<Address> {
        match at {
            At::Segment(address) | At::Slot(address, _) => Some(address),
            At::Loop(instance) => self.loops[instance].trigger.map(|trigger| (instance, trigger)),
        }
    }

    /// Finds the segment of a place, or makes it with the constants of its selectors. `at` is where the place begins.
    pub(super) fn segment(&mut self, at: At, place: &Place, find: Find, field: &Path<'_>) -> Option<Address> {
        let mut instance = match at {
            At::Segment(address) | At::Slot(address, _) => return self.constrain(address, &place.selectors),
            At::Loop(instance) => instance,
        };
        for (tag, selectors) in &place.loops {
            let address = self.step(instance, tag, selectors, place, Find::First, field)?;
            instance = address.0;
        }
        if place.tag.is_empty() || (place.loops.is_empty() && find != Find::Fresh && self.names_trigger(at, place)) {
            let trigger = self.loops[instance].trigger?;
            return self.constrain((instance, trigger), &place.selectors);
        }
        self.step(instance, &place.tag, &place.selectors, place, find, field)
    }

    /// One step down: the segment of `tag` directly in the loop, or the trigger of an inner loop.
    pub(super) fn step(
        &mut self,
        instance: usize,
        tag: &Tag,
        selectors: &[Selector],
        place: &Place,
        find: Find,
        field: &Path<'_>,
    ) -> Option<Address> {
        self.note(|one| one.look_into(instance));
        let Some(node) = self.node_of(instance, tag, place) else {
            self.fault(
                Fault::MappingValue,
                field,
                "a place of the definition",
                &format!("{tag} in {}", self.name(instance)),
            );
            return None;
        };
        let wanted = selectors.iter().find_map(|one| match one {
            Selector::Occurrence(number) => Some(*number),
            Selector::Is(..) | Selector::Inside(..) => None,
        });
        if let Some(number) = wanted {
            // Counted are those that the other selectors mean, as on reading.
            let fits = |writer: &Self, at: usize| {
                writer.addresses(instance, node).filter(|one| writer.fits(*one, selectors)).nth(at)
            };
            while fits(self, number.checked_sub(1)?).is_none() {
                self.make(instance, node, selectors, field)?;
            }
            let address = fits(self, number.checked_sub(1)?)?;
            self.say(address, selectors);
            return Some(address);
        }
        let fits = |address: &Address| self.fits(*address, selectors);
        let found = match find {
            Find::First => self.addresses(instance, node).find(fits),
            Find::Last => self.addresses(instance, node).rfind(fits),
            Find::Fresh => None,
        };
        if let Some(address) = found {
            self.say(address, selectors);
            return Some(address);
        }
        self.make(instance, node, selectors, field)
    }

    /// The node of a loop that a tag means at a place. Items of a list ask for the same again and again.
    fn node_of(&self, instance: usize, tag: &Tag, place: &Place) -> Option<usize> {
        let nodes = self.loops[instance].nodes;
        let area = place.area.filter(|_| instance == 0);
        let sought = (nodes.as_ptr().addr(), tag.number(), area);
        let (last, found) = self.sought.get();
        if last == sought {
            return Some(found);
        }
        let is_tag = |node: &Node| Tag::key(node.tag.as_bytes()) == tag.number();
        let found = nodes.iter().position(|node| is_tag(node) && area.is_none_or(|area| node.area == area))?;
        self.sought.set((sought, found));
        Some(found)
    }

    /// How many loops of `tag` there are.
    pub(super) fn loops_there(&self, instance: usize, tag: &Tag) -> usize {
        let own = &self.loops[instance];
        own.items.iter().filter(|(node, _)| Tag::key(own.nodes[*node].tag.as_bytes()) == tag.number()).count()
    }

    /// The loops of `tag` that a further item may stand in: from the last one on that holds one of its list.
    pub(super) fn loops_for(&self, instance: usize, tag: &Tag, item: &Place) -> Vec<Address> {
        let is = |node: &Node, tag: &Tag| Tag::key(node.tag.as_bytes()) == tag.number();
        let nodes = self.loops[instance].nodes;
        let fits = |node: &Node| is(node, tag) && (instance != 0 || item.area.is_none_or(|area| node.area == area));
        let Some(node) = nodes.iter().position(fits) else { return Vec::new() };
        let mut found: Vec<Address> = self.addresses(instance, node).collect();
        let holds_one = |&(inner, _): &Address| {
            let own = &self.loops[inner];
            own.items.iter().any(|(at, _)| is(&own.nodes[*at], &item.tag))
        };
        let first = found.iter().rposition(holds_one).unwrap_or(0);
        found.split_off(first)
    }

    pub(super) fn name(&self, instance: usize) -> String {
        match self.loops[instance].nodes.first() {
            Some(node) if instance != 0 => format!("loop {}", node.tag),
            _ => format!("{} {}", self.context.document.kind, self.context.document.version),
        }
    }

    pub(super) fn fits(&self, address: Address, selectors: &[Selector]) -> bool {
        let draft = self.draft(address);
        selectors.iter().all(|selector| match selector {
            Selector::Is(element, component, values) => {
                let (element, component) = (*element, (*component).max(1));
                let there = draft.get(element, component);
                if !there.is_empty() {
                    self.note(|one| one.compare((address.1, element, component), there));
                }
                there.is_empty() || values.iter().any(|value| there == value)
            }
            Selector::Inside(inside, values) => {
                let there = self.inside(address.0, inside);
                there.is_empty() || values.iter().any(|value| there == value)
            }
            Selector::Occurrence(_) => true,
        })
    }

    /// What stands at a place inside a loop; empty for nothing, and where the place is not made yet.
    pub(in crate::mapping) fn inside(&self, mut instance: usize, place: &Place) -> &str {
        self.note(Recording::spoil);
        let steps = place.loops.iter().map(|(tag, _)| tag).chain([&place.tag]);
        let mut found = None;
        for tag in steps {
            let nodes = self.loops[instance].nodes;
            let node = nodes.iter().position(|node| Tag::key(node.tag.as_bytes()) == tag.number());
            let Some(address) = node.and_then(|node| self.addresses(instance, node).next()) else { return "" };
            instance = address.0;
            found = Some(address);
        }
        found.map_or("", |address| self.draft(address).get(place.elements.0, place.components.0.max(1)))
    }

    /// Writes the constants of the selectors where nothing stands yet; `None` when something else stands there.
    pub(super) fn constrain(&mut self, address: Address, selectors: &[Selector]) -> Option<Address> {
        if !self.fits(address, selectors) {
            return None;
        }
        self.say(address, selectors);
        Some(address)
    }

    /// The same where nothing else stands.
    fn say(&mut self, address: Address, selectors: &[Selector]) {
        for selector in selectors {
            if let Selector::Inside(inside, values) = selector
                && let Some(value) = values.first().filter(|value| !value.is_empty())
                && self.inside(address.0, inside).is_empty()
            {
                self.put_text(At::Loop(address.0), inside, value.as_str().into(), &Path::Root);
            }
            if let Selector::Is(element, component, values) = selector
                && let Some(value) = values.first()
                && self.draft(address).get(*element, (*component).max(1)).is_empty()
            {
                self.draft_mut(address).set(*element, (*component).max(1), value.as_str());
                self.note(|one| one.put((address.1, *element, (*component).max(1)), Source::Said(value.into())));
            }
        }
    }

    /// A fresh segment or loop at a node, up to its maximum.
    pub(super) fn make(
        &mut self,
        instance: usize,
        node: usize,
        selectors: &[Selector],
        field: &Path<'_>,
    ) -> Option<Address> {
        let nodes = self.loops[instance].nodes;
        let definition = &nodes[node];
        let count = self.addresses(instance, node).len();
        if definition.max.is_some_and(|max| count >= max as usize) {
            let expected = format!("at most {} {}", definition.max.unwrap_or(0), definition.tag);
            self.fault(Fault::MappingValue, field, &expected, "one more");
            return None;
        }
        let mut draft = DraftSegment::new(definition.tag.as_str().into());
        for selector in selectors {
            if let Selector::Is(element, component, values) = selector
                && let Some(value) = values.first()
            {
                draft.set(*element, (*component).max(1), value.as_str());
            }
        }
        let made = self.drafts.len();
        self.note(|one| {
            let said = draft.values().iter();
            said.for_each(|said| one.put((made, said.element, said.component), Source::Said(said.text.clone())));
        });
        self.drafts.push(draft);
        let (home, item) = match &definition.body {
            None => (instance, Item::Segment(made)),
            Some(body) => {
                let inner = self.open(&body.nodes, instance);
                let own = &mut self.loops[inner];
                own.trigger = Some(made);
                own.items = Vec::with_capacity(ITEMS_OF_LOOP);
                own.items.push((0, Item::Segment(made)));
                (inner, Item::Loop(inner))
            }
        };
        let items = &mut self.loops[instance].items;
        let after = items.iter().rposition(|(other, _)| *other <= node).map_or(0, |at| at + 1);
        items.insert(after, (node, item));
        if selectors.iter().any(|one| matches!(one, Selector::Inside(..))) {
            self.say((home, made), selectors);
        }
        Some((home, made))
    }

    /// The segments at a node: each itself, or the trigger of the loop it begins.
    pub(in crate::mapping) fn addresses(
        &self,
        instance: usize,
        node: usize,
    ) -> impl DoubleEndedIterator<Item = Address> + ExactSizeIterator {
        let items = &self.loops[instance].items;
        let first = items.partition_point(|(other, _)| *other < node);
        let last = items.partition_point(|(other, _)| *other <= node);
        items[first..last].iter().map(move |(_, item)| match *item {
            Item::Segment(draft) => (instance, draft),
            // A loop is made with its trigger.
            Item::Loop(inner) => (inner, self.loops[inner].trigger.unwrap_or_default()),
        })
    }

    /// Whether the address is the trigger of a loop that was made for an item, not the loop at hand itself.
    pub(super) fn is_trigger(&self, address: Address, at: At) -> bool {
        !matches!(at, At::Loop(instance) if instance == address.0)
    }

    pub(in crate::mapping) fn draft(&self, (_, draft): Address) -> &DraftSegment {
        self.note(|one| one.look_at(draft));
        &self.drafts[draft]
    }

    pub(super) fn draft_mut(&mut self, (_, draft): Address) -> &mut DraftSegment {
        self.note(|one| one.look_at(draft));
        &mut self.drafts[draft]
    }
}
