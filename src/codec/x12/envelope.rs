//! What an X12 envelope says: parties, control numbers, version and type of a document.

use crate::codec::segment::{Envelope, PartyId};
use crate::tree::Segment;

/// Takes over what a header segment (ISA, GS, ST) says; other segments change nothing.
///
/// ISA05 to ISA08 name the mailboxes, ISA13 the interchange, ISA15 the environment; GS08 the version, ruling over
/// ISA12; ST01 the type (X12.5, X12.6).
pub fn note(envelope: &mut Envelope, header: &Segment<'_>) {
    let text = |number: usize| header.element(number).map_or(String::new(), |value| value.text().trim().to_owned());
    match header.tag().to_ascii_uppercase().as_slice() {
        b"ISA" => {
            envelope.sender = PartyId { scheme: text(5), value: text(6) };
            envelope.receiver = PartyId { scheme: text(7), value: text(8) };
            envelope.interchange_control_number = text(13);
            envelope.test = text(15) == "T";
            envelope.acknowledgment_requested = text(14) == "1";
            envelope.version = text(12);
        }
        b"GS" => {
            envelope.group_type = text(1);
            envelope.group_sender = text(2);
            envelope.group_receiver = text(3);
            envelope.group_control_number = text(6);
            envelope.version = text(8).chars().take(6).collect();
            envelope.guide = text(8).chars().skip(6).collect();
        }
        b"ST" => {
            envelope.document_type = text(1);
            envelope.document_control_number = text(2);
            envelope.implementation = text(3);
        }
        _ => {}
    }
}
