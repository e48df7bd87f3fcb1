//! Portolan: receives trading partners' documents, checks, translates and delivers them, and loses none.
//!
//! The modules are floors: each may use those above its line in this file and none below
//! (`tests/architecture.rs` holds that). `docs/ARCHITECTURE.md` walks documents through them.

pub mod clock; // time comes in as an argument; this is the one place that reads it
pub mod config; // portolan.toml
pub mod fail; // named points at which crash tests kill the process
pub mod id; // identifiers with a type prefix, made from time and randomness given
pub mod inherit; // files that stand on a base: base ← group ← partner
pub mod json; // JSON value by value
pub mod near; // what somebody may have meant by a name
pub mod schedule; // when something is to be done: cron, times of day, times between
pub mod table; // lookup tables: one thing in several languages
pub mod window; // bytes read ahead of use
pub mod yaml; // YAML files whose scalars are all text, with lines

pub mod diagnostic; // what can be wrong with a document, with code, place and remedy

pub mod tree; // the one tree: views over an index of the bytes

pub mod standard; // definitions as data: load, import, place segments in loops, validate

pub mod entity; // canonical business documents: definitions, checks, schema

pub mod codec; // formats: bytes to the tree and back

pub mod mapping; // two-way rules between documents and entities

pub mod engine; // documents to entities, entities to bytes

// The service. Without it the library is what reads, checks, translates and writes documents, which is what is counted by
// `make instructions`.

#[cfg(feature = "service")]
pub mod transformation; // what becomes of an entity on its way along a route

#[cfg(feature = "service")]
pub mod partner; // who we deal with, and the decisions that follow

#[cfg(feature = "service")]
pub mod transport; // ways in and out

#[cfg(feature = "service")]
pub mod alert; // how alarms are told

#[cfg(feature = "service")]
pub mod store; // the ledger

#[cfg(feature = "service")]
pub mod pipeline; // the steps a document takes, one file a step

#[cfg(feature = "service")]
pub mod api; // the admin API, one endpoint a file
#[cfg(feature = "service")]
pub mod app; // wires the parts
#[cfg(feature = "service")]
pub mod cli; // the command line, one file a command
#[cfg(feature = "service")]
pub mod demo; // two peers and four orders
