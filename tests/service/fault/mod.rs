//! Faults of the world around: partners and lines that fail half-way, disks that fill up, clocks that are set, one document
//! by every channel at once, storms of failures. Nothing is lost, nothing doubled, it is said clearly, and an alarm is raised.
//! Kills stand with the parts that they kill; `docs/FAULTS.md` lists all of them.

mod clock;
mod disk;
mod duplicate;
pub mod line;
mod partner;
mod storm;

use super::stage::Stage;

/// Waits for an open alarm of this name whose sentence holds these words.
async fn alarm(stage: &Stage, alert: &str, words: &str) {
    stage
        .until(&format!("an alarm {alert}: {words}"), || async {
            let rows = stage.list("/api/v1/alarms?standing=true").await;
            let fits = |row: &serde_json::Value| row["alert"] == alert && row.to_string().contains(words);
            rows.iter().any(fits).then_some(())
        })
        .await;
}
