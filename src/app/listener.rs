//! Listeners: connections accepted under limits, TLS where it is configured, requests handed to a router. Certificates that
//! change, in files or in resources, are taken over while it runs.

use crate::config::{Limits, Tls};
use crate::pipeline::reach::identity_of;
use crate::pipeline::state::Service;
use crate::transport::as2::certificate::Certificate;
use crate::transport::http::malformed::{Answering, Told};
use crate::transport::http::receive::{ClientCertificate, PeerAddress};
use crate::transport::http::tls::{self, Listening, Offered};
use crate::transport::http::unread::unread;
use aws_lc_rs::digest::{Context, SHA256};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long connections have to end when the service stops.
const STOP_WAIT: Duration = Duration::from_secs(10);
/// How often certificates are looked at, where nothing rings.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Limits of a connection before any handler sees it.
#[derive(Clone)]
pub(super) struct Edge {
    header_bytes: usize,
    header_time: Duration,
    handshake_time: Duration,
    handshakes: Handshakes,
    tls: Option<Arc<Listening>>,
}

impl Edge {
    /// As the configuration says.
    pub(super) fn new(limits: &Limits, tls: Option<Arc<Listening>>) -> Self {
        Edge {
            header_bytes: limits.header_bytes,
            header_time: Duration::from_secs(limits.header_seconds),
            handshake_time: Duration::from_secs(limits.handshake_seconds),
            handshakes: Handshakes {
                places: Arc::new(Semaphore::new(limits.handshakes_at_once)),
                of_one: limits.handshakes_per_address,
                addresses: Arc::default(),
            },
            tls,
        }
    }
}

/// Handshakes that are under way; what comes beyond their number is closed at once, and no address has all places.
#[derive(Clone)]
struct Handshakes {
    places: Arc<Semaphore>,
    of_one: usize,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The place of a handshake, until it is dropped.
struct Place {
    all: Handshakes,
    address: IpAddr,
    _place: OwnedSemaphorePermit,
}

impl Handshakes {
    fn take(&self, peer: IpAddr) -> Option<Place> {
        let address = match peer {
            IpAddr::V6(six) => match six.to_ipv4_mapped() {
                Some(four) => IpAddr::V4(four),
                None => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
            },
            four => four,
        };
        let _place = self.places.clone().try_acquire_owned().ok()?;
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = addresses.entry(address).or_default();
        if *count >= self.of_one {
            return None;
        }
        *count += 1;
        Some(Place { all: self.clone(), address, _place })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = self.all.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

/// Accepts connections until told to stop; those open then have a while to end.
pub(super) async fn serve(listener: TcpListener, router: Router, edge: Edge, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file handles, say: the next moment may be better.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (router, edge, stop) = (router.clone(), edge.clone(), stop.clone());
        match &edge.tls {
            None => drop(tracker.spawn(async move { converse(stream, router, (peer.ip(), None), &edge, stop).await })),
            Some(listening) => {
                // Who shakes hands costs us more than who only connects.
                let (Some(place), Some(acceptor)) = (edge.handshakes.take(peer.ip()), listening.acceptor()) else {
                    metrics::counter!("portolan_handshakes_total", "outcome" => "refused").increment(1);
                    continue;
                };
                tracker.spawn(async move {
                    let shaken = shake(stream, &acceptor, &edge).await;
                    drop(place);
                    if let Some((stream, certificate)) = shaken {
                        converse(stream, router, (peer.ip(), certificate), &edge, stop).await;
                    }
                });
            }
        }
    }
    drop(listener);
    tracker.close();
    let _ = tokio::time::timeout(STOP_WAIT, tracker.wait()).await;
}

/// A connection whose handshake is done, and the certificate that the client showed.
type Shaken = (tokio_rustls::server::TlsStream<TcpStream>, Option<ClientCertificate>);

/// A handshake that fails or takes too long is the peer's affair.
async fn shake(stream: TcpStream, acceptor: &TlsAcceptor, edge: &Edge) -> Option<Shaken> {
    let shaken = tokio::time::timeout(edge.handshake_time, acceptor.accept(stream)).await;
    let outcome = match &shaken {
        Ok(Ok(_)) => "done",
        Ok(Err(_)) => "failed",
        Err(_) => "late",
    };
    metrics::counter!("portolan_handshakes_total", "outcome" => outcome).increment(1);
    let stream = shaken.ok()?.ok()?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = shown.map(|der| ClientCertificate(Arc::from(der.as_ref())));
    Some((stream, certificate))
}

/// Serves one connection until it ends, or until told to stop.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    (address, certificate): (IpAddr, Option<ClientCertificate>),
    edge: &Edge,
    stop: CancellationToken,
) {
    let handler = TowerToHyperService::new(router);
    let answering = Answering::default();
    let stream = Told::new(stream, answering.clone());
    let handler = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(address));
        if let Some(one) = &certificate {
            request.extensions_mut().insert(one.clone());
        }
        let (asked, answering) = (handler.call(unread(request)), answering.clone());
        async move {
            let answer = asked.await;
            answer.map(|answer| answer.map(|body| answering.begin(body)))
        }
    });
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

/// The certificates of a listener: whence they come, and what is shown of them at present.
pub(super) struct Certificates {
    directory: PathBuf,
    tls: Tls,
    listening: Arc<Listening>,
    /// A digest of what was looked at last, whether or not it could be shown.
    seen: Option<Vec<u8>>,
    /// What is shown at present.
    shown: Vec<Arc<Offered>>,
}

/// What was found by a look.
struct Found {
    /// What can be shown; of a resource that does not fit, what was shown of it before.
    offered: Vec<Arc<Offered>>,
    /// Resources that do not fit: in words.
    unfit: Vec<String>,
}

impl Certificates {
    /// Looks for the first time. What stands in files must be there; resources may be applied later, and until some
    /// certificate can be shown no handshake is made.
    ///
    /// # Errors
    /// The configuration or a file is not what it should be.
    pub(super) async fn new(service: &Service, directory: &Path, tls: Tls) -> anyhow::Result<Self> {
        let listening = Arc::new(Listening::default());
        let mut own = Certificates { directory: directory.to_owned(), tls, listening, seen: None, shown: Vec::new() };
        match own.look(service).await {
            Err(error) if !own.tls.resources.is_empty() && own.tls.certificate.is_none() => {
                tracing::error!(error = %format!("{error:#}"), "No certificate can be shown to partners; no connection is taken until one is applied");
            }
            looked => looked?,
        }
        Ok(own)
    }

    pub(super) fn listening(&self) -> Arc<Listening> {
        self.listening.clone()
    }

    /// Takes over what changes until told to stop; at once where `bell` rings or resources change.
    pub(super) async fn keep(mut self, service: Arc<Service>, bell: Arc<Notify>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = bell.notified() => {}
                () = service.changed.notified() => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.look(&service).await {
                tracing::error!(error = %format!("{error:#}"), "Certificates could not be taken over; the earlier ones stay");
            }
        }
    }

    /// Shows what is there now, if it is not what was looked at last.
    async fn look(&mut self, service: &Service) -> anyhow::Result<()> {
        let found = self.offered(service).await;
        let asks = service.directory().asks_for_certificates();
        let mut context = Context::new(&SHA256);
        context.update(&[u8::from(asks)]);
        match &found {
            Ok(Found { offered, unfit }) => {
                for one in offered {
                    one.identity.chain.iter().for_each(|der| context.update(der));
                    context.update(&one.identity.key);
                }
                unfit.iter().for_each(|why| context.update(why.as_bytes()));
            }
            Err(error) => context.update(format!("{error:#}").as_bytes()),
        }
        let seen = context.finish().as_ref().to_vec();
        // Told at each look, so that the alarm stands as long as it is so.
        match &found {
            Ok(Found { unfit, .. }) if unfit.is_empty() => service.trouble.over("CERTIFICATE"),
            Ok(Found { unfit, .. }) => service.trouble.note("CERTIFICATE", &unfit.join("; "), service.now()),
            Err(error) => service.trouble.note("CERTIFICATE", &format!("{error:#}"), service.now()),
        }
        if self.seen.as_ref() == Some(&seen) {
            return Ok(());
        }
        self.seen = Some(seen);
        let Found { offered, unfit } = found?;
        for error in unfit {
            tracing::error!(
                error,
                "A certificate could not be taken over; what was shown of it stays, and so do the others"
            );
        }
        self.listening.show(&offered, asks)?;
        self.shown = offered;
        for one in &self.shown {
            let certificate = Certificate::from_der(one.identity.chain.first().map_or(&[], Vec::as_slice)).ok();
            let until = certificate.as_ref().map(|one| one.not_after.to_string()).unwrap_or_default();
            let sha256 = certificate.map(|one| one.fingerprint()).unwrap_or_default();
            tracing::info!(
                certificate.name = one.name,
                certificate.sha256 = sha256,
                certificate.until = until,
                asks,
                "Shown to partners"
            );
        }
        Ok(())
    }

    async fn offered(&self, service: &Service) -> anyhow::Result<Found> {
        let mut found = Found { offered: Vec::new(), unfit: Vec::new() };
        found.offered.extend(of_files(&self.directory, &self.tls)?.map(Arc::new));
        for name in &self.tls.resources {
            let name_shown = format!("certificate {name}");
            let one = identity_of(service, name).await.map(|identity| offer(name_shown.clone(), identity));
            match one.and_then(|one| one.check().map(|()| one).map_err(|error| error.to_string())) {
                Ok(one) => found.offered.push(Arc::new(one)),
                Err(why) => {
                    found.offered.extend(self.shown.iter().find(|one| one.name == name_shown).cloned());
                    found.unfit.push(why);
                }
            }
        }
        anyhow::ensure!(!found.offered.is_empty(), "{}", found.unfit.join("; "));
        Ok(found)
    }
}

/// What stands in the files that `[partner] tls` names; none where it names resources only.
fn of_files(directory: &Path, tls: &Tls) -> anyhow::Result<Option<Offered>> {
    match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (directory.join(certificate), directory.join(key));
            let name = format!("{} with {}", certificate.display(), key.display());
            let one = offer(name, tls::read(&certificate, &key)?);
            one.check()?;
            Ok(Some(one))
        }
        (None, None) if !tls.resources.is_empty() => Ok(None),
        _ => anyhow::bail!("expected certificate and key, or resources, the names of certificates with a key"),
    }
}

/// Whether the files of `[partner] tls` are what the start wants of them.
///
/// # Errors
/// They are not: which, expected and found.
pub(crate) fn check_files(directory: &Path, tls: &Tls) -> anyhow::Result<()> {
    of_files(directory, tls).map(drop)
}

fn offer(name: String, identity: crate::transport::http::reach::Identity) -> Offered {
    let own = identity.chain.first().and_then(|der| Certificate::from_der(der).ok());
    Offered { name, dns_names: own.map(|one| one.dns_names).unwrap_or_default(), identity }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_has_all_places_and_they_are_given_back() {
        let places = Arc::new(Semaphore::new(3));
        let all = Handshakes { places, of_one: 2, addresses: Arc::default() };
        let [one, mapped, other, near, far] =
            ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]
                .map(|text| text.parse().expect("an address"));
        let held = [all.take(one), all.take(mapped)];
        assert!(held.iter().all(Option::is_some) && all.take(one).is_none(), "two of one address");
        let last = all.take(other);
        assert!(last.is_some() && all.take(near).is_none(), "three of all");
        drop(held);
        let net = [all.take(near), all.take(far)];
        assert!(net.iter().all(Option::is_some));
        drop(last);
        assert!(all.take(near).is_none(), "one network is one address");
        drop(net);
        assert!(all.addresses.lock().expect("no panic held it").is_empty());
    }
}
