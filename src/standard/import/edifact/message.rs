//! A message of a UN/EDIFACT release: its name and its segment table, the last section 4 of its file.

use super::parts::{sentence, without_marks};
use crate::standard::definition::{Area, Derived, Document, LoopBody, Node, Usage, name_loops};
use anyhow::{Context as _, anyhow, bail};

/// Lines in which the file of a message says what it defines.
const NAME_LINES: usize = 120;

/// A group being read: its head, and what has come so far.
struct OpenGroup {
    usage: Usage,
    max: Option<u32>,
    area: Area,
    label: String,
    nodes: Vec<Node>,
}

/// Reads the segment table. A table that names no sections takes its areas from its UNS segments. Where the lines that
/// are drawn do not fit the groups that are open, those that go on count, and it is told.
///
/// # Errors
/// A table that is not there, or whose groups are not opened and closed in turn, with the line.
pub fn message(version: &str, kind: &str, text: &str, anomalies: &mut Vec<String>) -> anyhow::Result<Document> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().rposition(|line| line.to_ascii_lowercase().contains("segment table"));
    let start = start.context("no segment table")?;
    let positioned = lines[start..].iter().any(|line| positions(line) > 0);
    let mut area = Area::Heading;
    let mut has_sections = false;
    let mut open = vec![OpenGroup { usage: Usage::Required, max: None, area, label: String::new(), nodes: Vec::new() }];
    for (number, line) in lines.iter().enumerate().skip(start + 1) {
        let wrong = |what: &str| anyhow!("line {}: expected {what}, found {line:?}", number + 1);
        if let Some(section) = section(line) {
            (area, has_sections) = (section, true);
        }
        let Some(row) = row(line, positioned) else { continue };
        if let Some(label) = row.group {
            open.push(OpenGroup { usage: row.usage, max: row.max, area, label, nodes: Vec::new() });
            continue;
        }
        let last = open.last_mut().ok_or_else(|| wrong("an open group"))?;
        // A group's trigger carries the group's own place in the order.
        let (tag, usage, max, position, body) = (row.tag, row.usage, row.max, row.position, None);
        last.nodes.push(Node { tag, usage, max, area, position, body });
        let inside = open.len() - 1;
        if row.closes > 0 && row.closes + row.go_on != inside {
            anomalies.push(format!(
                "{kind} line {}: {inside} groups are open, not {}",
                number + 1,
                row.closes + row.go_on
            ));
        }
        let closes = if row.closes > 0 { inside.saturating_sub(row.go_on) } else { 0 };
        for _ in 0..closes {
            let closed = open.pop().filter(|_| !open.is_empty()).ok_or_else(|| wrong("no more groups to close"))?;
            let trigger = closed.nodes.first().ok_or_else(|| wrong("a trigger in the group"))?;
            let (tag, position) = (trigger.tag.clone(), trigger.position.clone());
            let body = Some(LoopBody { path: String::new(), label: closed.label, nodes: closed.nodes.into() });
            let node = Node { tag, usage: closed.usage, max: closed.max, area: closed.area, position, body };
            open.last_mut().ok_or_else(|| wrong("an outer group"))?.nodes.push(node);
        }
    }
    let mut top = open.pop().filter(|_| open.is_empty()).context("a group is never closed")?;
    if top.nodes.is_empty() {
        bail!("the segment table has no entries");
    }
    if !has_sections {
        areas_by_separators(&mut top.nodes, &separators(&lines[..start]));
    }
    name_loops(&mut top.nodes, "");
    Ok(Document {
        standard: "edifact".into(),
        version: version.into(),
        kind: kind.into(),
        name: name_of(&lines, kind),
        groups: Vec::new(),
        nodes: top.nodes,
        markup: None,
        order: Derived::default(),
    })
}

/// The heading of a section within a segment table.
fn section(line: &str) -> Option<Area> {
    match line.trim() {
        "HEADER SECTION" => Some(Area::Heading),
        "DETAIL SECTION" => Some(Area::Detail),
        "SUMMARY SECTION" => Some(Area::Summary),
        _ => None,
    }
}

/// What each UNS begins, by what the text before the table says of it, in order.
fn separators(lines: &[&str]) -> Vec<Area> {
    let is_head = |line: &&&str| {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit());
        without_marks(line).starts_with("UNS, ")
    };
    let heads = lines.iter().enumerate().filter(|(_, line)| is_head(line));
    let says = heads.map(|(at, _)| lines[at..].iter().take_while(|line| !line.trim().is_empty()));
    let area = |mut text: Box<dyn Iterator<Item = &&str> + '_>| {
        let is_summary = text.any(|line| line.contains("summary"));
        if is_summary { Area::Summary } else { Area::Detail }
    };
    says.map(|text| area(Box::new(text))).collect()
}

/// Gives areas to a table without sections: each UNS begins what the text says; where none begins the detail, the longest
/// top-level group before the summary does.
fn areas_by_separators(nodes: &mut [Node], says: &[Area]) {
    let at: Vec<usize> = (0..nodes.len()).filter(|&at| nodes[at].tag == "UNS").collect();
    let mut begins: Vec<(usize, Area)> = at.into_iter().zip(says.iter().copied()).collect();
    if begins.is_empty() {
        return;
    }
    if !begins.iter().any(|(_, area)| *area == Area::Detail) {
        let groups = nodes.iter().enumerate().take(begins[0].0).filter(|(_, node)| node.body.is_some());
        let longest = groups.max_by_key(|(_, node)| node.max.unwrap_or(u32::MAX));
        begins.extend(longest.map(|(at, _)| (at, Area::Detail)));
        begins.sort_unstable_by_key(|(at, _)| *at);
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        let area = begins.iter().rev().find(|(begin, _)| *begin <= at).map_or(Area::Heading, |(_, area)| *area);
        set_area(node, area);
    }
}

/// Gives a node and all in it an area.
pub fn set_area(node: &mut Node, area: Area) {
    node.area = area;
    node.body.iter_mut().flat_map(|body| body.nodes.changeable()).for_each(|inner| set_area(inner, area));
}

/// The message's name, where its file says that it is the definition of that message; else empty.
fn name_of(lines: &[&str], kind: &str) -> String {
    let mark = format!("({kind})");
    let joined = lines.iter().take(NAME_LINES).map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let before = joined.find(&mark).map(|at| &joined[..at]);
    let name = before.and_then(|text| text.rfind("definition of the ").map(|at| &text[at + 18..]));
    sentence(&name.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The list of messages: each with its name.
pub fn names(list: &str) -> impl Iterator<Item = (String, String)> {
    list.lines().filter_map(|line| {
        let (kind, name) = without_marks(line).split_once(' ')?;
        let is_kind = kind.len() == 6 && kind.bytes().all(|byte| byte.is_ascii_uppercase());
        is_kind.then(|| (kind.to_owned(), sentence(name.trim())))
    })
}

/// One line of a segment table.
struct Row {
    position: String,
    tag: String,
    group: Option<String>,
    usage: Usage,
    max: Option<u32>,
    /// Groups whose line ends here.
    closes: usize,
    /// Groups whose line goes on.
    go_on: usize,
}

/// How many digits of a position a line begins with: four, five from D.20A on; none where it has no position.
fn positions(line: &str) -> usize {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (4..=5).contains(&digits) { digits } else { 0 }
}

/// Reads `0090 + RFF Reference  M   1  ||` or `0080  --- Segment group 1 --- C   10---+`; D.93A has no positions.
fn row(line: &str, positioned: bool) -> Option<Row> {
    let digits = positions(line);
    if positioned != (digits > 0) {
        return None;
    }
    let (position, rest) = line.split_at(digits);
    let rest = without_marks(rest);
    let group = rest.starts_with("--").then(|| {
        let after = rest.split_once("roup").map_or("", |(_, after)| after).trim_start();
        let number: String = after.chars().take_while(char::is_ascii_digit).collect();
        format!("SG{number}")
    });
    let tag: String = if group.is_some() { String::new() } else { rest.get(..3)?.to_owned() };
    let is_tag = tag.bytes().all(|byte| byte.is_ascii_uppercase()) && rest.as_bytes().get(3) == Some(&b' ');
    if group.is_none() && !is_tag {
        return None;
    }
    // Usage and maximum stand right of the name: the last lone M or C before a number.
    let bytes = rest.as_bytes();
    let at = (1..bytes.len().saturating_sub(1)).rev().find(|&at| {
        matches!(bytes[at], b'M' | b'C')
            && bytes[at - 1] == b' '
            && bytes[at + 1] == b' '
            && rest[at + 1..].trim_start().starts_with(|c: char| c.is_ascii_digit())
    })?;
    let usage = if bytes[at] == b'M' { Usage::Required } else { Usage::Optional };
    let after = rest[at + 1..].trim_start();
    let number: String = after.chars().take_while(char::is_ascii_digit).collect();
    let drawn = |line: u8| after.bytes().filter(|&byte| byte == line).count();
    let (closes, go_on) = if group.is_some() { (0, 0) } else { (drawn(b'+'), drawn(b'|')) };
    Some(Row { position: position.to_owned(), tag, group, usage, max: number.parse().ok(), closes, go_on })
}
