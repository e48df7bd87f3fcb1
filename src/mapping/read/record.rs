//! Making a stencil: what is noted while the rules walk an item, and what of it makes the item again.

use super::Reader;
use super::source::{Address, Block};
use super::stencil::{Item, Kind, Leaf, Stencil, Way, Where};
use crate::entity::{Map, Part, Template, Value};
use crate::mapping::function::{Beside, Call};
use crate::mapping::notation::Under;
use crate::mapping::trace::path;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

/// What is noted of one item.
pub(super) struct Recording {
    block: Block,
    /// The rule for what follows the item, by where it is in memory; that nothing does was asked before.
    follower: Option<usize>,
    /// Something was looked at outside the item, or refused: no stencil can say it.
    is_spoiled: Cell<bool>,
    /// Where texts stand that decided something.
    said: RefCell<Vec<Address>>,
    trials: Vec<Trial>,
}

/// Functions that were asked for something.
struct Trial {
    addresses: Vec<Address>,
    is_list: bool,
    calls: Vec<Call>,
    kind: Kind,
    looked: Vec<Beside>,
}

impl Recording {
    /// A text decides what is made of the item.
    pub(super) fn say(&self, address: Address) {
        self.said.borrow_mut().push(address);
    }

    /// Something is looked at that may not be the item's.
    pub(super) fn spoil(&self) {
        self.is_spoiled.set(true);
    }

    /// What follows a loop by a rule is looked at. Of the item itself that was done before, by its first such rule, and
    /// nothing that belongs to it follows.
    pub(super) fn follow(&self, instance: usize, under: &Under) {
        let is_asked = self.follower == Some(std::ptr::from_ref(under).addr());
        if self.block.instance != Some(instance) || !is_asked {
            self.spoil();
        }
    }

    /// A loop is looked at.
    pub(super) fn look_at(&self, instance: usize) {
        if self.block.instance.is_none_or(|own| instance < own) {
            self.spoil();
        }
    }

    /// Functions were asked; a number for what they made.
    pub(super) fn try_on(
        &mut self,
        addresses: &[Address],
        is_list: bool,
        calls: &[Call],
        outcome: &Result<Option<Value>, ()>,
        looked: &[Beside],
    ) -> usize {
        let Ok(made) = outcome else {
            self.spoil();
            return 0;
        };
        let (addresses, calls, looked) = (addresses.to_vec(), calls.to_vec(), looked.to_vec());
        self.trials.push(Trial { addresses, is_list, calls, kind: Kind::of(made.as_ref()), looked });
        self.trials.len() - 1
    }
}

impl Reader<'_> {
    /// Lets the rules walk an item, and makes a stencil of what they do where one can be made.
    pub(super) fn record(
        &mut self,
        block: Block,
        under: Option<&Under>,
        walk: impl Fn(&mut Self) -> Option<Map>,
    ) -> (Option<Map>, Option<Stencil>) {
        let form = self.form(&block);
        let (is_spoiled, said, trials) = (Cell::new(false), RefCell::default(), Vec::new());
        let faults = self.faults.len();
        let follower = under.map(|under| std::ptr::from_ref(under).addr());
        self.recording = Some(Recording { block, follower, is_spoiled, said, trials });
        self.claimed.trace.switch(true);
        let item = walk(self);
        self.claimed.trace.switch(false);
        let notes = self.claimed.trace.take_made();
        let Some(recording) = self.recording.take() else { return (item, None) };
        if recording.is_spoiled.get() || self.faults.len() > faults {
            return (item, None);
        }
        let mut made: HashMap<String, usize> = HashMap::new();
        for (parts, trial) in &notes {
            if made.insert(path(parts), *trial).is_some() {
                return (item, None);
            }
        }
        let mut making = Making { reader: self, recording, made };
        let stencil = making.stencil(form, item.as_ref());
        (item, stencil)
    }
}

/// A stencil on its way.
struct Making<'r, 'a> {
    reader: &'r Reader<'a>,
    recording: Recording,
    /// What made the values of the item that are not found in it yet.
    made: HashMap<String, usize>,
}

impl Making<'_, '_> {
    fn stencil(&mut self, form: super::stencil::Form, item: Option<&Map>) -> Option<Stencil> {
        let (mut used, mut leaves) = (Vec::new(), Vec::new());
        let item = match item {
            Some(fields) => {
                let template = Arc::new(Template::of(fields)?);
                self.object(fields, "", &mut used)?;
                // As they stand in the item, each with its holes.
                let mut holes = 0;
                for (trial, value) in &used {
                    let part = Part::of(value, &mut holes)?;
                    leaves.push((self.leaf(*trial, Some(&part))?, part));
                }
                Some(Item { template, leaves })
            }
            None => None,
        };
        // A value that was made and stands nowhere was put into something by a way that is not known here.
        if !self.made.is_empty() {
            return None;
        }
        let aside = (0..self.recording.trials.len()).filter(|trial| !used.iter().any(|(one, _)| one == trial));
        let aside = aside.map(|trial| self.leaf(trial, None)).collect::<Option<Vec<_>>>()?;
        let mut said = Vec::new();
        let mut addresses = self.recording.said.take();
        addresses.sort_unstable();
        addresses.dedup();
        for address in addresses {
            // Where nothing can stand, the form says so.
            if self.reader.source.cell(address).is_some() {
                said.push((self.place(address)?, self.reader.text(address).as_bytes().into()));
            }
        }
        let after = self.reader.claimed.cells[self.recording.block.cells.clone()].to_vec();
        Some(Stencil { form, said, aside, item, after })
    }

    /// Finds which trial made each value of an object, in the order in which they stand; `None` where that is not known.
    fn object<'v>(&mut self, fields: &'v Map, prefix: &str, used: &mut Vec<(usize, &'v Value)>) -> Option<()> {
        for (key, value) in fields {
            let path = if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
            self.value(value, &path, used)?;
        }
        Some(())
    }

    fn value<'v>(&mut self, value: &'v Value, path: &str, used: &mut Vec<(usize, &'v Value)>) -> Option<()> {
        if let Some(trial) = self.made.remove(path) {
            used.push((trial, value));
            return Some(());
        }
        match value {
            Value::Object(fields) => self.object(fields, path, used),
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(at, item)| self.value(item, &format!("{path}[{}]", at + 1), used))
            }
            _ => None,
        }
    }

    fn leaf(&self, trial: usize, part: Option<&Part>) -> Option<Leaf> {
        let trial = self.recording.trials.get(trial)?;
        let places = trial.addresses.iter().map(|&address| self.place(address)).collect::<Option<Vec<_>>>()?;
        let (calls, looked, is_list) = (trial.calls.clone(), trial.looked.clone(), trial.is_list);
        let way = Way::of(&calls, is_list, &looked, places.len(), part);
        places.first()?;
        Some(Leaf { places, is_list, calls, kind: trial.kind, looked, way, known: RefCell::default() })
    }

    /// Where a value stands in the item; `None` outside.
    fn place(&self, address: Address) -> Option<Where> {
        let (block, source) = (&self.recording.block, &self.reader.source);
        let cell = source.cell(address).filter(|cell| block.cells.contains(cell))?;
        let (segment, element, component) = address;
        let (first, last) = source.gaps_of(segment, cell)?;
        let before = source.separators(block.segments.start..segment);
        let address = (segment - block.segments.start, element, component);
        Some(Where { address, gaps: (before + first, before + last) })
    }
}
