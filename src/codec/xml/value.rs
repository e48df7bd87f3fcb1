//! One value: as the document writes it, and as the tree has it (`2026-01-31`, `-12.50`, `09:30:00`). Both are the same, but
//! where the definition says how days are written (`dates`), as SAP does in its IDocs. Where a value stands is not known here.

use crate::codec::content::{number, refusal, time};
use crate::standard::content::{Form, Markup};
use crate::standard::layout::Layout;
use std::borrow::Cow;

/// A value as the tree has it.
///
/// # Errors
/// What was expected.
pub fn in_tree<'t>(markup: &Markup, form: Form, text: &'t str) -> Result<Cow<'t, str>, String> {
    let read = match form {
        _ if markup.dates.is_empty() => None,
        // A day that is not known is written as zeros.
        Form::Date if text.bytes().all(|byte| byte == b'0') => return Ok(Cow::Borrowed("")),
        Form::Date => {
            let day = markup.dates.iter().find_map(|form| Layout::day_in(form, text));
            Some(day.ok_or_else(|| format!("a day written {}", markup.dates.join(" or ")))?)
        }
        Form::Time => Some(time(text).ok_or("a time such as 093000")?),
        Form::Number | Form::Integer => number(('.', None), text),
        _ => None,
    };
    let read = read.map_or(Cow::Borrowed(text), Cow::Owned);
    match refusal(form, &read) {
        Some(expected) => Err(expected.to_owned()),
        None => Ok(read),
    }
}

/// A value of the tree as the document writes it. What is no day and no time stays as it is: reading it again tells.
#[must_use]
pub fn as_written<'t>(markup: &Markup, form: Form, text: &'t str) -> Cow<'t, str> {
    let Some(first) = markup.dates.first() else { return Cow::Borrowed(text) };
    let written = match form {
        Form::Date => text.get(..10).and_then(|day| Layout::write_day_in(first, day)),
        Form::Time => {
            let clock = text.split_once('T').map_or(text, |(_, clock)| clock);
            clock.get(..8).and_then(time).map(|clock| clock.replace(':', ""))
        }
        _ => None,
    };
    written.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard::content::Contents;

    fn markup(dates: &str) -> Markup {
        let said = serde_json::json!({ "root": "a", "content": "a", "dates": dates, "contents": { "a": {} } });
        Markup::parse("a.yaml", &said, &Contents::default()).expect("a definition")
    }

    #[test]
    fn values_are_written_as_the_definition_says_and_read_again() {
        let own = markup("YYYYMMDD");
        for (form, written, tree) in [
            (Form::Date, "20260131", "2026-01-31"),
            (Form::Time, "093000", "09:30:00"),
            (Form::Number, "-12.50", "-12.50"),
            (Form::Text, "20260131", "20260131"),
        ] {
            assert_eq!(in_tree(&own, form, written).as_deref(), Ok(tree));
            assert_eq!(as_written(&own, form, tree), written);
        }
        assert_eq!(in_tree(&own, Form::Number, "12.50-").as_deref(), Ok("-12.50"));
        assert_eq!(in_tree(&own, Form::Date, "00000000").as_deref(), Ok(""));
        assert_eq!(as_written(&own, Form::Date, "2026-01-31T09:30:00Z"), "20260131");
        assert_eq!(as_written(&own, Form::Time, "2026-01-31T09:30:00Z"), "093000");
        let plain = markup("");
        assert_eq!(in_tree(&plain, Form::Date, "2026-01-31").as_deref(), Ok("2026-01-31"));
        assert_eq!(as_written(&plain, Form::Date, "2026-01-31"), "2026-01-31");
        assert!(in_tree(&plain, Form::Number, "12.50-").is_err() && in_tree(&plain, Form::Date, "00000000").is_err());
    }

    #[test]
    fn err_a_value_that_is_not_written_as_the_definition_says() {
        let own = markup("YYYYMMDD");
        for (form, text, expected) in [
            (Form::Date, "2026-01-31", "a day written YYYYMMDD"),
            (Form::Date, "20260230", "a day written YYYYMMDD"),
            (Form::Time, "9:30", "a time such as 093000"),
            (Form::Number, "12,50", "a number such as -12.50"),
        ] {
            assert_eq!(in_tree(&own, form, text), Err(expected.to_owned()), "{text}");
        }
    }
}
