//! A folder of a partner's SFTP server as a place of files: SSH as a client (RFC 4251–4254), then the file protocol, version 3.
//! The server has to show a key that is pinned; only modern algorithms are offered (`algorithms`).
//!
//! Not supported: agents, certificates of hosts and users, proxies. Why: a pinned key says who the server is, and keys and
//! passwords who we are. Seen as: they are not offered.

use super::algorithms::{HOST_KEYS, preferred};
use super::ask::{self, Answer, Attributes, END, FSYNC, NO_SUCH_FILE, OK, PERMISSION_DENIED};
use super::wire::{FLAG_CREATE, FLAG_READ, FLAG_TRUNCATE, FLAG_WRITE, length};
use crate::transport::http::address::Network;
use crate::transport::http::auth::Secrets;
use crate::transport::http::body::streamed;
use crate::transport::http::probe::{Unresolved, connect, resolve};
use crate::transport::http::reach::Reach;
use crate::transport::place::{Done, Entry, Listing, Named, Place, Take, Trouble, Wanted};
use crate::transport::source::Source;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use reqwest::Url;
use russh::client::{AuthResult, Config, Handle, Handler, KeyboardInteractiveAuthResponse, Msg, connect_stream};
use russh::keys::{Algorithm, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{ChannelStream, MethodKind, SshId, kex};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// How long SSH may take until we are in.
const LOGIN_WAIT: Duration = Duration::from_secs(30);
/// How long an answer of the file protocol may take.
const ANSWER_WAIT: Duration = Duration::from_secs(60);
/// Bytes of one read or write; every server takes as many.
const PIECE_BYTES: u32 = 32 * 1024;
/// Reads or writes that are under way.
const AHEAD: usize = 32;
/// Rounds of questions that a server may ask for a password.
const QUESTIONS_MAX: usize = 4;
/// Characters of what a server says that are kept.
const SAID_MAX: usize = 200;

/// A key that a server may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pinned {
    /// The key as SSH writes it (RFC 4253, 6.6), with its kind.
    Key(String, Vec<u8>),
    /// SHA-256 of it.
    Fingerprint(Vec<u8>),
}

/// A server, who we are there, and how it is known.
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who we are.
    pub user: String,
    /// Our password, where there is one.
    pub password: Option<String>,
    /// Our private key, where there is one: as ssh-keygen writes it.
    pub key: Option<String>,
    /// The keys of which it has to show one.
    pub pinned: Vec<Pinned>,
    /// Networks that may be reached although they are not public.
    pub allowed: Vec<Network>,
}

/// A key that a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// As a line of `authorized_keys`.
    pub line: String,
    /// `SHA256:…`.
    pub fingerprint: String,
}

/// Looks at the key that a server shows.
struct Known {
    /// None: whatever it is, it does not count, and the session ends.
    pinned: Option<Vec<Pinned>>,
    /// The one that did not count.
    shown: Arc<Mutex<Option<Shown>>>,
}

impl Handler for Known {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let Ok(bytes) = key.to_bytes() else { return Ok(false) };
        let digested = digest(&SHA256, &bytes);
        let shown = Shown {
            line: key.to_openssh().unwrap_or_default(),
            fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(digested.as_ref())),
        };
        let is = |pinned: &Pinned| match pinned {
            Pinned::Key(_, own) => *own == bytes,
            Pinned::Fingerprint(own) => own == digested.as_ref(),
        };
        let counts = self.pinned.as_ref().is_some_and(|all| all.iter().any(is));
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = (!counts).then_some(shown);
        Ok(counts)
    }
}

/// The kinds of keys that a server is asked for: those that are pinned, since it shows one of many otherwise.
fn kinds(pinned: &[Pinned]) -> Vec<Algorithm> {
    let wanted = |kind: &Algorithm| {
        pinned.iter().any(|one| match one {
            Pinned::Key(name, _) if name == "ssh-rsa" => matches!(kind, Algorithm::Rsa { .. }),
            Pinned::Key(name, _) => kind.as_str() == name.as_str(),
            Pinned::Fingerprint(_) => true,
        })
    };
    HOST_KEYS.into_iter().filter(wanted).collect()
}

fn config(kinds: Vec<Algorithm>) -> Config {
    let mut preferred = preferred([kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
    preferred.key = Cow::Owned(kinds);
    Config {
        client_id: SshId::Standard(Cow::Borrowed("SSH-2.0-Portolan")),
        preferred,
        nodelay: true,
        ..Config::default()
    }
}

fn refused<T>(code: &'static str, reason: String) -> Done<T> {
    Err(Trouble::Refused { code, reason })
}

/// The SSH of a server up to its key.
async fn greeted(
    (host, port): (&str, u16),
    allowed: &[Network],
    kinds: Vec<Algorithm>,
    known: Known,
) -> Done<Handle<Known>> {
    let shown = known.shown.clone();
    let (pinned, at) = (known.pinned.clone(), format!("{host}:{port}"));
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let Ok(url) = Url::parse(&format!("ssh://{host}:{port}")) else {
        return refused("ADDRESS-REFUSED", format!("{at} is no address; mend host of the server"));
    };
    let addresses = match resolve(&url, &Reach { allowed: allowed.to_vec(), ..Reach::default() }).await {
        Ok(addresses) => addresses,
        Err(Unresolved::NotAllowed(reason)) => return refused("ADDRESS-REFUSED", reason),
        Err(Unresolved::Unknown(reason)) => return Err(Trouble::NotReached(format!("{at}: {reason}"))),
    };
    let (_, stream) =
        connect(&addresses).await.map_err(|error| Trouble::NotReached(format!("{at} takes no connection: {error}")))?;
    // Without it small packets wait for each other; one that cannot be set so still works.
    let _ = stream.set_nodelay(true);
    let begun = timeout(LOGIN_WAIT, connect_stream(Arc::new(config(kinds)), stream, known)).await;
    let late = || Trouble::NotReached(format!("{at} did not begin SSH within {} s", LOGIN_WAIT.as_secs()));
    match begun.map_err(|_| late())? {
        Ok(handle) => Ok(handle),
        Err(russh::Error::NoCommonAlgo { kind, theirs, .. }) => {
            let theirs = Secrets::default().shown(&theirs.join(" "), SAID_MAX);
            refused(
                "ALGORITHMS",
                format!(
                    "{at} offers no {kind:?} algorithm of ours, or no host key of a kind in server.host_keys; found {theirs}: \
                     ask the partner for modern ones"
                ),
            )
        }
        Err(error) => match shown.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(one) if pinned.is_some() => refused(
                "HOST-KEY",
                format!(
                    "expected {at} to show one of server.host_keys, found {} ({}): ask the partner whether its key was \
                     changed, and only then add it",
                    one.fingerprint, one.line
                ),
            ),
            _ => Err(Trouble::NotReached(format!("{at}: SSH did not begin: {error}"))),
        },
    }
}

/// The keys that a server shows, one of each kind, without being logged in to. What is shown is to be compared with what the
/// partner says before it counts.
///
/// # Errors
/// It cannot be reached.
pub async fn host_keys(host: &str, port: u16, allowed: &[Network]) -> Done<Vec<Shown>> {
    let mut found: Vec<Shown> = Vec::new();
    let mut last = None;
    for kind in HOST_KEYS {
        let shown = Arc::new(Mutex::new(None));
        let known = Known { pinned: None, shown: shown.clone() };
        if let Err(trouble) = greeted((host, port), allowed, vec![kind], known).await {
            last = Some(trouble);
        }
        let one = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
        found.extend(one.filter(|one| !found.contains(one)));
        if let (true, Some(Trouble::Refused { code: "ADDRESS-REFUSED", .. })) = (found.is_empty(), &last) {
            break;
        }
    }
    match last {
        Some(trouble) if found.is_empty() => Err(trouble),
        _ => Ok(found),
    }
}

/// A folder of a server, open.
pub struct Client {
    /// Ends the session when it is dropped.
    _session: Handle<Known>,
    stream: ChannelStream<Msg>,
    folder: String,
    next: u32,
    /// Answers that came before they were waited for.
    early: HashMap<u32, Answer>,
    /// Requests whose answers nobody waits for.
    forgotten: HashSet<u32>,
    can_sync: bool,
    secrets: Secrets,
}

impl Client {
    /// Comes in to a server and takes its folder.
    ///
    /// # Errors
    /// [`Trouble::NotReached`], or [`Trouble::Refused`] with what to do.
    pub async fn open(server: &Server, folder: &str) -> Done<Self> {
        let known = Known { pinned: Some(server.pinned.clone()), shown: Arc::default() };
        let at = (server.host.as_str(), server.port);
        let mut session = greeted(at, &server.allowed, kinds(&server.pinned), known).await?;
        let mut secrets = Secrets::default();
        server.password.iter().for_each(|password| secrets.add(password));
        let lost = |error: russh::Error| Trouble::NotReached(format!("the session with {}: {error}", server.host));
        let in_time = timeout(LOGIN_WAIT, log_in(&mut session, server));
        let late =
            |_| Trouble::NotReached(format!("{} did not let us in within {} s", server.host, LOGIN_WAIT.as_secs()));
        in_time.await.map_err(late)??;
        let channel = session.channel_open_session().await.map_err(lost)?;
        channel.request_subsystem(true, "sftp").await.map_err(lost)?;
        let mut client = Client {
            _session: session,
            stream: channel.into_stream(),
            folder: folder.to_owned(),
            next: 1,
            early: HashMap::new(),
            forgotten: HashSet::new(),
            can_sync: false,
            secrets,
        };
        client.send(ask::init()).await?;
        match client.receive().await? {
            (_, Answer::Version(_, extensions)) => {
                client.can_sync = extensions.iter().any(|one| one == FSYNC.as_bytes());
            }
            _ => return client.broken(),
        }
        Ok(client)
    }

    fn broken<T>(&self) -> Done<T> {
        Err(Trouble::NotReached("the server answered something else than SFTP version 3".to_owned()))
    }

    async fn send(&mut self, packet: Vec<u8>) -> Done<()> {
        let lost = |error: std::io::Error| Trouble::NotReached(format!("the connection was lost: {error}"));
        let late = |_| Trouble::NotReached(format!("the server took nothing within {} s", ANSWER_WAIT.as_secs()));
        let sent = async {
            self.stream.write_all(&packet).await?;
            self.stream.flush().await
        };
        timeout(ANSWER_WAIT, sent).await.map_err(late)?.map_err(lost)
    }

    async fn receive(&mut self) -> Done<(u32, Answer)> {
        let lost = |error: std::io::Error| Trouble::NotReached(format!("the connection was lost: {error}"));
        let late = |_| Trouble::NotReached(format!("the server gave no answer within {} s", ANSWER_WAIT.as_secs()));
        let broken = |error: super::wire::Broken| Trouble::NotReached(format!("the server sent {error}"));
        let stream = &mut self.stream;
        let received = async {
            let mut head = [0; 4];
            stream.read_exact(&mut head).await.map_err(lost)?;
            let mut packet = vec![0; length(head).map_err(broken)?];
            stream.read_exact(&mut packet).await.map_err(lost)?;
            ask::answer(&packet).map_err(broken)
        };
        timeout(ANSWER_WAIT, received).await.map_err(late)?
    }

    fn number(&mut self) -> u32 {
        let number = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        number
    }

    /// Sends a request; its number.
    async fn ask(&mut self, packet: impl FnOnce(u32) -> Vec<u8>) -> Done<u32> {
        let number = self.number();
        self.send(packet(number)).await?;
        Ok(number)
    }

    /// Waits for the answer to a request.
    async fn answer(&mut self, number: u32) -> Done<Answer> {
        if let Some(answer) = self.early.remove(&number) {
            return Ok(answer);
        }
        loop {
            let (got, answer) = self.receive().await?;
            if got == number {
                return Ok(answer);
            }
            if !self.forgotten.remove(&got) {
                // Only what was asked is answered, and of that not more than AHEAD.
                if self.early.len() > AHEAD {
                    return self.broken();
                }
                self.early.insert(got, answer);
            }
        }
    }

    /// Asks and waits.
    async fn told(&mut self, packet: impl FnOnce(u32) -> Vec<u8>) -> Done<Answer> {
        let number = self.ask(packet).await?;
        self.answer(number).await
    }

    /// Asks what is answered by a status alone.
    async fn done(&mut self, packet: impl FnOnce(u32) -> Vec<u8>) -> Done<()> {
        match self.told(packet).await? {
            Answer::Status(OK, _) => Ok(()),
            other => Err(self.trouble(other)),
        }
    }

    /// What an answer comes to that is not the one that was wanted.
    fn trouble(&self, answer: Answer) -> Trouble {
        let Answer::Status(code, words) = answer else {
            return Trouble::NotReached("the server answered something else than was asked".to_owned());
        };
        let said = self.secrets.shown(&String::from_utf8_lossy(&words), SAID_MAX);
        match code {
            NO_SUCH_FILE => Trouble::Missing,
            PERMISSION_DENIED => {
                Trouble::File(format!("the server denies it ({said}); ask the partner for the right to it"))
            }
            code => Trouble::File(format!("the server answered status {code} ({said})")),
        }
    }

    fn path(&self, name: &str) -> Vec<u8> {
        below(&self.folder, name).into_bytes()
    }

    async fn opened(&mut self, path: &[u8], flags: u32) -> Done<Vec<u8>> {
        match self.told(|number| ask::open(number, path, flags)).await? {
            Answer::Handle(handle) => Ok(handle),
            other => Err(self.trouble(other)),
        }
    }

    async fn list_all(&mut self, wanted: Wanted) -> Done<Listing> {
        let folder = self.folder.clone();
        let handle = match self.told(|number| ask::open_folder(number, folder.as_bytes())).await? {
            Answer::Handle(handle) => handle,
            other => match self.trouble(other) {
                Trouble::NotReached(reason) => return Err(Trouble::NotReached(reason)),
                other => {
                    return refused(
                        "FOLDER",
                        format!("the folder {folder} of the server: {other}; mend folder of the channel"),
                    );
                }
            },
        };
        let mut listing = Listing::default();
        loop {
            match self.told(|number| ask::read_folder(number, &handle)).await? {
                Answer::Status(END, _) => break,
                Answer::Names(names) => {
                    for (name, found) in names.into_iter().filter(|(_, found)| found.is_file != Some(false)) {
                        match listing.name(&name, &wanted) {
                            Named::Fit(name) => listing.add(entry(name, &found), &wanted),
                            Named::Unfit => listing.add_unfit(&name),
                            Named::Not => {}
                        }
                    }
                    if listing.is_cut {
                        break;
                    }
                }
                other => return Err(self.trouble(other)),
            }
        }
        self.done(|number| ask::close(number, &handle)).await?;
        Ok(listing)
    }

    async fn look_at(&mut self, path: Vec<u8>, name: &str) -> Done<Option<Entry>> {
        match self.told(|number| ask::look(number, &path)).await? {
            Answer::Attributes(found) if found.is_file == Some(false) => {
                Err(Trouble::File("something is there that is no file".to_owned()))
            }
            Answer::Attributes(found) => Ok(Some(entry(name.to_owned(), &found))),
            other => match self.trouble(other) {
                Trouble::Missing => Ok(None),
                other => Err(other),
            },
        }
    }

    /// Reads what is open, several pieces under way.
    async fn read_all(&mut self, handle: &[u8], take: Take<'_>) -> Done<()> {
        let (mut ahead, mut next, mut is_end) = (VecDeque::new(), 0, false);
        let done = loop {
            while !is_end && ahead.len() < AHEAD {
                let number = self.ask(|number| ask::read(number, handle, next, PIECE_BYTES)).await?;
                ahead.push_back((number, next, PIECE_BYTES));
                next += u64::from(PIECE_BYTES);
            }
            let Some((number, offset, length)) = ahead.pop_front() else { break Ok(()) };
            match self.answer(number).await? {
                Answer::Status(END, _) => is_end = true,
                // Behind the end, where it grew meanwhile: whoever reads finds it changed.
                Answer::Data(_) if is_end => {}
                Answer::Data(bytes) => {
                    let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                    if count > length || count == 0 {
                        break self.broken();
                    }
                    if let Err(trouble) = take(&bytes) {
                        break Err(trouble);
                    }
                    if count < length {
                        // Some servers give less than was asked; the rest comes before what is behind it.
                        let (at, left) = (offset + u64::from(count), length - count);
                        let number = self.ask(|number| ask::read(number, handle, at, left)).await?;
                        ahead.push_front((number, at, left));
                    }
                }
                other => break Err(self.trouble(other)),
            }
        };
        self.forgotten
            .extend(ahead.iter().map(|(number, ..)| *number).filter(|number| !self.early.contains_key(number)));
        self.early.clear();
        done
    }

    async fn write_all(&mut self, handle: &[u8], source: Arc<dyn Source>) -> Done<()> {
        let (mut ahead, mut at) = (VecDeque::new(), 0);
        let mut pieces = std::pin::pin!(streamed(source));
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| Trouble::File(format!("its bytes cannot be read: {error}")))?;
            for part in piece.chunks(PIECE_BYTES as usize) {
                if ahead.len() == AHEAD
                    && let Some(number) = ahead.pop_front()
                {
                    self.written(number).await?;
                }
                ahead.push_back(self.ask(|number| ask::write(number, handle, at, part)).await?);
                at += part.len() as u64;
            }
        }
        while let Some(number) = ahead.pop_front() {
            self.written(number).await?;
        }
        Ok(())
    }

    async fn written(&mut self, number: u32) -> Done<()> {
        match self.answer(number).await? {
            Answer::Status(OK, _) => Ok(()),
            other => Err(self.trouble(other)),
        }
    }

    async fn put_at(&mut self, name: &str, source: Arc<dyn Source>) -> Done<()> {
        let (path, size) = (self.path(name), source.length());
        let missing = |trouble: Trouble| match trouble {
            Trouble::Missing => Trouble::Refused {
                code: "FOLDER",
                reason: "the folder is not there on the server; mend folder of the channel, or ask the partner"
                    .to_owned(),
            },
            other => other,
        };
        let handle = self.opened(&path, FLAG_WRITE | FLAG_CREATE | FLAG_TRUNCATE).await.map_err(missing)?;
        self.write_all(&handle, source).await?;
        if self.can_sync {
            self.done(|number| ask::sync(number, &handle)).await?;
        }
        self.done(|number| ask::close(number, &handle)).await?;
        match self.look_at(path, name).await? {
            Some(entry) if entry.size == size => Ok(()),
            Some(entry) => {
                Err(Trouble::File(format!("expected {size} bytes there after writing, found {}", entry.size)))
            }
            None => Err(Trouble::File(
                "it is not there after writing; something took it under its temporary name".to_owned(),
            )),
        }
    }

    async fn rename_to(&mut self, from: Vec<u8>, to: String, name: &str) -> Done<()> {
        // Not all servers refuse to replace what is there.
        if self.look_at(to.clone().into_bytes(), name).await?.is_some() {
            return Err(Trouble::Taken);
        }
        match self.done(|number| ask::rename(number, &from, to.as_bytes())).await {
            Err(Trouble::File(reason)) => match self.look_at(to.into_bytes(), name).await? {
                Some(_) => Err(Trouble::Taken),
                None => Err(Trouble::File(reason)),
            },
            done => done,
        }
    }
}

/// Shows who we are: the key, then the password, as far as the server asks for them.
async fn log_in(session: &mut Handle<Known>, server: &Server) -> Done<()> {
    let lost = |error: russh::Error| Trouble::NotReached(format!("the session with {}: {error}", server.host));
    let mut asked = Vec::new();
    if let Some(text) = &server.key {
        let Ok(key) = russh::keys::decode_secret_key(text, None) else {
            return refused(
                "KEY-UNFIT",
                "the secret of server.key is no private key as ssh-keygen writes it, or has a passphrase; take that away \
                 with ssh-keygen -p"
                    .to_owned(),
            );
        };
        // SHA-1 is never used: without a word of the server it is SHA-256 (RFC 8332).
        let best = session.best_supported_rsa_hash().await.map_err(lost)?.flatten();
        let hash = best.or(Some(russh::keys::HashAlg::Sha256));
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        match session.authenticate_publickey(&server.user, key).await.map_err(lost)? {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure { partial_success, .. } => {
                asked.push(if partial_success { "key taken" } else { "key refused" })
            }
        }
    }
    if let Some(password) = &server.password {
        let remaining = match session.authenticate_password(&server.user, password).await.map_err(lost)? {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure { remaining_methods, .. } => remaining_methods,
        };
        asked.push("password refused");
        if remaining.contains(&MethodKind::KeyboardInteractive) && answered(session, server, password).await? {
            return Ok(());
        }
    }
    refused(
        "LOGIN-REFUSED",
        format!(
            "{} does not let {} in ({}); ask the partner which key and password it knows, set the secret, then resubmit",
            server.host,
            server.user,
            asked.join(", ")
        ),
    )
}

/// Answers questions for a password (RFC 4256), by which some servers ask for it.
async fn answered(session: &mut Handle<Known>, server: &Server, password: &str) -> Done<bool> {
    let lost = |error: russh::Error| Trouble::NotReached(format!("the session with {}: {error}", server.host));
    let mut said = session.authenticate_keyboard_interactive_start(&server.user, None).await.map_err(lost)?;
    for _ in 0..QUESTIONS_MAX {
        let prompts = match said {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
        };
        let answers = prompts.iter().map(|_| password.to_owned()).collect();
        said = session.authenticate_keyboard_interactive_respond(answers).await.map_err(lost)?;
    }
    Ok(matches!(said, KeyboardInteractiveAuthResponse::Success))
}

/// A path below a folder of the server; the one it puts us into is `.`.
fn below(folder: &str, name: &str) -> String {
    match folder {
        "." => name.to_owned(),
        folder => format!("{}/{name}", folder.trim_end_matches('/')),
    }
}

fn entry(name: String, found: &Attributes) -> Entry {
    Entry { name, size: found.size.unwrap_or_default(), at: i64::from(found.at.unwrap_or_default()) * 1_000_000 }
}

impl Place for Client {
    fn list(&mut self, wanted: Wanted) -> BoxFuture<'_, Done<Listing>> {
        Box::pin(self.list_all(wanted))
    }

    fn look<'p>(&'p mut self, name: &'p str) -> BoxFuture<'p, Done<Option<Entry>>> {
        let path = self.path(name);
        Box::pin(self.look_at(path, name))
    }

    fn read<'p>(&'p mut self, name: &'p str, take: Take<'p>) -> BoxFuture<'p, Done<()>> {
        Box::pin(async move {
            let path = self.path(name);
            let handle = self.opened(&path, FLAG_READ).await?;
            let done = self.read_all(&handle, take).await;
            if !matches!(done, Err(Trouble::NotReached(_))) {
                self.done(|number| ask::close(number, &handle)).await?;
            }
            done
        })
    }

    fn remove<'p>(&'p mut self, name: &'p str) -> BoxFuture<'p, Done<()>> {
        Box::pin(async move {
            let path = self.path(name);
            self.done(|number| ask::remove(number, &path)).await
        })
    }

    fn move_to<'p>(&'p mut self, name: &'p str, folder: &'p str, to: &'p str) -> BoxFuture<'p, Done<()>> {
        let target = if folder.starts_with('/') { folder.to_owned() } else { below(&self.folder, folder) };
        let from = self.path(name);
        Box::pin(self.rename_to(from, below(&target, to), to))
    }

    fn put<'p>(&'p mut self, name: &'p str, source: Arc<dyn Source>) -> BoxFuture<'p, Done<()>> {
        Box::pin(self.put_at(name, source))
    }

    fn rename<'p>(&'p mut self, from: &'p str, to: &'p str) -> BoxFuture<'p, Done<()>> {
        let (from, target) = (self.path(from), below(&self.folder, to));
        Box::pin(self.rename_to(from, target, to))
    }
}
