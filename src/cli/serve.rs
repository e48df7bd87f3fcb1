//! `portolan serve`: runs the instance until it is told to stop.

use super::Exit;
use super::client::Instance;
use crate::app::App;
use crate::codec::segment::unfit_definitions;
use crate::config::{Config, Log, LogFormat};
use crate::engine::Rules;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    /// Definitions that go before those in the binary.
    #[arg(long, value_name = "DIR")]
    standards: Option<PathBuf>,
    /// Mappings that go before those in the binary.
    #[arg(long, value_name = "DIR")]
    mapping: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let config = match Config::load(&arguments.instance.data) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("portolan: {error}");
            return Ok(Exit::Usage);
        }
    };
    log(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let data = &arguments.instance.data;
        if !data.join(crate::app::ADMIN_TOKEN_FILE).exists() {
            crate::app::init(data, &config).await?;
        }
        let rules = Rules::new(arguments.standards.as_deref(), arguments.mapping.as_deref());
        for finding in unfit_definitions(&rules.library) {
            tracing::warn!(definition = %finding.expected, "A definition cannot be read; mend it and start again");
        }
        let app = App::start(data, config, rules).await?;
        let database = app.service.store.database();
        tracing::info!(partner = %app.partner, admin = %app.admin, database, found = ?app.found, "Serving");
        // Before anybody knows that it runs, so that who ends it at once does not kill it.
        let signals = Signals::new()?;
        println!("READY http://{}", app.admin);
        stopped(&app, signals).await;
        tracing::info!(drain_seconds = app.service.config.admin.drain_seconds, "Stopping");
        app.drain().await;
        app.stop().await;
        Ok(Exit::Ok)
    })
}

/// What the process listens to.
struct Signals {
    term: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let (term, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Signals { term, interrupt, hang_up: signal(SignalKind::hangup())? })
    }
}

/// Waits for TERM or an interrupt; a second one ends the process at once. HUP looks at certificates in files.
async fn stopped(app: &App, signals: Signals) {
    let Signals { mut term, mut interrupt, mut hang_up } = signals;
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => {
                if let Err(error) = app.service.reload().await {
                    tracing::error!(error = %error, "Resources could not be taken over; the earlier ones stay");
                }
                app.renew.notify_one();
            }
        }
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
}

/// Logs to stderr as the configuration says.
pub fn log(config: &Log) {
    let filter = EnvFilter::try_new(&config.level).unwrap_or_else(|_| EnvFilter::new("info"));
    // That a line could not be written, on a full disk say, would be told on stderr as well, and that it cannot is a panic.
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let as_json = match config.format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    // A second subscriber in one process is refused; the first one stays.
    let _ = if as_json { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
}
