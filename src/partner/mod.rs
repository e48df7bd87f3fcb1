//! Who we deal with, over which channels, under which agreements: resources read from YAML, checked together, and the
//! decisions that follow from them. Pure: no database, no sockets, no clock.

mod ack;
mod alarm; // alerts, recipients, calendars
mod attach;
mod directory;
mod duplicate;
mod files; // folders of files, of ours and of partners' servers
mod mailbox;
mod overlay;
mod plan;
mod preset; // settings of AS2 for products that are known
mod reach;
pub mod resource; // the kinds, one file each
mod time; // schedules and windows
mod unchanged; // what is skipped when it comes again
mod validity;

pub use ack::{
    AcceptedSets, AckForm, AckPer, AckPolicy, AckRule, CLOCK_MINUTES, Expect, ExpectKind, ORDER_RESPONSE, Rejects,
    VersionSuffix,
};
pub use attach::{attach, beside, rows_files};
pub use directory::{Directory, Held, Sender};
pub use duplicate::{Duplicate, DuplicateKey};
pub use mailbox::{FILE_NAME, FILE_NAME_FACTS, MailboxFolder};
pub use plan::{PlannedChange, Verb, export, is_secret, plan};
pub use preset::{Preset, Setting, presets};
pub use resource::{
    Agreement, Alert, AnswerPolicy, As2, Attachments, Auth, Basic, CONCURRENCY, Calendar, Certificate, Channel,
    ChannelProxy, Circuit, Compress, Cxml, DOCUMENTS_MAX, DeliveryWindow, EVENT_TYPES, EnvelopeProfile, Environment,
    Form, HostKey, KINDS, Legacy, LineEnds, MICS, Mailbox, OAuth1, OAuth2, OnUncertain, Order, Partner, PartyId, Per,
    Pickup, Posted, Priority, ProxyLogin, Quiet, Rate, Receipt, ReceiptAuth, Recipient, Repeats, RequestAck, Required,
    Resource, ResourceError, Retry, Route, Secret, SecretOrText, Server, Severity, Shown, Signed, Signs, Split, Then,
    Una, Unchanged, Watch, Way, Webhook, When, calendar, fits, is_address, is_temporary, lane, packed, parse,
    parse_all,
};
pub use validity::WayOut;
