//! The documents that are sent: one 850 of about 10 KB an interchange, each with numbers of its own. They come from the
//! generator of the other bench; that all are clean is seen by their arriving as ORDERS.

#[path = "../speed/generate.rs"]
#[allow(dead_code, reason = "only one of its document types is sent")]
mod generate;

use generate::{Interchange, Kind};

const BYTES: u64 = 10_000;
/// What the generator writes into every envelope, and into every first document.
const CONTROL_NUMBER: &str = "*000000101";
const ORDER_NUMBER: &str = "*PO00000001*";

/// A document with the key that it is sent under.
pub struct Document {
    pub key: String,
    pub bytes: Vec<u8>,
}

/// The next so many.
pub fn some(numbers: &mut impl Iterator<Item = u32>, count: usize) -> Vec<Document> {
    numbers.take(count).map(one).collect()
}

fn one(number: u32) -> Document {
    let text = String::from_utf8(Interchange::bytes(Kind::X850, BYTES, u64::from(number))).expect("it writes ASCII");
    assert_eq!(text.matches(CONTROL_NUMBER).count(), 2, "ISA13 and IEA02");
    let text = text.replace(CONTROL_NUMBER, &format!("*{number:09}"));
    let text = text.replace(ORDER_NUMBER, &format!("*PO{number:08}*"));
    Document { key: format!("document-{number}"), bytes: text.into_bytes() }
}
