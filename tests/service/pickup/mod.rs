//! Files that we fetch from folders and put into folders, here and on OpenSSH's server, with the real binary.

mod broken;
mod crash;
mod folder;
mod remote;
mod schedule;
mod sshd;

use super::edi::{number_of, order};
use super::stage::Stage;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Where the process is killed while it picks files up and puts them down.
pub const POINTS: [&str; 8] = [
    "pickup.before_commit",
    "pickup.after_commit",
    "pickup_settled.before_commit",
    "pickup_settled.after_commit",
    "pickup_followed.before_commit",
    "pickup_followed.after_commit",
    "dropped_name.before_commit",
    "dropped_name.after_commit",
];

/// North Stores' orders come in over one channel; what is to be said of it stands in `more`.
fn orders_in(more: &str) -> String {
    format!(
        "\
kind: partner
name: northstores
party_ids: [ZZ:NORTHSTORES]
---
kind: agreement
name: northstores-orders
way: in
partner: northstores
document: x12/004010/850
---
kind: channel
name: northstores-in
way: in
partners: [northstores]
{more}
"
    )
}

/// Folders that both sides use.
struct Ground(TempDir);

impl Ground {
    fn new() -> Ground {
        let ground = Ground(tempfile::tempdir().expect("a folder"));
        for name in ["in", "out"] {
            std::fs::create_dir(ground.path(name)).expect("a folder");
        }
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// As `[folder]` names it.
    fn section(&self) -> String {
        format!("[folder]\nroots = [\"{}\"]\n[delivery]\nretry_seconds = [1, 1, 1, 1]\n", self.0.path().display())
    }

    /// Writes a file under a temporary name, and gives it its own.
    fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path("in").join(format!("{name}.part")), bytes).expect("written");
        std::fs::rename(self.path("in").join(format!("{name}.part")), self.path("in").join(name)).expect("renamed");
    }

    fn names(&self, folder: &str) -> BTreeSet<String> {
        names(&self.path(folder))
    }
}

/// The files of a folder, without folders.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|one| one.expect("an entry"));
    let files = entries.filter(|one| one.file_type().is_ok_and(|kind| !kind.is_dir()));
    files.map(|one| one.file_name().into_string().expect("UTF-8")).collect()
}

async fn transmissions(stage: &Stage) -> Vec<Value> {
    stage.list("/api/v1/transmissions?direction=in").await
}

/// Waits until so many transmissions came in; their file names.
async fn came(stage: &Stage, count: usize) -> Vec<String> {
    stage
        .until(&format!("{count} transmissions"), || async {
            let rows = transmissions(stage).await;
            assert!(rows.len() <= count, "more than {count} came: {rows:#?}");
            let names = rows.iter().map(|row| row["file_name"].as_str().unwrap_or_default().to_owned());
            (rows.len() == count).then(|| names.collect())
        })
        .await
}

/// How the channel is doing.
async fn state(stage: &Stage) -> Value {
    let all = stage.get("/api/v1/pickups").await;
    all["items"][0].clone()
}

/// Waits until the channel has looked twice more without failing.
async fn looked_twice(stage: &Stage) {
    for _ in 0..2 {
        let before = state(stage).await["state"]["looked_at"].clone();
        stage
            .until("another look", || async {
                let now = state(stage).await["state"]["looked_at"].clone();
                (!now.is_null() && now != before).then_some(())
            })
            .await;
    }
}

async fn until_names(stage: &Stage, folder: &Path, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|&name| name.to_owned()).collect();
    stage
        .until(&format!("{expected:?} in {}", folder.display()), || async { (names(folder) == expected).then_some(()) })
        .await;
}

/// The order numbers in what came in.
async fn numbers(stage: &Stage) -> Vec<String> {
    let mut found = Vec::new();
    for row in transmissions(stage).await {
        let bytes = stage.content(row["transmission_id"].as_str().expect("an id")).await;
        found.extend(number_of(&bytes));
    }
    found.sort();
    found
}
