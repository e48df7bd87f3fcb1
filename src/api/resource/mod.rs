//! Resources: partners, channels, agreements, routes, mappings, guides, tables.

pub mod apply;
pub mod export;
pub mod plan;
pub mod schema;
