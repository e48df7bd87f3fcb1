//! `kind: mapping`, `kind: transformation`, `kind: guide`, `kind: table`: their keys. What stands under them is read by
//! `mapping`, `transformation`, `standard::guide` and `table`, each with a notation of its own.

use super::shape::{Key, Shape, may, must};

const TEXTS: Shape = Shape::List(&Shape::Text);
const SEVERITY: Shape = Shape::Word(&["error", "warning", "info"]);
const USAGE: Shape = Shape::Word(&["required", "optional", "unused"]);

/// Of a mapping.
pub const MAPPING_KEYS: &[Key] = &[
    must("base", Shape::Filled, "What it stands on: x12/004010/850, or another mapping by name"),
    may("title", Shape::Text, "For people"),
    may("group", Shape::Filled, "It counts for all partners of this group, where their agreement names none"),
    may("entity", Shape::Filled, "The entity, where it is not the base's"),
    may("select", Shape::Any, "The entity by content, where it is not as the base says"),
    may("constants", Shape::Map(&Shape::Text), "Values that are always written"),
    may("parts", Shape::Any, "Rules that several lists share"),
    may("rules", Shape::Any, "Rules that are new or other than the base's; none takes one away"),
];

/// Of a transformation.
pub const TRANSFORMATION_KEYS: &[Key] = &[
    must("entity", Shape::Filled, "The entity that it is for: order"),
    may("title", Shape::Text, "For people"),
    must("steps", Shape::List(&Shape::Any), "What is done, in this order"),
];

const RULE: Shape = Shape::Either(&[
    USAGE,
    Shape::Word(&["none"]),
    Shape::Object(&[
        may("usage", USAGE, "Whether it must be there"),
        may("max", Shape::Number(1, u32::MAX as u64), "How often a segment may stand in its loop"),
        may("codes", TEXTS, "Codes that may stand there"),
        may("length", Shape::Filled, "Fewest..most characters, or so many exactly"),
        may("value", Shape::Text, "The one value that may stand there"),
        may("message", Shape::Text, "The partner's sentence"),
        may("severity", SEVERITY, "How bad, where it is not as the guide says"),
    ]),
]);
const TESTS: Shape = Shape::Either(&[Shape::Filled, Shape::List(&Shape::Filled)]);
const CONDITION: Shape = Shape::Either(&[
    Shape::Word(&["none"]),
    Shape::Object(&[
        may("each", Shape::Filled, "The loop in each of which it is asked, such as PO1"),
        may("when", TESTS, "When it counts: PLACE, not PLACE, PLACE = A|B, PLACE != A"),
        must("need", TESTS, "What must hold then"),
        may("message", Shape::Text, "The partner's sentence"),
        may("severity", SEVERITY, "How bad, where it is not as the guide says"),
    ]),
]);

const ADDED: Shape = Shape::Map(&Shape::Text);

/// Of a guide.
pub const GUIDE_KEYS: &[Key] = &[
    must("base", Shape::Filled, "The document type it narrows: x12/004010/850, or another guide by name"),
    may("title", Shape::Text, "For people"),
    may("group", Shape::Filled, "It counts for all partners of this group, where their agreement names none"),
    may("selects", TEXTS, "Suffix of GS08, ST03 or UNH 0057 that choose it"),
    may("severity", SEVERITY, "How bad it is not to follow it; error when left out"),
    may("adds", Shape::Map(&ADDED), "Codes that it adds to lists of the standard, by element, with their meanings"),
    may("rules", Shape::Map(&RULE), "By place: required, optional, unused, or more"),
    may("conditions", Shape::Map(&CONDITION), "By name"),
];

/// Of a table.
pub const TABLE_KEYS: &[Key] = &[
    must("columns", TEXTS, "Their names"),
    may("title", Shape::Text, "For people"),
    may("directions", TEXTS, "COLUMN to COLUMN: what may be looked up, and must be unambiguous"),
    may("missing", Shape::Word(&["warning", "error", "hold"]), "What a value that is not there leads to"),
    may("defaults", Shape::Map(&Shape::Text), "By column: what stands for a value that is not there"),
    may("valid_from", Shape::Filled, "The column with the first day that a row counts"),
    may("valid_until", Shape::Filled, "The column with the last day that a row counts"),
    may(
        "rows",
        Shape::List(&Shape::Either(&[TEXTS, Shape::Map(&Shape::Text)])),
        "Values in the order of the columns, or by column",
    ),
    may("rows_file", Shape::Filled, "A CSV file beside, its first line naming the columns"),
];
