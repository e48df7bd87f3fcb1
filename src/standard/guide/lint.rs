//! Holds a guide against the definition it narrows: places that are not there, codes the standard has not, lengths
//! beyond its own, rules that would widen it.

use super::{Guide, GuidePlace, GuideRule};
use crate::standard::content::Markup;
use crate::standard::definition::{Area, Directory, Document, ElementDefinition, Node, Usage};

/// What is wrong with a rule, under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideProblem {
    /// `rules.BEG02`, `conditions.stand-alone`.
    pub key: String,
    /// Expected and found.
    pub message: String,
}

/// Codes listed in a message, at most.
const CODES_LISTED_MAX: usize = 8;

impl Guide {
    /// All that does not fit the definition; empty when the guide is sound.
    #[must_use]
    pub fn lint(&self, document: &Document, directory: &Directory) -> Vec<GuideProblem> {
        let mut found = Vec::new();
        for element in self.adds.keys().filter(|element| !directory.elements.contains_key(element.as_str())) {
            let message = format!("expected an element of {}/{}, found {element}", document.standard, document.version);
            found.push(GuideProblem { key: format!("adds.{element}"), message });
        }
        for rule in &self.rules {
            let problems = self.rule_problems(rule, document, directory);
            let key = || format!("rules.{}", rule.text);
            found.extend(problems.into_iter().map(|message| GuideProblem { key: key(), message }));
        }
        for condition in &self.conditions {
            let key = || format!("conditions.{}", condition.name);
            let each = condition.each.join("/");
            if !each.is_empty() && !document.has_loop(&each) {
                let message = format!("each: expected a loop of {}, found {each}", document.kind);
                found.push(GuideProblem { key: key(), message });
                continue;
            }
            for test in condition.when.iter().chain(&condition.need) {
                let problem = place_problem(&test.place, &each, document, directory);
                found.extend(problem.map(|message| GuideProblem { key: key(), message }));
            }
        }
        found
    }

    fn rule_problems(&self, rule: &GuideRule, document: &Document, directory: &Directory) -> Vec<String> {
        if let Some(problem) = place_problem(&rule.place, "", document, directory) {
            return vec![problem];
        }
        let mut found = Vec::new();
        let place = &rule.place;
        let named = document.markup.as_ref().and_then(|markup| named(place, markup));
        let usage = match place.element {
            0 => nodes_at(&document.nodes, place, "").first().map(|node| node.usage),
            _ => named.as_ref().map(|one| one.0).or_else(|| place_of(place, directory).map(|one| one.1)),
        };
        if usage == Some(Usage::Required)
            && matches!(rule.usage, Some(Usage::Unused | Usage::Optional))
            && place.is_plain()
        {
            found.push("usage: expected required, as the standard says; a guide cannot take it back".to_owned());
        }
        if let Some((_, values)) = named.filter(|(_, values)| !values.is_empty()) {
            let outside = rule.codes.iter().chain(&rule.value).filter(|code| !values.contains(code));
            found.extend(outside.map(|code| format!("codes: expected one of {}, found {code}", values.join(", "))));
        }
        let Some(element) = place_of(place, directory).and_then(|(.., element)| element).filter(|_| place.element != 0)
        else {
            return found;
        };
        if let Some((_, max)) = rule.length.filter(|(_, max)| *max > element.max) {
            found.push(format!("length: expected at most {}, as the standard says, found {max}", element.max));
        }
        if let Some(codes) = directory.codes.get(&element.codes).filter(|codes| !codes.is_empty()) {
            let added = place_of(place, directory).and_then(|(id, ..)| self.adds.get(id));
            let is_known =
                |code: &&String| codes.contains_key(*code) || added.is_some_and(|added| added.contains_key(*code));
            for code in rule.codes.iter().chain(&rule.value).filter(|code| !is_known(code)) {
                let listed: Vec<_> = codes.keys().take(CODES_LISTED_MAX).map(String::as_str).collect();
                let more = if codes.len() > CODES_LISTED_MAX { " …" } else { "" };
                found
                    .push(format!("codes: expected codes of the standard ({}{more}), found {code}", listed.join(", ")));
            }
        }
        found
    }
}

/// Usage of an element or attribute of XML, and the values that an attribute is limited to.
fn named<'d>(place: &GuidePlace, markup: &'d Markup) -> Option<(Usage, &'d [String])> {
    let path: Vec<&str> = place.loops.iter().chain([&place.segment]).map(|step| step.tag.as_str()).collect();
    let below = path.strip_prefix(&[markup.root.as_str()]).unwrap_or(&path);
    let around = markup.contents.follow(&markup.content, below)?;
    let part = around.part_of(place.element);
    let holder = part.map_or(Some(around), |part| markup.contents.get(&part.content))?;
    let attribute = usize::from(place.component).checked_sub(2).and_then(|at| holder.attributes.get(at));
    match (attribute, part) {
        (Some(attribute), _) => Some((attribute.usage, &attribute.values)),
        (None, part) => Some((part?.usage, &[])),
    }
}

/// A place that the definition has not, in words. Names were looked up when they were read.
fn place_problem(place: &GuidePlace, each: &str, document: &Document, directory: &Directory) -> Option<String> {
    if document.markup.is_some() {
        return None;
    }
    let tag = &place.segment.tag;
    if nodes_at(&document.nodes, place, each).is_empty() {
        let mut homes = Vec::new();
        loops_of(&document.nodes, "", tag, &mut homes);
        let nearest = homes.first().map(|path| match path.as_str() {
            "" => format!("; it stands outside the loops, as {tag}"),
            path => format!("; it stands in {path}, as {path}/{tag}"),
        });
        let whole = place.whole_path();
        let nearest = nearest.unwrap_or_else(|| meant(tag, document));
        return Some(format!("expected a place of {}, found {whole}{nearest}", document.kind));
    }
    if place.element != 0 && place_of(place, directory).is_none() {
        let known = directory.segments.get(tag).map_or(0, |segment| segment.elements.len());
        let deep = if place.component == 0 { String::new() } else { format!(".{}", place.component) };
        return Some(format!("expected one of the {known} elements of {tag}, found {:02}{deep}", place.element));
    }
    None
}

/// A segment of the document type whose tag is near.
fn meant(tag: &str, document: &Document) -> String {
    let mut tags = Vec::new();
    tags_of(&document.nodes, &mut tags);
    crate::near::nearest(tag, &tags).map_or(String::new(), |name| format!("; did you mean {name}?"))
}

fn tags_of<'d>(nodes: &'d [Node], found: &mut Vec<&'d str>) {
    for node in nodes {
        found.push(&node.tag);
        tags_of(node.body.as_ref().map_or(&[], |body| body.nodes.walked()), found);
    }
}

/// The nodes that a place means; a trigger is found as the loop it opens.
fn nodes_at<'d>(nodes: &'d [Node], place: &GuidePlace, each: &str) -> Vec<&'d Node> {
    let path = match (each, place.path().as_str()) {
        ("", path) => path.to_owned(),
        (each, "") => each.to_owned(),
        (each, path) => format!("{each}/{path}"),
    };
    let mut found = Vec::new();
    collect(nodes, "", place.area, &path, &place.segment.tag, &mut found);
    found
}

fn collect<'d>(nodes: &'d [Node], at: &str, area: Option<Area>, path: &str, tag: &str, found: &mut Vec<&'d Node>) {
    for node in nodes {
        if at == path && node.tag == tag && area.is_none_or(|area| area == node.area) {
            found.push(node);
        }
        if let Some(body) = node.body.as_ref().filter(|body| body.path == path || body.leads_to(path)) {
            collect(&body.nodes, &body.path, area, path, tag, found);
        }
    }
}

/// Number and usage of an element or component, and what values it takes where it is simple.
fn place_of<'d>(
    place: &GuidePlace,
    directory: &'d Directory,
) -> Option<(&'d str, Usage, Option<&'d ElementDefinition>)> {
    let segment = directory.segments.get(&place.segment.tag)?;
    let element = segment.elements.get(usize::from(place.element).checked_sub(1)?)?;
    let Some(composite) = directory.composites.get(&element.id) else {
        let simple = directory.elements.get(&element.id);
        return (place.component <= 1).then_some((element.id.as_str(), element.usage, simple));
    };
    let component = composite.components.get(usize::from(place.component.max(1)) - 1)?;
    let usage = if place.component == 0 { element.usage } else { component.usage };
    Some((component.id.as_str(), usage, directory.elements.get(&component.id)))
}

fn loops_of(nodes: &[Node], path: &str, tag: &str, found: &mut Vec<String>) {
    for node in nodes {
        if node.tag == tag {
            found.push(path.to_owned());
        }
        if let Some(body) = &node.body {
            loops_of(body.nodes.walked().get(1..).unwrap_or_default(), &body.path, tag, found);
        }
    }
}
