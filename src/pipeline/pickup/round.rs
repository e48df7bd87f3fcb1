//! One look at the folder of a channel: which files count, and each of those taken, committed, and then removed, moved or kept.
//!
//! Nothing is removed there whose bytes were not read and found to be those in the ledger: a file that is seen again after a kill
//! is read again, is known, and only what is to be done to it there is repeated. Right before that it is looked at once more.

use super::{Failed, FileTrouble, TROUBLES_MAX};
use crate::partner::{Channel, Pickup, Then, Unchanged, is_temporary};
use crate::pipeline::places::place_of;
use crate::pipeline::state::Service;
use crate::store::commit::pickup::{KnownBy, PickedUp};
use crate::store::mailbox::numbered;
use crate::store::pickup::{Seen, Settled};
use crate::store::transmission::NewTransmission;
use crate::store::{Actor, Content, Direction, StoreError};
use crate::transport::http::otlp::TraceId;
use crate::transport::place::{Done, Entry, Listing, Place, Trouble, Wanted};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Files of a folder that are listed, at most, of those that are meant; what is taken away makes room for those behind.
pub(super) const LISTED_MAX: usize = 20_000;
/// Files that one round takes, at most; the others are the next one's.
const TAKEN_MAX: usize = 5_000;
/// How long a file in trouble is left alone.
const TROUBLE_WAIT: Duration = Duration::from_secs(3600);
/// What a file is, as long as nobody looked into it.
const CONTENT_TYPE: &str = "application/octet-stream";
/// What is said of a file whose name is not fit.
const UNFIT: &str = "expected a name in UTF-8 of up to 255 bytes without control characters, / and \\, found another: it is not \
    taken, give it another name or ask who puts it there to";

/// A channel that looks: its name, and what it says.
type Looking<'c> = (&'c str, &'c Channel, &'c Pickup);

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Looked {
    /// Files that were meant for the channel.
    pub listed: usize,
    /// Whether another look may find more to do: some were taken, or may still be written.
    pub is_open: bool,
    /// Whether there are more than are listed.
    pub is_cut: bool,
}

/// Looks once.
///
/// # Errors
/// The place or the ledger failed; what was taken by then is taken.
pub(super) async fn round(
    service: &Service,
    (name, channel, pickup): Looking<'_>,
    stop: &CancellationToken,
) -> Result<Looked, Failed> {
    let of = match place_of(service, channel).await {
        Ok(of) => of,
        Err(unready) => {
            let (code, reason) = unready.told()?;
            return Err(Failed::Place(code, reason));
        }
    };
    service.store.has_room()?;
    let shown = of.shown();
    let mut place = of.open().await?;
    let open = service.store.pickup_unsettled(name).await?;
    let was_taken = open.iter().map(|one| one.name.clone()).collect();
    let Listing { entries, unfit, is_cut, .. } = place.list(wanted(pickup, was_taken)).await?;
    let there: HashSet<&str> = entries.iter().map(|one| one.name.as_str()).collect();
    let is_due =
        |next_at: Option<crate::store::Micros>| next_at.is_none_or(|at| at.0 <= service.now().as_microsecond());
    for gone in open.iter().filter(|one| !there.contains(one.name.as_str()) && is_due(one.next_at)) {
        // It may lie behind the last that was listed.
        if is_cut && lies(&mut *place, &gone.name).await? {
            continue;
        }
        // Killed between the removal and its commit.
        clear_mark(&mut *place, pickup, &gone.name).await?;
        service.store.pickup_settled(&gone.pickup_file_id, settled(pickup), gone.modified_at, service.now()).await?;
    }
    let is_open: HashMap<(&str, i64, i64), bool> =
        open.iter().map(|one| ((one.name.as_str(), one.size, one.modified_at), is_due(one.next_at))).collect();
    // One that stands there under such a name and was changed since is another.
    let taken_is_due = |entry: &Entry| {
        let size = i64::try_from(entry.size).unwrap_or(i64::MAX);
        is_open.get(&(entry.name.as_str(), size, entry.at)).copied()
    };
    let meant: Vec<&Entry> = entries.iter().filter(|one| pickup.wants(&one.name) && !is_temporary(&one.name)).collect();
    let (before, kept) = service.pickups.with(name, |known| {
        let seen = meant.iter().map(|one| (one.name.clone(), (one.size, one.at))).collect();
        let names: HashSet<&str> = meant.iter().map(|one| &one.name).chain(&unfit).map(String::as_str).collect();
        known.kept.retain(|name, _| names.contains(name.as_str()));
        known.troubles.retain(|name, _| names.contains(name.as_str()));
        (std::mem::replace(&mut known.seen, seen), known.kept.clone())
    });
    for unfit in &unfit {
        trouble(service, name, (unfit, (0, 0)), UNFIT.to_owned());
    }
    let counts = |entry: &Entry| match (&pickup.done, taken_is_due(entry)) {
        // One that was taken waits for nothing but its time.
        (_, Some(is_due)) => is_due,
        (Some(ending), None) => there.contains(format!("{}{ending}", entry.name).as_str()),
        (None, None) => before.get(&entry.name) == Some(&(entry.size, entry.at)),
    };
    let is_unripe = |entry: &&Entry| taken_is_due(entry).is_none() && !counts(entry);
    let may_be_written = pickup.done.is_none() && meant.iter().any(is_unripe);
    let mut ready: Vec<&Entry> = meant.iter().copied().filter(|one| counts(one)).collect();
    ready.retain(|one| kept.get(&one.name) != Some(&(one.size, one.at)));
    // In the order in which they came.
    ready.sort_by(|one, other| (one.at, &one.name).cmp(&(other.at, &other.name)));
    let (mut taken, mut is_broken_off) = (0, false);
    for entry in ready {
        is_broken_off = stop.is_cancelled() || taken == TAKEN_MAX;
        if is_broken_off {
            break;
        }
        let now = service.now();
        let rests = service.pickups.with(name, |known| {
            let trouble = known.troubles.get(&entry.name);
            trouble.is_some_and(|one| one.was == (entry.size, entry.at) && one.next_at.0 > now.as_microsecond())
        });
        if rests {
            continue;
        }
        service.store.has_room()?;
        match file(service, (name, channel, pickup), &mut *place, entry, &shown).await? {
            Ok(()) => drop(service.pickups.with(name, |known| known.troubles.remove(&entry.name))),
            Err(reason) => trouble(service, name, (&entry.name, (entry.size, entry.at)), reason),
        }
        taken += 1;
    }
    Ok(Looked { listed: meant.len(), is_open: may_be_written || taken > 0 || is_broken_off, is_cut })
}

async fn lies(place: &mut dyn Place, name: &str) -> Result<bool, Failed> {
    match place.look(name).await {
        Ok(found) => Ok(found.is_some()),
        // Something else has its name by now.
        Err(Trouble::Missing | Trouble::File(_)) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// What is listed: files that are meant, what says that they are whole, and those that were taken and are still to be removed.
fn wanted(pickup: &Pickup, was_taken: HashSet<String>) -> Wanted {
    let pickup = pickup.clone();
    let is_wanted = move |name: &str| {
        let file = pickup.done.as_ref().and_then(|ending| name.strip_suffix(ending)).unwrap_or(name);
        (pickup.wants(file) && !is_temporary(file)) || was_taken.contains(name)
    };
    Wanted { is_wanted: Arc::new(is_wanted), most: LISTED_MAX }
}

/// Notes what is wrong with a file, and tells it once.
fn trouble(service: &Service, channel: &str, (name, was): (&str, (u64, i64)), reason: String) {
    let now = service.now();
    let is_new = service.pickups.with(channel, |known| {
        let room = known.troubles.len() < TROUBLES_MAX;
        let before = known.troubles.get(name);
        let before_is_there = before.is_some();
        let is_new = before.is_none_or(|before| before.reason != reason);
        if room || before_is_there {
            let since = before.filter(|_| !is_new).map_or(now.into(), |before| before.since);
            let next_at = (now + TROUBLE_WAIT).into();
            known.troubles.insert(name.to_owned(), FileTrouble { name: name.to_owned(), reason, since, next_at, was });
        }
        // Of those for which there is no room it would be told with each look.
        is_new && (room || before_is_there)
    });
    if is_new {
        tracing::warn!(channel, "A file of its folder waits for somebody; portolan channel pickups says which and why");
    }
}

fn settled(pickup: &Pickup) -> Settled {
    match pickup.then {
        Then::Delete => Settled::Removed,
        Then::Keep => Settled::Kept,
        Then::Move(_) => Settled::Moved,
    }
}

/// Takes one file, and does to it there what the channel says. The inner error is of this file alone.
async fn file(
    service: &Service,
    (name, channel, pickup): Looking<'_>,
    place: &mut dyn Place,
    entry: &Entry,
    shown: &str,
) -> Result<Result<(), String>, Failed> {
    let stays = pickup.then == Then::Keep;
    let (size, was) = (i64::try_from(entry.size).unwrap_or(i64::MAX), (entry.size, entry.at));
    if stays
        && let Some(before) = service.store.pickup_file(name, &entry.name).await?
        && (before.size, before.modified_at) == (size, entry.at)
        && before.settled.is_some()
    {
        service.pickups.with(name, |known| known.kept.insert(entry.name.clone(), was));
        return Ok(Ok(()));
    }
    let limit = channel.body_bytes.unwrap_or(service.config.limits.body_bytes);
    if entry.size > limit {
        return Ok(Err(format!("expected {limit} bytes at most (body_bytes), found {}", entry.size)));
    }
    let content = match read(service, place, entry, limit).await? {
        Ok(Some(content)) => content,
        // It changes still, or went away: the next look says.
        Ok(None) | Err(Trouble::Missing) => return Ok(Ok(())),
        Err(Trouble::File(reason)) => return Ok(Err(format!("it cannot be read: {reason}"))),
        Err(other) => return Err(other.into()),
    };
    crate::fail::fail_point("pickup.read");
    let now = service.now();
    let transmission_id = service.store.new_id("tra", now);
    let new = NewTransmission {
        transmission_id: transmission_id.clone(),
        direction: Direction::In,
        channel: name.to_owned(),
        partner: None,
        environment: None,
        content,
        content_type: CONTENT_TYPE.to_owned(),
        file_name: Some(entry.name.clone()),
        headers: json!({ "folder": shown, "modified_at": entry.at }),
    };
    let seen = Seen { channel: name.to_owned(), name: entry.name.clone(), size, modified_at: entry.at };
    let actor = Actor(format!("channel:{name}"));
    let known_by = KnownBy { stays, skips_unchanged: pickup.unchanged == Unchanged::Skip };
    let id = match service.store.pickup(new, seen, known_by, &actor, now).await? {
        PickedUp::New(id) => {
            tracing::info!(
                trace_id = %TraceId::of(&transmission_id),
                transmission.id = transmission_id,
                transmission.channel = name,
                "Picked up"
            );
            metrics::counter!("portolan_received_total", "channel" => name.to_owned()).increment(1);
            service.arrived.notify_one();
            id
        }
        PickedUp::Unchanged(id) => {
            tracing::info!(pickup_file.id = id, channel = name, "Unchanged");
            id
        }
        PickedUp::Known(id) => {
            tracing::info!(pickup_file.id = id, channel = name, "Seen again");
            id
        }
    };
    let done = match away(place, pickup, entry, &transmission_id).await {
        Ok(done) => done,
        Err(Trouble::File(reason)) => {
            let reason = format!("it was taken and can be neither removed nor moved: {reason}");
            service.store.pickup_stuck(&id, &reason, service.now() + TROUBLE_WAIT).await?;
            return Ok(Err(reason));
        }
        Err(other) => return Err(other.into()),
    };
    if done {
        crate::fail::fail_point("pickup.away");
        service.store.pickup_settled(&id, settled(pickup), entry.at, service.now()).await?;
    }
    if stays {
        service.pickups.with(name, |known| known.kept.insert(entry.name.clone(), was));
    }
    Ok(Ok(()))
}

/// Its bytes, sealed and synced; none where it changed while it was read. What is wrong here, such as a full disk, is no
/// trouble of the file: the next look takes it.
async fn read(
    service: &Service,
    place: &mut dyn Place,
    entry: &Entry,
    limit: u64,
) -> Result<Done<Option<Content>>, Failed> {
    let mut spool = service.store.spool(limit, service.now()).leaving_reserve();
    let (mut count, mut broken) = (0, None);
    let mut take = |bytes: &[u8]| {
        count += bytes.len() as u64;
        spool.write(bytes).map_err(|error| {
            let told = Trouble::File(error.to_string());
            broken = (!matches!(error, StoreError::Limit(_))).then_some(error);
            told
        })
    };
    let done = place.read(&entry.name, &mut take).await;
    if let Some(error) = broken {
        return Err(error.into());
    }
    if let Err(trouble) = done {
        return Ok(Err(trouble));
    }
    let content = spool.finish().await?;
    match place.look(&entry.name).await {
        Ok(now) if count == entry.size && now.as_ref() == Some(entry) => Ok(Ok(Some(content))),
        looked => {
            content.discard();
            Ok(looked.map(|_| None))
        }
    }
}

/// Removes or moves a file that is in the ledger; false where it is another by now, and that one is to be taken first.
async fn away(place: &mut dyn Place, pickup: &Pickup, entry: &Entry, id: &str) -> Done<bool> {
    if pickup.then == Then::Keep {
        return Ok(true);
    }
    match place.look(&entry.name).await? {
        Some(now) if now != *entry => return Ok(false),
        Some(_) => {
            let done = match &pickup.then {
                Then::Move(folder) => move_away(place, &entry.name, folder, id).await,
                _ => place.remove(&entry.name).await,
            };
            match done {
                // Somebody else did.
                Ok(()) | Err(Trouble::Missing) => {}
                Err(error) => return Err(error),
            }
        }
        None => {}
    }
    clear_mark(place, pickup, &entry.name).await?;
    Ok(true)
}

/// Moves a file, under its name or the first with a number that is free.
async fn move_away(place: &mut dyn Place, name: &str, folder: &str, id: &str) -> Done<()> {
    let mut moved = Err(Trouble::Taken);
    for to in numbered(name, id) {
        moved = place.move_to(name, folder, &to).await;
        if moved != Err(Trouble::Taken) {
            break;
        }
    }
    moved
}

/// Removes what said that a file is whole.
async fn clear_mark(place: &mut dyn Place, pickup: &Pickup, name: &str) -> Done<()> {
    let (Some(ending), true) = (&pickup.done, pickup.then != Then::Keep) else { return Ok(()) };
    match place.remove(&format!("{name}{ending}")).await {
        Err(Trouble::Missing) => Ok(()),
        done => done,
    }
}
