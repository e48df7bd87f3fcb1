//! `kind: channel`: a way in or out at a transport.

use super::as2::{self, As2};
use super::auth::Basic;
use super::files::{self, Pickup, Server};
use super::pace::{self, Circuit, Rate, Retry};
use super::schedule::{self, DeliveryWindow};
use super::shape::{Key, SECRET, SECRET_OR_TEXT, Shape, may, must};
use super::{PartyId, Secret, SecretOrText, Way, parsed_option};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

const BASIC: Shape =
    Shape::Object(&[must("user", Shape::Filled, "User name"), must("password", SECRET, "Its password")]);
const AUTH: Shape = Shape::Either(&[
    Shape::Word(&["token"]),
    Shape::Object(&[must("basic", BASIC, "Authorization: Basic")]),
    Shape::Filled,
]);
const RECEIPT_AUTH: &[Key] = &[
    must("name", Shape::Filled, "The auth"),
    must(
        "url",
        Shape::Url("the auth says who we are"),
        "What addresses begin with that it is shown to: https://as2.lamps.example/",
    ),
];

pub(super) const AUTHORITIES: Shape = NAMES;
const NAMES: Shape = Shape::List(&Shape::Filled);
const PROXY_KEYS: &[Key] = &[
    must("url", Shape::Url("user and password, a secret, stand beside url"), "Its address, http://proxy.example:3128"),
    may("user", Shape::Filled, "Its user"),
    may("password", SECRET, "Its password"),
];
pub(super) const PROXY: Shape = Shape::Either(&[Shape::Word(&["none"]), Shape::Object(PROXY_KEYS)]);

/// Of a channel in that takes cXML.
const CXML_KEYS: &[Key] = &[
    must("secret", SECRET, "The SharedSecret that proves who sends"),
    may(
        "senders",
        Shape::List(&Shape::PartyId),
        "Who may bring it, DOMAIN:ID, such as a network; none: the partner itself",
    ),
    may("receivers", Shape::List(&Shape::PartyId), "Who we are, DOMAIN:ID; none: To is not looked at"),
    may(
        "punchout",
        Shape::Url("leave it out; who asks is known by the SharedSecret"),
        "Where PunchOutSetupRequests are answered; none: they are not taken",
    ),
];

/// Seconds that a call may wait for its answer, or a receiver take for one.
const WAIT_SECONDS_MAX: u64 = 300;
/// The same where the channel does not say it.
const WAIT_SECONDS: u64 = 30;
/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// Calls of one channel that may wait at once.
const AT_ONCE_MAX: u64 = 100;
/// The same where the channel does not say it.
const AT_ONCE: usize = 20;

/// Of a channel whose calls are answered with a document.
const ANSWER_KEYS: &[Key] = &[
    may(
        "wait_seconds",
        Shape::Number(1, WAIT_SECONDS_MAX),
        "How long an answer is waited for; left out: 30 in, attempt_seconds out",
    ),
    may("bytes", Shape::Number(1, ANSWER_BYTES_MAX), "Bytes of an answer, at most; 1048576 when left out"),
    may("at_once", Shape::Number(1, AT_ONCE_MAX), "In: calls that wait at once; 20 when left out"),
    may("late", Shape::Filled, "In: the channel of way out for answers whose call is over; none: they are parked"),
];

/// Its keys.
pub const KEYS: &[Key] = &[
    must("transport", Shape::Word(&["http", "as2", "sftp", "folder"]), "The transport"),
    must("way", Shape::Word(&["in", "out"]), "From a partner to us, or from us to a partner"),
    may("partners", Shape::List(&Shape::Filled), "Who may send here, or who is reached; none: every partner"),
    may("auth", AUTH, "In: how senders prove who they are, token or basic; out: the auth that shows who we are"),
    may("receipt_auth", Shape::Object(RECEIPT_AUTH), "In, of as2: the auth of receipts that are posted later"),
    may("client_certificates", NAMES, "In: certificates of TLS; senders must show one of them"),
    may("cxml", Shape::Object(CXML_KEYS), "In: cXML is answered in the call that brings it"),
    may(
        "answer",
        Shape::Object(ANSWER_KEYS),
        "Of http: in, a call gets a document as its answer; out, a receiver's answer is one",
    ),
    may("as2", Shape::Object(as2::KEYS), "Of transport as2: the pair of names, and how messages are protected"),
    may("mailbox", Shape::Filled, "Of transport sftp: the mailbox that the files go through"),
    may("server", Shape::Object(files::SERVER_KEYS), "Of transport sftp: the partner's server that we reach"),
    may(
        "folder",
        Shape::Filled,
        "The folder: of a mailbox, in or out when left out; on a server, where it puts us; of transport folder, its path",
    ),
    may(
        "pickup",
        Shape::Object(files::PICKUP_KEYS),
        "In, of a server or of transport folder: which files are taken, and what becomes of them",
    ),
    may("file_name", Shape::Filled, "Of transport sftp and folder, out: what files are called, with facts in braces"),
    may(
        "url",
        Shape::Url("name an auth under auth, whose password is a secret"),
        "Out: where to; in with cxml: where partners reach it, told in its profile",
    ),
    may("method", Shape::Word(&["POST", "PUT", "PATCH"]), "Out, of http: with which method; POST when left out"),
    may("headers", Shape::Map(&SECRET_OR_TEXT), "Out: header lines to send"),
    may(
        "authorities",
        NAMES,
        "Out: certificates of authorities that count for the server, besides those of this machine",
    ),
    may("proxy", PROXY, "Out: the proxy, or none; when left out that of [proxy]"),
    may("allow_networks", Shape::List(&Shape::Filled), "Networks that may be reached although not public"),
    may("concurrency", pace::AT_ONCE, "Out: deliveries at once; 4 when left out"),
    may("rate", pace::RATE, "Out: so many attempts within a time"),
    may("retry", pace::RETRY, "Out: when a delivery is tried again; as [delivery] says when left out"),
    may("circuit", pace::CIRCUIT, "Out: when it is left alone after failures"),
    may("window", Shape::Object(schedule::WINDOW_KEYS), "Out: when deliveries may go; at any time when left out"),
    may(
        "document",
        Shape::Filled,
        "In, or out with answer: what is sent here, where it does not say it itself: csv/1/Order",
    ),
    may("body_bytes", Shape::Number(1, u64::MAX), "In: bytes of a body, at most"),
];

/// A way in or out at a transport.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// `http`, `as2`, `sftp` or `folder`.
    pub transport: String,
    /// In or out.
    pub way: Way,
    /// Who may send here, or who is reached; none: every partner.
    #[serde(default)]
    pub partners: Vec<String>,
    /// In: how senders prove who they are; out: which auth shows who we are.
    #[serde(default)]
    pub auth: Option<Shown>,
    /// In, of AS2: how receipts that are posted later show who we are.
    #[serde(default)]
    pub receipt_auth: Option<ReceiptAuth>,
    /// In: names of certificates of TLS; senders must show one of them.
    #[serde(default)]
    pub client_certificates: Vec<String>,
    /// In: cXML is answered in the call that brings it.
    #[serde(default)]
    pub cxml: Option<Cxml>,
    /// Of HTTP: in, a call gets a document as its answer; out, what the receiver answers is a document.
    #[serde(default)]
    pub answer: Option<AnswerPolicy>,
    /// Of transport `as2`: the pair of names, and how messages are protected.
    #[serde(default)]
    pub as2: Option<As2>,
    /// Of transport `sftp`: the mailbox that the files go through.
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Of transport `sftp`: the partner's server that we reach.
    #[serde(default)]
    pub server: Option<Server>,
    /// The folder of a mailbox, a path on a server, or of this machine; none: that of [`Channel::folder`].
    #[serde(default)]
    pub folder: Option<String>,
    /// In, of a server or of transport `folder`: which files are taken, and what becomes of them.
    #[serde(default)]
    pub pickup: Option<Pickup>,
    /// Of transport `sftp` and `folder`, out: what files are called, with facts in braces.
    #[serde(default)]
    pub file_name: Option<String>,
    /// Out: where to; in with cXML: where partners reach it.
    #[serde(default)]
    pub url: Option<String>,
    /// Out, of HTTP: with which method; `None` is POST.
    #[serde(default)]
    pub method: Option<String>,
    /// Out: names of certificates of authorities that count for the server.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// Out: the proxy, where it is not the instance's.
    #[serde(default)]
    pub proxy: Option<ChannelProxy>,
    /// Out: header lines to send.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretOrText>,
    /// Networks such as 10.0.0.0/8 that may be reached although they are not public.
    #[serde(default)]
    pub allow_networks: Vec<String>,
    /// Out: deliveries at once.
    #[serde(default, deserialize_with = "parsed_option")]
    pub concurrency: Option<usize>,
    /// Out: so many attempts within a time.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// Out: when a delivery is tried again, where it is not as the instance says.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// Out: when it is left alone after failures.
    #[serde(default)]
    pub circuit: Option<Circuit>,
    /// Out: when deliveries may go; none: at any time.
    #[serde(default)]
    pub window: Option<DeliveryWindow>,
    /// In, or out with `answer`: the document type of what is sent here, where the bytes do not say it: a table, lines of fixed width, JSON.
    #[serde(default)]
    pub document: Option<String>,
    /// In: bytes of a body, where another limit than the instance's is wanted.
    #[serde(default, deserialize_with = "parsed_option")]
    pub body_bytes: Option<u64>,
}

impl Channel {
    /// Whether nobody who sends here has to show anything of HTTP or TLS.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.auth.is_none() && self.client_certificates.is_empty()
    }

    /// What is wrong with how fast is sent over it.
    pub(in crate::partner) fn check_pace(&self, found: &mut Vec<String>) {
        let said = [
            ("concurrency", self.concurrency.is_some()),
            ("rate", self.rate.is_some()),
            ("retry", self.retry.is_some()),
            ("circuit", self.circuit.is_some()),
        ];
        // Receipts of AS2 that are posted later leave over the channel that their messages came in by.
        if self.way == Way::In && self.as2.is_none() {
            let said = said.iter().filter(|(_, is_said)| *is_said);
            found.extend(
                said.map(|(key, _)| format!("{key}: expected in a channel of way out only, found in one of way in")),
            );
        }
    }

    /// Whether its other side is a folder of files that we go to: on a partner's server, or of this machine.
    #[must_use]
    pub fn is_place(&self) -> bool {
        self.transport == "folder" || (self.transport == "sftp" && self.server.is_some())
    }

    /// How its calls are answered with documents, where partners post to it and they are.
    #[must_use]
    pub fn answers_calls(&self) -> Option<&AnswerPolicy> {
        self.answer.as_ref().filter(|_| self.way == Way::In)
    }

    /// How the receiver's answers are taken, where they are documents.
    #[must_use]
    pub fn asks(&self) -> Option<&AnswerPolicy> {
        self.answer.as_ref().filter(|_| self.way == Way::Out)
    }

    /// Its folder: of its mailbox `in` where files come in and `out` where they go out, on a server the one that we are put
    /// into, where it does not say it.
    #[must_use]
    pub fn folder(&self) -> &str {
        let usual = match (self.is_place(), self.way) {
            (true, _) => ".",
            (false, Way::In) => "in",
            (false, Way::Out) => "out",
        };
        self.folder.as_deref().unwrap_or(usual)
    }
}

/// How cXML is taken.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cxml {
    /// The SharedSecret of Sender.
    pub secret: Secret,
    /// Who may be its Sender; none: the partner itself.
    #[serde(default)]
    pub senders: Vec<PartyId>,
    /// Who we are in To; none: any.
    #[serde(default)]
    pub receivers: Vec<PartyId>,
    /// Where PunchOutSetupRequests are answered.
    #[serde(default)]
    pub punchout: Option<String>,
}

/// How calls are answered with documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerPolicy {
    /// In: how long a call waits, 30 seconds where it is `None`; out: how long the receiver may take, else as `[delivery]` says.
    #[serde(default, deserialize_with = "parsed_option")]
    pub wait_seconds: Option<u64>,
    /// Bytes of an answer, at most; `None`: 1 MiB.
    #[serde(default, deserialize_with = "parsed_option")]
    pub bytes: Option<u64>,
    /// In: calls that wait at once; `None`: 20.
    #[serde(default, deserialize_with = "parsed_option")]
    pub at_once: Option<usize>,
    /// In: over which channel an answer goes whose call is over; `None`: it is parked.
    #[serde(default)]
    pub late: Option<String>,
}

impl AnswerPolicy {
    /// How long an answer is waited for.
    #[must_use]
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.wait_seconds.unwrap_or(WAIT_SECONDS))
    }

    /// Bytes of an answer, at most.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.unwrap_or(ANSWER_BYTES_MAX)
    }

    /// Calls that may wait at once.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.at_once.unwrap_or(AT_ONCE)
    }
}

/// How a sender proves who it is, or which auth shows who we are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub enum Shown {
    /// In: `Authorization: Bearer`, with a token of this channel (`portolan token create --channel NAME`).
    Token,
    /// In: `Authorization: Basic`.
    Basic(Basic),
    /// Out: the name of an auth.
    Named(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Word(String),
    Keys { basic: Basic },
}

impl From<Written> for Shown {
    fn from(written: Written) -> Self {
        match written {
            Written::Word(word) if word == "token" => Shown::Token,
            Written::Word(word) => Shown::Named(word),
            Written::Keys { basic } => Shown::Basic(basic),
        }
    }
}

/// How receipts that are posted later show who we are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptAuth {
    /// The auth.
    pub name: String,
    /// What addresses begin with that it is shown to. Who sends a message says where its receipt goes, so that a secret
    /// goes nowhere else.
    pub url: String,
}

/// A channel's proxy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ChannelProxy {
    /// `none`: there is none, whatever the instance has.
    Word(String),
    /// This one.
    Proxy(ProxyLogin),
}

/// A proxy, and who we are there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyLogin {
    /// Its address.
    pub url: String,
    /// Its user.
    #[serde(default)]
    pub user: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<Secret>,
}
