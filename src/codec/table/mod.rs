//! Tables whose columns are separated (RFC 4180 and its relatives), and lines whose values stand at fixed positions (SAP's
//! IDoc among them), as their definitions lay them out (`standard::layout`).
//!
//! Rows are told apart by their type, or hold a document, a record of it and so on in columns of their own: rows that repeat
//! the columns of one are of it. The `csv` crate is not used: it hands out values, and what is wanted here is where each stands,
//! every byte between them, and what is wrong with a quote.

mod cut;
mod decode;
mod encode;
mod envelope;
mod infer;
mod line;
mod project;
mod sheet;

pub use cut::Cutter;
pub use decode::{Written, from_json, to_json};
pub use encode::{as_written, document, header};
pub use envelope::{note, take};
pub use infer::{InferError, infer};
pub use line::{COLUMNS_MAX, LINE_BYTES_MAX};
pub use project::{in_tree, project};
pub use sheet::{Sheet, recognise};
