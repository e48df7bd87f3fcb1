//! The SSH server that mailboxes stand behind (RFC 4251–4254): who may come in, and channels for files and nothing else.
//! This file and `client` are those that know the SSH library. Only modern algorithms are offered (`algorithms`).
//!
//! Not supported: shells, commands but `scp`, forwarding of ports, agents and X11, compression. Why: a mailbox needs none of
//! them. Seen as: the request is refused, the session goes on.

use super::algorithms::preferred;
use super::ban::source;
use super::farewell::ToTheEnd;
use super::files::{Files, Gate, Shown};
use super::session::{self, Packets};
use super::{scp, wire};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{Algorithm, HashAlg, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, Disconnect, MethodKind, MethodSet};
use russh::{SshId, kex};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Bytes of the seed that an Ed25519 key is made of (RFC 8032).
pub const ED25519_SEED_BYTES: usize = 32;
/// Sessions of one address, at most.
pub const SESSIONS_OF_ADDRESS_MAX: usize = 16;
/// Channels of one session, at most.
pub const CHANNELS_MAX: usize = 4;
/// Passwords tried in one session, at most.
pub const PASSWORDS_MAX: u32 = 3;
/// Keys and passwords shown in one session, at most; agents show all their keys one by one.
const PROOFS_MAX: usize = 12;
/// How long somebody may take to come in.
pub const GRACE: Duration = Duration::from_secs(30);
/// How long a refusal takes, whatever it is about.
const REFUSAL_TIME: Duration = Duration::from_millis(500);
/// Bytes of a client that wait for being worked off, at most; beyond it the client waits.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a client is waited for that neither reads nor lets us go on.
const STALLED: Duration = Duration::from_secs(60);
/// How long sessions have to end when the service stops.
const STOP_WAIT: Duration = Duration::from_secs(10);
/// As many chunks may wait in the library as a client can have under way, else it stops reading what frees them.
const CHANNEL_CHUNKS: usize = 65_536;

/// The keys by which clients know this server.
pub struct HostKeys(Vec<PrivateKey>);

/// A key that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("host key: {0}")]
pub struct UnfitKey(String);

impl HostKeys {
    /// The keys of a seed of Ed25519, and of an RSA key as PKCS#8 (PEM).
    ///
    /// # Errors
    /// One of them is none.
    pub fn new(ed25519_seed: &[u8], rsa_pem: &str) -> Result<Self, UnfitKey> {
        let unfit = |text: String| UnfitKey(text);
        let seed = ed25519_seed.try_into().map_err(|_| unfit("expected 32 bytes of Ed25519".to_owned()))?;
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(seed));
        let ed25519 = PrivateKey::new(pair, "").map_err(|error| unfit(error.to_string()))?;
        let rsa = russh::keys::decode_secret_key(rsa_pem, None).map_err(|error| unfit(error.to_string()))?;
        Ok(Self(vec![ed25519, rsa]))
    }

    /// A new RSA key of 3072 bits as PKCS#8 (PEM): a secret. None when the provider failed.
    #[must_use]
    pub fn new_rsa() -> Option<String> {
        let pair = KeyPair::generate(KeySize::Rsa3072).ok()?;
        let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        let packed = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = packed.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        Some(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
    }

    /// Each as a line of `known_hosts` has it, with its fingerprint.
    #[must_use]
    pub fn public(&self) -> Vec<(String, String)> {
        let one = |key: &PrivateKey| {
            let public = key.public_key();
            Some((public.to_openssh().ok()?, public.fingerprint(HashAlg::Sha256).to_string()))
        };
        self.0.iter().filter_map(one).collect()
    }
}

/// Limits of the listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sessions at once.
    pub sessions: usize,
    /// How long a session may be silent.
    pub idle: Duration,
}

/// The sessions there are, counted.
#[derive(Default)]
struct Counts {
    all: AtomicUsize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    users: Mutex<HashMap<String, usize>>,
}

fn count<K: std::hash::Hash + Eq>(counts: &Mutex<HashMap<K, usize>>, key: K, most: usize) -> bool {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let found = counts.entry(key).or_default();
    *found += 1;
    *found <= most
}

fn discount<K: std::hash::Hash + Eq>(counts: &Mutex<HashMap<K, usize>>, key: &K) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = counts.get_mut(key) {
        *found -= 1;
        if *found == 0 {
            counts.remove(key);
        }
    }
}

/// The place of one session among them; given back when it is dropped.
struct Seat {
    counts: Arc<Counts>,
    address: IpAddr,
    user: Option<String>,
}

impl Seat {
    /// A seat, or why there is none.
    fn take(counts: &Arc<Counts>, address: IpAddr, limits: &Limits) -> Result<Self, &'static str> {
        // As for bans: whoever has one address of a network of IPv6 has all.
        let address = source(address);
        let before = counts.all.fetch_add(1, Ordering::Relaxed);
        let is_free = count(&counts.addresses, address, SESSIONS_OF_ADDRESS_MAX);
        let seat = Self { counts: counts.clone(), address, user: None };
        metrics::gauge!("portolan_sftp_sessions").increment(1.0);
        if before >= limits.sessions {
            return Err("Too many sessions; try again later.\r\n");
        }
        if is_free { Ok(seat) } else { Err("Too many sessions of this address; try again later.\r\n") }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.counts.all.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("portolan_sftp_sessions").decrement(1.0);
        discount(&self.counts.addresses, &self.address);
        if let Some(user) = &self.user {
            discount(&self.counts.users, user);
        }
    }
}

fn config(keys: HostKeys, limits: &Limits) -> Config {
    Config {
        // No version: who attacks need not be told.
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-Portolan")),
        methods: methods(),
        auth_rejection_time: REFUSAL_TIME,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: keys.0,
        channel_buffer_size: CHANNEL_CHUNKS,
        preferred: preferred([kex::EXTENSION_SUPPORT_AS_SERVER, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER]),
        max_auth_attempts: PROOFS_MAX,
        inactivity_timeout: Some(limits.idle),
        nodelay: true,
        ..Config::default()
    }
}

/// Serves sessions until told to stop; those open then have a while to close what they opened.
pub async fn serve(
    listener: TcpListener,
    gate: Arc<dyn Gate>,
    keys: HostKeys,
    limits: Limits,
    stop: CancellationToken,
) {
    let config = Arc::new(config(keys, &limits));
    let (counts, tracker) = (Arc::new(Counts::default()), TaskTracker::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, from)) = accepted else {
            // Out of file handles, say: the next moment may be better.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let address = from.ip().to_canonical();
        if !gate.may_try(address) {
            continue;
        }
        match Seat::take(&counts, address, &limits) {
            Ok(seat) => drop(tracker.spawn(one(stream, gate.clone(), seat, config.clone(), stop.clone()))),
            Err(text) => drop(tracker.spawn(turn_away(stream, text))),
        }
    }
    drop(listener);
    tracker.close();
    let _ = tokio::time::timeout(STOP_WAIT, tracker.wait()).await;
}

/// Says why, in a line before the protocol begins (RFC 4253, 4.2), and hangs up.
async fn turn_away(mut stream: TcpStream, text: &str) {
    let said = async {
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    };
    // Whether it is heard does not matter.
    let _ = tokio::time::timeout(Duration::from_secs(1), said).await;
}

/// One session, from its first byte to its last.
async fn one(stream: TcpStream, gate: Arc<dyn Gate>, seat: Seat, config: Arc<Config>, stop: CancellationToken) {
    let address = seat.address;
    let (is_in, has_guessed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (ended_well, ending) = watch::channel(false);
    let peer = Peer {
        gate: gate.clone(),
        seat,
        is_in: is_in.clone(),
        has_guessed: has_guessed.clone(),
        passwords: 0,
        files: None,
        has_seat: true,
        channels: HashMap::new(),
        ending,
    };
    // Small answers would wait for each other.
    let _ = stream.set_nodelay(true);
    let (stream, parting) = ToTheEnd::new(stream);
    let begun = tokio::time::timeout(GRACE, russh::server::run_stream(config, stream, peer)).await;
    let Ok(Ok(mut running)) = begun else { return };
    let handle = running.handle();
    let leave = |reason: &'static str| {
        let handle = handle.clone();
        async move {
            let said = handle.disconnect(Disconnect::ByApplication, reason.to_owned(), "en".to_owned());
            let _ = tokio::time::timeout(Duration::from_secs(1), said).await;
        }
    };
    let in_time = async {
        tokio::time::sleep(GRACE).await;
        while is_in.load(Ordering::Relaxed) {
            tokio::time::sleep(GRACE).await;
        }
    };
    tokio::select! {
        // What a client does wrong ends its session and concerns nobody else.
        ended = &mut running => {
            ended_well.send_replace(parting.is_well(&ended));
        }
        () = in_time => leave("nobody came in in time").await,
        () = stop.cancelled() => {
            let _ = tokio::time::timeout(STOP_WAIT / 2, &mut running).await;
            leave("the service stops; nothing is lost, come back later").await;
        }
    }
    // Wrong passwords were counted one by one.
    if !is_in.load(Ordering::Relaxed) && !has_guessed.load(Ordering::Relaxed) {
        gate.left_outside(address).await;
    }
}

/// Who is on the other side of a session.
struct Peer {
    gate: Arc<dyn Gate>,
    seat: Seat,
    is_in: Arc<AtomicBool>,
    has_guessed: Arc<AtomicBool>,
    passwords: u32,
    files: Option<Arc<dyn Files>>,
    /// Whether the user has fewer sessions than it may have.
    has_seat: bool,
    channels: HashMap<ChannelId, Way>,
    /// Becomes true when the client has ended the connection by itself; its sender is gone when it ended another way.
    ending: watch::Receiver<bool>,
}

/// What became of a channel.
enum Way {
    /// Nothing was asked for yet.
    Open(ChannelWriteHalf<Msg>),
    /// A protocol runs over it.
    Running(Inlet),
}

impl Way {
    /// Whether its protocol ended.
    fn is_over(&self) -> bool {
        matches!(self, Way::Running(inlet) if Arc::strong_count(&inlet.waiting) == 1)
    }
}

impl Peer {
    async fn admit(&mut self, user: &str, shown: Shown<'_>) -> Auth {
        let Some(files) = self.gate.admit(user, shown, self.seat.address).await else {
            return refused();
        };
        self.is_in.store(true, Ordering::Relaxed);
        if self.seat.user.is_none() {
            self.has_seat = count(&self.seat.counts.users, user.to_owned(), self.gate.sessions_max(user));
            self.seat.user = Some(user.to_owned());
        }
        self.files = Some(files);
        Auth::Accept
    }

    /// Takes a channel for a protocol: its files, where answers go, and where its bytes will come from.
    fn begin(&mut self, channel: ChannelId) -> Option<(Arc<dyn Files>, ChannelWriteHalf<Msg>, Outlet)> {
        let files = self.files.clone()?;
        match self.channels.remove(&channel)? {
            Way::Open(out) => {
                let (inlet, outlet) = pipe(self.ending.clone());
                self.channels.insert(channel, Way::Running(inlet));
                Some((files, out, outlet))
            }
            running @ Way::Running(_) => {
                self.channels.insert(channel, running);
                None
            }
        }
    }
}

impl Handler for Peer {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.passwords += 1;
        self.has_guessed.store(true, Ordering::Relaxed);
        if self.passwords > PASSWORDS_MAX {
            return Ok(refused());
        }
        Ok(self.admit(user, Shown::Password(password)).await)
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        let key = offer.public_key.to_bytes().unwrap_or_default();
        let is_known = is_modern(offer.algorithm) && self.gate.knows_key(user, &key, self.seat.address);
        Ok(if is_known { Auth::Accept } else { refused() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let Ok(bytes) = key.public_key.to_bytes() else { return Ok(refused()) };
        if !is_modern(key.algorithm) {
            return Ok(refused());
        }
        Ok(self.admit(user, Shown::Key(&bytes)).await)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        // Of a channel that we closed first nothing is told.
        self.channels.retain(|_, way| !way.is_over());
        if self.channels.len() >= CHANNELS_MAX || !self.has_seat {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let id = channel.id();
        // What comes is taken from `data`, where the client can be made to wait.
        let (_, out) = channel.split();
        self.channels.insert(id, Way::Open(out));
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if name != "sftp" {
            return session.channel_failure(channel);
        }
        let Some((files, out, mut outlet)) = self.begin(channel) else { return session.channel_failure(channel) };
        session.channel_success(channel)?;
        tokio::spawn(async move {
            let mut writer = out.make_writer();
            let served = session::serve(files, &mut outlet, &mut writer).await;
            drop(writer);
            end(&out, u32::from(served.is_err())).await;
        });
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(asked) = scp::Asked::read(data) else { return session.channel_failure(channel) };
        let Some((files, out, mut outlet)) = self.begin(channel) else { return session.channel_failure(channel) };
        session.channel_success(channel)?;
        tokio::spawn(async move {
            let mut writer = out.make_writer();
            let status = scp::serve(files, asked, &mut outlet, &mut writer).await;
            drop(writer);
            end(&out, status).await;
        });
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _session: &mut Session) -> Result<(), Self::Error> {
        match self.channels.get(&channel) {
            Some(Way::Running(inlet)) => inlet.put(data).await,
            _ => Ok(()),
        }
    }

    async fn channel_eof(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        // The protocol sees the end, answers what came before it, and closes the channel.
        if let Some(Way::Running(inlet)) = self.channels.get_mut(&channel) {
            inlet.end();
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(Way::Running(mut inlet)) = self.channels.remove(&channel) {
            inlet.end();
        }
        Ok(())
    }
}

/// A refusal after which a client may show another proof; by default the method would not be offered again.
fn refused() -> Auth {
    Auth::Reject { proceed_with_methods: Some(methods()), partial_success: false }
}

fn methods() -> MethodSet {
    MethodSet::from(&[MethodKind::PublicKey, MethodKind::Password][..])
}

/// SHA-1 signs nothing any more.
fn is_modern(algorithm: &Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::Ed25519
            | Algorithm::Ecdsa { .. }
            | Algorithm::Rsa { hash: Some(_) }
            | Algorithm::SkEd25519
            | Algorithm::SkEcdsaSha2NistP256
    )
}

/// Clients of `scp` take a channel that ends without a status for a failure.
async fn end(out: &ChannelWriteHalf<Msg>, status: u32) {
    // The client may be gone.
    let _ = out.exit_status(status).await;
    let _ = out.eof().await;
    let _ = out.close().await;
}

/// Bytes of a client on their way to a protocol.
fn pipe(ending: watch::Receiver<bool>) -> (Inlet, Outlet) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(Waiting::default());
    let inlet = Inlet { sender: Some(sender), waiting: waiting.clone() };
    (inlet, Outlet { receiver, waiting, ending, bytes: Vec::new(), taken: 0 })
}

#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    less: Notify,
    /// The client said that it sends no more.
    is_ended: AtomicBool,
}

struct Inlet {
    sender: Option<mpsc::UnboundedSender<Vec<u8>>>,
    waiting: Arc<Waiting>,
}

impl Inlet {
    /// Waits while too much waits already; a client that stalls for long loses its session.
    async fn put(&self, bytes: &[u8]) -> Result<(), russh::Error> {
        let Some(sender) = &self.sender else { return Ok(()) };
        let room = async {
            loop {
                let less = self.waiting.less.notified();
                if self.waiting.bytes.load(Ordering::Acquire) < WAITING_BYTES_MAX || sender.is_closed() {
                    return;
                }
                less.await;
            }
        };
        tokio::time::timeout(STALLED, room).await.map_err(|_| russh::Error::Disconnect)?;
        self.waiting.bytes.fetch_add(bytes.len(), Ordering::AcqRel);
        // The protocol may be over; then nobody wants the rest.
        let _ = sender.send(bytes.to_vec());
        Ok(())
    }

    fn end(&mut self) {
        self.waiting.is_ended.store(true, Ordering::Release);
        self.sender = None;
    }
}

/// The other end.
pub(super) struct Outlet {
    receiver: mpsc::UnboundedReceiver<Vec<u8>>,
    waiting: Arc<Waiting>,
    ending: watch::Receiver<bool>,
    bytes: Vec<u8>,
    taken: usize,
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.receiver.close();
        self.waiting.less.notify_waiters();
        self.waiting.less.notify_one();
    }
}

impl Outlet {
    /// More bytes, behind those that are there; false at the end.
    async fn more(&mut self) -> bool {
        let Some(bytes) = self.receiver.recv().await else { return false };
        self.waiting.bytes.fetch_sub(bytes.len(), Ordering::AcqRel);
        self.waiting.less.notify_one();
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(&bytes);
        true
    }

    fn left(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Exactly so many bytes; none when the client ended before.
    pub(super) async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.left().len() < length {
            if !self.more().await {
                return None;
            }
        }
        let found = self.left()[..length].to_vec();
        self.taken += length;
        Some(found)
    }

    /// Some bytes, at most so many; none when the client ended before.
    pub(super) async fn some(&mut self, most: usize) -> Option<Vec<u8>> {
        while self.left().is_empty() {
            if !self.more().await {
                return None;
            }
        }
        let length = self.left().len().min(most);
        self.exactly(length).await
    }
}

impl Packets for Outlet {
    async fn next(&mut self) -> Option<Vec<u8>> {
        let head = self.exactly(4).await?;
        let head: [u8; 4] = head.try_into().ok()?;
        match wire::length(head) {
            Ok(length) => self.exactly(length).await,
            // An empty packet breaks the protocol, and so ends it.
            Err(_) => Some(Vec::new()),
        }
    }

    async fn ended_well(&mut self) -> bool {
        self.waiting.is_ended.load(Ordering::Acquire) || self.ending.wait_for(|is_well| *is_well).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_a_network_of_ipv6_are_counted_together() {
        let (counts, limits) = (Arc::default(), Limits { sessions: 1000, idle: Duration::from_secs(1) });
        let take = |address: &str| Seat::take(&counts, address.parse().expect("an address"), &limits);
        let seats: Vec<_> =
            (0..SESSIONS_OF_ADDRESS_MAX).map(|at| take(&format!("2001:db8:1:2::{at:x}")).expect("a seat")).collect();
        assert!(take("2001:db8:1:2:ffff::1").is_err(), "of the same network");
        assert!(take("2001:db8:1:3::1").is_ok() && take("192.0.2.1").is_ok());
        drop(seats);
        assert!(take("2001:db8:1:2::1").is_ok(), "they are given back");
        assert!(counts.addresses.lock().expect("no panic").is_empty());
    }
}
