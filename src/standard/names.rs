//! A path of names as people write it, `InvoiceLine/Price[BaseQuantity=1]/PriceAmount@currencyID`, taken apart into steps.
//! It knows the signs only; what a name means where it stands is up to mappings and guides, which follow a definition along.

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedStep<'t> {
    /// The element; empty or `.` for the one at hand.
    pub name: &'t str,
    /// What stands in each pair of brackets behind it.
    pub selectors: Vec<&'t str>,
    /// The attribute behind `@`.
    pub attribute: Option<&'t str>,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPath<'t> {
    /// What was expected.
    pub expected: &'static str,
    /// What stands there instead.
    pub found: &'t str,
}

/// The steps of a path.
///
/// # Errors
/// A bracket that is not closed, or something behind one that is neither an attribute nor a further step.
pub fn steps(path: &str) -> Result<Vec<NamedStep<'_>>, NoPath<'_>> {
    split_outside(path, '/').into_iter().map(step).collect()
}

fn step(text: &str) -> Result<NamedStep<'_>, NoPath<'_>> {
    let end = text.find(['[', '@']).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let mut selectors = Vec::new();
    while let Some(inside) = rest.strip_prefix('[') {
        let (selector, after) = inside.split_once(']').ok_or(NoPath { expected: "a closing ]", found: rest })?;
        selectors.push(selector);
        rest = after;
    }
    match (rest.is_empty(), rest.strip_prefix('@')) {
        (true, _) => Ok(NamedStep { name, selectors, attribute: None }),
        (false, Some(attribute)) => Ok(NamedStep { name, selectors, attribute: Some(attribute) }),
        (false, None) => Err(NoPath { expected: "@ and an attribute, or /", found: rest }),
    }
}

/// Splits at `separator` where it is not inside brackets or parentheses.
#[must_use]
pub fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0i32, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            c if c == separator && depth == 0 => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_names_selectors_and_attributes() {
        let found = steps("A/B[C/D=1|2][3]@e").expect("a path");
        assert_eq!(found[0], NamedStep { name: "A", selectors: vec![], attribute: None });
        assert_eq!(found[1], NamedStep { name: "B", selectors: vec!["C/D=1|2", "3"], attribute: Some("e") });
    }

    #[test]
    fn err_brackets() {
        assert_eq!(steps("A[B=1").map_err(|error| error.expected), Err("a closing ]"));
        assert_eq!(steps("A[1]B").map_err(|error| error.found), Err("B"));
    }
}
