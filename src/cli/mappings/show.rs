//! `portolan mappings show`: the rules as a table, with what the entity and the standard say of both ends.

use super::{chosen, unknown};
use crate::cli::{Exit, input};
use crate::engine::Rules;
use crate::entity;
use crate::mapping::{self, Row};
use crate::standard::definition::Directory;
use serde_json::json;

pub fn show(rules: &Rules, name: &str, as_json: bool) -> anyhow::Result<Exit> {
    let Some([standard, version, document]) = chosen(rules, Some(name)).into_iter().next() else {
        return Ok(unknown(rules, name));
    };
    let mapping = rules.mappings.find(&standard, &version, &document)?;
    let definition = rules.library.document(&standard, &version, &document)?;
    let directory = rules.library.directory(&standard, &version)?;
    let entities: Vec<&str> = mapping.select.iter().map(|choice| choice.entity.as_str()).collect();
    let rows: Vec<Shown> = mapping::table(&mapping, &definition)
        .into_iter()
        .map(|row| Shown { field: meaning(&entities, &row), place: name_of(&directory, &row), row })
        .collect();
    if as_json {
        let one = |shown: &Shown| {
            let row = &shown.row;
            json!({ "field": row.field, "field_meaning": shown.field, "place": row.place, "place_name": shown.place,
                "functions": row.functions })
        };
        let rows: Vec<_> = rows.iter().map(one).collect();
        input::print_json(&json!({ "name": name, "entities": entities, "rules": rows }))?;
    } else {
        let title = format!("{standard}/{version}/{document} {} ↔ {}\n", definition.name, entities.join(", "));
        input::print(format!("{title}{}", table(&rows)).as_bytes())?;
    }
    Ok(Exit::Ok)
}

/// A rule with what both its ends mean.
struct Shown {
    row: Row,
    field: String,
    place: String,
}

fn meaning(entities: &[&str], row: &Row) -> String {
    let field = entities.iter().find_map(|entity| entity::definition(entity)?.field(&row.field));
    field.map_or(String::new(), |field| field.meaning.clone())
}

/// What the standard calls the element, or the component where the rule names one.
fn name_of(directory: &Directory, row: &Row) -> String {
    let Some(segment) = directory.segments.get(&row.segment) else { return String::new() };
    let Some(element) = segment.elements.get(usize::from(row.element).wrapping_sub(1)) else {
        return segment.name.clone();
    };
    let composite = directory.composites.get(&element.id);
    let component = composite.and_then(|one| one.components.get(usize::from(row.components.0.max(1)) - 1));
    component.unwrap_or(element).name.clone()
}

fn table(rows: &[Shown]) -> String {
    let functions: Vec<String> = rows.iter().map(|shown| shown.row.functions.join(" | ")).collect();
    let widest = |lengths: &mut dyn Iterator<Item = usize>, most: usize| lengths.max().unwrap_or(0).min(most);
    let field = widest(&mut rows.iter().map(|shown| shown.row.field.chars().count()), 40);
    let place = widest(&mut rows.iter().map(|shown| shown.row.place.chars().count()), 36);
    let pipe = widest(&mut functions.iter().map(String::len), 40);
    let mut text = String::new();
    for (shown, functions) in rows.iter().zip(&functions) {
        let (field_name, place_name) = (&shown.row.field, &shown.row.place);
        let meanings = match (shown.field.as_str(), shown.place.as_str()) {
            ("", place) => place.to_owned(),
            (field, "") => field.to_owned(),
            (field, place) => format!("{field} · {place}"),
        };
        text.push_str(&format!("{field_name:field$}  {place_name:place$}  {functions:pipe$}  {meanings}\n"));
    }
    text
}
