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
mod value;

pub use crate::standard::layout::{COLUMNS_MAX, LINE_BYTES_MAX};
pub use cut::Cutter;
pub use decode::{Written, from_json, to_json};
pub use encode::{Keys, document, header};
pub use envelope::{note, take};
pub use infer::{Column, InferError, infer, names};
pub use line::says_nothing;
pub use project::project;
pub use sheet::{BYTE_ORDER_MARK, FIT, Sheet, text_fits, titles_fit};
pub use value::{as_written, bare, in_tree, literal_in_tree, refused};
