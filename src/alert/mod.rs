//! How alarms are told: to whom and when (`due`), as mail (`mail`) or post (`post`), with links that act (`link`). Pure: what is
//! told comes as JSON of ids, states, counts and sentences of our own, never payload; what is found, and how it is sent, is the
//! pipeline's.

pub mod due; // what is to be told to whom now
pub mod link; // links of mails that act, signed
pub mod mail; // as subject, text and HTML
pub mod post; // as Slack, Teams and programs take it
