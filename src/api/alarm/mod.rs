//! Alarms: what alerts found, what people do about it, and the mails and posts that tell of it.

pub mod act;
pub mod alerts;
pub mod get;
pub mod link; // what links of mails lead to
pub mod list;
pub mod notices;
pub mod retry;
pub mod retry_notice;
