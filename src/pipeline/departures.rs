//! The loop of deliveries: what is due is looked at channel by channel, `pace` says who may go, and each is leased and tried
//! once. What an attempt is, is `deliver`'s.

use super::deliver::deliver;
use super::pace::Reached;
use super::state::Service;
use super::worker::{drain, kept, not_leased, pause, rest, told};
use crate::store::StoreError;
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
        for (job, place) in jobs {
            let service = service.clone();
            running.spawn(async move {
                told(&service, &job, one(&service, &job, place).await);
            });
        }
    }
    drain(running).await;
}

/// A place that was given to a delivery; free again when this is dropped, whatever becomes of the attempt.
struct Place {
    service: Arc<Service>,
    due: DueDelivery,
    reached: Reached,
}

impl Drop for Place {
    fn drop(&mut self) {
        let service = &self.service;
        service.pace.leave(&service.directory(), &self.due, self.reached, service.now());
    }
}

/// Leases those whose turn it is.
async fn lease(service: &Arc<Service>, free: usize) -> Vec<(Job, Place)> {
    let (directory, now) = (service.directory(), service.now());
    let is_full = |channel: &str, partner: &str| service.pace.is_full(&directory, channel, partner, now);
    let each = u32::try_from(free).unwrap_or(u32::MAX);
    let due = match service.store.due_deliveries(each, is_full, &service.at_work.jobs(), now).await {
        Ok(due) => due,
        Err(error) => return not_leased(service, &error),
    };
    let chosen = service.pace.choose(&directory, due, free, now);
    let mut places: Vec<Place> = chosen
        .iter()
        .map(|due| Place { service: service.clone(), due: due.clone(), reached: Reached::Nothing })
        .collect();
    match service.store.lease_deliveries(chosen, service.now()).await {
        Ok(leased) => {
            let mut place_of =
                |due: &DueDelivery| places.iter().position(|one| one.due == *due).map(|at| places.swap_remove(at));
            leased.into_iter().filter_map(|(job, due)| place_of(&due).map(|place| (job, place))).collect()
        }
        Err(error) => not_leased(service, &error),
    }
}

async fn one(service: &Service, job: &Job, mut place: Place) -> Result<(), StoreError> {
    // Should it fail, something may have been sent.
    place.reached = Reached::Untold;
    place.reached = kept(service, job, deliver(service, job)).await?;
    Ok(())
}
