//! Words for people: the nearest of several names to one that is not there.

/// `; did you mean receiver?` where one of the names is near enough, else `; there are a, b`, else nothing to offer.
#[must_use]
pub fn nearest(found: &str, known: &[&str]) -> String {
    let near = known.iter().map(|one| (distance(found, one), *one)).min();
    match near {
        Some((steps, one)) if steps <= (found.chars().count() / 3).max(1) || one.starts_with(found) => {
            format!("; did you mean {one}?")
        }
        Some(_) if known.len() <= LISTED_MAX => format!("; there are {}", known.join(", ")),
        Some(_) => format!("; there are {} …", known[..LISTED_MAX].join(", ")),
        None => "; there is none".to_owned(),
    }
}

/// Names that a message lists, at most.
const LISTED_MAX: usize = 12;

/// Letters put in, left out, changed, or two neighbours turned round (Damerau), case not counting.
fn distance(one: &str, other: &str) -> usize {
    let letters = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (one, other) = (letters(one), letters(other));
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut best = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(nearest("recever", &["sender", "receiver"]), "; did you mean receiver?");
        assert_eq!(nearest("northstore", &["lamps", "northstores"]), "; did you mean northstores?");
        assert_eq!(nearest("aknowledge", &["ack"]), "; there are ack");
        assert_eq!(nearest("x", &[]), "; there is none");
        assert_eq!(distance("ab", "ba"), 1);
    }
}
