//! `[admin]`: the listener of API and metrics. It belongs on an address that partners do not reach.

use super::within::within;
use serde::{Deserialize, Deserializer};

/// Seconds that a stop may wait before the listeners close.
pub const DRAIN_SECONDS_MAX: u64 = 300;

/// Where we reach ourselves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// Seconds from TERM on in which `/readyz` says 503 and all goes on, so that a balancer sends others elsewhere before the
    /// listeners close; [`DRAIN_SECONDS_MAX`] at most.
    #[serde(deserialize_with = "drain_seconds")]
    pub drain_seconds: u64,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9080".to_owned(), drain_seconds: 1 }
    }
}

fn drain_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    within(from, (0, DRAIN_SECONDS_MAX), "seconds")
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn err_a_stop_that_waits_for_hours() {
        let with = |seconds: &str| Config::parse(&format!("[admin]\ndrain_seconds = {seconds}\n"));
        assert_eq!(with("300").expect("the most").admin.drain_seconds, super::DRAIN_SECONDS_MAX);
        let error = with("7200").expect_err("two hours");
        assert!(error.contains("expected 300 seconds at most, found 7200"), "{error}");
    }
}
