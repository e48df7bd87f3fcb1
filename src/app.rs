//! The one place that wires the parts: it opens the ledger, binds both listeners, starts the workers, and stops it all
//! in order.

use crate::api;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::id::SystemRandom;
use crate::pipeline::Rules;
use crate::pipeline::mailbox::gate::{MailboxGate, host_keys};
use crate::pipeline::receive::HttpReceiver;
use crate::pipeline::state::Service;
use crate::pipeline::worker;
use crate::store::{Actor, Reconciliation, Store};
use crate::transport::http::receive::{Pace, ReceiveLimits, router as partner_router};
use crate::transport::http::tls;
use crate::transport::sftp::server as sftp;
use anyhow::Context as _;
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The file in the data directory that holds the token of the local administrator.
pub const ADMIN_TOKEN_FILE: &str = "admin.token";
/// The file in the data directory that says where the admin listener is.
pub const ADMIN_ADDRESS_FILE: &str = "admin.address";
/// The file in the data directory that says where the partner listener is.
pub const PARTNER_ADDRESS_FILE: &str = "partner.address";
/// The file in the data directory that says where mailboxes are.
pub const SFTP_ADDRESS_FILE: &str = "sftp.address";
/// How long connections have to end when the service stops.
const STOP_WAIT: Duration = Duration::from_secs(10);

/// A running instance.
pub struct App {
    /// What its parts share.
    pub service: Arc<Service>,
    /// Where partners reach it.
    pub partner: SocketAddr,
    /// Where its administrators do.
    pub admin: SocketAddr,
    /// What was put right at the start.
    pub found: Reconciliation,
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
        write_private(&path, &format!("{text}\n"))?;
    }
    Ok(())
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(|| path.display().to_string())
}

/// One recorder a process; metrics are counted for all instances in it.
fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let make = || {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // Only the first instance of a process gets here.
        let _ = metrics::set_global_recorder(recorder);
        handle
    };
    HANDLE.get_or_init(make).clone()
}

impl App {
    /// Starts an instance on a data directory.
    ///
    /// # Errors
    /// The directory is in use or not made yet, an address is taken, or the configuration is wrong.
    pub async fn start(directory: &Path, config: Config, rules: Rules) -> anyhow::Result<Self> {
        // The first to ask decides; all our parts use the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let node = std::env::var("HOSTNAME").unwrap_or_else(|_| "node".to_owned());
        let (database, random) = (config.database.as_ref(), Arc::new(SystemRandom));
        let (store, found) = Store::open(directory, database, random, &node, clock.now()).await?;
        local_token(&store, directory).await?;
        let partner = TcpListener::bind(&config.partner.listen)
            .await
            .with_context(|| format!("cannot listen on {} ([partner] listen)", config.partner.listen))?;
        let admin = TcpListener::bind(&config.admin.listen)
            .await
            .with_context(|| format!("cannot listen on {} ([admin] listen)", config.admin.listen))?;
        let mailboxes = sftp_listener(&config).await?;
        let (partner_address, admin_address) = (partner.local_addr()?, admin.local_addr()?);
        let files = config.partner.tls.as_ref();
        let acceptor =
            files.map(|files| tls::acceptor(&directory.join(&files.certificate), &directory.join(&files.key)));
        let acceptor = acceptor.transpose().context("[partner] tls")?;
        let service = Service::new(store, rules, clock, config).await?;
        let metrics = recorder();
        let stop = CancellationToken::new();
        let limits = &service.config.limits;
        let pace = Pace {
            idle: Duration::from_secs(limits.body_idle_seconds),
            bytes_per_second: limits.body_bytes_per_second,
        };
        let limits = ReceiveLimits { bodies_at_once: limits.bodies_at_once, header_bytes: limits.header_bytes, pace };
        let partners = partner_router(Arc::new(HttpReceiver(service.clone())), &limits);
        let (bytes, seconds) = (service.config.limits.header_bytes, service.config.limits.header_seconds);
        let plain = Edge { header_bytes: bytes, header_time: Duration::from_secs(seconds), tls: None };
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let edge = Edge { tls: acceptor, ..plain.clone() };
        let mut tasks = vec![
            tokio::spawn(serve(partner, partners, edge, stop.clone())),
            tokio::spawn(serve(admin, api::router(service.clone(), metrics), plain, stop.clone())),
            tokio::spawn(worker::run(service.clone(), stop.clone())),
        ];
        if let Some(listener) = mailboxes {
            let (keys, settings) = (host_keys(&service).await?, &service.config.sftp);
            let address = listener.local_addr()?;
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
        Ok(App { service, partner: partner_address, admin: admin_address, found, stop, tasks })
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

/// Limits of a connection before any handler sees it.
#[derive(Clone)]
struct Edge {
    header_bytes: usize,
    /// For the handshake, and again for the header lines.
    header_time: Duration,
    tls: Option<TlsAcceptor>,
}

/// Accepts connections until told to stop; those open then have a while to end.
async fn serve(listener: TcpListener, router: Router, edge: Edge, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file handles, say: the next moment may be better.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (handler, edge) = (TowerToHyperService::new(router.clone()), edge.clone());
        let stop = stop.clone();
        tracker.spawn(async move {
            match &edge.tls {
                None => converse(stream, handler, &edge, stop).await,
                Some(acceptor) => {
                    // A handshake that fails or takes too long is the peer's affair.
                    if let Ok(Ok(stream)) = tokio::time::timeout(edge.header_time, acceptor.accept(stream)).await {
                        converse(stream, handler, &edge, stop).await;
                    }
                }
            }
        });
    }
    drop(listener);
    tracker.close();
    let _ = tokio::time::timeout(STOP_WAIT, tracker.wait()).await;
}

/// Serves one connection until it ends, or until told to stop.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    handler: TowerToHyperService<Router>,
    edge: &Edge,
    stop: CancellationToken,
) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(edge.header_time)
        .max_buf_size(edge.header_bytes.max(8192))
        .serve_connection(TokioIo::new(stream), handler);
    tokio::pin!(connection);
    tokio::select! {
        // What a peer does wrong here concerns nobody else.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(STOP_WAIT, connection).await;
        }
    }
}
