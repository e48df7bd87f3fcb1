//! Colour in words for people: only on a terminal, never where `NO_COLOR` is set or `--no-color` is said. Data is never
//! coloured.

use std::io::IsTerminal;

/// What a stretch of text is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// An error.
    Bad,
    /// A warning.
    Doubtful,
    /// All is well.
    Good,
    /// What the eye should find first: headings, codes.
    Strong,
    /// Places and fields.
    Place,
    /// What one may skip: margins, remedies.
    Faint,
}

/// Whether to colour.
#[derive(Debug, Clone, Copy, Default)]
pub struct Paint {
    is_on: bool,
}

impl Paint {
    /// For text on standard output.
    #[must_use]
    pub fn stdout(refused: bool) -> Self {
        Paint { is_on: !refused && is_welcome() && std::io::stdout().is_terminal() }
    }

    /// Colours always, for tests.
    #[cfg(test)]
    pub fn always() -> Self {
        Paint { is_on: true }
    }

    /// The text in the colour of its tone.
    #[must_use]
    pub fn dye(self, tone: Tone, text: &str) -> String {
        if !self.is_on || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Bad => "1;31",
            Tone::Doubtful => "1;33",
            Tone::Good => "32",
            Tone::Strong => "1",
            Tone::Place => "36",
            Tone::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// <https://no-color.org>: any value that is not empty refuses; a dumb terminal cannot.
fn is_welcome() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A count with its noun: `1 error`, `12 345 errors`.
#[must_use]
pub fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", spaced(count as u64), if count == 1 { "" } else { "s" })
}

/// A number with its digits in groups of three.
#[must_use]
pub fn spaced(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for (at, group) in digits.as_bytes()[first..].chunks(3).enumerate() {
        if at > 0 || first > 0 {
            text.push(' ');
        }
        text.extend(group.iter().map(|&digit| char::from(digit)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let all = [0, 7, 999, 1000, 12_345, 123_456, 1_234_567].map(spaced);
        assert_eq!(all, ["0", "7", "999", "1 000", "12 345", "123 456", "1 234 567"]);
        assert_eq!((counted(1, "error"), counted(2000, "error")), ("1 error".into(), "2 000 errors".into()));
    }

    #[test]
    fn without_colour_text_is_as_it_is() {
        assert_eq!(Paint::default().dye(Tone::Bad, "error"), "error");
        assert_eq!(Paint::always().dye(Tone::Bad, "error"), "\u{1b}[1;31merror\u{1b}[0m");
    }
}
