//! Names of files as others give them, made into such as may be written anywhere: no folder, no sign that a file system or a
//! terminal takes for something else, no name that a system has for itself. It does not look whether a file of that name is there.

/// Bytes of a name: more is taken by no usual file system.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Bytes of what stands behind the last dot that are kept where a name is cut.
const EXTENSION_BYTES_MAX: usize = 32;
/// What Windows has devices for, whatever stands behind a dot; those with a number have one to nine behind them.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// A name without what could lead elsewhere; none where nothing is left.
#[must_use]
pub fn safe_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = last.chars().filter(|c| !is_unseen(*c)).map(|c| if "<>:\"|?*".contains(c) { '_' } else { c });
    let plain: String = plain.collect();
    let is_end = |c: char| c == '.' || c.is_whitespace();
    let mut plain = plain.trim_matches(is_end).to_owned();
    if is_device(&plain) {
        plain.insert(0, '_');
    }
    let cut = cut(&plain);
    (!cut.is_empty()).then_some(cut)
}

/// Control characters, and what changes the order of others or is not seen.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let is_number = |rest: &str| {
        let mut rest = rest.chars();
        matches!((rest.next(), rest.next()), (Some('1'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None))
    };
    DEVICES.contains(&stem.as_str())
        || NUMBERED_DEVICES.iter().any(|device| stem.strip_prefix(device).is_some_and(is_number))
}

/// A name as long as it may be; what stands behind its last dot is kept.
fn cut(name: &str) -> String {
    if name.len() <= FILE_NAME_BYTES_MAX {
        return name.to_owned();
    }
    let extension = name.rfind('.').map_or("", |at| &name[at..]);
    let extension = if extension.len() > EXTENSION_BYTES_MAX { "" } else { extension };
    let end = name.floor_char_boundary(FILE_NAME_BYTES_MAX - extension.len());
    format!("{}{extension}", name[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for (name, safe) in [
            ("order.edi", Some("order.edi")),
            ("Maße 1.txt", Some("Maße 1.txt")),
            ("../../etc/passwd", Some("passwd")),
            ("..\\..\\boot.ini", Some("boot.ini")),
            ("C:\\x\\plan.pdf", Some("plan.pdf")),
            ("plan.pdf:hidden", Some("plan.pdf_hidden")),
            ("..", None),
            ("x/..", None),
            ("/", None),
            ("", None),
            (" . ", None),
            (".profile", Some("profile")),
            ("plan.pdf. . ", Some("plan.pdf")),
            ("a\0b\r\n\u{1b}[2J\u{9b}c", Some("ab[2Jc")),
            ("invoice\u{202e}fdp.exe", Some("invoicefdp.exe")),
            ("a<b>\"c\"|d?*", Some("a_b__c__d__")),
            ("NUL", Some("_NUL")),
            ("con.txt", Some("_con.txt")),
            ("Com1 .x.y", Some("_Com1 .x.y")),
            ("lpt\u{b9}", Some("_lpt\u{b9}")),
            ("com0.txt", Some("com0.txt")),
            ("console.txt", Some("console.txt")),
        ] {
            assert_eq!(safe_name(name).as_deref(), safe, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters_before_their_extension() {
        let long = safe_name(&format!("{}.pdf", "ü".repeat(300))).expect("a name");
        assert_eq!((long.len(), long.ends_with("ü.pdf")), (FILE_NAME_BYTES_MAX - 1, true), "{long}");
        let long = safe_name(&format!("a.{}", "ü".repeat(300))).expect("a name");
        assert_eq!(long.len(), FILE_NAME_BYTES_MAX - 1);
        assert_eq!(safe_name(&long), Some(long.clone()), "what is safe stays");
    }
}
