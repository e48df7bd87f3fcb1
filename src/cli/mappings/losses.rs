//! `portolan mappings losses`: what a mapping cannot carry, by direction and kind.

use super::{chosen, unknown};
use crate::cli::paint::counted;
use crate::cli::{Exit, input};
use crate::engine::Rules;
use crate::mapping::{self, Context, Loss, LossKind};
use crate::table::Tables;
use serde_json::json;

pub fn losses(rules: &Rules, name: Option<&str>, as_json: bool) -> anyhow::Result<Exit> {
    let chosen = chosen(rules, name);
    if let (true, Some(name)) = (chosen.is_empty(), name) {
        return Ok(unknown(rules, name));
    }
    let (mut values, mut text) = (Vec::new(), String::new());
    for [standard, version, document] in chosen {
        let mapping = rules.mappings.find(&standard, &version, &document)?;
        let definition = rules.library.document(&standard, &version, &document)?;
        let directory = rules.library.directory(&standard, &version)?;
        let codes = rules.mappings.codes();
        let context = Context {
            mapping: &mapping,
            document: &definition,
            directory: &directory,
            codes,
            tables: &Tables::default(),
            decimal: '.',
        };
        let name = format!("{standard}/{version}/{document}");
        let losses = mapping::losses(&context);
        words(&name, &losses, &mut text);
        values.push(json!({ "name": name, "losses": losses }));
    }
    if as_json {
        input::print_json(&json!(values))?;
    } else {
        input::print(text.as_bytes())?;
    }
    Ok(Exit::Ok)
}

/// One heading a direction and kind, the places under it.
fn words(name: &str, losses: &[Loss], text: &mut String) {
    let count = |direction: &str| losses.iter().filter(|loss| loss.direction == direction).count();
    let (read, written) = (count("read"), count("write"));
    text.push_str(&format!("{name}: {read} reading, {written} writing\n"));
    let mut heading = None;
    for loss in losses {
        let new = (loss.direction, loss.kind);
        if heading != Some(new) {
            heading = Some(new);
            let all = losses.iter().filter(|other| (other.direction, other.kind) == new).count();
            text.push_str(&format!("  {}: {}\n", title(new), counted(all, "place")));
        }
        text.push_str(&format!("    {:36} {}\n", loss.at, loss.note));
    }
}

fn title((direction, kind): (&str, LossKind)) -> String {
    let kind = serde_json::to_value(kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
    let direction = if direction == "read" { "reading" } else { "writing" };
    format!("{direction}, {}", kind.replace(['_', '-'], " "))
}
