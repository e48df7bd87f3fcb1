//! Transmissions: what transports carried, in and out.

pub mod act;
pub mod attachments;
pub mod content;
pub mod get;
pub mod groups;
pub mod list;
pub mod plan;
pub mod reject;
pub mod release;
pub mod send;
