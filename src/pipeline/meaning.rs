//! What the codes of acknowledgments mean, by the code lists of their standard.

use crate::standard::definition::Directory;
use crate::standard::load::Library;
use std::sync::Arc;

/// The directory whose code lists an acknowledgment of a kind is read by, and the elements of the codes that go with its verdict.
fn lists(library: &Library, kind: &str) -> Option<(Arc<Directory>, &'static [&'static str])> {
    let (standard, version, elements) = match kind {
        "997" => ("x12", "005010", &["718", "716"][..]),
        "999" => ("x12", "005010", &["618", "716"][..]),
        "ta1" => ("x12", "005010", &["I18"][..]),
        "824" => ("x12", "005010", &["110"][..]),
        "contrl" => ("edifact", "d3", &["0085"][..]),
        _ => return None,
    };
    Some((library.directory(standard, version).ok()?, elements))
}

/// What the codes of a verdict mean: `1 5` of AK502 and AK503.
#[must_use]
pub fn of_verdict(library: &Library, kind: &str, codes: &str) -> Option<String> {
    let (directory, elements) = lists(library, kind)?;
    let meaning = |code: &str| elements.iter().find_map(|id| directory.meaning(id, code).map(str::to_owned));
    let all: Vec<String> = codes.split(' ').filter(|code| !code.is_empty()).filter_map(meaning).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What one code of an element means: `8` of element 720.
#[must_use]
pub fn of_element(library: &Library, kind: &str, element: &str, code: &str) -> Option<String> {
    let (directory, _) = lists(library, kind)?;
    directory.meaning(element, code).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_acknowledgments_are_said_in_words() {
        let library = Library::new(None);
        let said = |kind: &str, codes: &str| of_verdict(&library, kind, codes);
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!(said("997", "5"), expected("One or more segments in error"));
        assert_eq!(said("997", "1 5"), expected("Transaction set not supported; One or more segments in error"));
        assert_eq!(said("999", "5"), expected("One or more segments in error"));
        assert_eq!(said("contrl", "12"), expected("Invalid value"));
        assert_eq!(said("824", "BR"), expected("Batch Reject"));
        assert_eq!((said("824", "ZZ"), said("997", ""), said("997", "<x>")), (None, None, None));
    }

    #[test]
    fn codes_of_segments_and_elements_are_said_in_words() {
        let library = Library::new(None);
        for (kind, element, code, expected) in [
            ("997", "720", "3", "Mandatory segment missing"),
            ("997", "723", "1", "Mandatory element missing"),
            ("999", "620", "3", "Required segment missing"),
            ("999", "621", "1", "Required element missing"),
            ("824", "647", "007", "Missing Data"),
            ("contrl", "0085", "12", "Invalid value"),
        ] {
            assert_eq!(of_element(&library, kind, element, code).as_deref(), Some(expected), "{kind} {element}");
        }
        assert_eq!(of_element(&library, "997", "720", "99"), None);
    }
}
