//! Payloads of the ledger as transports read them.

use super::state::Service;
use crate::store::{PayloadSource, Result};
use crate::transport::http::body::Body;
use crate::transport::source::Source;
use std::io::{self, Read};
use std::sync::Arc;

impl Source for PayloadSource {
    fn length(&self) -> u64 {
        u64::try_from(self.payload().size).unwrap_or_default()
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(PayloadSource::open(self)?))
    }

    fn open_at(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(PayloadSource::open_at(self, start)?))
    }
}

/// A payload as a body that is posted.
///
/// # Errors
/// It is not kept any more, or the ledger failed.
pub(super) async fn body(service: &Service, payload_id: &str) -> Result<Body> {
    let source = service.store.payload_source(payload_id).await?;
    Ok(match source.held() {
        Some(bytes) => Body::Held(bytes.to_vec()),
        None => Body::Read(Arc::new(source)),
    })
}
