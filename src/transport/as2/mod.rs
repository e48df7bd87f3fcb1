//! AS2 (RFC 4130, 5402, 6017, draft-ietf-ediint-rfc4130bis) as a protocol, without sockets and without a ledger: messages are
//! sealed and opened as streams, receipts written and read. Who a partner is, what was received before and what is sent
//! again is the pipeline's; HTTP is `transport::http`'s.

pub mod asn1;
pub mod certificate;
pub mod cms;
pub mod crypto;
pub mod evidence;
pub mod exchange; // certificates that partners will use
pub mod frame; // what stands around a payload
pub mod keystore; // files of keys and certificates
pub mod mime;
pub mod name;
pub mod open;
pub mod receipt;
pub mod refused;
pub mod related; // a document with attachments
pub mod request; // PKCS#10
pub mod seal;
pub mod self_signed;
pub mod source;
pub mod variant;
