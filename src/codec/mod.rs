//! Formats: bytes to the tree and back. A codec knows syntax and definitions, never business.

pub mod content; // what formats share whose documents have no segments of their own
pub mod cxml; // the conversation of cXML: credentials, responses
pub mod edifact; // UN/EDIFACT envelopes
pub mod json; // JSON documents, as definitions lay them out
pub mod segment; // what X12 and EDIFACT share: the index kernel, the reader, the writer
pub mod table; // tables and lines of fixed width, as definitions lay them out
pub mod ubl; // acknowledgments of UBL
pub mod x12; // X12 envelopes
pub mod xml; // XML documents
