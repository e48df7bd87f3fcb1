//! Paths of a mailbox. They lead to a folder or to a file in it and nowhere else; what climbs above the top stays at the
//! top, as with any file system. No path of the host is ever made of one.

use super::files::{Done, Refused};

/// Bytes of a path, at most.
pub const PATH_BYTES_MAX: usize = 1024;
/// Bytes of a name, at most.
pub const NAME_BYTES_MAX: usize = 255;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The top, which holds folders only.
    Top,
    /// A folder.
    Folder(String),
    /// A file in a folder.
    File(String, String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Top => f.write_str("/"),
            Place::Folder(folder) => write!(f, "/{folder}"),
            Place::File(folder, name) => write!(f, "/{folder}/{name}"),
        }
    }
}

/// Reads a path; a relative one starts at the top.
///
/// # Errors
/// It is too long, goes deeper than folder and file, or holds a name that is none.
pub fn place(path: &[u8]) -> Done<Place> {
    if path.len() > PATH_BYTES_MAX {
        return Err(Refused::failed(format!("expected a path of up to {PATH_BYTES_MAX} bytes, found {}", path.len())));
    }
    let text = std::str::from_utf8(path).map_err(|_| Refused::failed("expected a path in UTF-8"))?;
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => {
                check_name(name)?;
                parts.push(name);
            }
        }
    }
    match parts.as_slice() {
        [] => Ok(Place::Top),
        [folder] => Ok(Place::Folder((*folder).to_owned())),
        [folder, name] => Ok(Place::File((*folder).to_owned(), (*name).to_owned())),
        _ => Err(Refused::missing("folders of a mailbox have no folders in them")),
    }
}

/// Whether a name can be one of a file.
///
/// # Errors
/// What it must not hold.
pub fn check_name(name: &str) -> Done<()> {
    if name.is_empty() || name == "." || name == ".." {
        return Err(Refused::failed("expected a name, found none"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(Refused::failed(format!("expected a name of up to {NAME_BYTES_MAX} bytes, found {}", name.len())));
    }
    let is_odd =
        |c: char| c.is_control() || matches!(c, '/' | '\\' | '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}');
    if name.chars().any(is_odd) {
        return Err(Refused::failed("expected a name without separators and control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::files::Status;
    use super::*;

    fn led(path: &str) -> String {
        place(path.as_bytes()).map_or_else(|refused| format!("{:?}", refused.status), |place| place.to_string())
    }

    #[test]
    fn paths_lead_to_folders_and_files_and_never_out() {
        for (path, there) in [
            ("", "/"),
            (".", "/"),
            ("/", "/"),
            ("in", "/in"),
            ("/in/", "/in"),
            ("in//a.edi", "/in/a.edi"),
            ("/in/./a.edi", "/in/a.edi"),
            ("/in/../out/b", "/out/b"),
            ("../../../etc", "/etc"),
            ("/../../in/a b+ü.edi", "/in/a b+ü.edi"),
        ] {
            assert_eq!(led(path), there, "{path}");
        }
    }

    #[test]
    fn err_names_that_are_none() {
        for path in ["in/a\u{0}b", "in/a\nb", "in/..\\..\\x", "in/\u{202E}gpj", "in/\u{1b}[2J"] {
            assert_eq!(led(path), "Failure", "{path:?}");
        }
        assert_eq!(led("in/deep/er"), "NoSuchFile");
        assert_eq!(place(b"in/\xFF").expect_err("no UTF-8").status, Status::Failure);
        let longest = "n".repeat(NAME_BYTES_MAX);
        assert!(check_name(&longest).is_ok() && check_name(&format!("{longest}n")).is_err());
        let long = "/".repeat(PATH_BYTES_MAX);
        assert!(place(long.as_bytes()).is_ok() && place(format!("{long}/").as_bytes()).is_err());
    }
}
