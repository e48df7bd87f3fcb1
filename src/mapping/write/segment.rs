//! The segments and loops being written: the one that a place means is found, or made with the codes that its selectors
//! say, up to the maximum of the definition. What stands in them is put there by the rules.

use super::{Address, At, Find, Item, Writer, spots};
use crate::diagnostic::Fault;
use crate::mapping::notation::{Place, Selector};
use crate::standard::definition::Node;
use crate::tree::DraftSegment;

impl Writer<'_> {
    /// The segment a single value goes to: one that fits and has the place free, else a fresh one.
    pub(super) fn segment_for(&mut self, at: At, place: &Place, text: &str, field: &str) -> Option<Address> {
        let address = self.segment(at, place, Find::First, field)?;
        let (element, component) = spots(place, at).into_iter().next()?;
        let there = self.draft(address).get(element.into(), component.into());
        let is_free = there.is_empty() || there == text;
        let by_number = place.selectors.iter().any(|one| matches!(one, Selector::Occurrence(_)));
        let fixed = matches!(at, At::Segment(_) | At::Slot(..))
            || place.tag.is_empty()
            || by_number
            || (place.loops.is_empty() && self.names_trigger(at, place));
        if is_free || fixed { Some(address) } else { self.segment(at, place, Find::Fresh, field) }
    }

    /// Finds the segment of a place, or makes it with the constants of its selectors.
    pub(super) fn segment(&mut self, at: At, place: &Place, find: Find, field: &str) -> Option<Address> {
        let mut instance = match at.of(place) {
            At::Segment(address) | At::Slot(address, _) => return self.constrain(address, &place.selectors),
            At::Loop(instance) => instance,
        };
        for (tag, selectors) in &place.loops {
            let address = self.step(instance, tag, selectors, place, Find::First, field)?;
            instance = address.0;
        }
        if place.tag.is_empty() || (place.loops.is_empty() && find != Find::Fresh && self.names_trigger(at, place)) {
            return if instance == 0 { None } else { self.constrain((instance, 0, 0), &place.selectors) };
        }
        self.step(instance, &place.tag, &place.selectors, place, find, field)
    }

    /// One step down: the segment of `tag` directly in the loop, or the trigger of an inner loop.
    pub(super) fn step(
        &mut self,
        instance: usize,
        tag: &str,
        selectors: &[Selector],
        place: &Place,
        find: Find,
        field: &str,
    ) -> Option<Address> {
        let nodes = self.loops[instance].nodes;
        let fits = |node: &Node| node.tag == tag && (instance != 0 || place.area.is_none_or(|area| node.area == area));
        let Some(node) = nodes.iter().position(fits) else {
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
            Selector::Is(..) => None,
        });
        if let Some(number) = wanted {
            while self.loops[instance].items[node].len() < number {
                self.make(instance, node, &[], field)?;
            }
            return self.constrain(self.address(instance, node, number - 1), selectors);
        }
        let count = self.loops[instance].items[node].len();
        let mut there = (0..count).map(|item| self.address(instance, node, item));
        let found = match find {
            Find::First => there.find(|&address| self.fits(address, selectors)),
            Find::Last => there.rfind(|&address| self.fits(address, selectors)),
            Find::Fresh => None,
        };
        if let Some(address) = found {
            return self.constrain(address, selectors);
        }
        self.make(instance, node, selectors, field)
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
                let there = draft.get((*element).into(), (*component).max(1).into());
                there.is_empty() || values.iter().any(|value| there == value)
            }
            Selector::Occurrence(_) => true,
        })
    }

    /// Writes the constants of the selectors where nothing stands yet; `None` when something else stands there.
    pub(super) fn constrain(&mut self, address: Address, selectors: &[Selector]) -> Option<Address> {
        if !self.fits(address, selectors) {
            return None;
        }
        for selector in selectors {
            if let Selector::Is(element, component, values) = selector
                && let Some(value) = values.first()
                && self.draft(address).get((*element).into(), (*component).max(1).into()).is_empty()
            {
                self.draft_mut(address).set((*element).into(), (*component).max(1).into(), value.clone());
            }
        }
        Some(address)
    }

    /// A fresh segment or loop at a node, up to its maximum.
    pub(super) fn make(
        &mut self,
        instance: usize,
        node: usize,
        selectors: &[Selector],
        field: &str,
    ) -> Option<Address> {
        let nodes = self.loops[instance].nodes;
        let definition = &nodes[node];
        let count = self.loops[instance].items[node].len();
        if definition.max.is_some_and(|max| count >= max as usize) {
            let expected = format!("at most {} {}", definition.max.unwrap_or(0), definition.tag);
            self.fault(Fault::MappingValue, field, &expected, "one more");
            return None;
        }
        let mut draft = DraftSegment { tag: definition.tag.clone(), ..DraftSegment::default() };
        for selector in selectors {
            if let Selector::Is(element, component, values) = selector
                && let Some(value) = values.first()
            {
                draft.set((*element).into(), (*component).max(1).into(), value.clone());
            }
        }
        match &definition.body {
            None => {
                self.loops[instance].items[node].push(Item::Segment(draft));
                Some((instance, node, count))
            }
            Some(body) => {
                let inner = self.open(&body.nodes, instance);
                self.loops[inner].items[0].push(Item::Segment(draft));
                self.loops[instance].items[node].push(Item::Loop(inner));
                Some((inner, 0, 0))
            }
        }
    }

    /// The segment at an item: itself, or the trigger of the loop it is.
    pub(in crate::mapping) fn address(&self, instance: usize, node: usize, item: usize) -> Address {
        match &self.loops[instance].items[node][item] {
            Item::Segment(_) => (instance, node, item),
            Item::Loop(inner) => (*inner, 0, 0),
        }
    }

    /// Whether the address is the trigger of a loop that was made for an item, not the loop at hand itself.
    pub(super) fn is_trigger(&self, address: Address, at: At) -> bool {
        !matches!(at, At::Loop(instance) if instance == address.0)
    }

    pub(in crate::mapping) fn draft(&self, (instance, node, item): Address) -> &DraftSegment {
        static NONE: DraftSegment = DraftSegment { tag: String::new(), elements: Vec::new() };
        match &self.loops[instance].items[node][item] {
            Item::Segment(draft) => draft,
            Item::Loop(_) => &NONE,
        }
    }

    pub(super) fn draft_mut(&mut self, (instance, node, item): Address) -> &mut DraftSegment {
        let slot = &mut self.loops[instance].items[node][item];
        if let Item::Loop(_) = slot {
            // Addresses come from `address`, which goes down to the trigger.
            *slot = Item::Segment(DraftSegment::default());
        }
        match slot {
            Item::Segment(draft) => draft,
            Item::Loop(_) => unreachable!("replaced above"),
        }
    }
}
