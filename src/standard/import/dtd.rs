//! Imports cXML from neutral tables of its DTDs (`elements.tsv`, `children.tsv`, `attributes.tsv`): elements, their
//! children and attributes. cXML is several DTDs that share most elements; what one of them allows is allowed.
//!
//! The children come from the content models; `children.tsv` only serves to check them. Where a model repeats a group
//! the parts may stand in any order. Elements of other namespaces (signatures) are left open.
//! What the tables do not say stands in `standards/cxml/supplement.yaml`.

use super::contents::{Contents, DocumentType, usage};
use super::source::rows;
use crate::standard::content::{Attribute, Content, Form, Part};
use crate::standard::definition::Usage;
use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The root of all documents.
const ROOT: &str = "cXML";

/// What elements of other namespaces hold.
const FOREIGN: &str = "Anything";

const SUPPLEMENT: &str = include_str!("../../../standards/cxml/supplement.yaml");

/// Reads the tables in `folder` and keeps the kinds of documents of `kinds`, all when empty, with what they use.
///
/// # Errors
/// A missing or malformed table; a kind that the tables lack.
pub fn import(folder: &Path, kinds: &[String]) -> anyhow::Result<Contents> {
    let supplement = crate::yaml::document(SUPPLEMENT).map_err(|error| anyhow!("{error}"))?.to_json();
    let mut made = Contents { standard: "cxml".into(), ..Contents::default() };
    let mut models: BTreeMap<(String, String), Model> = BTreeMap::new();
    let mut names: Vec<(String, String)> = Vec::new();
    for [dtd, name, model] in rows(folder, "elements.tsv", 3)? {
        made.version = version(&dtd)?;
        let model = self::model(&model).with_context(|| format!("elements.tsv: {name}: {model}"))?;
        names.push((dtd.clone(), name.clone()));
        models.insert((dtd, name), model);
    }
    check_children(folder, &models, &mut made.anomalies)?;
    // The DTD whose elements come first in the table is the one of the standard itself.
    for key @ (_, name) in &names {
        let content = content(&models[key]);
        match made.contents.get_mut(name) {
            Some(known) => *known = union(known, &content),
            None => _ = made.contents.insert(name.clone(), content),
        }
    }
    attributes(folder, &mut made)?;
    leave_foreign_open(&mut made);
    documents(&supplement, kinds, &names, &mut made);
    if let Some(missing) = kinds.iter().find(|kind| !made.documents.iter().any(|document| document.kind == **kind)) {
        return Err(anyhow!("{}: no kind of document {missing}", folder.display()));
    }
    made.keep_used();
    Ok(made)
}

/// `1.2` of `cXML-1.2.063`.
fn version(dtd: &str) -> anyhow::Result<String> {
    let (_, version) = dtd.rsplit_once('-').with_context(|| format!("expected NAME-VERSION, found {dtd}"))?;
    let (version, _) = version.rsplit_once('.').with_context(|| format!("expected a version, found {version}"))?;
    Ok(version.to_owned())
}

/// A child in a content model.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Child {
    name: String,
    min: u32,
    max: Option<u32>,
}

/// What an element may hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    text: bool,
    open: bool,
    any_order: bool,
    children: Vec<Child>,
}

/// Reads `text`, `empty`, `any`, or a group such as `(A,(B|C)?,D*)`.
fn model(text: &str) -> anyhow::Result<Model> {
    match text {
        "text" => return Ok(Model { text: true, ..Model::default() }),
        "empty" => return Ok(Model::default()),
        "any" => return Ok(Model { open: true, ..Model::default() }),
        _ => {}
    }
    let mut rest = text;
    let model = particle(&mut rest)?;
    if !rest.is_empty() {
        bail!("expected the end, found {rest}");
    }
    Ok(model)
}

/// A name or a group with its mark: `?` may be left out, `*` any number, `+` at least one.
fn particle(rest: &mut &str) -> anyhow::Result<Model> {
    let mut model = match rest.strip_prefix('(') {
        Some(after) => {
            *rest = after;
            group(rest)?
        }
        None => {
            let end = rest.find(|c: char| "(),|?*+".contains(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            *rest = after;
            match name {
                "" => bail!("expected a name, found {after:?}"),
                "#text" => Model { text: true, ..Model::default() },
                name => {
                    Model { children: vec![Child { name: name.to_owned(), min: 1, max: Some(1) }], ..Model::default() }
                }
            }
        }
    };
    let mark = rest.chars().next().filter(|mark| "?*+".contains(*mark));
    *rest = &rest[mark.map_or(0, char::len_utf8)..];
    if matches!(mark, Some('?' | '*')) {
        model.children.iter_mut().for_each(|child| child.min = 0);
    }
    if matches!(mark, Some('*' | '+')) {
        model.any_order |= model.children.len() > 1;
        model.children.iter_mut().for_each(|child| child.max = None);
    }
    Ok(model)
}

/// What stands between the brackets: particles in sequence, or alternatives.
fn group(rest: &mut &str) -> anyhow::Result<Model> {
    let mut model = particle(rest)?;
    let separator = rest.chars().next().filter(|next| ",|".contains(*next));
    while let Some(after) = separator.and_then(|separator| rest.strip_prefix(separator)) {
        *rest = after;
        let next = particle(rest)?;
        model = if separator == Some(',') { sequence(model, next) } else { either(&model, &next) };
    }
    *rest = rest.strip_prefix(')').with_context(|| format!("expected ), found {rest:?}"))?;
    Ok(model)
}

/// One after the other. A child that stands in both in a row is one that stands more often.
fn sequence(mut first: Model, then: Model) -> Model {
    for child in then.children {
        let known = first.children.iter().position(|known| known.name == child.name);
        match known {
            None => first.children.push(child),
            Some(at) => {
                first.any_order |= at + 1 < first.children.len();
                let known = &mut first.children[at];
                known.min += child.min;
                known.max = known.max.zip(child.max).map(|(one, two)| one + two);
            }
        }
    }
    first.text |= then.text;
    first.any_order |= then.any_order;
    first
}

/// The one or the other: what both need is needed, and the order is one that both allow.
fn either(one: &Model, other: &Model) -> Model {
    let mut model = Model {
        text: one.text || other.text,
        open: one.open || other.open,
        any_order: one.any_order || other.any_order,
        children: one.children.clone(),
    };
    let is_in = |model: &Model, name: &str| model.children.iter().any(|child| child.name == name);
    model.children.iter_mut().filter(|child| !is_in(other, &child.name)).for_each(|child| child.min = 0);
    // From the end: what only the other has comes before what both have, and after all else.
    let mut at = model.children.len();
    for child in other.children.iter().rev() {
        match model.children.iter().position(|known| known.name == child.name) {
            Some(known) => {
                model.any_order |= known >= at && at < model.children.len();
                at = known;
                let known = &mut model.children[known];
                known.min = known.min.min(child.min);
                known.max = known.max.zip(child.max).map(|(one, two)| one.max(two));
            }
            None => model.children.insert(at, Child { min: 0, ..child.clone() }),
        }
    }
    model
}

/// Whether the table of children says the same as the content models.
fn check_children(
    folder: &Path,
    models: &BTreeMap<(String, String), Model>,
    anomalies: &mut Vec<String>,
) -> anyhow::Result<()> {
    let mut told: BTreeSet<[String; 5]> = rows(folder, "children.tsv", 5)?.into_iter().collect();
    for ((dtd, name), model) in models {
        for Child { name: child, min, max } in &model.children {
            let max = max.map_or_else(|| ">1".to_owned(), |max| max.to_string());
            let row = [dtd.clone(), name.clone(), child.clone(), min.to_string(), max];
            if !told.remove(&row) {
                anomalies.push(format!("children.tsv lacks {}", row.join(" ")));
            }
        }
    }
    anomalies.extend(told.iter().map(|row| format!("children.tsv alone has {}", row.join(" "))));
    Ok(())
}

fn content(model: &Model) -> Content {
    let part = |child: &Child| Part::new(&child.name, usage(child.min > 0), child.max, &child.name);
    Content {
        // What may hold anything may hold text.
        text: (model.text || model.open).then_some(Form::Text),
        is_open: model.open,
        is_unordered: model.any_order || (model.text && !model.children.is_empty()),
        parts: model.children.iter().map(part).collect(),
        ..Content::default()
    }
}

/// What either of two DTDs allows.
fn union(one: &Content, other: &Content) -> Content {
    let child =
        |part: &Part| Child { name: part.qualified(), min: u32::from(part.usage == Usage::Required), max: part.max };
    let model = |content: &Content| Model {
        text: content.text.is_some() && !content.is_open,
        open: content.is_open,
        any_order: content.is_unordered,
        children: content.parts.iter().map(child).collect(),
    };
    Content { attributes: one.attributes.clone(), ..content(&either(&model(one), &model(other))) }
}

fn attributes(folder: &Path, made: &mut Contents) -> anyhow::Result<()> {
    let rows = rows::<6>(folder, "attributes.tsv", 6)?;
    // An attribute is required when each DTD that has the element requires it.
    let mut required: BTreeMap<(String, String), bool> = BTreeMap::new();
    for [_, element, name, _, use_, _] in &rows {
        let entry = required.entry((element.clone(), name.clone())).or_insert(true);
        *entry &= use_ == "required";
    }
    for [_, element, name, kind, use_, default] in rows {
        if let Some(prefix) = name.strip_prefix("xmlns:") {
            made.namespaces.insert(prefix.to_owned(), default);
            continue;
        }
        let Some(content) = made.contents.get_mut(&element) else {
            made.anomalies.push(format!("attributes.tsv: {element} is no element"));
            continue;
        };
        // `a-dtype` gives types to other attributes, for programs that no longer are.
        if name == "a-dtype" {
            continue;
        }
        let values = values(&kind, &use_, default);
        if let Some(known) = content.attributes.iter_mut().find(|known| known.name == name) {
            // What one DTD lists and another leaves open is open; else what either lists.
            match known.values.is_empty() || values.is_empty() {
                true => known.values.clear(),
                false => {
                    let more: Vec<_> = values.into_iter().filter(|value| !known.values.contains(value)).collect();
                    known.values.extend(more);
                }
            }
            continue;
        }
        let form = form(&kind).with_context(|| format!("attributes.tsv: {element} {name}"))?;
        let usage = usage(required.get(&(element, name.clone())).copied().unwrap_or(false));
        content.attributes.push(Attribute { name, usage, form, values });
    }
    Ok(())
}

/// The only values of an attribute: those of its type `(new|update|delete)`, or the one that is fixed.
fn values(kind: &str, usage: &str, default: String) -> Vec<String> {
    if usage == "fixed" {
        return vec![default];
    }
    let listed = kind.strip_prefix('(').and_then(|kind| kind.strip_suffix(')'));
    listed.into_iter().flat_map(|listed| listed.split('|')).map(|value| value.trim().to_owned()).collect()
}

/// The form of an attribute type: the DTD's own names and those that cXML gives to strings.
fn form(kind: &str) -> anyhow::Result<Form> {
    Ok(match kind {
        "string" | "CDATA" | "URL" | "ID" | "IDREF" | "duration" | "NMTOKENS" => Form::Text,
        "NMTOKEN" | "nmtoken" | "xmlLangCode" | "isoCountryCode" | "isoStateCode" | "isoCurrencyCode"
        | "isoLangCode" => Form::Code,
        "number" | "r8" => Form::Number,
        "uint" | "int" | "ui8" | "ui4" | "long" => Form::Integer,
        // A time of day behind a `date` is what everybody writes.
        "datetime.tz" | "date" => Form::DateTime,
        "time.tz" => Form::Time,
        list if list.starts_with('(') => Form::Code,
        other => bail!("expected a type of attribute, found {other}"),
    })
}

/// Signatures are another standard's: their elements may hold anything. So may elements that the tables name as
/// children and do not define.
fn leave_foreign_open(made: &mut Contents) {
    made.contents.retain(|name, _| !name.contains(':'));
    let defined: BTreeSet<String> = made.contents.keys().cloned().collect();
    let mut undefined: BTreeSet<&str> = BTreeSet::new();
    for part in made.contents.values_mut().flat_map(|content| &mut content.parts) {
        if !part.prefix.is_empty() || !defined.contains(&part.name) {
            part.content = FOREIGN.to_owned();
            if part.prefix.is_empty() {
                undefined.insert(&part.name);
            }
        }
    }
    if !undefined.is_empty() {
        let undefined: Vec<&str> = undefined.into_iter().collect();
        made.anomalies.push(format!("named and not defined, left open: {}", undefined.join(" ")));
    }
    made.contents.insert(FOREIGN.to_owned(), content(&Model { open: true, ..Model::default() }));
    let prefixes: BTreeSet<String> =
        made.contents.values().flat_map(|content| &content.parts).map(|part| part.prefix.clone()).collect();
    made.namespaces.retain(|prefix, _| prefixes.contains(prefix));
}

/// Each element that a holder may hold and that is defined is a kind of document; a holder that may stand without one is
/// another.
fn documents(supplement: &Value, kinds: &[String], names: &[(String, String)], made: &mut Contents) {
    let doctype = |kind: &str| {
        let (dtd, _) = names.iter().find(|(_, name)| name == kind)?;
        let (name, version) = dtd.rsplit_once('-')?;
        Some(supplement["doctype"].as_str()?.replace("NAME", name).replace("VERSION", version))
    };
    for holder in supplement["holders"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let lines = supplement["envelope"][holder].as_object().into_iter().flatten();
        let line = |(key, path): (&String, &Value)| Some((key.clone(), path.as_str()?.to_owned()));
        let envelope: Vec<(String, String)> = lines.filter_map(line).collect();
        let held = made.contents.get(holder).map(|content| content.parts.clone()).unwrap_or_default();
        let named = held.iter().filter(|part| part.name.ends_with(holder) && part.content != FOREIGN);
        let paths = named.map(|part| (part.name.clone(), format!("{holder}/{}", part.name)));
        let alone = (supplement["alone"] == holder).then(|| (holder.to_owned(), holder.to_owned()));
        for (kind, inside) in paths.chain(alone) {
            if kinds.is_empty() || kinds.contains(&kind) {
                made.documents.push(DocumentType {
                    doctype: doctype(&kind),
                    kind,
                    namespace: None,
                    root: ROOT.to_owned(),
                    content: ROOT.to_owned(),
                    inside: Some(inside),
                    envelope: envelope.clone(),
                    own: None,
                });
            }
        }
    }
    made.documents.sort_by(|a, b| a.kind.cmp(&b.kind));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let model = model(text).expect(text);
        let child = |child: &Child| {
            format!("{} {}..{}", child.name, child.min, child.max.map_or("n".into(), |max| max.to_string()))
        };
        let mut words: Vec<String> = model.children.iter().map(child).collect();
        words.extend(model.text.then(|| "text".to_owned()));
        words.extend(model.open.then(|| "open".to_owned()));
        words.extend(model.any_order.then(|| "any order".to_owned()));
        words.join(", ")
    }

    #[test]
    fn ok_models() {
        for (text, expected) in [
            ("text", "text"),
            ("empty", ""),
            ("any", "open"),
            ("(A,B?,C*,D+)", "A 1..1, B 0..1, C 0..n, D 1..n"),
            ("(A,(B|C)?,D)", "A 1..1, B 0..1, C 0..1, D 1..1"),
            ("((A|B)+)", "A 0..n, B 0..n, any order"),
            ("(#text|A)*", "A 0..n, text"),
            ("(((A+,B*)|B+),C?)", "A 0..n, B 0..n, C 0..1"),
            ("(A,A+,(B+,C+)?)", "A 2..n, B 0..n, C 0..n"),
            ("(A|(B,A))", "B 0..1, A 1..1"),
            ("((A,B)|(B,A))", "A 1..1, B 1..1, any order"),
            ("((A,B)|(C,B,D))", "A 0..1, C 0..1, B 1..1, D 0..1"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn err_models() {
        for (text, expected) in [
            ("(A,B", "expected ), found \"\""),
            ("(A,)", "expected a name, found \")\""),
            ("(A)B", "expected the end, found B"),
            ("(A,B|C)", "expected ), found \"|C)\""),
        ] {
            assert_eq!(model(text).expect_err(text).to_string(), expected, "{text}");
        }
    }
}
