//! Definitions of standards as data: what segments a document may have, where, and what stands in them.

pub mod content; // what the elements of XML documents hold
pub mod definition; // the shapes that definition files are read into
pub mod entries; // definitions by name, each read when first asked for
pub mod guide; // narrower definitions for a partner
pub mod import; // sources of facts become definition files
pub mod layout; // how tables, lines of fixed width and JSON hold the same
mod lines; // definition files line by line
pub mod load; // definition files into memory
pub mod names; // paths of names taken apart
pub mod order; // the order of a document type as a table
pub mod outline; // a document type as a flat list, for printing and comparing
mod packed; // the definition files in the binary
pub mod place; // which segment stands in which loop
pub mod rules; // the rules of segments as tables
pub mod tag; // tags as numbers
pub mod validate; // collects every fault of a document
pub mod version; // which version is nearest to another
