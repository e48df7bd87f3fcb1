//! Formats: bytes to the tree and back. A codec knows syntax and definitions, never business.

pub mod segment; // what X12 and EDIFACT share: the index kernel, the reader, the writer
