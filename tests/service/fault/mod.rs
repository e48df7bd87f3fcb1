//! Faults of the world around: partners and lines that fail half-way, disks that fill up, clocks that are set, one document
//! by every channel at once, storms of failures. Nothing is lost, nothing doubled, it is said clearly, and an alarm is raised.
//! Kills stand with the parts that they kill; `docs/FAULTS.md` lists all of them.

mod brim;
mod clock;
pub mod disk;
mod duplicate;
pub mod line;
mod partner;
mod storm;

use super::as2::{LAMPS, RETAIL, certificate};
use super::peer::Peer;
use super::sftp::client::Client;
use super::stage::{Stage, resources};
use std::path::Path;

/// Waits for an open alarm of this name whose sentence holds these words.
async fn alarm(stage: &Stage, alert: &str, words: &str) {
    alarm_among(stage, "?standing=true", alert, words).await;
}

/// The same of one that may be over when it is looked for.
async fn alarm_or_its_end(stage: &Stage, alert: &str, words: &str) {
    alarm_among(stage, "", alert, words).await;
}

async fn alarm_among(stage: &Stage, which: &str, alert: &str, words: &str) {
    stage
        .until(&format!("an alarm {alert}: {words}"), || async {
            let rows = stage.list(&format!("/api/v1/alarms{which}")).await;
            let fits = |row: &serde_json::Value| row["alert"] == alert && row.to_string().contains(words);
            rows.iter().any(fits).then_some(())
        })
        .await;
}

/// A channel that takes the files of a folder here.
fn by_folder(folder: &Path) -> String {
    let root = folder.display();
    format!(
        "---\nkind: channel\nname: by-folder\ntransport: folder\nway: in\npartners: [northstores]\nfolder: {root}\n\
         pickup: {{ every_seconds: 1, then: delete }}\n"
    )
}

/// Both partners, where Northstores sends by HTTP, SFTP, AS2 and a folder.
fn every_channel(stage: &mut Stage, (retailer, supplier): (&Peer, &Peer), folder: &Path, client: &Client) {
    stage.done(&["secret", "set", "lamps-key"], &LAMPS.key_pem);
    stage.apply(&format!(
        "{}{}{}---\nkind: mailbox\nname: northstores\nkeys: [{}]\n\
         ---\nkind: channel\nname: by-sftp\ntransport: sftp\nway: in\nmailbox: northstores\npartners: [northstores]\n\
         {}---\nkind: channel\nname: by-as2\ntransport: as2\nway: in\npartners: [northstores]\n\
         allow_networks: [127.0.0.0/8]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [retail], keys: [lamps] }}\n",
        resources(retailer.port, supplier.port),
        certificate("lamps", &LAMPS, "lamps-key"),
        certificate("retail", &RETAIL, ""),
        client.public_key(),
        by_folder(folder),
    ));
    stage.token = stage.new_token("northstores-in");
}
