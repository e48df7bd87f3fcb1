//! Certificates of AS2: what they say, until when they count, and who uses them. What they are is a resource.

pub mod announce;
pub mod announced;
pub mod answer;
pub mod export;
pub mod forecast;
pub mod key;
pub mod list;
pub mod offered;
pub mod refuse;
