//! `portolan init`: makes a data directory with its key, its ledger and the local administrator's token.

use super::Exit;
use super::client::Instance;
use crate::config::Config;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let data = &arguments.instance.data;
    let config = match Config::load(data) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("portolan: {error}");
            return Ok(Exit::Usage);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(crate::app::init(data, &config))?;
    eprintln!(
        "{} is ready. Keep {}/master.key safe: without it nothing in there can be read.",
        data.display(),
        data.display()
    );
    eprintln!("Next: portolan serve --data {}", data.display());
    Ok(Exit::Ok)
}
