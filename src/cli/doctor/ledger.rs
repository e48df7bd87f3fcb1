//! What `portolan doctor` says of the ledger: whether its database is whole and its key the right one, whether its sums hold, whether
//! payloads have their files, how much room is left.

use super::{Arguments, Findings, resources};
use crate::config::Config;
use crate::id::SystemRandom;
use crate::store::{Lost, Store};
use std::path::Path;
use std::sync::Arc;

/// Free megabytes that an installation should have.
const MEGABYTES_MIN: u64 = 1024;
/// Payloads without their file that are named.
const LOST_NAMED: usize = 5;
/// What to do where the database is spoilt. To start an instance on it would only make it worse.
const RESTORE: &str = "do not start it; keep what is there, and put portolan.db (with portolan.db-wal, where the copy has one), \
                       master.key and payload/ back from a copy";

pub(super) async fn ledger(arguments: &Arguments, config: &Config, data: &Path, found: &mut Findings) {
    if let Some(file) = Store::lost_file(data, config.database.as_ref()) {
        let seen = if file.exists() { "has 0 bytes" } else { "is not there" };
        return found.wrong("ledger", format!("{} {seen}", file.display()), RESTORE);
    }
    let store = match Store::look(data, config.database.as_ref(), Arc::new(SystemRandom)).await {
        Ok(store) => store,
        Err(error) => {
            let remedy = match config.database {
                Some(_) => "let this machine reach the server of database, or mend its URL",
                None => RESTORE,
            };
            return found.wrong("ledger", error.to_string(), remedy);
        }
    };
    looked_at(&store, arguments, config, found).await;
    store.close().await;
}

async fn looked_at(store: &Store, arguments: &Arguments, config: &Config, found: &mut Findings) {
    match store.spoilt().await {
        Ok(all) if all.is_empty() => {}
        Ok(all) => {
            return found.wrong("ledger", format!("{} is spoilt: {}", store.database(), all.join("; ")), RESTORE);
        }
        Err(error) => return found.wrong("ledger", format!("{} cannot be read: {error}", store.database()), RESTORE),
    }
    match store.is_made().await {
        Ok(true) => {}
        Ok(false) => return found.wrong("ledger", format!("{} has no ledger in it", store.database()), RESTORE),
        Err(error) => return found.wrong("ledger", error.to_string(), RESTORE),
    }
    if let Err(error) = store.check_key().await {
        found.wrong(
            "master key",
            error.to_string(),
            "put master.key of this ledger back from its copy; with another one nothing can be opened, and the instance does not start",
        );
    }
    match store.balances().await {
        Ok(all) => match all.iter().find(|one| !one.holds) {
            None => found.well("ledger", format!("{}; the sums hold", store.database())),
            Some(one) => {
                let seen = format!("the sum of {} does not hold: {} known, {:?}", one.stage, one.total, one.terms);
                found.wrong("ledger", seen, format!("keep a copy before anything else. {}", one.words()));
            }
        },
        Err(error) => {
            let remedy = "its database is whole, and of another version: start the instance once, which brings an older ledger up to date";
            return found.wrong("ledger", error.to_string(), remedy);
        }
    }
    payloads(store, found).await;
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
    resources(store, config, found).await;
}

/// Whether each payload that is a file has it, as long as it was.
async fn payloads(store: &Store, found: &mut Findings) {
    let lost = match store.lost_payloads().await {
        Ok(lost) => lost,
        Err(error) => return found.wrong("payloads", error.to_string(), "look at the disk"),
    };
    if lost.is_empty() {
        return found.well("payloads", "each has its bytes");
    }
    let named: Vec<String> = lost.iter().take(LOST_NAMED).map(Lost::to_string).collect();
    let more = match lost.len().saturating_sub(LOST_NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    found.wrong(
        "payloads",
        format!("{} have no file, or not all of it: {}{more}", lost.len(), named.join(", ")),
        "put these files back from a copy of the data directory; without them the bytes cannot be sent, shown or translated again",
    );
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::{Finding, Verdict};

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
