//! `portolan doctor`: what is wrong with an installation, and how it is mended. It reads the data directory and asks the running
//! instance, where one runs; it changes nothing. What goes wrong with documents is for alarms.

mod ledger; // database, key, payloads, room

use self::ledger::ledger;
use super::client::{Answered, Instance};
use super::{Exit, input};
use crate::app::{ADMIN_ADDRESS_FILE, ADMIN_TOKEN_FILE, check_files};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, MailTls};
use crate::engine::Rules;
use crate::partner::Directory;
use crate::partner::resource::shape;
use crate::pipeline::alarm;
use crate::pipeline::as2::forecast::forecast;
use crate::pipeline::configured::Configured;
use crate::pipeline::state::stored;
use crate::pipeline::telemetry;
use crate::store::{MasterKey, Store};
use crate::transport::smtp::{self, Privacy, Server};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

/// How long the mail server or the collector of traces may take to be reached, and a mail server to greet.
const REACH_WAIT: Duration = Duration::from_secs(5);
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
    collector(&config, found);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(mail(&config, found));
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
            let seen = format!("{} takes connections and does not answer as an instance does", address.trim());
            let remedy = "look at its log; where no instance of this data directory runs, another program has the port of [admin] listen";
            found.wrong("instance", seen, remedy);
            return Ok(None);
        }
    };
    let Some(version) = status["version"].as_str() else {
        let seen = format!("{} answers, and is no Portolan", address.trim());
        let remedy = format!(
            "admin.address is of an earlier run and another program has its port: stop that, or choose another [admin] listen; then \
             portolan serve --data {}",
            data.display()
        );
        found.wrong("instance", seen, remedy);
        return Ok(None);
    };
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

/// The files and folders that the configuration names.
fn files(config: &Config, data: &Path, found: &mut Findings) {
    if let Some(tls) = &config.partner.tls {
        match check_files(data, tls) {
            Ok(()) => found.well("[partner] tls", "certificate and key belong together, or are resources"),
            Err(error) => {
                let remedy = "put the right file there, or name it; the instance does not start with this one";
                found.wrong("[partner] tls", format!("{error:#}"), remedy);
            }
        }
    }
    if let Some(path) = config.mail.as_ref().and_then(|mail| mail.authorities.as_ref()) {
        match std::fs::read(path) {
            Ok(_) => found.well("[mail] authorities", path.display().to_string()),
            Err(error) => found.wrong(
                "[mail] authorities",
                format!("{}: {error}", path.display()),
                "put the file there, or name the right one",
            ),
        }
    }
    for root in &config.folder.roots {
        match std::fs::read_dir(root) {
            Ok(_) => found.well("[folder] roots", root.display().to_string()),
            Err(error) => found.wrong(
                "[folder] roots",
                format!("{}: expected a folder, found: {error}", root.display()),
                "make the folder, mount its disk, or name the right one; until then channels take and put nothing there",
            ),
        }
    }
}

/// Whether the mail server can be reached, and greets as one.
async fn mail(config: &Config, found: &mut Findings) {
    let Some(mail) = &config.mail else {
        let remedy = "say in [mail] which server takes mails (docs/ALARMS.md); until then nobody is mailed";
        return found.warning("mail", "portolan.toml has no [mail]", remedy);
    };
    let place = format!("{}:{}", mail.server, mail.port());
    let privacy = match mail.tls {
        MailTls::Starttls => Privacy::Starttls,
        MailTls::Implicit => Privacy::Implicit,
        MailTls::None => Privacy::None,
    };
    // A file that cannot be read is told by itself.
    let authorities = mail.authorities.as_ref().and_then(|path| std::fs::read(path).ok());
    let server = Server { name: mail.server.clone(), port: mail.port(), privacy, login: None, authorities };
    match smtp::greeted(&server, &mail.from, REACH_WAIT).await {
        Err(reason) => found.wrong(
            "mail",
            reason,
            "mend [mail] server, port and tls, or let this machine reach it; a mail server greets with 220",
        ),
        Ok(()) if mail.tls == MailTls::None && !mail.server.starts_with("127.") && mail.server != "localhost" => {
            found.warning(
                "mail",
                format!("{place} is spoken to in clear"),
                "tls = \"starttls\" or \"implicit\" in [mail]",
            );
        }
        Ok(()) => found.well("mail", format!("{place} greets; portolan alarm test mail sends a test")),
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
