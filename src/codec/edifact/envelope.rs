//! What an EDIFACT envelope says: parties, control references, version and type of a document.

use crate::codec::segment::{Envelope, PartyId};
use crate::tree::Segment;

/// Takes over what a header segment (UNB, UNG, UNH) says; other segments change nothing (ISO 9735-1, 8).
pub fn note(envelope: &mut Envelope, header: &Segment<'_>) {
    let text = |element: usize, component: usize| {
        let value = header.element(element).and_then(|value| value.component(component));
        value.map_or(String::new(), |value| value.text().trim().to_owned())
    };
    match header.tag().to_ascii_uppercase().as_slice() {
        b"UNB" => {
            envelope.syntax_version = text(1, 2);
            envelope.sender = PartyId { scheme: text(2, 2), value: text(2, 1) };
            envelope.receiver = PartyId { scheme: text(3, 2), value: text(3, 1) };
            envelope.interchange_control_number = text(5, 1);
            envelope.acknowledgment_requested = text(9, 1) == "1";
            envelope.test = text(11, 1) == "1";
        }
        b"UNG" => {
            envelope.group_type = text(1, 1);
            envelope.group_sender = text(2, 1);
            envelope.group_receiver = text(3, 1);
            envelope.group_control_number = text(5, 1);
        }
        b"UNH" => {
            envelope.document_control_number = text(1, 1);
            envelope.document_type = text(2, 1);
            envelope.version = format!("{}.{}", text(2, 2), text(2, 3));
            envelope.guide = text(2, 5);
        }
        _ => {}
    }
}
