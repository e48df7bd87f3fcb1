//! The loop of deliveries: the queues that have something due are asked for, `pace` says which are looked into and who may go, and
//! each is leased and tried once. What an attempt is, is `deliver`'s.

use super::deliver::deliver;
use super::pace::{Place, Reached, Turned};
use super::state::Service;
use super::worker::{drain, kept, not_leased, pause, rest, told};
use crate::store::StoreError;
use crate::store::circuit::CircuitState;
use crate::store::job::{DueDelivery, Job};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Delivers what is due until told to stop; what is under way then has a while to end.
pub async fn run(service: Arc<Service>, stop: CancellationToken) {
    let places = service.config.delivery.workers.max(1) as usize;
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        while running.try_join_next().is_some() {}
        let free = places - running.len().min(places);
        let jobs = if free == 0 { Vec::new() } else { lease(&service, free).await };
        if jobs.is_empty() {
            tokio::select! {
                Some(_) = running.join_next() => {}
                () = rest(&service.departing, &stop), if free > 0 => {}
            }
            pause(running.len()).await;
        }
        for (job, given) in jobs {
            let service = service.clone();
            running.spawn(async move {
                told(&service, &job, one(&service, &job, given).await);
            });
        }
    }
    drain(running).await;
}

/// A delivery with the place that was given to it; free again when this is dropped, whatever becomes of the attempt.
struct Given {
    service: Arc<Service>,
    place: Place,
    reached: Reached,
    is_over: bool,
}

impl Given {
    /// Nothing is tried yet.
    fn new(service: &Arc<Service>, place: Place) -> Self {
        Self { service: service.clone(), place, reached: Reached::Nothing, is_over: false }
    }

    /// The place is free again; what becomes of the circuit of its channel.
    fn leave(&mut self) -> Option<Turned> {
        let (service, was_over) = (&self.service, std::mem::replace(&mut self.is_over, true));
        if was_over {
            return None;
        }
        service.pace.leave(&service.directory(), &self.place, self.reached, service.now())
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        // What panicked tells nothing of its channel.
        let _ = self.leave();
    }
}

/// Leases those whose turn it is.
async fn lease(service: &Arc<Service>, free: usize) -> Vec<(Job, Given)> {
    match due(service, free).await {
        Ok(leased) => leased,
        Err(error) => not_leased(service, &error),
    }
}

async fn due(service: &Arc<Service>, free: usize) -> Result<Vec<(Job, Given)>, StoreError> {
    let (directory, now) = (service.directory(), service.now());
    let queues = service.pace.queues(&directory, service.store.due_queues(now).await?, now);
    let each = u32::try_from(free).unwrap_or(u32::MAX);
    let due = service.store.due_deliveries(&queues, each, &service.at_work.jobs(), now).await?;
    let (chosen, mut given): (Vec<_>, Vec<_>) = service
        .pace
        .choose(&directory, due, free, now)
        .into_iter()
        .map(|(due, place)| (due.clone(), (due, Given::new(service, place))))
        .unzip();
    let leased = service.store.lease_deliveries(chosen, service.now()).await?;
    let mut place_of =
        |due: &DueDelivery| given.iter().position(|(one, _)| one == due).map(|at| given.swap_remove(at).1);
    Ok(leased.into_iter().filter_map(|(job, due)| place_of(&due).map(|given| (job, given))).collect())
}

/// Sends what a call asks for, beside the queues. It waits for no place, and takes one: what is said of its channel counts all.
///
/// # Errors
/// The lease was lost, or the ledger failed; the job is then run again.
pub(super) async fn called(service: &Arc<Service>, job: &Job) -> Result<(), StoreError> {
    let delivery = service.store.delivery(&job.subject).await?;
    let partner = delivery.partner.as_deref().unwrap_or_default();
    let place = service.pace.take(&service.directory(), &delivery.channel, partner);
    one(service, job, Given::new(service, place)).await
}

async fn one(service: &Service, job: &Job, mut given: Given) -> Result<(), StoreError> {
    // Should it fail, something may have been sent.
    given.reached = Reached::Untold;
    given.reached = kept(service, job, deliver(service, job, &mut given.place)).await?;
    if let Some(turned) = given.leave() {
        note_turned(service, &turned).await;
    }
    Ok(())
}

/// Puts into the history what becomes of a circuit. Where that fails, the delivery went well all the same.
async fn note_turned(service: &Service, turned: &Turned) {
    let Turned { channel, to, failures } = turned;
    let cause = match to {
        CircuitState::Opened => format!("{failures} failures in a row"),
        CircuitState::Closed => "it takes deliveries again".to_owned(),
    };
    if let Err(error) = service.store.circuit(channel, *to, &cause, service.now()).await {
        tracing::error!(channel, error = %error, "The history does not have that a circuit is {to}");
    }
}
