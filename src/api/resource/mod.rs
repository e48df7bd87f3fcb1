//! Resources: partners, channels, agreements, routes.

pub mod apply;
pub mod export;
pub mod plan;
