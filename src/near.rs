//! What somebody may have meant: the nearest of the names there are.

/// Names told when none is near.
const LISTED_MAX: usize = 12;

/// A longer name is near to none: what comes over the wire may have any length, and each letter is held against each.
const CHARACTERS_MAX: usize = 64;

/// `; did you mean x?`, or the names there are.
#[must_use]
pub fn hint<N: AsRef<str>>(asked: &str, names: &[N]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match nearest(asked, &names) {
        Some(name) => format!("; did you mean {name}?"),
        None if names.is_empty() => "; there is none".to_owned(),
        None if names.len() > LISTED_MAX => {
            format!("; there are {} … ({})", names[..LISTED_MAX].join(", "), names.len())
        }
        None => format!("; there are: {}", names.join(", ")),
    }
}

/// The name that takes the fewest changes, when they are few for its length.
#[must_use]
pub fn nearest<'n, N: AsRef<str>>(asked: &str, names: &'n [N]) -> Option<&'n str> {
    let is_short = |name: &&str| name.chars().take(CHARACTERS_MAX + 1).count() <= CHARACTERS_MAX;
    let asked = Some(asked).filter(is_short)?.to_ascii_lowercase();
    let changes = |name: &&str| distance(&asked, &name.to_ascii_lowercase());
    let best = names.iter().map(AsRef::as_ref).filter(is_short).min_by_key(changes)?;
    (changes(&best) <= asked.chars().count().div_ceil(3)).then_some(best)
}

/// Letters put in, left out, changed, or two neighbours turned round (Damerau).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    // Two rows are kept: the last, and the one before it for neighbours turned round.
    let (mut before, mut last) = (Vec::new(), (0..=to.len()).collect::<Vec<usize>>());
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = last[j] + usize::from(a != b);
            let mut best = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
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
        assert_eq!((distance("kitten", "sitting"), distance("ab", "ba")), (3, 1));
        assert_eq!(distance("abcd", "badc"), 2);
        let longest = "é".repeat(CHARACTERS_MAX);
        assert_eq!(nearest(&longest, &[longest.as_str()]), Some(longest.as_str()));
        let longer = format!("{longest}e");
        assert_eq!(nearest(&longer, &[longer.as_str(), &longest]), None);
        assert_eq!(nearest(&longest, &[longer.as_str()]), None);
        assert_eq!(hint("recever", &["sender", "receiver"]), "; did you mean receiver?");
        assert_eq!(hint::<&str>("x", &[]), "; there is none");
    }
}
