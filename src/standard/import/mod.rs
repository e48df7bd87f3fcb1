//! Importers: a source of facts becomes definition files in our own notation. They write no prose of a standard.

mod write;
pub mod x12;

pub use write::write;

use super::definition::{Directory, Document};

/// What an import produced.
#[derive(Debug, Default)]
pub struct Imported {
    /// The document types asked for.
    pub documents: Vec<Document>,
    /// What they share, reduced to what they use.
    pub directory: Directory,
    /// What the source says that does not hold together.
    pub anomalies: Vec<String>,
}
