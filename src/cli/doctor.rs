//! `portolan doctor`: what is wrong with an installation, and how it is mended. It reads the data directory and asks the running
//! instance, where one runs; it changes nothing. What goes wrong with documents is for alarms.

use super::client::{Answered, Instance};
use super::{Exit, input};
use crate::app::{ADMIN_ADDRESS_FILE, ADMIN_TOKEN_FILE};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, MailTls};
use crate::id::SystemRandom;
use crate::partner::Directory;
use crate::partner::resource::shape;
use crate::pipeline::alarm;
use crate::pipeline::configured::Configured;
use crate::pipeline::state::stored;
use crate::pipeline::telemetry;
use crate::pipeline::{Rules, as2::forecast::forecast};
use crate::store::{MasterKey, Store};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the mail server or the collector of traces may take to be reached.
const REACH_WAIT: Duration = Duration::from_secs(5);
/// Free megabytes that an installation should have.
const MEGABYTES_MIN: u64 = 1024;
/// Days ahead in which a certificate that ends is told.
const DAYS: u32 = 30;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    /// Check every chain of the history, too; that reads all of it.
    #[arg(long)]
    history: bool,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Well,
    /// It works, and should be looked at.
    Warning,
    /// It does not work.
    Wrong,
}

/// What was looked at.
#[derive(Debug, serde::Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    /// What was seen.
    seen: String,
    /// What to do; empty where it is well.
    remedy: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn well(&mut self, what: &'static str, seen: impl Into<String>) {
        self.0.push(Finding { what, verdict: Verdict::Well, seen: seen.into(), remedy: String::new() });
    }

    fn warning(&mut self, what: &'static str, seen: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { what, verdict: Verdict::Warning, seen: seen.into(), remedy: remedy.into() });
    }

    fn wrong(&mut self, what: &'static str, seen: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { what, verdict: Verdict::Wrong, seen: seen.into(), remedy: remedy.into() });
    }
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let data = &arguments.instance.data;
    let mut found = Findings::default();
    look(arguments, data, &mut found)?;
    let is_well = found.0.iter().all(|one| one.verdict != Verdict::Wrong);
    match as_json {
        true => input::print_json(&json!({ "well": is_well, "items": found.0 }))?,
        false => input::print(words(&found.0).as_bytes())?,
    }
    Ok(if is_well { Exit::Ok } else { Exit::Failed })
}

fn words(all: &[Finding]) -> String {
    let mut text = String::new();
    for one in all {
        let mark = match one.verdict {
            Verdict::Well => "well",
            Verdict::Warning => "WARNING",
            Verdict::Wrong => "WRONG",
        };
        text.push_str(&format!("{mark:8} {:14} {}\n", one.what, one.seen));
        if !one.remedy.is_empty() {
            text.push_str(&format!("{:23} → {}\n", "", one.remedy));
        }
    }
    text
}

fn look(arguments: &Arguments, data: &Path, found: &mut Findings) -> anyhow::Result<()> {
    if !data.join(ADMIN_TOKEN_FILE).exists() {
        let remedy = format!("portolan init --data {}, or --data of another folder", data.display());
        found.wrong("data directory", format!("{} is none", data.display()), remedy);
        return Ok(());
    }
    found.well("data directory", data.display().to_string());
    let config = match Config::load(data).map_err(|error| error.to_string()).and_then(|config| {
        alarm::check(&config)?;
        telemetry::check(&config)?;
        Ok(config)
    }) {
        Ok(config) => config,
        Err(error) => {
            found.wrong("configuration", error, "mend portolan.toml (docs/CONFIG.md)");
            return Ok(());
        }
    };
    found.well("configuration", "portolan.toml is understood");
    private(data, found);
    let running = instance(&arguments.instance, data, found)?;
    if running.is_none() {
        listeners(&config, found);
    }
    files(&config, data, found);
    mail(&config, found);
    collector(&config, found);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(ledger(arguments, &config, data, found));
    Ok(())
}

/// What only the owner may read.
fn private(data: &Path, found: &mut Findings) {
    let key = MasterKey::path(data);
    match MasterKey::load(&key) {
        Ok(_) => found.well("master key", format!("{}; keep a copy of it elsewhere", key.display())),
        Err(error) => {
            found.wrong("master key", error.to_string(), "put it back from its copy, readable by its owner only")
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = data.join(ADMIN_TOKEN_FILE);
        let mode = std::fs::metadata(&path).map(|found| found.permissions().mode() & 0o077).unwrap_or(0);
        if mode != 0 {
            found.wrong(
                "admin token",
                format!("{} may be read by others", path.display()),
                format!("chmod 600 {}", path.display()),
            );
        }
    }
}

/// The instance, if one runs: what it says of itself.
fn instance(instance: &Instance, data: &Path, found: &mut Findings) -> anyhow::Result<Option<Value>> {
    let address = std::fs::read_to_string(data.join(ADMIN_ADDRESS_FILE)).unwrap_or_default();
    let host = address.trim().trim_start_matches("http://").to_owned();
    let is_there = host.to_socket_addrs().ok().and_then(|mut all| all.next());
    let is_there = is_there.is_some_and(|one| TcpStream::connect_timeout(&one, Duration::from_secs(2)).is_ok());
    if instance.url.is_none() && !is_there {
        found.warning(
            "instance",
            "none runs on this data directory",
            format!("portolan serve --data {}", data.display()),
        );
        return Ok(None);
    }
    let status = match instance.ask(Method::GET, "/api/v1/status", &[], None)? {
        Answered::Done(status) => status,
        Answered::Refused(_) => {
            found.wrong("instance", "it runs and does not answer", "look at its log");
            return Ok(None);
        }
    };
    let version = status["version"].as_str().unwrap_or_default();
    match version == env!("CARGO_PKG_VERSION") {
        true => found.well("instance", format!("{}, version {version}", address.trim())),
        false => {
            let seen =
                format!("{} is of version {version}, this command of {}", address.trim(), env!("CARGO_PKG_VERSION"));
            found.warning("instance", seen, "start the instance again with the new binary");
        }
    }
    for row in status["backlog"].as_array().into_iter().flatten() {
        let minutes = row["oldest_seconds"].as_i64().unwrap_or(0) / 60;
        if minutes >= 5 {
            let (kind, due) = (row["kind"].as_str().unwrap_or_default(), &row["due"]);
            found.warning(
                "backlog",
                format!("{due} jobs of kind {kind}, the oldest for {minutes} minutes"),
                "portolan alarm list",
            );
        }
    }
    let alarms: i64 = status["alarms"].as_array().into_iter().flatten().filter_map(|row| row["count"].as_i64()).sum();
    match alarms {
        0 => found.well("alarms", "none stands"),
        count => found.warning("alarms", format!("{count} stand"), "portolan alarm list"),
    }
    Ok(Some(status))
}

/// Whether the addresses of a stopped instance are free.
fn listeners(config: &Config, found: &mut Findings) {
    let all = [
        ("[partner] listen", Some(config.partner.listen.as_str())),
        ("[admin] listen", Some(config.admin.listen.as_str())),
        ("[sftp] listen", config.sftp.address()),
    ];
    for (what, address) in all {
        let Some(address) = address else { continue };
        match TcpListener::bind(address) {
            Ok(_) => found.well(what, format!("{address} is free")),
            Err(error) => {
                found.wrong(what, format!("{address}: {error}"), "stop what listens there, or choose another address")
            }
        }
    }
}

/// The files that the configuration names.
fn files(config: &Config, data: &Path, found: &mut Findings) {
    let tls = config.partner.tls.as_ref();
    let named = tls
        .into_iter()
        .flat_map(|tls| tls.certificate.iter().chain(&tls.key))
        .map(|path| ("[partner] tls", data.join(path)));
    let authorities = config.mail.as_ref().and_then(|mail| mail.authorities.as_ref());
    let named = named.chain(authorities.map(|path| ("[mail] authorities", data.join(path))));
    for (what, path) in named {
        match std::fs::read(&path) {
            Ok(_) => found.well(what, path.display().to_string()),
            Err(error) => {
                found.wrong(what, format!("{}: {error}", path.display()), "put the file there, or name the right one")
            }
        }
    }
}

/// Whether the mail server can be reached.
fn mail(config: &Config, found: &mut Findings) {
    let Some(mail) = &config.mail else {
        let remedy = "say in [mail] which server takes mails (docs/ALARMS.md); until then nobody is mailed";
        return found.warning("mail", "portolan.toml has no [mail]", remedy);
    };
    let place = format!("{}:{}", mail.server, mail.port());
    match reached(&mail.server, mail.port()) {
        Err(error) => found.wrong(
            "mail",
            format!("{place}: {error}"),
            "mend [mail] server and port, or let this machine reach it",
        ),
        Ok(_) if mail.tls == MailTls::None && !mail.server.starts_with("127.") && mail.server != "localhost" => {
            found.warning(
                "mail",
                format!("{place} is spoken to in clear"),
                "tls = \"starttls\" or \"implicit\" in [mail]",
            );
        }
        Ok(_) => found.well("mail", format!("{place} is there; portolan alarm test mail sends a test")),
    }
}

/// Connects to the first address of a server that takes it.
fn reached(server: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = Err(std::io::Error::other("no address"));
    for one in (server, port).to_socket_addrs()? {
        last = TcpStream::connect_timeout(&one, REACH_WAIT);
        if last.is_ok() {
            break;
        }
    }
    last
}

/// Whether the collector of traces can be reached, where one is named. What goes through a proxy is the proxy's to reach.
fn collector(config: &Config, found: &mut Findings) {
    let Some(Ok(url)) = config.telemetry.as_ref().map(telemetry::collector) else { return };
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let place = format!("{host}:{port}");
    if config.proxy.is_some() {
        return found.well("telemetry", format!("{place}, through the proxy; it was not asked"));
    }
    match reached(host.trim_matches(['[', ']']), port) {
        Ok(_) => found.well("telemetry", format!("{place} is there")),
        Err(error) => found.warning(
            "telemetry",
            format!("{place}: {error}; traces wait, and the work goes on"),
            "mend [telemetry] endpoint, or start the collector",
        ),
    }
}

async fn ledger(arguments: &Arguments, config: &Config, data: &Path, found: &mut Findings) {
    let store = match Store::look(data, config.database.as_ref(), Arc::new(SystemRandom)).await {
        Ok(store) => store,
        Err(error) => {
            return found.wrong(
                "ledger",
                error.to_string(),
                "portolan init makes one; else put the files back from a copy",
            );
        }
    };
    match store.balances().await {
        Ok(all) => match all.iter().find(|one| !one.holds) {
            None => found.well("ledger", format!("{}; the sums hold", store.database())),
            Some(one) => {
                let seen = format!("the sum of {} does not hold: {} known, {:?}", one.stage, one.total, one.terms);
                found.wrong(
                    "ledger",
                    seen,
                    "portolan doctor --history says what was changed; keep a copy before anything else",
                );
            }
        },
        Err(error) => {
            found.wrong("ledger", error.to_string(), "start the instance once: it brings an older ledger up to date");
            return store.close().await;
        }
    }
    if let Some(room) = store.room() {
        disk(room, config.storage.reserve_mb, found);
    }
    if arguments.history {
        match store.verify_events().await {
            Ok(all) if all.is_empty() => found.well("history", "every chain is as it was written"),
            Ok(all) => {
                let more = all.len().saturating_sub(1);
                found.wrong(
                    "history",
                    format!("{}{}", all[0], if more > 0 { format!(", and {more} more") } else { String::new() }),
                    "somebody changed the ledger behind Portolan: compare with a copy",
                );
            }
            Err(error) => found.wrong("history", error.to_string(), "look at the disk"),
        }
    }
    resources(&store, config, found).await;
    store.close().await;
}

/// Free and all bytes of the disk of the data directory, and megabytes of it that are kept.
fn disk((free, total): (u64, u64), reserve_mb: u64, found: &mut Findings) {
    let (megabytes, percent) = (free >> 20, free.saturating_mul(100) / total.max(1));
    let seen = format!("{megabytes} MB free, {percent} percent");
    if megabytes < reserve_mb {
        let seen = format!("{seen}; {reserve_mb} MB are kept ([storage] reserve_mb), so nothing more is taken in");
        return found.wrong("disk", seen, "make room, move the data directory, or keep less");
    }
    match megabytes < MEGABYTES_MIN || percent < 5 {
        true => found.wrong(
            "disk",
            seen,
            "make room, or move the data directory; with less than [storage] reserve_mb nothing is taken any more",
        ),
        false => found.well("disk", seen),
    }
}

async fn resources(store: &Store, config: &Config, found: &mut Findings) {
    let all = match stored(store).await {
        Ok(all) => all,
        Err(error) => return found.wrong("resources", error.to_string(), "look at the ledger"),
    };
    let rules = Rules::new(None, None);
    let read = Directory::new(&all).and_then(|directory| {
        let configured = Configured::new(&rules, &directory, &all)?;
        Ok((directory, configured))
    });
    let (directory, configured) = match read {
        Ok(read) => read,
        Err(errors) => {
            let more = errors.len().saturating_sub(1);
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            let seen = if more > 0 { format!("{first}, and {more} more") } else { first };
            return found.wrong(
                "resources",
                seen,
                "apply what mends it; the instance works by those before until then",
            );
        }
    };
    found.well("resources", format!("{} fit together", all.len()));
    let shown =
        all.iter().filter(|one| shape::find(&one.kind).is_some_and(|kind| !shape::users(kind, &one.body).is_empty()));
    for one in shown {
        let remedy = "put user and password into an auth or a secret, and apply it; give the partner another password";
        found.warning("resources", format!("{} has a user in an address, which exports show", one.id()), remedy);
    }
    let known: Vec<String> = store.secret_names().await.unwrap_or_default().into_iter().map(|(name, _)| name).collect();
    let own = config.secrets();
    let missing: Vec<String> =
        directory.secrets().into_iter().chain(own).filter(|name| !known.contains(name)).collect();
    match missing.first() {
        None => found.well("secrets", "all that are named are set"),
        Some(first) => {
            found.wrong("secrets", format!("not set: {}", missing.join(", ")), format!("portolan secret set {first}"))
        }
    }
    let accepted = store.accepted_certificates().await.unwrap_or_default();
    let gaps = forecast((&directory, &configured), &accepted, DAYS, SystemClock.now());
    match gaps.first() {
        None => found.well("certificates", format!("none ends within {DAYS} days")),
        Some(gap) => {
            let seen = format!("channel {} lacks one in {} days", gap.channel, gap.days_left);
            let remedy =
                format!("portolan certificate forecast --days {DAYS}; a new one beside the old one loses nothing");
            found.warning("certificates", seen, remedy);
        }
    }
    if config.mail.as_ref().is_none_or(|mail| mail.to.is_empty()) && directory.recipients().next().is_none() {
        let remedy = "[mail] to in portolan.toml, or a resource of kind recipient (docs/ALARMS.md)";
        found.warning("recipients", "nobody is told of alarms", remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_less_than_the_reserve_is_told_as_one_that_takes_nothing() {
        let told = |reserve_mb: u64| {
            let mut found = Findings::default();
            disk((2000 << 20, 4000 << 20), reserve_mb, &mut found);
            let Finding { verdict, seen, .. } = found.0.pop().expect("one");
            (verdict == Verdict::Well, seen)
        };
        assert_eq!(told(2000), (true, "2000 MB free, 50 percent".to_owned()));
        let (is_well, seen) = told(2001);
        assert!(!is_well && seen.contains("2001 MB are kept") && seen.contains("nothing more is taken in"), "{seen}");
    }
}
