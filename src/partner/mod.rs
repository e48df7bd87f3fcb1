//! Who we deal with, over which channels, under which agreements: resources read from YAML, checked together, and the
//! decisions that follow from them. Pure: no database, no sockets, no clock.

mod ack;
mod directory;
mod duplicate;
mod plan;
mod resource;

pub use ack::{
    AcceptedSets, AckForm, AckPer, AckPolicy, AckRule, CLOCK_MINUTES, Expect, ExpectKind, Rejects, VersionSuffix,
};
pub use directory::{Directory, Held, Sender};
pub use duplicate::{Duplicate, DuplicateKey};
pub use plan::{PlannedChange, Verb, export, plan};
pub use resource::{
    Agreement, Auth, Channel, EnvelopeProfile, Environment, KINDS, OnUncertain, Partner, PartyId, Resource,
    ResourceError, Route, Secret, SecretOrText, Way, parse,
};
