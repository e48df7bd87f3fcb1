//! The loops that lease jobs and run them: translations a few for each core, documents that waited for company, webhooks, files
//! to be picked up, deadlines, anchors, and a look at changed resources; that of deliveries is `departures`, that of what is past
//! its time `retention`. A job whose worker dies is leased again.

use super::alarm;
use super::departures;
use super::gather::gather;
use super::pickup;
use super::retention;
use super::state::Service;
use super::sums;
use super::telemetry;
use super::translate::translate;
use super::webhook;
use crate::store::job::{Job, JobKind, LEASE};
use crate::store::{Lost, StoreError};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a loop sleeps when nothing rings.
const TICK: Duration = Duration::from_millis(500);
/// Interchanges of documents that waited that are leased at once; they are written one after the other.
const GATHERINGS: u32 = 16;
/// How often chains are anchored.
const ANCHOR_EVERY: Duration = Duration::from_secs(60);
/// While some work, how long a loop waits before it leases more: a lease of several costs no more than one of one.
const LEASE_PAUSE: Duration = Duration::from_millis(5);
/// Translations at once for each core: while some wait for their commits, others compute, and commits are shared.
const TRANSLATIONS_A_CORE: usize = 4;
/// From how much on it is told that the machine's clock was set back.
const CLOCK_TOLD: Duration = Duration::from_secs(60);
/// How long a stop waits for what is under way.
const STOP_WAIT: Duration = Duration::from_secs(20);

/// Payloads without their file that the log names, at most; `portolan doctor` and the alarm say how many there are.
const LOST_LOGGED_MAX: usize = 20;

/// Runs all loops until told to stop; what is under way then has a while to end.
pub async fn run(service: Arc<Service>, stop: CancellationToken) {
    // What is done while the others end is told too.
    let ended = CancellationToken::new();
    let traces = tokio::spawn(telemetry::run(service.clone(), ended.clone()));
    let mut loops = JoinSet::new();
    loops.spawn(translations(service.clone(), stop.clone()));
    loops.spawn(departures::run(service.clone(), stop.clone()));
    loops.spawn(gatherings(service.clone(), stop.clone()));
    loops.spawn(webhook::run(service.clone(), stop.clone()));
    loops.spawn(alarm::run(service.clone(), stop.clone()));
    loops.spawn(pickup::run(service.clone(), stop.clone()));
    loops.spawn(retention::run(service.clone(), stop.clone()));
    loops.spawn(sums::run(service.clone(), stop.clone()));
    loops.spawn(calls(service.clone(), stop.clone()));
    loops.spawn(upkeep(service, stop));
    while loops.join_next().await.is_some() {}
    ended.cancel();
    // A panic was logged when it happened.
    let _ = traces.await;
}

/// What is worked on for calls has as long to end as what the loops began.
async fn calls(service: Arc<Service>, stop: CancellationToken) {
    stop.cancelled().await;
    let _ = tokio::time::timeout(STOP_WAIT, service.calls.drain()).await;
}

pub(super) async fn rest(bell: &Notify, stop: &CancellationToken) {
    tokio::select! {
        () = bell.notified() => {}
        () = tokio::time::sleep(TICK) => {}
        () = stop.cancelled() => {}
    }
}

/// Under load, waits a moment for more jobs and more places.
pub(super) async fn pause(running: usize) {
    if running > 0 {
        tokio::time::sleep(LEASE_PAUSE).await;
    }
}

/// The jobs that this process has at work, for its loops and for calls; each is there as long as its [`Place`].
#[derive(Default)]
pub struct AtWork(Mutex<HashSet<String>>);

/// A job at work.
struct Place<'w>(&'w AtWork, String);

impl AtWork {
    pub(super) fn jobs(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn begin(&self, job: &Job) -> Place<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job.job_id.clone());
        Place(self, job.job_id.clone())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

async fn translations(service: Arc<Service>, stop: CancellationToken) {
    let places = std::thread::available_parallelism().map_or(2, usize::from) * TRANSLATIONS_A_CORE;
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        while running.try_join_next().is_some() {}
        let free = u32::try_from(places - running.len().min(places)).unwrap_or(0);
        let jobs = if free == 0 { Vec::new() } else { lease(&service, JobKind::Translate, free).await };
        if jobs.is_empty() {
            // With all places taken nothing new can begin, whoever rings.
            tokio::select! {
                Some(_) = running.join_next() => {}
                () = rest(&service.arrived, &stop), if free > 0 => {}
            }
            pause(running.len()).await;
        }
        for job in jobs {
            let service = service.clone();
            running.spawn(async move {
                let work = translate(service.clone(), job.clone());
                told(&service, &job, measured("translate", kept(&service, &job, work)).await);
            });
        }
    }
    drain(running).await;
}

/// Runs a stage of the work, and measures how long it takes.
pub(super) async fn measured<T>(stage: &'static str, work: impl Future<Output = T>) -> T {
    let begin = tokio::time::Instant::now();
    let done = work.await;
    metrics::histogram!("portolan_stage_seconds", "stage" => stage).record(begin.elapsed());
    done
}

/// Runs work with a heartbeat beside it, so that a long one keeps its lease; nobody in this process leases it meanwhile.
pub(super) async fn kept<T>(
    service: &Service,
    job: &Job,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let _place = service.at_work.begin(job);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(LEASE / 3) => service.store.heartbeat(job, service.now()).await?,
        }
    }
}

async fn lease(service: &Service, kind: JobKind, count: u32) -> Vec<Job> {
    let leased = service.store.lease(kind, count, &service.at_work.jobs(), service.now()).await;
    leased.unwrap_or_else(|error| not_leased(service, &error))
}

pub(super) fn not_leased<T>(service: &Service, error: &StoreError) -> Vec<T> {
    if !matches!(error, StoreError::Stopped) {
        tracing::error!(error = %error, "No jobs could be leased");
        service.trouble.note("LEASE", &error.to_string(), service.now());
    }
    Vec::new()
}

/// A failure here is ours: the lease runs out and the job is run again.
pub(super) fn told<T>(service: &Service, job: &Job, done: Result<T, StoreError>) {
    if let Err(error) = done {
        // A person held or cancelled it, or another took it over.
        if matches!(error, StoreError::LeaseLost(_)) {
            return tracing::info!(job.kind = job.kind.as_str(), job.subject, "Job was taken away");
        }
        service.trouble.note("JOB", &format!("{} {}: {error}", job.kind, job.subject), service.now());
        tracing::error!(job.kind = job.kind.as_str(), job.subject, error = %error, "Job failed; it will be run again");
    }
}

pub(super) async fn drain<T: 'static>(mut running: JoinSet<T>) {
    let all = async { while running.join_next().await.is_some() {} };
    // What does not end in time is found as sending or leased at the next start.
    let _ = tokio::time::timeout(STOP_WAIT, all).await;
}

/// Documents that waited for company.
async fn gatherings(service: Arc<Service>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let jobs = lease(&service, JobKind::Gather, GATHERINGS).await;
        let is_idle = jobs.is_empty();
        for job in jobs {
            let work = gather(service.clone(), job.clone());
            told(&service, &job, measured("gather", kept(&service, &job, work)).await);
        }
        if is_idle {
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// Payloads that lost their file, as a look at all of them finds them.
async fn lost_payloads(service: &Service) -> Vec<Lost> {
    let lost = service.store.lost_payloads().await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "The files of payloads could not be looked at; the next start does");
        Vec::new()
    });
    for one in lost.iter().take(LOST_LOGGED_MAX) {
        tracing::error!(payload = %one, "A payload has no file, or not all of it; put it back from a copy");
    }
    lost
}

/// Told again and again, so that the alarm stands as long as it is so; what is put back is lost no more.
fn tell_lost(service: &Service, lost: &mut Vec<Lost>) {
    lost.retain(|one| service.store.payload_file_bytes(&one.payload_id) != Some(one.expected));
    let Some(first) = lost.first() else { return service.trouble.over("PAYLOAD") };
    let more = match lost.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let words = format!(
        "payloads whose file is gone or cut: {first}{more}; put the files back from a copy of the data directory; portolan doctor \
         names them"
    );
    service.trouble.note("PAYLOAD", &words, service.now());
}

/// Deadlines, pauses that end, anchors, changed resources, and payloads that lost their file.
async fn upkeep(service: Arc<Service>, stop: CancellationToken) {
    let mut lost = lost_payloads(&service).await;
    tell_lost(&service, &mut lost);
    let mut anchored = tokio::time::Instant::now();
    while !stop.is_cancelled() {
        match service.reload().await {
            Ok(()) => service.trouble.over("RESOURCES"),
            Err(error) => {
                tracing::error!(error = %error, "Resources could not be taken over; the earlier ones stay");
                service.trouble.note("RESOURCES", &error.to_string(), service.now());
            }
        }
        end_pauses(&service).await;
        look_at_machine(&service);
        for job in lease(&service, JobKind::Acknowledge, 64).await {
            let done = service.store.acknowledge_overdue(&job, service.now()).await;
            if matches!(done, Ok(true)) {
                tracing::warn!(ack.id = job.subject, "An acknowledgment is overdue");
                metrics::counter!("portolan_acks_overdue_total").increment(1);
            }
            told(&service, &job, done);
        }
        if anchored.elapsed() >= ANCHOR_EVERY {
            anchored = tokio::time::Instant::now();
            tell_lost(&service, &mut lost);
            match service.store.anchor(service.now()).await {
                Ok(_) => service.trouble.over("ANCHOR"),
                Err(error) => {
                    tracing::error!(error = %error, "Chains could not be anchored");
                    service.trouble.note("ANCHOR", &error.to_string(), service.now());
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TICK * 2) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Pauses whose time has come end, and all that waited for those that ended goes on.
async fn end_pauses(service: &Service) {
    match service.store.end_pauses(service.now()).await {
        Ok(false) => service.trouble.over("PAUSES"),
        Ok(true) => {
            service.arrived.notify_one();
            service.departing.notify_one();
        }
        Err(error) => {
            tracing::error!(error = %error, "A pause could not be ended; it will be");
            service.trouble.note("PAUSES", &error.to_string(), service.now());
        }
    }
}

/// Said without figures, since those would make it something new at every look.
const ROOM_TOLD: &str = "nothing more is taken in until there is room again on the disk of the data directory: less is free than \
                         [storage] reserve_mb";
const CLOCK_BEHIND: &str = "the clock of this machine was set back and is behind the ledger's, which goes at half the speed until \
                            they agree";

/// What is wrong with the machine, and ends by itself.
fn look_at_machine(service: &Service) {
    match service.store.has_room() {
        Ok(()) => service.trouble.over("STORAGE-FULL"),
        Err(error) => {
            tracing::debug!(error = %error, "Nothing is taken in");
            service.trouble.note("STORAGE-FULL", ROOM_TOLD, service.now());
        }
    }
    if service.clock.ahead() < CLOCK_TOLD {
        return service.trouble.over("CLOCK");
    }
    service.trouble.note("CLOCK", CLOCK_BEHIND, service.now());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::pause::Paused;

    #[test]
    fn a_job_is_at_work_as_long_as_its_place() {
        let at_work = AtWork::default();
        let job = |job_id: &str| Job {
            job_id: job_id.to_owned(),
            kind: JobKind::Deliver,
            subject: "del_1".to_owned(),
            token: "lse_1".to_owned(),
            cursor: None,
            losses: 0,
            paused: Paused::default(),
        };
        let first = at_work.begin(&job("job_1"));
        {
            let _second = at_work.begin(&job("job_2"));
            assert_eq!(at_work.jobs().len(), 2);
        }
        assert_eq!(at_work.jobs(), ["job_1"]);
        drop(first);
        assert_eq!(at_work.jobs(), Vec::<String>::new());
    }
}
