//! `database`: where the ledger's rows are kept when not in the data directory. It connects to nothing, and shows no
//! password, whoever asks.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use std::fmt;
use std::path::{Path, PathBuf};

/// The variable that goes before the file's `database`.
pub const DATABASE_VARIABLE: &str = "PORTOLAN_DATABASE";

const EXPECTED: &str = "a URL such as \"postgres://user@host/name\", or { url = \"…\", password_file = \"…\" }";

/// A PostgreSQL server's database.
#[derive(Clone, PartialEq)]
pub struct Database {
    /// With the password, once it is known; for the driver only.
    url: String,
    /// Where the password lies; relative to the data directory.
    password_file: Option<PathBuf>,
}

impl Database {
    /// Takes a URL as the driver does.
    ///
    /// # Errors
    /// It is of another kind; the text repeats none of it.
    pub fn new(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        match rest {
            Some(rest) if !rest.is_empty() => Ok(Self { url: url.to_owned(), password_file: None }),
            _ => Err(format!("expected {EXPECTED}, found another kind of address")),
        }
    }

    /// The URL with everything that is needed to connect: not to be shown.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts the password of `password_file` into the URL.
    pub(super) fn with_password(mut self, directory: &Path) -> Result<Self, (PathBuf, std::io::Error)> {
        let Some(file) = self.password_file.take() else { return Ok(self) };
        let path = directory.join(file);
        let text = std::fs::read_to_string(&path).map_err(|error| (path, error))?;
        let password = percent_encoded(text.trim_end_matches(['\r', '\n']));
        if let Some((scheme, rest)) = self.url.split_once("://") {
            let (user, host) = split_user(rest).unwrap_or(("", rest));
            let user = user.split(':').next().unwrap_or_default();
            self.url = format!("{scheme}://{user}:{password}@{host}");
        }
        Ok(self)
    }
}

/// Host and name, as they may be read by anyone.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let place = split_user(rest).map_or(rest, |(_, host)| host);
        write!(f, "PostgreSQL {}", place.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Splits `user:password@host…`; a password may hold an `@`, a host may not.
fn split_user(rest: &str) -> Option<(&str, &str)> {
    let authority = rest.find(['/', '?']).map_or(rest, |end| &rest[..end]);
    let at = authority.rfind('@')?;
    Some((&rest[..at], &rest[at + 1..]))
}

fn percent_encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Blots who logs in, and with what, in all URLs of a text: an error may quote the line that has one.
pub(super) fn without_passwords(text: &str) -> String {
    let blotted = |line: &str| match (line.find("://"), line.rfind('@')) {
        (Some(begin), Some(end)) if begin < end => format!("{}***{}", &line[..begin + 3], &line[end..]),
        _ => line.to_owned(),
    };
    text.lines().map(blotted).collect::<Vec<_>>().join("\n")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: String,
    password_file: Option<PathBuf>,
}

struct TextOrTable;

impl<'de> Visitor<'de> for TextOrTable {
    type Value = Database;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, url: &str) -> Result<Database, E> {
        Database::new(url).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Database, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        let database = Database::new(&table.url).map_err(A::Error::custom)?;
        Ok(Database { password_file: table.password_file, ..database })
    }
}

impl<'de> Deserialize<'de> for Database {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTable)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn text_or_table_and_no_password_is_shown() {
        let config = Config::parse("database = \"postgres://ann:s3cret@db.example:5433/edi?sslmode=require\"");
        let database = config.expect("a URL").database.expect("a database");
        assert_eq!(format!("{database} {database:?}"), ["PostgreSQL db.example:5433/edi"; 2].join(" "));
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("password"), "p@ss/word\n").expect("a file");
        let text = "database = { url = \"postgresql://ann@db/edi\", password_file = \"password\" }";
        let database = Config::parse(text).expect("a table").database.expect("a database");
        let complete = database.with_password(folder.path()).expect("a password");
        assert_eq!(complete.url(), "postgresql://ann:p%40ss%2Fword@db/edi");
    }

    #[test]
    fn err_another_kind_or_key_is_told_without_the_password() {
        for text in [
            "database = \"mysql://ann:s3cret@db/edi\"",
            "database = { url = \"postgres://ann:s3cret@db/edi\", pasword_file = \"x\" }",
            "database = \"postgres://ann:s3@s3cret@db/edi",
            "database = 5",
        ] {
            let error = Config::parse(text).expect_err(text);
            assert!(!error.contains("s3cret"), "{error}");
            assert!(error.contains("database") || error.contains("line 1"), "{error}");
        }
    }
}
