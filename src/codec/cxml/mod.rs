//! cXML as a conversation: who speaks, by which credentials, and what is answered in the same call. Its documents are XML
//! like others (`codec::xml`) and its elements stand in `standards/cxml`; business is not known here.

mod header;
mod related;
mod response;
mod secret;

pub use header::{Credential, Header, header};
pub use related::root;
pub use response::{Status, answers, handed_on, payload, profile, response, status, status_of};
pub use secret::star;
