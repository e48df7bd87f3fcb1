//! Deliveries into mailboxes: the commit that says `delivered` is the one that puts the file there, so that it is never one
//! without the other.

use crate::partner::Channel;
use crate::pipeline::file_name::file_name;
use crate::pipeline::measure;
use crate::pipeline::pace::{Place, Reached};
use crate::pipeline::state::Service;
use crate::pipeline::telemetry;
use crate::store::Result;
use crate::store::commit::deliver::{AttemptEnd, AttemptFacts};
use crate::store::delivery::Delivery;
use crate::store::job::Job;
use crate::store::mailbox::Placing;
use crate::store::transmission::Transmission;

/// Runs a deliver job whose channel is a folder of a mailbox.
///
/// # Errors
/// The lease was lost, or the ledger failed; the job is then run again, and the file is there once.
pub async fn deliver(
    service: &Service,
    (job, place): (&Job, &mut Place),
    delivery: &Delivery,
    transmission: &Transmission,
    (mailbox, channel): (&str, &Channel),
) -> Result<Reached> {
    let name = file_name(service, delivery, transmission, channel).await?;
    let placing = Placing { mailbox: mailbox.to_owned(), folder: channel.folder().to_owned(), name };
    let remote = format!("mailbox {mailbox}/{}", placing.folder);
    let sending = service.store.deliver_sending(job, &remote, service.now()).await?;
    service.pace.send(&service.directory(), place, service.now());
    let facts = AttemptFacts { placed: Some(placing), ..AttemptFacts::default() };
    service.store.deliver_result(job, AttemptEnd::Delivered, facts, service.now()).await?;
    let trace_id = telemetry::trace_id(service, &sending.transmission_id).await;
    tracing::info!(
        trace_id,
        delivery.id = sending.delivery_id,
        delivery.channel = sending.channel,
        "Laid into its mailbox"
    );
    let channel = measure::channel(&sending.channel);
    metrics::counter!("portolan_attempts_total", "channel" => channel, "outcome" => "delivered").increment(1);
    Ok(Reached::Yes)
}
