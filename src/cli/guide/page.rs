//! A page to read, as Markdown or as HTML that stands alone: headings, paragraphs, lists, tables, text as it stands.

/// Part of a page.
pub enum Block {
    /// A heading of a level from 1.
    Heading(usize, String),
    /// Running text.
    Text(String),
    /// Points.
    List(Vec<String>),
    /// Heads and rows.
    Table(Vec<&'static str>, Vec<Vec<String>>),
    /// Lines as they stand.
    Lines(Vec<String>),
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#1a1a1a;background:#fff}\
table{border-collapse:collapse;margin:.7em 0}th,td{border:1px solid #bbb;padding:.25em .6em;text-align:left;vertical-align:top}\
th{background:#eee}pre{background:#f5f5f5;padding:.8em;overflow-x:auto}h2{border-bottom:1px solid #bbb}h3{margin-top:2em}\
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}th{background:#2a2a2a}pre{background:#222}}";

/// The page as Markdown.
#[must_use]
pub fn markdown(blocks: &[Block]) -> String {
    let one = |block: &Block| match block {
        Block::Heading(level, text) => format!("{} {text}\n", "#".repeat(*level)),
        Block::Text(text) => format!("{text}\n"),
        Block::List(points) => points.iter().map(|point| format!("- {point}\n")).collect(),
        Block::Lines(lines) => format!("```\n{}\n```\n", lines.join("\n")),
        Block::Table(heads, rows) => {
            let row = |cells: &[String]| {
                let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', "<br>")).collect();
                format!("| {} |\n", cells.join(" | "))
            };
            let ruler = "|---".repeat(heads.len());
            let body: String = rows.iter().map(|cells| row(cells)).collect();
            format!("| {} |\n{ruler}|\n{body}", heads.join(" | "))
        }
    };
    blocks.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// The page as HTML.
#[must_use]
pub fn html(title: &str, blocks: &[Block]) -> String {
    let one = |block: &Block| match block {
        Block::Heading(level, text) => format!("<h{level}>{}</h{level}>\n", escaped(text)),
        Block::Text(text) => format!("<p>{}</p>\n", escaped(text)),
        Block::List(points) => {
            let points: String = points.iter().map(|point| format!("<li>{}</li>\n", escaped(point))).collect();
            format!("<ul>\n{points}</ul>\n")
        }
        Block::Lines(lines) => format!("<pre>{}</pre>\n", escaped(&lines.join("\n"))),
        Block::Table(heads, rows) => {
            let heads: String = heads.iter().map(|head| format!("<th>{}</th>", escaped(head))).collect();
            let cell = |cell: &String| format!("<td>{}</td>", escaped(cell).replace('\n', "<br>"));
            let row = |cells: &Vec<String>| format!("<tr>{}</tr>\n", cells.iter().map(cell).collect::<String>());
            let body: String = rows.iter().map(row).collect();
            format!("<table>\n<tr>{heads}</tr>\n{body}</table>\n")
        }
    };
    let body: String = blocks.iter().map(one).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{}</title>\n<style>{STYLE}</style>\n{body}</html>\n",
        escaped(title)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_carry_the_same() {
        let blocks = [
            Block::Heading(2, "A & B".to_owned()),
            Block::Table(vec!["x", "y"], vec![vec!["1|2".to_owned(), "<b>".to_owned()]]),
            Block::Lines(vec!["ST*850~".to_owned()]),
        ];
        assert_eq!(markdown(&blocks), "## A & B\n\n| x | y |\n|---|---|\n| 1\\|2 | <b> |\n\n```\nST*850~\n```\n");
        let html = html("t", &blocks);
        assert!(html.contains("<h2>A &amp; B</h2>") && html.contains("<td>1|2</td><td>&lt;b&gt;</td>"), "{html}");
    }
}
