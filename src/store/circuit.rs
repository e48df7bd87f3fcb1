//! What becomes of the circuits of channels, told in the history. Whether one is open now, only the running process knows.

use super::Store;
use super::error::Result;
use super::event;
use super::value::{Actor, words};
use crate::clock::Timestamp;

/// What the chain of a channel's circuit is called: `circuit/NAME`, in place of a transmission.
pub const CHAIN: &str = "circuit/";

words! {
    /// What becomes of a circuit.
    CircuitState {
        /// So many failures in a row: the channel is probed only.
        Opened = "opened",
        /// The channel takes deliveries again.
        Closed = "closed",
    }
}

impl Store {
    /// Tells that the circuit of a channel opened or closed, and why.
    ///
    /// # Errors
    /// The database failed.
    pub async fn circuit(&self, channel: &str, to: CircuitState, cause: &str, now: Timestamp) -> Result<()> {
        let (channel, cause) = (channel.to_owned(), cause.to_owned());
        self.write("circuit", move |mut tx| {
            Box::pin(async move {
                let told = (&Actor::system(), Some(cause.as_str()));
                event::told(&mut tx, ("circuit", &channel), (None, to.as_str()), told, now).await
            })
        })
        .await
    }
}
