//! `docs/ALARMS.md` holds tables that are printed here: what every instance watches, with the test that provokes it, what becomes of
//! each type of event, and which alert tells of failures that are no events. Every kind of failure has an alert, and every alert a
//! test; `UPDATE=1` writes the tables anew.

use portolan::partner::{Directory, EVENT_TYPES, Watch};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The alert that tells of each type of event that is a failure.
const FAILURES: [(&str, &str); 15] = [
    ("transmission.held", "held"),
    ("transmission.rejected", "rejected-transmission"),
    ("document.failed", "failed"),
    ("document.held", "held"),
    ("delivery.uncertain", "retrying"),
    ("delivery.retry_wait", "retrying"),
    ("delivery.parked", "parked"),
    ("delivery.held", "parked"),
    ("ack.accepted_with_errors", "accepted-with-errors"),
    ("ack.overdue", "overdue"),
    ("ack.rejected", "rejected"),
    ("webhook.disabled", "webhook"),
    ("transmission.duplicate", ""),
    ("document.duplicate", ""),
    ("document.dropped", ""),
];
/// Failures that are no events of the ledger, with the alert that tells of each.
const OTHERS: [(&str, &str); 23] = [
    ("what is held while its sender's clock runs", "unanswered"),
    ("a delivery waits behind one that stands", "lane"),
    ("a channel fails again and again", "circuit"),
    ("jobs are due and nobody does them", "backlog"),
    ("an acknowledgment fits nothing we sent", "unmatched"),
    ("a partner does not fetch its files", "unfetched"),
    ("a folder cannot be looked at, a file there cannot be taken", "pickup"),
    ("a pause is forgotten", "paused"),
    ("a post says to be of a partner and does not prove it", "refused"),
    ("an address guesses and is not heard, a mailbox's password is guessed at and barred", "barred"),
    ("a certificate or key ends", "certificate"),
    ("a certificate or key ends within days", "certificate-soon"),
    ("a partner signs with a certificate that nobody accepted", "offered"),
    ("a partner does not accept a certificate of ours", "announced"),
    ("a webhook takes no events", "webhook"),
    ("the collector takes no traces", "collector"),
    ("a mail or post of an alarm cannot be sent", "notice"),
    ("the disk fills", "disk"),
    ("the disk is nearly full", "disk-full"),
    ("the sums of the ledger do not hold", "balance"),
    (
        "our own work fails (`ALARMS`, `ANCHOR`, `CERTIFICATE`, `CLOCK`, `JOB`, `KEEP`, `LEASE`, `PAUSES`, `RESOURCES`, `SUMS`)",
        "trouble",
    ),
    ("nothing is taken in, for there is no room (`STORAGE-FULL`)", "trouble"),
    ("a payload has no file, or not all of it (`PAYLOAD`)", "trouble"),
];
/// Why some of them have none.
const ON_PURPOSE: &str = "none: it is what an agreement says; an alert of one's own with `watch: events` tells of it";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file")
}

/// The test in which each alert is raised.
fn tests() -> BTreeMap<String, String> {
    let (mut test, mut found) = (String::new(), BTreeMap::new());
    for line in read("tests/service/alarm/raises.rs").lines() {
        if let Some(rest) = line.strip_prefix("async fn ") {
            test = rest.split('(').next().unwrap_or_default().to_owned();
        }
        if let Some((_, rest)) = line.split_once("raised(&mail, &stage, \"") {
            found.entry(rest.split('"').next().unwrap_or_default().to_owned()).or_insert_with(|| test.clone());
        }
    }
    found
}

fn tables() -> String {
    let (directory, tests) = (Directory::new(&[]).expect("the packed alerts"), tests());
    let mut text = String::from("| alert | severity | what is found | test |\n|---|---|---|---|\n");
    for (name, alert) in directory.alerts() {
        let test = tests.get(name).unwrap_or_else(|| panic!("no test raises {name}: tests/service/alarm/raises.rs"));
        let numbers = [
            alert.minutes.map(|minutes| format!("minutes: {minutes}")),
            alert.days.map(|days| format!("days: {days}")),
            alert.count.map(|count| format!("count: {count}")),
            alert.percent.map(|percent| format!("percent: {percent}")),
            alert.megabytes.map(|megabytes| format!("megabytes: {megabytes}")),
        ];
        let numbers: Vec<String> = numbers.into_iter().flatten().chain(alert.events.iter().cloned()).collect();
        let numbers = if numbers.is_empty() { String::new() } else { format!(" ({})", numbers.join(", ")) };
        let (severity, help) = (alert.severity.as_str(), alert.watch.help());
        let _infallible = writeln!(text, "| `{name}` | {severity} | {help}{numbers} | `{test}` |");
    }
    let _infallible = writeln!(text, "\n| watch | what | keys |\n|---|---|---|");
    for watch in Watch::ALL {
        let keys: Vec<String> = watch.keys().iter().map(|key| format!("`{key}`")).collect();
        let _infallible = writeln!(text, "| `{}` | {} | {} |", watch.as_str(), watch.help(), keys.join(", "));
    }
    let _infallible = writeln!(text, "\n| event | alert |\n|---|---|");
    for (event, alert) in FAILURES {
        assert!(EVENT_TYPES.contains(&event), "{event} is no event");
        let told = if alert.is_empty() { ON_PURPOSE.to_owned() } else { format!("`{alert}`") };
        let known = directory.alerts().any(|(name, _)| name == alert);
        assert!(known || alert.is_empty(), "{event}: there is no alert {alert}");
        let _infallible = writeln!(text, "| `{event}` | {told} |");
    }
    let _infallible = writeln!(text, "\n| no event, and a failure | alert |\n|---|---|");
    for (failure, alert) in OTHERS {
        assert!(directory.alerts().any(|(name, _)| name == alert), "{failure}: there is no alert {alert}");
        let _infallible = writeln!(text, "| {failure} | `{alert}` |");
    }
    text
}

const BEGIN: &str = "<!-- printed by tests/alarms_page.rs -->\n";
const END: &str = "<!-- to here -->\n";

#[test]
fn the_tables_of_alarms_are_what_is_watched() {
    let page = read("docs/ALARMS.md");
    let (head, rest) = page.split_once(BEGIN).expect("a begin");
    let (printed, tail) = rest.split_once(END).expect("an end");
    let tables = tables();
    if std::env::var_os("UPDATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ALARMS.md");
        fs::write(path, format!("{head}{BEGIN}{tables}{END}{tail}")).expect("docs can be written");
        return;
    }
    assert!(printed == tables, "docs/ALARMS.md is not what is watched: run `make generated`");
}

/// What goes wrong in the service itself is noted under a code, and every alert tells of something.
#[test]
fn every_code_of_trouble_and_every_alert_stands_among_the_failures() {
    let of_trouble: Vec<&str> =
        OTHERS.iter().filter(|(_, alert)| *alert == "trouble").map(|(words, _)| *words).collect();
    let mut count = 0;
    for path in [
        "src/app/listener.rs",
        "src/pipeline/alarm/mod.rs",
        "src/pipeline/retention.rs",
        "src/pipeline/sums.rs",
        "src/pipeline/worker.rs",
    ] {
        for noted in read(path).split(".trouble.note(\"").skip(1) {
            let code = noted.split('"').next().unwrap_or_default();
            assert!(of_trouble.iter().any(|words| words.contains(&format!("`{code}`"))), "{path}: {code}");
            count += 1;
        }
    }
    assert!(count >= 10, "{count} notes of trouble were found");
    for (name, _) in Directory::new(&[]).expect("the packed alerts").alerts() {
        let is_told = |all: &[(&str, &str)]| all.iter().any(|(_, alert)| alert == name);
        assert!(is_told(&FAILURES) || is_told(&OTHERS), "{name}: say in tests/alarms_page.rs of what it tells");
    }
}

/// A state that is neither listed as a failure nor known to be none would go unseen.
#[test]
fn every_event_is_a_failure_with_an_alert_or_none_at_all() {
    const WELL: [&str; 32] = [
        "transmission.fetched",
        "transmission.removed",
        "transmission.repeated",
        "transmission.confirmed",
        "transmission.purged",
        "transmission.incoming",
        "transmission.stored",
        "transmission.encoded",
        "transmission.verified",
        "transmission.split",
        "document.routed",
        "document.written",
        "delivery.ready",
        "delivery.leased",
        "delivery.sending",
        "delivery.awaiting_receipt",
        "delivery.delivered",
        "delivery.cancelled",
        "ack.accepted",
        "ack.waiting",
        "ack.none",
        "webhook.enabled",
        "webhook.test",
        "alarm.raised",
        "alarm.acknowledged",
        "alarm.snoozed",
        "alarm.closed",
        "alarm.over",
        "pause.begun",
        "pause.ended",
        // The alert `circuit` looks at what is open now.
        "circuit.opened",
        "circuit.closed",
    ];
    for event in EVENT_TYPES {
        let is_failure = FAILURES.iter().any(|(failure, _)| *failure == event);
        assert!(is_failure != WELL.contains(&event), "{event}: say in tests/alarms_page.rs whether it is a failure");
    }
}
