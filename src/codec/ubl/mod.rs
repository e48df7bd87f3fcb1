//! UBL as far as it answers: the ApplicationResponse that is made of findings, and those that come. Its documents are XML
//! like others (`codec::xml`).

mod acknowledge;
mod answers;

pub use acknowledge::{Acknowledging, write};
pub use answers::answers;

/// The document type that answers.
pub const KIND: &str = "ApplicationResponse";
/// The word of these acknowledgments in the ledger.
pub const WORD: &str = "application_response";

/// It came, and no more is said of it (UNCL4343 and the message level responses of Peppol).
const RECEIVED: &str = "AB";
/// It is accepted.
const ACCEPTED: &str = "AP";
/// It is refused.
const REJECTED: &str = "RE";
