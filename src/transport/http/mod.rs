//! HTTP: `receive` serves partners' posts, `send` posts to partners.

pub mod address; // which addresses may be reached
pub mod auth; // how a request shows who sends it
pub mod body; // what is posted, piece by piece
mod later; // how long a receiver wants to be left alone
pub mod mailbox; // mailboxes as their partners and our own systems reach them
pub mod malformed; // requests that are no HTTP, told why
pub mod otlp; // traces as collectors take them
pub mod probe; // the first steps of a connection, one by one
pub mod reach; // proxies, authorities, certificates of ours
pub mod receive;
pub mod send;
pub mod tls;
pub mod unread; // the rest of a body that nobody reads
pub mod webhook; // signatures of Standard Webhooks
