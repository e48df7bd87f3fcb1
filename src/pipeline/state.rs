//! What the running service shares: ledger, rules, resources as they are now, and the bells that wake its workers.

use super::configured::Configured;
use super::expression::Workers;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::engine::Rules;
use crate::partner::{Directory, Resource, ResourceError};
use crate::standard::load::Library;
use crate::store::delivery::Delivery;
use crate::store::{Result, Store, StoreError};
use crate::transport::as2::certificate::Certificate;
use crate::transport::http::send::Sender;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// One running service.
pub struct Service {
    /// The ledger.
    pub store: Store,
    /// Definitions and mappings.
    pub rules: Rules,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// `portolan.toml`.
    pub config: Config,
    /// Posts to partners.
    pub sender: Sender,
    live: RwLock<Live>,
    /// Rung when a transmission came in.
    pub arrived: Notify,
    /// Rung when a delivery may go.
    pub departing: Notify,
    /// Rung when resources changed.
    pub changed: Notify,
    /// Runs expressions of other languages.
    pub expressions: Workers,
    /// Memory for bodies that are answered in their call.
    pub room: Arc<Semaphore>,
    /// Calls that wait for their answers.
    pub calls: super::live::Calls,
    /// The jobs that are worked on here.
    pub at_work: super::worker::AtWork,
    /// Our keys of AS2, as they were read.
    pub as2_keys: super::as2::Keys,
    /// Walks to partners of AS2 that wait for receipts.
    pub walks: super::as2::probe::Walks,
    /// Rung when notices are to be sent.
    pub told: Notify,
    /// The sums of the ledger, as they were counted last.
    pub sums: super::sums::Sums,
    /// What goes wrong in this process.
    pub trouble: super::trouble::Trouble,
    /// Why the collector takes no traces, while it takes none.
    pub untraced: super::trouble::Trouble,
    /// What of mailboxes lives in this process only.
    pub mailboxes: super::mailbox::Mailboxes,
    /// Who may be sent to now.
    pub pace: super::pace::Pace,
    /// What of pick-ups lives in this process only.
    pub pickups: super::pickup::Pickups,
    /// Whether it is about to stop: it works on, and says to be ready no more.
    pub leaving: AtomicBool,
}

/// The revision of resources that were not taken over yet.
const NEVER: i64 = -1;

/// Resources as they are now.
#[derive(Default)]
struct Live {
    revision: i64,
    directory: Arc<Directory>,
    configured: Arc<Configured>,
}

impl Service {
    /// Puts a service together, with its resources as the ledger has them.
    ///
    /// # Errors
    /// The database failed.
    pub async fn new(store: Store, rules: Rules, clock: Arc<dyn Clock>, config: Config) -> Result<Arc<Self>> {
        let live = RwLock::new(Live { revision: NEVER, ..Live::default() });
        let (arrived, departing, changed) = (Notify::new(), Notify::new(), Notify::new());
        let sender = Sender::default();
        let room = Arc::new(Semaphore::new(super::converse::ROOM_PIECES));
        let expressions = Workers::of_this_program();
        let as2_keys = super::as2::Keys::default();
        let mailboxes = super::mailbox::Mailboxes::default();
        let pickups = super::pickup::Pickups::default();
        let service = Service {
            store,
            rules,
            clock,
            config,
            sender,
            live,
            arrived,
            departing,
            changed,
            expressions,
            room,
            calls: super::live::Calls::default(),
            at_work: super::worker::AtWork::default(),
            as2_keys,
            walks: super::as2::probe::Walks::default(),
            mailboxes,
            told: Notify::new(),
            sums: super::sums::Sums::default(),
            trouble: super::trouble::Trouble::default(),
            untraced: super::trouble::Trouble::default(),
            pace: super::pace::Pace::default(),
            pickups,
            leaving: AtomicBool::new(false),
        };
        service.reload().await?;
        Ok(Arc::new(service))
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The resources at work.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).directory.clone()
    }

    /// The mappings, guides and tables that resources say, the tables as they are today.
    #[must_use]
    pub fn configured(&self) -> Arc<Configured> {
        let today = self.today();
        let found = self.live.read().unwrap_or_else(PoisonError::into_inner).configured.clone();
        if found.tables.day == today {
            return found;
        }
        // Once a day.
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let tables = Arc::new(live.configured.tables.on(today));
        live.configured = Arc::new(Configured { tables, ..Configured::clone(&live.configured) });
        live.configured.clone()
    }

    /// A certificate by name.
    #[must_use]
    pub fn certificate(&self, name: &str) -> Option<Arc<Certificate>> {
        self.configured().certificates.get(name).cloned()
    }

    /// The present day (UTC), `2026-01-31`.
    #[must_use]
    pub fn today(&self) -> String {
        self.now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
    }

    /// The definitions, with what a channel says is sent there.
    #[must_use]
    pub fn library_for(&self, channel: &str) -> Library {
        let directory = self.directory();
        let said = directory.channel(channel).and_then(|channel| channel.document.as_deref());
        let told = said.and_then(|said| self.rules.library.told(said).ok());
        told.unwrap_or_else(|| self.rules.library.clone())
    }

    /// Takes over changed resources, whoever changed them.
    ///
    /// # Errors
    /// The database failed, or what it holds is not fit; then the resources stay as they were.
    pub async fn reload(&self) -> Result<()> {
        let revision = self.store.resource_revision().await?;
        let (before, known) = {
            let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
            (live.directory.clone(), live.revision)
        };
        if revision == known {
            return Ok(());
        }
        let unfit = |errors: Vec<ResourceError>| {
            let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
            StoreError::Unfit(format!("resources: {}", text.join("; ")))
        };
        let resources = stored(&self.store).await?;
        let directory = Directory::new(&resources).map_err(unfit)?;
        let configured = Configured::new(&self.rules, &directory, &resources).map_err(unfit)?;
        let windows_changed = known == NEVER || !directory.has_windows_of(&before);
        let live = Live { revision, directory: Arc::new(directory), configured: Arc::new(configured) };
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = live;
        if windows_changed && let Err(error) = self.store.windows_changed(self.now()).await {
            // All of it is done once more.
            self.live.write().unwrap_or_else(PoisonError::into_inner).revision = NEVER;
            return Err(error);
        }
        // What failed may be mended.
        let (after, is_new) = (self.directory(), |name: &str, channel| before.channel(name) != Some(channel));
        let changed = after.channels().filter(|(name, channel)| is_new(name, channel));
        changed.for_each(|(name, _)| self.pace.hasten(&after, name));
        self.pickups.forget_times();
        self.departing.notify_one();
        self.arrived.notify_one();
        self.changed.notify_one();
        Ok(())
    }

    /// Lets a delivery go now that a person sends anew or lets go, whatever its channel waits for. As it stands: of its lane another
    /// may go first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn hasten(&self, delivery_id: &str) -> Result<Delivery> {
        let delivery = self.store.delivery(delivery_id).await?;
        self.pace.hasten(&self.directory(), &delivery.channel);
        self.departing.notify_one();
        Ok(delivery)
    }

    /// The delay before attempt `attempt + 1`, or `None` when that was the last; spread by a fifth either way, so that
    /// what failed together does not come back together.
    #[must_use]
    pub fn retry_delay(&self, attempt: i64, asked: Option<Duration>) -> Option<Duration> {
        let at = usize::try_from(attempt).unwrap_or(1).saturating_sub(1);
        let seconds = *self.config.delivery.retry_seconds.get(at)?;
        let mut dice = [0; 2];
        self.store.fill_random(&mut dice);
        let spread = 0.8 + 0.4 * f64::from(u16::from_be_bytes(dice)) / f64::from(u16::MAX);
        let own = Duration::from_secs(seconds).mul_f64(spread);
        Some(asked.map_or(own, |asked| asked.max(own)))
    }

    /// The same for a delivery, by the schedule of the channel that it leaves over where that has one.
    #[must_use]
    pub fn delivery_delay(&self, delivery: &Delivery, attempt: i64, asked: Option<Duration>) -> Option<Duration> {
        let directory = self.directory();
        let over = super::pace::over(&directory, &delivery.channel);
        let Some(retry) = directory.channel(over).and_then(|channel| channel.retry.as_ref()) else {
            return self.retry_delay(attempt, asked);
        };
        let mut dice = [0; 2];
        self.store.fill_random(&mut dice);
        let dice = f64::from(u16::from_be_bytes(dice)) / f64::from(u16::MAX);
        let age = self.now().duration_since(delivery.created_at.timestamp());
        retry.delay(attempt, Duration::try_from(age).unwrap_or_default(), asked, dice)
    }
}

/// The resources in a ledger.
///
/// # Errors
/// The database failed.
pub async fn stored(store: &Store) -> Result<Vec<Resource>> {
    let rows = store.resources().await?;
    let one = |row: crate::store::resource::StoredResource| Resource {
        kind: row.kind,
        name: row.name,
        body: row.body,
        ..Resource::default()
    };
    Ok(rows.into_iter().map(one).collect())
}
