//! What becomes of an entity's fields between reading and writing: which step of a transformation changed, moved, dropped
//! or made each, and into which of the documents of a split it went.

use super::Became;
use super::feeds::Written;
use crate::diagnostic::{Diagnostic, Severity};
use crate::entity::moved::{Moved, MovedValue, moved};
use crate::entity::split::{self, SplitRule};
use crate::entity::{Entity, definition};
use crate::pipeline::transform::Transformed;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A step that an entity went through.
#[derive(Debug)]
pub struct Stage {
    /// `lamps-orders steps[2].keep`.
    pub by: String,
    /// Where that is said: `rules.yaml:8`.
    pub place: String,
    /// What became of the values.
    pub moved: Moved,
    /// Why the document goes no further, where the step says so.
    pub dropped: Option<String>,
    /// What it found; fields are named as they stood then.
    pub findings: Vec<Diagnostic>,
}

/// How a document is cut.
#[derive(Debug, Clone)]
pub struct Cutting {
    /// The rule.
    pub rule: SplitRule,
    /// Whose it is: `agreement lamps-orders split`.
    pub by: String,
    /// Where that is said: `agreement.yaml:12`.
    pub place: String,
}

/// Sends an entity through transformations, each step looked at.
pub type Through<'j> = dyn Fn(&Entity) -> (Transformed<'static>, Vec<Stage>) + 'j;

/// What an entity goes through.
#[derive(Clone, Copy, Default)]
pub struct Journey<'j> {
    /// Its transformations, each step looked at.
    pub through: Option<&'j Through<'j>>,
    /// How it is cut behind them.
    pub split: Option<&'j Cutting>,
}

/// A step explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepPart {
    /// `lamps-orders steps[2].keep`, `agreement lamps-orders split`.
    pub by: String,
    /// Where that is said: `rules.yaml:8`.
    pub place: String,
    /// Why the document goes no further, where the step says so.
    pub dropped: Option<String>,
    /// What it changed, fields named as they stood before it.
    pub changes: Vec<ChangePart>,
    /// What it found.
    #[serde(serialize_with = "super::findings")]
    pub findings: Vec<Diagnostic>,
}

/// What became of a field in a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangePart {
    /// `changed`, `dropped`, `made`, or `moved`: to another place of its list, or into another item.
    pub change: &'static str,
    /// The field, or the item of a list, before; where it was made, behind the step.
    pub field: String,
    /// What it said.
    pub before: Option<String>,
    /// What it says.
    pub after: Option<String>,
    /// Where it stands behind the step.
    pub to: Vec<String>,
    /// Into which document of a split, from 1.
    pub document: Option<usize>,
    /// Where what was made was written.
    pub became: Vec<Became>,
    /// Its fields as they were read.
    #[serde(skip)]
    pub origins: Vec<String>,
}

/// What a step did to the field of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Which step.
    pub by: String,
    /// `changed`, `dropped` or `moved`.
    pub change: &'static str,
    /// What it said.
    pub before: Option<String>,
    /// What it says.
    pub after: Option<String>,
    /// The field behind the step.
    pub to: Option<String>,
    /// Into which document of a split, from 1.
    pub document: Option<usize>,
}

/// One of the documents that a split makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartOf {
    /// Which, from 1.
    pub document: usize,
    /// Its number.
    pub number: Option<String>,
    /// The lines, as they were read, that went into it; of a line that was divided, its items that did.
    pub items: Vec<String>,
}

/// A value on its way.
#[derive(Debug)]
struct Way {
    /// The field as it was read, or as it was made.
    field: String,
    changes: Vec<FieldChange>,
    /// Where it stands in the end: in which document, from 0, and as which field.
    stands: Vec<(usize, String)>,
}

/// The way of all fields.
#[derive(Debug, Default)]
pub struct Trail {
    /// What is written in the end.
    pub entities: Vec<Entity>,
    /// Findings about the entities in the end, which are about none of the steps.
    pub faults: Vec<Diagnostic>,
    /// The steps.
    pub steps: Vec<StepPart>,
    /// The documents of a split.
    pub documents: Vec<PartOf>,
    ways: Vec<Way>,
    /// The places in `ways` of the fields as they were read.
    read: BTreeMap<String, usize>,
    /// What was made, by step and change: its way.
    made: Vec<(usize, usize, usize)>,
}

impl Trail {
    /// Sends an entity on its way; none where nothing happens to it.
    pub fn follow(entity: &Entity, journey: Journey<'_>) -> Option<Trail> {
        if journey.through.is_none() && journey.split.is_none() {
            return None;
        }
        let mut trail = Trail::default();
        let mut way = entity.clone();
        let mut stages = Vec::new();
        let mut goes_on = true;
        if let Some(through) = journey.through {
            let (transformed, seen) = through(entity);
            stages = seen;
            // What a step found is told there.
            let known: Vec<Diagnostic> = stages.iter().flat_map(|stage| stage.findings.clone()).collect();
            let (on, found) = match transformed {
                Transformed::On(made, found) => {
                    way = made.into_owned();
                    (true, found)
                }
                Transformed::Dropped(_) | Transformed::Undone(_) if !stages.is_empty() => (false, Vec::new()),
                Transformed::Dropped(reason) => (false, vec![reason]),
                Transformed::Refused(found) => (false, found),
                Transformed::Undone(_) => (false, Vec::new()),
            };
            goes_on = on;
            trail.faults.extend(found.into_iter().filter(|one| !known.contains(one)));
        }
        trail.entities = if goes_on { vec![way.clone()] } else { Vec::new() };
        if let Some(cutting) = journey.split.filter(|_| goes_on) {
            trail.cut(&way, cutting, &mut stages);
        }
        let is_split = journey.split.is_some() && goes_on && !trail.entities.is_empty();
        trail.walk(entity, &stages, is_split);
        Some(trail)
    }

    fn cut(&mut self, whole: &Entity, cutting: &Cutting, stages: &mut Vec<Stage>) {
        let parts = match split::split(whole, &cutting.rule) {
            Ok(parts) => parts,
            Err(findings) => {
                self.entities = Vec::new();
                self.faults.extend(findings);
                return;
            }
        };
        // Which part it is stands in the list of documents; what all of them lack is told once.
        let told = parts.iter().flat_map(|part| part.findings.iter()).filter(|one| one.severity != Severity::Info);
        let mut findings: Vec<Diagnostic> = Vec::new();
        for one in told {
            if !findings.contains(one) {
                findings.push(one.clone());
            }
        }
        self.entities = parts.into_iter().map(|part| part.entity).collect();
        let again = |marked: Entity| {
            let parts = split::split(&marked, &cutting.rule).ok()?;
            Some(parts.into_iter().map(|part| part.entity).collect())
        };
        let moved = moved(whole, &self.entities, &again);
        let (by, place) = (cutting.by.clone(), cutting.place.clone());
        stages.push(Stage { by, place, moved, dropped: None, findings });
    }

    fn walk(&mut self, entity: &Entity, stages: &[Stage], is_split: bool) {
        let mut live: HashMap<String, Vec<usize>> = HashMap::new();
        // The items of lists as they were read, by where they stand.
        let mut items: HashMap<String, Vec<String>> = HashMap::new();
        let first = moved(entity, std::slice::from_ref(entity), &|same| Some(vec![same]));
        for (field, _) in first.values.iter().filter_map(|value| value.from.clone()) {
            self.read.insert(field.clone(), self.ways.len());
            live.insert(field.clone(), vec![self.ways.len()]);
            self.ways.push(Way { field, changes: Vec::new(), stands: Vec::new() });
        }
        for (path, _) in first.items {
            items.insert(path.clone(), vec![path]);
        }
        for (at, stage) in stages.iter().enumerate() {
            let is_cut = is_split && at + 1 == stages.len();
            let behind = self.stage(stage, &live, &items, is_cut);
            if is_cut {
                self.documents = self.parts(&stage.moved, &items);
                for (part, path, ways) in behind {
                    ways.iter().for_each(|way| self.ways[*way].stands.push((part, path.clone())));
                }
                return;
            }
            live = HashMap::new();
            behind.into_iter().for_each(|(_, path, ways)| live.entry(path).or_default().extend(ways));
            items = relocated(&stage.moved, &items);
        }
        for (path, ways) in live {
            ways.iter().for_each(|way| self.ways[*way].stands.push((0, path.clone())));
        }
    }

    /// One step; returns where which values stand behind it.
    fn stage(
        &mut self,
        stage: &Stage,
        live: &HashMap<String, Vec<usize>>,
        items: &HashMap<String, Vec<String>>,
        is_cut: bool,
    ) -> Vec<(usize, String, Vec<usize>)> {
        let around = Around::new(&stage.moved);
        let (mut changes, mut moves, mut behind) = (Vec::new(), Vec::new(), Vec::new());
        let step = self.steps.len();
        let document = |part: usize| is_cut.then_some(part + 1);
        for (item, to) in &stage.moved.items {
            let origins = items.get(item).cloned().unwrap_or_default();
            let there: Vec<String> = to.iter().map(|(_, path)| path.clone()).collect();
            let change = |change| ChangePart {
                change,
                field: item.clone(),
                before: None,
                after: None,
                to: there.clone(),
                document: None,
                became: Vec::new(),
                origins: origins.clone(),
            };
            if to.is_empty() && !around.is_inside_dropped(item) {
                changes.push(change("dropped"));
            } else if !is_cut && !to.is_empty() && there != [item.clone()] && !around.explains(item, &there) {
                moves.push(change("moved"));
            }
        }
        let is_dropped_whole = stage.dropped.is_some();
        for value in &stage.moved.values {
            let known = value.from.as_ref().and_then(|(path, _)| live.get(path)).cloned().unwrap_or_default();
            let origins: Vec<String> = known.iter().map(|way| self.ways[*way].field.clone()).collect();
            let change = |change, value: &MovedValue, to: Option<usize>| {
                let to = to.map(|to| &value.to[to]);
                ChangePart {
                    change,
                    field: value
                        .from
                        .as_ref()
                        .map_or_else(|| to.map(|to| to.path.clone()).unwrap_or_default(), |(path, _)| path.clone()),
                    before: value.from.as_ref().map(|(_, text)| text.clone()),
                    after: to.map(|to| to.text.clone()),
                    to: to.map(|to| to.path.clone()).into_iter().collect(),
                    document: to.and_then(|to| document(to.part)),
                    became: Vec::new(),
                    origins: origins.clone(),
                }
            };
            let Some((path, text)) = &value.from else {
                for (at, to) in value.to.iter().enumerate() {
                    let change = change("made", value, Some(at));
                    let way = self.ways.len();
                    self.made.push((step, changes.len(), way));
                    changes.push(change);
                    self.ways.push(Way { field: to.path.clone(), changes: Vec::new(), stands: Vec::new() });
                    behind.push((to.part, to.path.clone(), vec![way]));
                }
                continue;
            };
            let mut own = Vec::new();
            if value.to.is_empty() || is_dropped_whole {
                own.push(change("dropped", value, None));
            }
            for (at, to) in value.to.iter().enumerate() {
                if to.text != *text {
                    own.push(change("changed", value, Some(at)));
                } else if !is_cut && to.path != *path {
                    own.push(change("moved", value, Some(at)));
                }
                behind.push((to.part, to.path.clone(), known.clone()));
            }
            for change in own {
                for way in &known {
                    self.ways[*way].changes.push(FieldChange {
                        by: stage.by.clone(),
                        change: change.change,
                        before: change.before.clone(),
                        after: change.after.clone(),
                        to: change.to.first().cloned(),
                        document: change.document,
                    });
                }
                let is_told = match change.change {
                    // Its item is, or the whole document.
                    "dropped" => is_dropped_whole || around.is_inside_dropped(path),
                    "moved" => around.explains(path, &change.to),
                    _ => false,
                };
                match (is_told, change.change) {
                    (true, _) => {}
                    (false, "moved") => moves.push(change),
                    (false, _) => changes.push(change),
                }
            }
        }
        changes.append(&mut moves);
        self.steps.push(StepPart {
            by: stage.by.clone(),
            place: stage.place.clone(),
            dropped: stage.dropped.clone(),
            changes,
            findings: stage.findings.clone(),
        });
        behind
    }

    fn parts(&self, moved: &Moved, items: &HashMap<String, Vec<String>>) -> Vec<PartOf> {
        let (mut there, mut divided) = (vec![Vec::new(); self.entities.len()], HashSet::new());
        for (item, to) in moved.items.iter().filter(|(item, _)| item.starts_with("lines[")) {
            let parts: HashSet<usize> = to.iter().map(|(part, _)| *part).collect();
            let outer = item.find("].").map(|end| &item[..=end]);
            match outer {
                None if parts.len() > 1 => drop(divided.insert(item.clone())),
                Some(outer) if !divided.contains(outer) || parts.len() > 1 => continue,
                _ => {}
            }
            let read = items.get(item).cloned().unwrap_or_else(|| vec![item.clone()]);
            if outer.is_none() && parts.len() > 1 {
                continue;
            }
            parts.into_iter().for_each(|part| there[part].extend(read.clone()));
        }
        let number = |entity: &Entity| {
            let known_by = definition(&entity.kind).map_or(&[][..], |definition| &definition.known_by);
            known_by.iter().find_map(|field| entity.text(field)).map(str::to_owned)
        };
        let part = |((at, entity), items): ((usize, &Entity), Vec<String>)| PartOf {
            document: at + 1,
            number: number(entity),
            items,
        };
        self.entities.iter().enumerate().zip(there).map(part).collect()
    }

    /// The ways of a field as it was read, and of all below it, each with what stands behind the field's name.
    fn ways<'t>(&'t self, field: &'t str) -> impl Iterator<Item = (&'t Way, &'t str)> {
        let all = self.read.range(field.to_owned()..).take_while(move |(path, _)| path.starts_with(field));
        all.filter_map(move |(path, way)| Some((&self.ways[*way], below(path, field)?)))
    }

    /// What the steps did to a field as it was read.
    pub fn changes(&self, field: &str) -> Vec<FieldChange> {
        let mut found: Vec<FieldChange> = Vec::new();
        for change in self.ways(field).flat_map(|(way, _)| &way.changes) {
            if !found.contains(change) {
                found.push(change.clone());
            }
        }
        found
    }

    /// Where a field as it was read was written.
    pub fn became(&self, field: &str, written: &[Written]) -> Vec<Became> {
        let ways = self.ways(field);
        let stands = ways.flat_map(|(way, rest)| way.stands.iter().map(move |stand| (stand, rest)));
        let all = stands.map(|((part, path), rest)| (*part, path.strip_suffix(rest).unwrap_or(path)));
        became_at(all, written, self.documents.len() > 1)
    }

    /// Puts beside what was made where it was written.
    pub fn write(&mut self, written: &[Written]) {
        let is_split = self.documents.len() > 1;
        for (step, change, way) in &self.made {
            let stands = self.ways[*way].stands.iter().map(|(part, path)| (*part, path.as_str()));
            let became = became_at(stands, written, is_split);
            if let Some(change) = self.steps.get_mut(*step).and_then(|step| step.changes.get_mut(*change)) {
                change.became = became;
            }
        }
    }

    /// The field as it was read that stands at a field in the end.
    pub fn origin(&self, part: usize, field: &str) -> Option<String> {
        let found = |way: &usize| {
            let way = &self.ways[*way];
            let mut stands = way.stands.iter().filter(|(at, _)| *at == part);
            let rest = stands.find_map(|(_, path)| below(path, field))?;
            Some(way.field.strip_suffix(rest).unwrap_or(&way.field).to_owned())
        };
        self.read.values().find_map(found)
    }
}

fn became_at<'s>(stands: impl Iterator<Item = (usize, &'s str)>, written: &[Written], is_split: bool) -> Vec<Became> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for (part, path) in stands {
        if !seen.insert((part, path.to_owned())) {
            continue;
        }
        let document = is_split.then_some(part + 1);
        let there = written.get(part).map(|written| written.became(path)).unwrap_or_default();
        found.extend(there.into_iter().map(|one| Became { document, ..one }));
    }
    found
}

/// What stands behind a field in a path at it or below it.
fn below<'p>(path: &'p str, field: &str) -> Option<&'p str> {
    path.strip_prefix(field).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Where the items of lists stand behind a step, each as it was read.
fn relocated(moved: &Moved, items: &HashMap<String, Vec<String>>) -> HashMap<String, Vec<String>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for (item, to) in &moved.items {
        let read = items.get(item).cloned().unwrap_or_default();
        to.iter().for_each(|(_, path)| found.entry(path.clone()).or_default().extend(read.clone()));
    }
    found
}

/// What became of the items around a value.
struct Around<'m>(HashMap<&'m str, &'m [(usize, String)]>);

impl<'m> Around<'m> {
    fn new(moved: &'m Moved) -> Self {
        Around(moved.items.iter().map(|(item, to)| (item.as_str(), to.as_slice())).collect())
    }

    /// The item around a path, and what stands behind it there.
    fn outer<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        let ends = path.match_indices("].").map(|(at, _)| at + 1);
        ends.collect::<Vec<_>>()
            .into_iter()
            .rev()
            .map(|end| path.split_at(end))
            .find(|(item, _)| self.0.contains_key(item))
    }

    /// Whether the item around was dropped.
    fn is_inside_dropped(&self, path: &str) -> bool {
        self.outer(path).is_some_and(|(item, _)| self.0[item].is_empty())
    }

    /// Whether it went only where the item around it went.
    fn explains(&self, path: &str, to: &[String]) -> bool {
        let Some((item, rest)) = self.outer(path) else { return false };
        to.iter().all(|to| self.0[item].iter().any(|(_, place)| to.strip_prefix(place.as_str()) == Some(rest)))
    }
}
