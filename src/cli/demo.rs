//! `portolan demo`: the product at work, on this machine alone.

use super::Exit;
use crate::clock::{Clock as _, SystemClock};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    /// End when it is done, with 0 only if everything arrived and was acknowledged but the planted fault.
    #[arg(long)]
    once: bool,
    /// A data directory that is not there yet; a temporary one when left out.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = format!("portolan-demo-{}", SystemClock.now().as_millisecond());
    let data = arguments.data.clone().unwrap_or_else(|| std::env::temp_dir().join(name));
    if data.join("portolan.db").exists() {
        eprintln!("{} holds a ledger already; choose another --data", data.display());
        return Ok(Exit::Usage);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let demo = crate::demo::run(&data, &|line| println!("{line}")).await?;
        let word = if demo.is_complete {
            "Everything arrived and was acknowledged, but for the planted fault."
        } else {
            "NOT everything arrived in time; look below."
        };
        println!("\n{word}\n\nLook around, in another terminal:");
        println!("  export PORTOLAN_DATA={}", data.display());
        println!("  portolan document list                 where every document is");
        println!("  portolan document list --number 4713   the one with the fault, and why");
        println!("  portolan transmission list             what travelled");
        println!("  portolan as2 test northstores-as2      a walk to the retailer over AS2, step by step");
        println!("  portolan certificate list              the keys of both sides, and until when they count");
        println!("  portolan mailbox show harbour          what the warehouse fetched, and when");
        println!("  portolan alarm list                    what is wrong, and since when");
        println!("  portolan status                        the sums of the ledger");
        println!("READY http://{}", demo.app.admin);
        if !arguments.once {
            tokio::signal::ctrl_c().await?;
        }
        let is_complete = demo.is_complete;
        demo.app.stop().await;
        if arguments.once && arguments.data.is_none() {
            // A leftover in the temporary folder harms nobody.
            let _ = std::fs::remove_dir_all(&data);
        }
        Ok(if is_complete { Exit::Ok } else { Exit::Failed })
    })
}
