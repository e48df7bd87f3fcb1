//! What somebody may have meant: the nearest of the names there are.

/// Names told when none is near.
const LISTED_MAX: usize = 12;

/// `; did you mean x?`, or the names there are.
#[must_use]
pub fn hint<N: AsRef<str>>(asked: &str, names: &[N]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match nearest(asked, &names) {
        Some(name) => format!("; did you mean {name}?"),
        None if names.is_empty() => String::new(),
        None if names.len() > LISTED_MAX => {
            format!("; there are {} … ({})", names[..LISTED_MAX].join(", "), names.len())
        }
        None => format!("; there are: {}", names.join(", ")),
    }
}

/// The name that takes the fewest changes, when they are few for its length.
#[must_use]
pub fn nearest<'n, N: AsRef<str>>(asked: &str, names: &'n [N]) -> Option<&'n str> {
    let asked = asked.to_ascii_lowercase();
    let changes = |name: &&str| distance(&asked, &name.to_ascii_lowercase());
    let best = names.iter().map(AsRef::as_ref).min_by_key(changes)?;
    (changes(&best) <= asked.chars().count().div_ceil(3)).then_some(best)
}

/// Insertions, deletions and replacements from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, c) in from.chars().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (at, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(c != *other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_told() {
        let names = ["x12/004010/850", "edifact/d96a/ORDERS"];
        assert_eq!(nearest("edifact/d96a/order", &names), Some("edifact/d96a/ORDERS"));
        assert_eq!(nearest("x12/4010/850", &names), Some("x12/004010/850"));
        assert_eq!(nearest("cxml", &names), None);
        assert_eq!(hint("cxml", &names), "; there are: x12/004010/850, edifact/d96a/ORDERS");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
