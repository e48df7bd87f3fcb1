//! Numbers and times that files write otherwise than the tree has them. Days are the layout's, for a definition says their form.

use super::value::refusal;
use crate::standard::content::Form;

/// A number with these signs, the decimal one and that of thousands, as the tree has it: `1.234,50-` as `-1234.50`; `None` where
/// it is none.
#[must_use]
pub fn number((decimal, thousands): (char, Option<char>), text: &str) -> Option<String> {
    let (sign, digits) = match (text.strip_prefix('-'), text.strip_suffix('-')) {
        (Some(digits), _) | (None, Some(digits)) => ("-", digits),
        _ => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once(decimal).map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let whole = match thousands.filter(|mark| whole.contains(*mark)) {
        None => whole.to_owned(),
        Some(mark) => {
            let mut groups = whole.split(mark);
            let first = groups.next().filter(|first| (1..=3).contains(&first.len()))?;
            let rest: Vec<&str> = groups.collect();
            rest.iter().all(|group| group.len() == 3).then(|| format!("{first}{}", rest.concat()))?
        }
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = is_digits(&whole) && !(whole.is_empty() && fraction.is_none());
    match fraction {
        None => is_whole.then(|| format!("{sign}{whole}")),
        Some(fraction) => {
            (is_whole && is_digits(fraction) && !fraction.is_empty()).then(|| format!("{sign}{whole}.{fraction}"))
        }
    }
}

/// `0930`, `093000`, `09:30` as the tree has it, `09:30:00`; `None` where it is no time.
#[must_use]
pub fn time(text: &str) -> Option<String> {
    let parts: Vec<&str> = match text.contains(':') {
        true => text.split(':').collect(),
        false => vec![text.get(..2)?, text.get(2..4)?, text.get(4..)?],
    };
    let [hour, minute, seconds @ ..] = parts.as_slice() else { return None };
    let second = match seconds {
        [] => "00",
        [""] if !text.contains(':') => "00",
        [second] => second,
        _ => return None,
    };
    let made =
        [hour, minute, second].iter().all(|part| part.len() == 2).then(|| format!("{hour}:{minute}:{second}"))?;
    // XML has 24:00:00 for the end of a day; here that is none.
    (*hour < "24" && refusal(Form::Time, &made).is_none()).then_some(made)
}
