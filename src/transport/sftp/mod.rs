//! SFTP: mailboxes that partners reach with any client. `server` speaks SSH, `session` the file protocol (version 3) and
//! `scp` the older copy protocol over it; what lies in a mailbox and when a file counts is said by who implements
//! [`files`]. There are no host paths: names are looked up, never opened. `client` is the other side: folders of a partner's
//! server that we reach, by the packets of `ask`.

pub mod algorithms; // what both sides offer
mod ask; // packets of a client
pub mod ban; // who guessed too often, for a while
pub mod client; // folders of a partner's server
mod farewell; // how a client goes
pub mod files; // what a mailbox can do, as its protocols ask for it
pub mod path; // paths of a mailbox and the names in it
mod scp; // copies asked for by `scp -O`
pub mod server;
pub mod session;
pub mod wire; // packets of the protocol
