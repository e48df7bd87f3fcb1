//! Values that rows are made of: microseconds, closed lists of words, cursors.
//! It knows the Any driver's traits so that the aggregates need not.

use crate::clock::Timestamp;

/// An instant as the database keeps it: microseconds since 1970, UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// The instant as a timestamp; values outside the calendar become its ends.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
}

impl From<Timestamp> for Micros {
    fn from(at: Timestamp) -> Self {
        Self(at.as_microsecond())
    }
}

/// A word that is not in its closed list.
#[derive(Debug, thiserror::Error)]
#[error("unknown {list} {word:?}")]
pub struct UnknownWord {
    /// The list it should be in.
    pub list: &'static str,
    /// The word found.
    pub word: String,
}

/// Declares an enum whose variants are words in the database, the API and the command line alike.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::store::UnknownWord;
            fn from_str(word: &str) -> std::result::Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::store::UnknownWord { list: stringify!($name), word: word.to_owned() }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl sqlx::Type<sqlx::Any> for $name {
            fn type_info() -> sqlx::any::AnyTypeInfo {
                <str as sqlx::Type<sqlx::Any>>::type_info()
            }
        }

        impl<'q> sqlx::Encode<'q, sqlx::Any> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <sqlx::Any as sqlx::Database>::ArgumentBuffer,
            ) -> std::result::Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<sqlx::Any>>::encode(self.as_str(), buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Any> for $name {
            fn decode(
                value: <sqlx::Any as sqlx::Database>::ValueRef<'r>,
            ) -> std::result::Result<Self, sqlx::error::BoxDynError> {
                Ok(<&str as sqlx::Decode<sqlx::Any>>::decode(value)?.parse()?)
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Which way something travels, seen from us.
    Direction {
        /// From a partner to us.
        In = "in",
        /// From us to a partner.
        Out = "out",
    }
}

/// Where the next page of a list begins: after this row, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The last row's `created_at`.
    pub created_at: Micros,
    /// The last row's id.
    pub id: String,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.created_at.0, self.id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownWord { list: "cursor", word: text.to_owned() };
        let (created_at, id) = text.split_once('.').ok_or_else(unknown)?;
        let created_at = Micros(created_at.parse().map_err(|_| unknown())?);
        Ok(Self { created_at, id: id.to_owned() })
    }
}

/// Rows in one answer, at most; larger wishes are cut to this.
pub const PAGE_ROWS_MAX: u32 = 200;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Begin after this row; `None` for the first page.
    pub after: Option<Cursor>,
    /// Rows wanted; 0 means as many as allowed.
    pub limit: u32,
}

/// Who caused a change: `user:NAME`, `token:ID`, `worker`, `partner:NAME`, `system`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

impl Actor {
    /// The service itself.
    #[must_use]
    pub fn system() -> Self {
        Self("system".to_owned())
    }
}

/// A stranger's text as both databases can hold it: PostgreSQL's has no NUL, U+FFFD stands for it.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// A SHA-256 as lower-case hexadecimal digits, the form in which digests are stored.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
