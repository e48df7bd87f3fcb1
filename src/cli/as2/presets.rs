//! `portolan as2 presets`: the settings for partners whose product is known, with their reasons. No instance is asked.

use crate::cli::{Exit, input};
use crate::partner::{Preset, presets};
use serde_json::{Value, json};

pub fn run(name: Option<&str>, as_json: bool) -> anyhow::Result<Exit> {
    let all = presets();
    let Some(name) = name else {
        if as_json {
            input::print_json(&json!({ "items": all }))?;
            return Ok(Exit::Ok);
        }
        let text: String = all.iter().map(|one| format!("{:16} {}\n", one.name, one.product)).collect();
        input::print(text.as_bytes())?;
        return Ok(Exit::Ok);
    };
    let Some(preset) = all.iter().find(|one| one.name == name) else {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        let hint = crate::near::hint(name, &names);
        eprintln!("portolan as2 presets: no preset {name}{hint}; there are {}", names.join(", "));
        return Ok(Exit::NotFound);
    };
    match as_json {
        true => input::print_json(&json!(preset))?,
        false => input::print(words(preset).as_bytes())?,
    }
    Ok(Exit::Ok)
}

fn words(preset: &Preset) -> String {
    let shown = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let mut text = format!("{}: {}\n", preset.name, preset.product);
    for setting in &preset.settings {
        text.push_str(&format!(
            "  {:3} {}: {}\n      {}\n",
            setting.way,
            setting.key,
            shown(&setting.value),
            setting.why
        ));
    }
    for note in &preset.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    text + &format!("  from: {}\n", preset.sources.join("; "))
}
