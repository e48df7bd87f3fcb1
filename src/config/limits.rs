//! `[limits]`: what one sender or one document may take. Each limit is told by name when it is met.

use serde::Deserialize;

/// Limits of the service; those of the syntax stand with the reader.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a body.
    pub body_bytes: u64,
    /// Bodies being received at once; more are told to come back.
    pub bodies_at_once: usize,
    /// Seconds without a byte after which a body is given up.
    pub body_idle_seconds: u64,
    /// Bytes a second that a body must have on average, once the idle time has passed.
    pub body_bytes_per_second: u64,
    /// Bytes of all header lines.
    pub header_bytes: usize,
    /// Seconds in which the header lines must have come.
    pub header_seconds: u64,
    /// Handshakes of TLS under way at once; more connections are closed.
    pub handshakes_at_once: usize,
    /// The same of one address, or one network of IPv6 (/64).
    pub handshakes_per_address: usize,
    /// Seconds that one may take.
    pub handshake_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 2 * 1024 * 1024 * 1024,
            bodies_at_once: 200,
            body_idle_seconds: 30,
            body_bytes_per_second: 128,
            header_bytes: 32 * 1024,
            header_seconds: 10,
            handshakes_at_once: 1000,
            handshakes_per_address: 100,
            handshake_seconds: 10,
        }
    }
}
