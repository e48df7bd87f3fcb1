//! The steps a document takes through the service, one file a step: they join what `engine` makes of bytes to the ledger
//! and the transports.

pub mod acknowledge; // answers we owe
pub mod admit; // whether an interchange is let in, and whether it came before
pub mod advise; // what the business made of a document, told to its sender
pub mod alarm; // what goes wrong, told to a person
pub mod answer; // answers that came
pub mod as2; // messages of AS2, in and out, with their receipts
pub mod attachments; // what stands beside the document of a body
pub mod bulk; // many deliveries or transmissions at once: groups, plan, act
pub mod configured; // what resources add: mappings, guides, tables
pub mod converse; // cXML answered in the call that brings it
pub mod deliver; // one attempt, and what comes of it
mod delta; // documents that say what came last
pub mod depart; // what leaves together, and whether it may
mod departures; // the loop of deliveries
mod drop; // deliveries into folders
pub mod echo; // what an answer takes from the document it answers
pub mod explain; // a document said in words: meanings, rules, verdicts, fields, and what they become
pub mod expression; // expressions of other languages, each run in a process of its own
mod file_name; // what deliveries are called as files
pub mod gather; // documents that wait for company leave together
pub mod identify; // what an input holds, who sent it, whether it has to wait
pub mod live; // calls that get a document as their answer
pub mod mailbox; // what partners drop and fetch over SFTP
pub mod meaning; // codes of acknowledgments, in words
pub mod measure; // what /metrics gives
pub mod output; // an interchange that leaves, as the ledger holds it
pub mod pace; // who may be sent to now, and how many at once
pub mod pickup; // files that we fetch from folders
mod places; // folders of files, opened
pub mod profile; // what an agreement's envelope says beyond parties and numbers
pub mod reach; // how a channel's partner is reached, with the secrets for it
pub mod receive; // a sender's body, kept before it is answered
mod retention; // bytes whose time is over
pub mod route; // where a document goes, under which envelope and numbers
pub mod state; // what the running service shares
mod stored; // payloads as transports read them
pub mod submit; // what somebody gives to be sent as it is
pub mod sums; // the sums of the ledger, and when they were counted
pub mod telemetry; // traces of documents, told to a collector
pub mod transform; // what a route makes of an entity before it is written
pub mod translate; // from stored bytes to documents, outputs and answers, slice by slice
pub mod trouble; // what goes wrong in the service itself
mod turns; // whose turn it is among those that are worked for one by one
pub mod unanswered; // what is held while its sender's clock runs
pub mod waiting; // what a transmission has to wait for: answers of lookup tables
pub mod webhook; // events told to webhooks
pub mod whole; // interchanges that go on with all their documents or with none
pub mod worker; // the loops that lease jobs and run them
