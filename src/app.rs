//! The one place that wires the parts: it opens the ledger, binds both listeners, starts the workers, and stops it all
//! in order.

mod listener; // connections, their limits, and TLS

pub(crate) use self::listener::check_files;

use self::listener::{Certificates, Edge, serve};
use crate::api;
use crate::clock::{Clock, LedgerClock, SystemClock};
use crate::config::Config;
use crate::engine::Rules;
use crate::id::SystemRandom;
use crate::pipeline::alarm;
use crate::pipeline::mailbox::gate::{MailboxGate, host_keys};
use crate::pipeline::mailbox::https::MailboxDoors;
use crate::pipeline::measure;
use crate::pipeline::receive::{HttpReceiver, pace};
use crate::pipeline::state::Service;
use crate::pipeline::telemetry;
use crate::pipeline::worker;
use crate::store::{Actor, Reconciliation, Store};
use crate::transport::http::receive::{ReceiveLimits, router as partner_router};
use crate::transport::sftp::server as sftp;
use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The file in the data directory that holds the token of the local administrator.
pub const ADMIN_TOKEN_FILE: &str = "admin.token";
/// The file in the data directory that says where the admin listener is.
pub const ADMIN_ADDRESS_FILE: &str = "admin.address";
/// The file in the data directory that says where the partner listener is.
pub const PARTNER_ADDRESS_FILE: &str = "partner.address";
/// The file in the data directory that says where mailboxes are.
pub const SFTP_ADDRESS_FILE: &str = "sftp.address";

/// How often what was measured is put into its buckets.
const GATHER_EVERY: Duration = Duration::from_secs(5);

/// A running instance.
pub struct App {
    /// What its parts share.
    pub service: Arc<Service>,
    /// Where partners reach it.
    pub partner: SocketAddr,
    /// Where its administrators do.
    pub admin: SocketAddr,
    /// Where mailboxes are reached, if they are.
    pub sftp: Option<SocketAddr>,
    /// What was put right at the start.
    pub found: Reconciliation,
    /// Rung to look at certificates in files now.
    pub renew: Arc<Notify>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Makes a data directory: key, ledger, and the local administrator's token.
///
/// # Errors
/// It cannot be written, or another process holds it.
pub async fn init(directory: &Path, config: &Config) -> anyhow::Result<()> {
    Store::init(directory, &SystemRandom)?;
    let (database, random) = (config.database.as_ref(), Arc::new(SystemRandom));
    let (store, _) = Store::open(directory, database, random, "init", SystemClock.now()).await?;
    local_token(&store, directory).await?;
    store.close().await;
    Ok(())
}

/// Makes the local administrator's token, if there is none or the ledger is a new one that knows no token at all.
async fn local_token(store: &Store, directory: &Path) -> anyhow::Result<()> {
    let path = directory.join(ADMIN_TOKEN_FILE);
    if !path.exists() || store.tokens().await?.is_empty() {
        let now = SystemClock.now();
        let (_, text) = store.create_token("role:admin", "local", None, &Actor::system(), now).await?;
        write_private(&path, format!("{text}\n").as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Writes a file that nobody else may read, from before its first byte on, and waits until it is on the disk. One that is there is
/// written over.
///
/// # Errors
/// It cannot be written, or its permissions cannot be set.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // One that was there has the permissions that it had; what is no file, such as /dev/stdout, has none of its own to set.
    #[cfg(unix)]
    if file.metadata()?.is_file() {
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        file.set_len(0)?;
    }
    #[cfg(not(unix))]
    file.set_len(0)?;
    file.write_all(bytes)?;
    if file.metadata()?.is_file() { file.sync_all() } else { Ok(()) }
}

/// One recorder a process; metrics are counted for all instances in it.
fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let make = || {
        let builder = PrometheusBuilder::new().set_buckets(&measure::BUCKETS);
        // They are some, so that they are taken.
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        // Only the first instance of a process gets here.
        let _ = metrics::set_global_recorder(recorder);
        measure::describe();
        handle
    };
    HANDLE.get_or_init(make).clone()
}

/// Puts what was measured into its buckets: it would wait in memory for somebody to ask, and perhaps nobody ever does.
async fn gather(metrics: PrometheusHandle, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(GATHER_EVERY) => metrics.run_upkeep(),
            () = stop.cancelled() => return,
        }
    }
}

impl App {
    /// Starts an instance on a data directory.
    ///
    /// # Errors
    /// The directory is in use or not made yet, an address is taken, or the configuration is wrong.
    pub async fn start(directory: &Path, config: Config, rules: Rules) -> anyhow::Result<Self> {
        // The first to ask decides; all our parts use the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let node = std::env::var("HOSTNAME").unwrap_or_else(|_| "node".to_owned());
        let (database, random) = (config.database.as_ref(), Arc::new(SystemRandom));
        if let Some(file) = Store::lost_file(directory, database) {
            anyhow::bail!(
                "{}: expected the ledger of {}, found {}; put it back from a copy, with portolan.db-wal beside it where the copy has \
                 one. A new ledger would know nothing of what was received: make one by portolan init in another folder",
                file.display(),
                directory.display(),
                if file.exists() { "a file of 0 bytes" } else { "no file" }
            );
        }
        let (store, found) = Store::open(directory, database, random, &node, SystemClock.now()).await?;
        store.keep_free(config.storage.reserve_mb << 20);
        let clock: Arc<dyn Clock> = Arc::new(LedgerClock::new(Arc::new(SystemClock), store.last_event_at().await?));
        local_token(&store, directory).await?;
        let partner = TcpListener::bind(&config.partner.listen)
            .await
            .with_context(|| format!("cannot listen on {} ([partner] listen)", config.partner.listen))?;
        let admin = TcpListener::bind(&config.admin.listen)
            .await
            .with_context(|| format!("cannot listen on {} ([admin] listen)", config.admin.listen))?;
        let mailboxes = sftp_listener(&config).await?;
        let (partner_address, admin_address) = (partner.local_addr()?, admin.local_addr()?);
        alarm::check(&config).and_then(|()| telemetry::check(&config)).map_err(anyhow::Error::msg)?;
        let service = Service::new(store, rules, clock, config).await?;
        let certificates = match &service.config.partner.tls {
            Some(tls) => Some(Certificates::new(&service, directory, tls.clone()).await.context("[partner] tls")?),
            None => None,
        };
        let metrics = recorder();
        let stop = CancellationToken::new();
        let limits = &service.config.limits;
        let limits = ReceiveLimits {
            bodies_at_once: limits.bodies_at_once,
            header_bytes: limits.header_bytes,
            pace: pace(limits),
        };
        let partners = partner_router(
            Arc::new(HttpReceiver(service.clone())),
            Some(Arc::new(MailboxDoors(service.clone()))),
            &limits,
        );
        let listening = certificates.as_ref().map(Certificates::listening);
        let scheme = if listening.is_some() { "https" } else { "http" };
        let edge = Edge::new(&service.config.limits, listening);
        let plain = Edge::new(&service.config.limits, None);
        let renew = Arc::new(Notify::new());
        let mut tasks = vec![
            tokio::spawn(serve(partner, partners, edge, stop.clone())),
            tokio::spawn(serve(admin, api::router(service.clone(), metrics.clone()), plain, stop.clone())),
            tokio::spawn(gather(metrics, stop.clone())),
            tokio::spawn(worker::run(service.clone(), stop.clone())),
        ];
        tasks.extend(certificates.map(|own| tokio::spawn(own.keep(service.clone(), renew.clone(), stop.clone()))));
        let mut sftp_address = None;
        if let Some(listener) = mailboxes {
            let (keys, settings) = (host_keys(&service).await?, &service.config.sftp);
            let address = listener.local_addr()?;
            sftp_address = Some(address);
            for (line, fingerprint) in keys.public() {
                tracing::debug!(key = line, fingerprint, "A host key of mailboxes");
            }
            let limits = sftp::Limits { sessions: settings.sessions, idle: Duration::from_secs(settings.idle_seconds) };
            let gate = Arc::new(MailboxGate(service.clone()));
            tasks.push(tokio::spawn(sftp::serve(listener, gate, keys, limits, stop.clone())));
            std::fs::write(directory.join(SFTP_ADDRESS_FILE), format!("sftp://{address}\n"))?;
        }
        std::fs::write(directory.join(PARTNER_ADDRESS_FILE), format!("{scheme}://{partner_address}\n"))?;
        std::fs::write(directory.join(ADMIN_ADDRESS_FILE), format!("http://{admin_address}\n"))?;
        let (partner, admin) = (partner_address, admin_address);
        Ok(App { service, partner, admin, sftp: sftp_address, found, renew, stop, tasks })
    }

    /// Says to be ready no more and works on for a while, so that a balancer sends others elsewhere before the listeners close.
    pub async fn drain(&self) {
        self.service.leaving.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(self.service.config.admin.drain_seconds)).await;
    }

    /// Stops: no new connections, what is under way ends or is left to the next start, then the ledger closes.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            // A panic of a task was logged when it happened.
            let _ = task.await;
        }
        self.service.store.close().await;
    }
}

/// Where mailboxes are reached, unless `[sftp] listen` is off.
async fn sftp_listener(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.sftp.address() else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    let taken = || format!("cannot listen on {address} ([sftp] listen; off where no mailboxes are wanted)");
    listener.map(Some).with_context(taken)
}
