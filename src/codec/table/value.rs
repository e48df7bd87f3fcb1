//! One value: as the file writes it, and as the tree has it (`2026-01-31`, `-12.50`, `09:30:00`). What is read is what stands
//! there, or is refused; what is written is read the same again, or is refused. Where a value stands is not known here.

use crate::codec::content::{number, refusal, time};
use crate::diagnostic::Syntax;
use crate::standard::content::Form;
use crate::standard::layout::{Field, Layout};
use crate::tree::Charset;

/// The text of a value without what means nothing around it. Blanks are part of a text, unless the definition says that they
/// are cut; those at the end of a stretch of fixed width fill it up. A text of nothing but blanks says nothing.
#[must_use]
pub fn bare<'t>(layout: &Layout, field: &Field, text: &'t str) -> &'t str {
    match field.form {
        Form::Text if text.trim().is_empty() => "",
        Form::Text if !layout.cuts_blanks && layout.syntax == Syntax::Fixed => text.trim_end_matches(' '),
        Form::Text if !layout.cuts_blanks => text,
        _ => text.trim(),
    }
}

/// A value as the tree has it; nothing where it says nothing.
///
/// # Errors
/// What was expected.
pub fn in_tree(layout: &Layout, field: &Field, text: &str) -> Result<String, String> {
    read(layout, field, text, (layout.decimal, layout.thousands))
}

/// A number of JSON as the tree has it, whose decimal sign is JSON's own; any other word as it stands.
///
/// # Errors
/// What was expected.
pub fn literal_in_tree(layout: &Layout, field: &Field, word: &str) -> Result<String, String> {
    read(layout, field, word, ('.', None))
}

fn read(layout: &Layout, field: &Field, text: &str, signs: (char, Option<char>)) -> Result<String, String> {
    let text = bare(layout, field, text);
    let is_nothing =
        layout.syntax == Syntax::Fixed && field.form == Form::Date && text.bytes().all(|byte| byte == b'0');
    if text.is_empty() || is_nothing {
        return Ok(String::new());
    }
    // What cannot be read in a set of other bytes becomes U+FFFD.
    let is_unread = |c: char| c == '\u{FFFD}' && matches!(layout.charset, Charset::Other(_));
    if text.chars().any(|c| is_unread(c) || is_control(c)) {
        return Err("characters that can be read, none of them a control character".to_owned());
    }
    match field.form {
        Form::Date => layout.day(text).ok_or_else(|| format!("a day written {}", layout.dates.join(" or "))),
        Form::Time => time(text).ok_or_else(|| "a time such as 093000 or 09:30".to_owned()),
        Form::Number | Form::Integer => {
            let plain = number(signs, text).filter(|plain| refusal(field.form, plain).is_none());
            let sample = format!("a {} such as 1234{}50", field.form.name(), signs.0);
            plain.ok_or(if field.form == Form::Integer { "a whole number".to_owned() } else { sample })
        }
        form => match refusal(form, text) {
            Some(expected) => Err(expected.to_owned()),
            None => Ok(text.to_owned()),
        },
    }
}

/// A character that no text holds: the tree has its separators among them.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// What stands in the tree for a value that was refused, so that people can find it.
#[must_use]
pub fn refused(layout: &Layout, field: &Field, text: &str) -> String {
    bare(layout, field, text).chars().map(|c| if is_control(c) { '\u{FFFD}' } else { c }).collect()
}

/// A value of the tree as the file writes it; nothing where it says nothing.
///
/// # Errors
/// What was expected of a value that the file cannot hold, or that would be read as another one.
pub fn as_written(layout: &Layout, field: &Field, text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let (written, meant) = match field.form {
        Form::Date => {
            let day = text.get(..10).filter(|_| refusal(Form::DateTime, text).is_none());
            let written = day.and_then(|day| layout.write_day(day));
            (written.ok_or("a day such as 2026-01-31")?, day.unwrap_or_default().to_owned())
        }
        Form::Time => {
            let clock = text.split_once('T').map_or(text, |(_, clock)| clock);
            let (clock, behind) =
                clock.split_at(clock.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(clock.len()));
            // Parts of a second have no place.
            let meant = time(clock).filter(|_| !behind.starts_with('.')).ok_or("a time such as 09:30:00")?;
            (if layout.syntax == Syntax::Fixed { meant.replace(':', "") } else { clock.to_owned() }, meant)
        }
        Form::Number | Form::Integer => {
            let plain = text.strip_prefix('+').unwrap_or(text);
            let plain = plain.strip_suffix('.').unwrap_or(plain);
            (plain.replace('.', &layout.decimal.to_string()), plain.to_owned())
        }
        _ => (text.to_owned(), bare(layout, field, text).to_owned()),
    };
    match in_tree(layout, field, &written) {
        Ok(read) if read == meant => Ok(written),
        Ok(read) => Err(format!("a value that is read as it is, where this would be {read:?}")),
        Err(expected) => Err(expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(form: &str) -> Field {
        let said = serde_json::json!({ "format": "csv", "records": { "a": { "fields": [format!("x O {form}")] } } });
        let mut layout =
            Layout::parse("a.yaml", &said, &mut crate::standard::content::Contents::default()).expect("one");
        layout.records.remove("a").expect("a record").fields.remove(0)
    }

    fn layout(more: serde_json::Value) -> Layout {
        let mut said = serde_json::json!({ "format": "csv", "dates": "DD.MM.YYYY", "records": {} });
        said.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        Layout::parse("a.yaml", &said, &mut crate::standard::content::Contents::default()).expect("a layout")
    }

    #[test]
    fn a_time_is_what_its_form_says() {
        let fixed = Layout { syntax: Syntax::Fixed, ..layout(serde_json::json!({})) };
        let csv = layout(serde_json::json!({}));
        let (time, day) = (field("time"), field("date"));
        assert_eq!(as_written(&fixed, &time, "2026-11-24T09:15:00Z").as_deref(), Ok("091500"));
        assert_eq!(as_written(&csv, &time, "09:15:00").as_deref(), Ok("09:15:00"));
        assert_eq!(as_written(&csv, &day, "2026-11-24T09:15:00Z").as_deref(), Ok("24.11.2026"));
        for text in ["0:930", "09:3", "093", "0930000", "09:30:0", "9:30", "24:00", "09.30"] {
            assert!(in_tree(&csv, &time, text).is_err(), "{text}");
        }
        for text in ["0930", "093000", "09:30", "09:30:00"] {
            assert_eq!(in_tree(&csv, &time, text).as_deref(), Ok("09:30:00"), "{text}");
        }
        assert!(as_written(&csv, &time, "09:30:00.5Z").is_err());
    }

    #[test]
    fn err_a_number_is_read_as_it_is_declared_or_not_at_all() {
        let comma = layout(serde_json::json!({ "decimal": "," }));
        let grouped = layout(serde_json::json!({ "decimal": ",", "thousands": "." }));
        let number = field("number");
        for (layout, text, read) in [
            (&comma, "1,5", Some("1.5")),
            (&comma, "1.5", None),
            (&comma, "1.234", None),
            (&comma, "12,50-", Some("-12.50")),
            (&comma, "+12", Some("12")),
            (&comma, "+-5", None),
            (&comma, "- 5", None),
            (&comma, "5 -", None),
            (&comma, "5,", None),
            (&comma, ",5", Some(".5")),
            (&comma, "1 234,5", None),
            (&comma, "1e3", None),
            (&grouped, "1.234,50", Some("1234.50")),
            (&grouped, "1.5", None),
            (&grouped, "12.34,5", None),
            (&grouped, "1,234.5", None),
            (&grouped, "1.2a4", None),
        ] {
            assert_eq!(in_tree(layout, &number, text).ok().as_deref(), read, "{text}");
        }
    }

    #[test]
    fn err_a_value_that_would_be_read_as_another_is_not_written() {
        let short = layout(serde_json::json!({ "dates": "DD.MM.YY" }));
        assert_eq!(as_written(&short, &field("date"), "2026-01-31").as_deref(), Ok("31.01.26"));
        for (form, text) in [
            ("date", "1999-01-31"),
            ("date", "20260131"),
            ("date", "2026-02-30"),
            ("number", "1,5"),
            ("number", "1e5"),
            ("boolean", "yes"),
            ("text", "a\u{1D}b"),
            ("code", "E\nA"),
        ] {
            assert!(as_written(&short, &field(form), text).is_err(), "{form} {text}");
        }
        assert_eq!(as_written(&short, &field("text"), " a ").as_deref(), Ok(" a "));
        let cut = layout(serde_json::json!({ "blanks": "cut" }));
        assert_eq!(in_tree(&cut, &field("text"), " a ").as_deref(), Ok("a"));
    }
}
