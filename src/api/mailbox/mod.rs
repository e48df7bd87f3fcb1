//! Mailboxes: what lies in them, their passwords, and who is not heard for a while.

pub mod bans;
pub mod files;
pub mod list;
pub mod password;
pub mod unban;
