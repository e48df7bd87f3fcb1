//! Trees in a document and flat lists in an entity. X12 has HL segments (id, parent, level, has-child), EDIFACT CPS
//! segments (number, parent) with lines inside; the entity has lists `orders`, `packages` and `lines` tied by ids.
//!
//! `flatten` makes the lists of a tree, `plan` the tree of the lists; each undoes the other. Segments are read and
//! written by `read/tree.rs` and `write/tree.rs`. Whether ids and parents of a document hold together is not asked
//! here: `standard/validate/hierarchy.rs` does.

mod flatten;
mod plan;
mod shape;

pub(super) use flatten::flatten;
pub(super) use plan::plan;

use super::notation::{Here, NotationError, Place, Rule, place, rules, with_parts, wrong};
use crate::entity::Map;
use serde_json::Value;

/// Lists that the levels of a tree may fill, and the fields that tie their items together.
pub(super) const ORDERS: &str = "orders";
/// `packages[] { id, parent, order, kind, … }`.
pub(super) const PACKAGES: &str = "packages";
/// `lines[] { order { number, line }, allocations[] { package, quantity, … }, … }`.
pub(super) const LINES: &str = "lines";

/// Fields that the tree itself reads and writes.
pub(super) const TIES: [&str; 10] = [
    "structure",
    "orders.id",
    "packages.id",
    "packages.parent",
    "packages.kind",
    "packages.order",
    "lines.order.number",
    "lines.order.id",
    "lines.allocations.package",
    "lines.allocations.quantity",
];

/// The tree of a document type.
#[derive(Debug)]
pub struct Tree {
    /// The segment that begins a node.
    pub each: Place,
    /// The node's number, within the node.
    pub id: Place,
    /// The number of the node above.
    pub parent: Place,
    /// The code of the node's level; without it the first level is the node at the top, all others are the second.
    pub level: Option<Place>,
    /// `1` when nodes stand below it, else `0`.
    pub has_child: Option<Place>,
    /// Where the number of nodes stands, of all or of one level.
    pub counts: Vec<(Place, Option<String>)>,
    /// The levels, outermost first.
    pub levels: Vec<Level>,
}

/// One level of a tree.
#[derive(Debug)]
pub struct Level {
    /// Its code: `S`, `O`, `T`, `P`, `I`.
    pub code: String,
    /// The list that its nodes are items of; without one they say something of the whole document.
    pub list: Option<String>,
    /// What such an item's `kind` is.
    pub kind: Option<String>,
    /// Nodes of this level are loops inside another node, not nodes with a number of their own.
    pub each: Option<Place>,
    /// A node at the top with this place filled is of the next level.
    pub unless: Option<Place>,
    /// Fields of the item.
    pub rules: Vec<Rule>,
    /// Fields of what the item has here: quantity, lot and the like of a line in a package.
    pub allocation: Vec<Rule>,
}

/// One node of a tree, without the segments it stands in.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Occurrence {
    /// Index of the level.
    pub level: usize,
    /// Index of the node above, always an earlier one.
    pub parent: Option<usize>,
    /// Fields of the item.
    pub fields: Map,
    /// Fields of the allocation.
    pub allocation: Map,
}

/// What a node is in the entity: level, index in its list, index of the line's allocation.
pub(super) type Seat = (usize, usize, Option<usize>);

impl Tree {
    /// Reads the `tree:` of a mapping file.
    ///
    /// # Errors
    /// The first thing that is not the notation.
    pub(super) fn parse(file: &Value, parts: &Value) -> Result<Option<Self>, NotationError> {
        let Some(object) = file.as_object() else { return Ok(None) };
        let known = ["each", "id", "parent", "level", "has_child", "count", "levels"];
        if let Some(other) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(wrong("tree", &format!("one of {}", known.join(", ")), other));
        }
        let text = |key: &str| file[key].as_str();
        let must = |key: &str| place(text(key).ok_or_else(|| wrong("tree", key, "nothing"))?);
        let counts = text("count").into_iter().flat_map(|all| all.split(',')).map(|one| {
            let (at, level) = one.split_once(" of ").map_or((one, None), |(at, level)| (at, Some(level.trim())));
            Ok((place(at.trim())?, level.map(str::to_owned)))
        });
        let levels = file["levels"].as_object().into_iter().flatten();
        let levels: Vec<Level> =
            levels.map(|(code, level)| Level::parse(code, level, parts)).collect::<Result<_, _>>()?;
        if let Some(level) = levels.iter().skip(1).find(|level| level.list.is_none()) {
            return Err(wrong(&level.code, "the list that its nodes are items of, below the outermost level", "none"));
        }
        if !levels.iter().any(|level| level.list.as_deref() == Some(LINES)) {
            return Err(wrong("tree", "a level whose nodes are lines[]", "none"));
        }
        Ok(Some(Tree {
            each: must("each")?,
            id: must("id")?,
            parent: must("parent")?,
            level: text("level").map(place).transpose()?,
            has_child: text("has_child").map(place).transpose()?,
            counts: counts.collect::<Result<_, NotationError>>()?,
            levels,
        }))
    }

    /// The index of the level with a code.
    pub(super) fn level_of(&self, code: &str) -> Option<usize> {
        self.levels.iter().position(|level| level.code == code)
    }

    /// The indexes of the levels that fill a list.
    pub(super) fn levels_of<'t>(&'t self, list: &'t str) -> impl Iterator<Item = usize> + 't {
        self.levels.iter().enumerate().filter(move |(_, level)| level.list.as_deref() == Some(list)).map(|(at, _)| at)
    }

    /// Whether the nodes of a level are items of a list.
    pub(super) fn is_in(&self, level: usize, list: &str) -> bool {
        self.levels[level].list.as_deref() == Some(list)
    }
}

impl Level {
    fn parse(code: &str, value: &Value, parts: &Value) -> Result<Self, NotationError> {
        let object = value.as_object().ok_or_else(|| wrong(code, "an object", &value.to_string()))?;
        let mut inner = with_parts(code, object, parts)?;
        let allocation = inner.shift_remove("allocation").unwrap_or_default();
        let mut take = |key: &str| inner.shift_remove(key).and_then(|value| value.as_str().map(str::to_owned));
        let (list, kind, each, unless) = (take("list"), take("as"), take("each"), take("unless"));
        let known = [ORDERS, PACKAGES, LINES];
        let list = list.map(|list| list.trim_end_matches("[]").to_owned());
        if let Some(other) = list.as_deref().filter(|list| !known.contains(list)) {
            return Err(wrong(code, &format!("one of the lists {}", known.join(", ")), other));
        }
        let allocation = allocation.as_object().cloned().unwrap_or_default();
        Ok(Level {
            code: code.to_owned(),
            list,
            kind,
            each: each.as_deref().map(place).transpose()?,
            unless: unless.as_deref().map(place).transpose()?,
            rules: rules(&inner, "", parts, &Here::default())?,
            allocation: rules(&allocation, "", parts, &Here::default())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Entity;
    use serde_json::{Value, json};

    fn tree(levels: &str) -> Tree {
        let file = format!("each: HL\nid: 01\nparent: 02\nlevel: 03\nlevels:\n{levels}");
        let file = crate::yaml::document(&file).expect("yaml").to_json();
        Tree::parse(&file, &Value::Null).expect("the notation").expect("a tree")
    }

    fn ship() -> Tree {
        tree(
            "  S: {}\n  O: { list: 'orders[]' }\n  T: { list: 'packages[]', as: pallet }\n\
             \x20 P: { list: 'packages[]', as: pack }\n  I: { list: 'lines[]' }\n",
        )
    }

    /// `S O P I:A=6` with dots for depth, into occurrences.
    fn occurrences(tree: &Tree, text: &str) -> Vec<Occurrence> {
        let mut found: Vec<Occurrence> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for word in text.split_whitespace() {
            let depth = word.chars().take_while(|c| *c == '.').count();
            let (code, name) = word[depth..].split_once(':').unwrap_or((&word[depth..], ""));
            let mut fields = Map::new();
            match (code, name.split_once('=')) {
                ("I", Some((item, count))) => {
                    fields.insert("number".into(), item.into());
                    fields.insert("quantity".into(), json!({ "value": count, "unit": "EA" }).into());
                }
                ("O", _) => drop(fields.insert("number".into(), name.into())),
                ("T" | "P", _) => drop(fields.insert("sscc".into(), name.into())),
                _ => {}
            }
            open.truncate(depth);
            let level = tree.level_of(code).expect("a level");
            found.push(Occurrence { level, parent: open.last().copied(), fields, allocation: Map::new() });
            open.push(found.len() - 1);
        }
        found
    }

    /// The lists of a tree, and the tree of the lists again, printed as it came.
    fn there_and_back(text: &str) -> (Value, String) {
        let tree = ship();
        let mut entity = Entity::new("despatch_advice");
        flatten(&tree, occurrences(&tree, text), &mut entity.fields);
        let mut words = Vec::new();
        let mut depths: Vec<usize> = Vec::new();
        for (node, _) in plan(&tree, &entity) {
            let depth = node.parent.map_or(0, |parent| depths[parent] + 1);
            depths.push(depth);
            let text = |key: &str| node.fields[key].as_str().unwrap_or_default();
            let code = tree.levels[node.level].code.as_str();
            let name = match code {
                "I" => format!(":{}={}", text("number"), node.fields["quantity"]["value"].as_str().unwrap_or_default()),
                "O" => format!(":{}", text("number")),
                "S" => String::new(),
                _ => format!(":{}", text("sscc")),
            };
            words.push(format!("{}{code}{name}", ".".repeat(depth)));
        }
        (entity.to_json(), words.join(" "))
    }

    #[test]
    fn every_shape_comes_back_as_it_was() {
        for text in [
            "S .O:1 ..I:a=1 ..I:b=2",
            "S .O:1 ..P:p1 ...I:a=1 ...I:b=2 ..P:p2 ...I:a=3",
            "S .O:1 ..T:t1 ...P:p1 ....I:a=1 ...P:p2 ....I:b=2 ..T:t2 ...P:p3 ....I:c=3",
            "S .O:1 ..I:a=3 ...P:p1 ...P:p2 ..I:b=1 ...P:p3",
            "S .T:t1 ..O:1 ...P:p1 ....I:a=1 ..O:2 ...P:p2 ....I:b=2 .T:t2 ..O:1 ...P:p3 ....I:c=2",
            "S .P:p1 ..O:1 ...I:a=1 ..O:2 ...I:b=1",
            "S .O:1 ..P:p1 ..P:p2 .O:2 ..P:p3",
            "S .O:1 ..I:a=1 .O:1 ..I:b=2",
            "S .O:1 ..P:p1 ...I:a=1 ..I:b=2",
            "S .O:1 ..I:a=3 ...T:t1 ....P:p1 ....P:p2 ..I:b=1",
            "S .T:t1 ..O:1 ...P:p1 ....I:a=1 ..O:2 ...P:p2",
        ] {
            assert_eq!(there_and_back(text).1, text);
        }
    }

    #[test]
    fn one_item_over_two_cartons_is_one_line() {
        let (entity, _) = there_and_back("S .O:1 ..P:p1 ...I:a=6 ...I:b=1 ..P:p2 ...I:a=4.50");
        assert_eq!(entity["lines"].as_array().map(Vec::len), Some(2));
        assert_eq!(
            entity["lines"][0],
            json!({ "number": "a", "quantity": { "value": "10.50", "unit": "EA" }, "order": { "number": "1" },
                "allocations": [
                    { "package": "1", "quantity": { "value": "6", "unit": "EA" } },
                    { "package": "2", "quantity": { "value": "4.50", "unit": "EA" } }] })
        );
        assert_eq!(entity["structure"], "S-O-P-I");
        assert_eq!(entity["packages"][1], json!({ "sscc": "p2", "id": "2", "kind": "pack" }));
    }

    #[test]
    fn two_orders_of_one_number_are_told_apart_by_id() {
        let (entity, _) = there_and_back("S .O:1 ..I:a=1 .O:1 ..I:b=2");
        assert_eq!(entity["orders"][1], json!({ "number": "1", "id": "2" }));
        assert_eq!(entity["lines"][1]["order"], json!({ "number": "1", "id": "2" }));
    }

    #[test]
    fn lists_without_a_shape_get_one() {
        let tree = ship();
        let codes = |json: Value| {
            let entity = Entity::from_json(&json).expect("an entity");
            let planned = plan(&tree, &entity);
            planned.iter().map(|(node, _)| tree.levels[node.level].code.clone()).collect::<Vec<_>>().join(" ")
        };
        let line = |order: &str, package: &str| json!({ "order": { "number": order }, "allocations": [{ "package": package }] });
        let mixed = json!({ "type": "despatch_advice", "structure": "S-P-I", "packages": [{ "id": "7" }],
            "lines": [line("1", "7"), line("2", "7")] });
        assert_eq!(codes(mixed), "S P O I O I", "a carton of two orders stands above them");
        let plain = json!({ "type": "despatch_advice", "packages": [{ "id": "7" }, { "id": "8", "parent": "7" }],
            "lines": [line("1", "8")] });
        assert_eq!(codes(plain), "S O T P I");
        assert_eq!(codes(json!({ "type": "despatch_advice", "lines": [{ "number": "1" }] })), "S I");
    }

    #[test]
    fn parents_in_a_circle_end() {
        let entity = json!({ "type": "despatch_advice",
            "packages": [{ "id": "1", "parent": "2" }, { "id": "2", "parent": "1" }] });
        assert_eq!(plan(&ship(), &Entity::from_json(&entity).expect("an entity")).len(), 3);
    }

    #[test]
    fn err_levels() {
        let file = json!({ "each": "HL", "id": "01", "parent": "02", "levels": { "S": { "list": "boxes" } } });
        let error = Tree::parse(&file, &Value::Null).expect_err("no such list").to_string();
        assert_eq!(error, "S: expected one of the lists orders, packages, lines, found boxes");
        let file = json!({ "each": "HL", "id": "01", "parent": "02", "depth": "03", "levels": {} });
        assert!(Tree::parse(&file, &Value::Null).is_err());
    }
}
