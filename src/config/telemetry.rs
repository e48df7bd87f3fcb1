//! `[telemetry]`: where traces of documents go. Without this section none are made.

use serde::Deserialize;
use std::collections::BTreeMap;

/// A collector of OTLP, and what it is told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Its base address, `https://otel.example.com:4318`; `/v1/traces` is put behind it.
    pub endpoint: String,
    /// How it is spoken to.
    #[serde(default)]
    pub protocol: Protocol,
    /// Further header lines, each with the name of the secret that is its value.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Names of certificates (resources) of authorities that count for it beside those of this machine.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// The share of all traces that is sent, 0 to 1. A trace is sent whole or not at all.
    #[serde(default = "all")]
    pub sample: f64,
    /// What we are called there (`service.name`).
    #[serde(default = "name")]
    pub service: String,
    /// What else is told of this instance (attributes of the resource).
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Whether deliveries over HTTP and AS2 bear a `traceparent`.
    #[serde(default = "yes")]
    pub propagate: bool,
    /// Events that may wait for a collector that is away; of more, the oldest are left out.
    #[serde(default = "backlog")]
    pub backlog_events: u32,
}

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
pub enum Protocol {
    /// OTLP over HTTP, in JSON.
    #[default]
    #[serde(rename = "http/json")]
    HttpJson,
}

fn all() -> f64 {
    1.0
}

fn name() -> String {
    "portolan".to_owned()
}

fn yes() -> bool {
    true
}

fn backlog() -> u32 {
    100_000
}
