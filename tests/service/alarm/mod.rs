//! Alarms reach a person: every alert finds what it watches for, one cause is one mail, mails go over every kind of connection and
//! are never lost, and links in them act once.

mod mail;
mod raises;
mod told;

pub use mail::MailServer;
pub use told::{POINTS, failing, sections, stage};
