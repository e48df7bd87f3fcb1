//! Files that stand on a base: base ← group ← partner. Each says only what it changes; laid one over the other they are
//! the whole, and what each changes can be told. Mappings and guides inherit this way; it knows neither.

use serde_json::Value;

/// Files that may stand one on another.
pub const LAYERS_MAX: usize = 8;

/// One file of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// What others call it in their `base`.
    pub name: String,
    /// What it says, without `base`.
    pub file: Value,
}

/// Why a chain of bases does not end well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InheritError {
    /// A base is not there.
    #[error("base: no {name}{}", on(path))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that led to it, the asking one last.
        path: Vec<String>,
    },
    /// A file stands on itself, over others perhaps.
    #[error("base: turns in a circle: {}", path.join(" ← "))]
    Circle {
        /// The way round, first and last the same.
        path: Vec<String>,
    },
    /// More than [`LAYERS_MAX`].
    #[error("base: expected at most {LAYERS_MAX} bases one below another, found more: {}", path.join(" ← "))]
    Deep {
        /// All of them.
        path: Vec<String>,
    },
    /// The base's own file cannot be read.
    #[error("base: {0}")]
    Unreadable(String),
}

fn on(path: &[String]) -> String {
    if path.is_empty() { String::new() } else { format!(", on which {} stands", path.join(" ← ")) }
}

/// The chain from the lowest base up to `top`. `find` gives a file by its name, `None` when there is none. A base that
/// `is_ground` is named in the file below but is no file itself: the chain ends above it, and it is returned beside.
///
/// # Errors
/// The chain does not end.
pub fn layers(
    top: &str,
    mut find: impl FnMut(&str) -> Option<Result<Value, String>>,
    is_ground: impl Fn(&str) -> bool,
) -> Result<(Vec<Layer>, Option<String>), InheritError> {
    let (mut chain, mut path, mut next) = (Vec::new(), Vec::new(), Some(top.to_owned()));
    while let Some(name) = next {
        if let Some(before) = path.iter().position(|one| *one == name) {
            let path = path.drain(before..).chain([name]).collect();
            return Err(InheritError::Circle { path });
        }
        if !path.is_empty() && is_ground(&name) {
            chain.reverse();
            return Ok((chain, Some(name)));
        }
        let Some(found) = find(&name) else { return Err(InheritError::Unknown { name, path }) };
        path.push(name.clone());
        if path.len() > LAYERS_MAX {
            return Err(InheritError::Deep { path });
        }
        let mut file = found.map_err(InheritError::Unreadable)?;
        let base = file.as_object_mut().and_then(|file| file.shift_remove("base"));
        next = base.and_then(|base| base.as_str().map(str::to_owned));
        chain.push(Layer { name, file });
    }
    chain.reverse();
    Ok((chain, None))
}

/// Lays the keys of one file over another's: objects are joined, the word `none` takes a key away, all else replaces.
/// A key stays where the base has it; new ones come last.
pub fn lay(below: &mut Value, above: &Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                if value == "none" {
                    below.shift_remove(key);
                } else {
                    lay(below.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (below, above) => *below = above.clone(),
    }
}

/// All layers as one file.
#[must_use]
pub fn joined(layers: &[Layer]) -> Value {
    let mut whole = Value::Object(serde_json::Map::new());
    layers.iter().for_each(|layer| lay(&mut whole, &layer.file));
    whole
}

/// One thing that a file changes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Override {
    /// Which key: `rules.number`.
    pub key: String,
    /// What its base says; `None` when it is new.
    pub base: Option<String>,
    /// What it says; `None` when it takes the key away.
    pub ours: Option<String>,
    /// Which file says so.
    pub layer: String,
}

impl std::fmt::Display for Override {
    /// `rules.number: BEG03 → BEG04 (acme-orders)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.base, &self.ours) {
            (Some(base), Some(ours)) => write!(f, "{}: {base} → {ours}", self.key)?,
            (None, Some(ours)) => write!(f, "{}: new: {ours}", self.key)?,
            (base, None) => write!(f, "{}: {} → taken away", self.key, base.as_deref().unwrap_or("nothing"))?,
        }
        write!(f, " ({})", self.layer)
    }
}

/// What each layer changes of those below it; the lowest one changes nothing, it is the base.
#[must_use]
pub fn overrides(layers: &[Layer]) -> Vec<Override> {
    let mut found = Vec::new();
    let Some((lowest, above)) = layers.split_first() else { return found };
    let mut below = lowest.file.clone();
    for layer in above {
        compare(Some(&below), &layer.file, "", &layer.name, &mut found);
        lay(&mut below, &layer.file);
    }
    found
}

fn compare(below: Option<&Value>, above: &Value, path: &str, layer: &str, found: &mut Vec<Override>) {
    match (below, above) {
        (below @ (Some(Value::Object(_)) | None), Value::Object(above)) => {
            for (key, value) in above {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(below.and_then(|below| below.get(key)), value, &path, layer, found);
            }
        }
        (below, above) if below != Some(above) => found.push(Override {
            key: path.to_owned(),
            base: below.map(short),
            ours: (above != "none").then(|| short(above)),
            layer: layer.to_owned(),
        }),
        _ => {}
    }
}

fn short(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_over_its_base_joins_replaces_and_removes() {
        let mut below = json!({ "a": "1", "b": { "c": "2", "d": "3" }, "e": "4" });
        lay(&mut below, &json!({ "b": { "c": "5", "f": "6" }, "e": "none", "g": "7" }));
        assert_eq!(below, json!({ "a": "1", "b": { "c": "5", "d": "3", "f": "6" }, "g": "7" }));
    }

    fn chain(top: &str) -> Result<(Vec<Layer>, Option<String>), InheritError> {
        let find = |name: &str| match name {
            "acme" => Some(Ok(json!({ "base": "grocers", "rules": { "number": "BEG04", "purpose": "none" } }))),
            "grocers" => Some(Ok(json!({ "base": "x/y", "rules": { "number": "BEG02", "note": "NTE02" } }))),
            "x/y" => Some(Ok(json!({ "rules": { "number": "BEG03", "purpose": "BEG01" } }))),
            "lost" => Some(Ok(json!({ "base": "nowhere" }))),
            "a" => Some(Ok(json!({ "base": "b" }))),
            "b" => Some(Ok(json!({ "base": "a" }))),
            _ => None,
        };
        layers(top, find, |_| false)
    }

    #[test]
    fn base_group_and_partner_make_one_file_and_say_what_they_change() {
        let (layers, _) = chain("acme").expect("a chain");
        assert_eq!(joined(&layers), json!({ "rules": { "number": "BEG04", "note": "NTE02" } }));
        let told: Vec<_> = overrides(&layers).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "rules.number: BEG03 → BEG02 (grocers)",
                "rules.note: new: NTE02 (grocers)",
                "rules.number: BEG02 → BEG04 (acme)",
                "rules.purpose: BEG01 → taken away (acme)",
            ]
        );
    }

    #[test]
    fn err_circles_and_unknown_bases_name_the_way() {
        assert_eq!(chain("a").expect_err("a circle").to_string(), "base: turns in a circle: a ← b ← a");
        assert_eq!(chain("lost").expect_err("unknown").to_string(), "base: no nowhere, on which lost stands");
    }
}
