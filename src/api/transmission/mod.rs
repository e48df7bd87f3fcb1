//! Transmissions: what transports carried, in and out.

pub mod attachments;
pub mod content;
pub mod get;
pub mod list;
pub mod reject;
pub mod release;
