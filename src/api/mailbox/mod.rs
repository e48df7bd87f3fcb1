//! Mailboxes: what lies in them, and their passwords.

pub mod files;
pub mod list;
pub mod password;
