//! What machines watch: `/metrics` gives what its list and its page say, and nothing else; a gauge goes back to 0; the alert rules and
//! the dashboard name metrics that there are; `/readyz` says when nothing more should be sent here.

use super::edi::order;
use super::peer::{Answer, Peer};
use super::stage::{PATIENCE, Stage};
use portolan::pipeline::measure::{Kind, METRICS, Metric};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const RULES: &str = "deploy/prometheus/portolan.rules.yaml";
const DASHBOARD: &str = "deploy/prometheus/portolan-dashboard.json";

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

async fn asked(stage: &Stage, path: &str) -> Option<(u16, String)> {
    let answer = stage.client.get(format!("{}{path}", stage.admin)).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

async fn metrics(stage: &Stage) -> String {
    asked(stage, "/metrics").await.expect("an answer").1
}

fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|(known, ..)| *known == name)
}

/// The metric of a name in Prometheus, where a histogram is three.
fn metric_of(series: &str) -> &'static Metric {
    let of_histogram = ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|end| metric(series.strip_suffix(end)?).filter(|(_, kind, ..)| *kind == Kind::Histogram));
    let found = of_histogram.or_else(|| metric(series).filter(|(_, kind, ..)| *kind != Kind::Histogram));
    found.unwrap_or_else(|| panic!("{series} is no metric of ours"))
}

/// Series of ours in a text, with the labels in the braces behind them.
fn series(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("portolan_") {
        let rest = &text[at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let braces = rest[end..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inner, _)| inner);
        let labels = braces.split(',').filter_map(|one| one.split_once('=')).map(|(label, _)| label);
        let labels = labels.map(|label| label.trim_end_matches(['!', '~']).trim().to_owned());
        found.push((rest[..end].to_owned(), labels.collect()));
    }
    found
}

/// Each series is a metric of the list, with labels that this one has.
fn known(text: &str, whence: &str) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for (name, labels) in series(text) {
        let (of, _, known, _) = metric_of(&name);
        for label in labels.iter().filter(|label| !["le", "instance"].contains(&label.as_str())) {
            assert!(known.contains(&label.as_str()), "{whence}: {name} has no label {label}, it has {known:?}");
        }
        names.insert(*of);
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_those_of_the_list_and_gauges_go_back_to_nothing() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    supplier.then(&[Answer::Slow(Duration::from_secs(4))]);
    stage.send(order("W-1", 1)).await;
    let has = |line: &'static str| {
        let stage = &stage;
        async move { metrics(stage).await.lines().any(|one| one == line).then_some(()) }
    };
    stage.until("one is due", || has("portolan_jobs_due{kind=\"deliver\"} 1")).await;
    stage.deliveries("delivered", 2).await;
    for line in ["portolan_jobs_due{kind=\"deliver\"} 0", "portolan_jobs_oldest_seconds{kind=\"deliver\"} 0"] {
        stage.until(line, || has(line)).await;
    }
    let refused = stage.client.post(format!("{}/in/northstores-in", stage.partner)).bearer_auth("ptl_wrong").body("x");
    assert_eq!(refused.send().await.expect("an answer").status(), 401);
    assert_eq!(asked(&stage, "/api/v1/status").await.expect("an answer").0, 401);
    let text = metrics(&stage).await;
    for wanted in [
        "portolan_attempts_total{channel=\"lamps-out\",outcome=\"delivered\"} 1",
        "portolan_attempt_seconds_count{channel=\"lamps-out\",outcome=\"delivered\"} 1",
        "portolan_documents_total{direction=\"in\",type=\"850\",result=\"routed\"} 1",
        "portolan_documents_total{direction=\"out\",type=\"ORDERS\",result=\"made\"} 1",
        "portolan_stage_seconds_count{stage=\"translate\"} 1",
        "portolan_auth_failures_total{listener=\"partner\"} 1",
        "portolan_auth_failures_total{listener=\"admin\"} 1",
        "portolan_alarms{severity=\"critical\",state=\"acknowledged\"} 0",
        "portolan_acks{level=\"technical\",state=\"overdue\"} 0",
        &format!("portolan_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(text.lines().any(|line| line == wanted), "{wanted} in\n{text}");
    }
    let slow = text.lines().find_map(|line| {
        line.strip_prefix("portolan_attempt_seconds_sum{channel=\"lamps-out\",outcome=\"delivered\"} ")
    });
    assert!(slow.and_then(|sum| sum.parse::<f64>().ok()).is_some_and(|sum| sum >= 4.0), "{slow:?}");
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
    let (free, all) = (value("portolan_storage_free_bytes "), value("portolan_storage_bytes "));
    assert!(free > Some(0.0) && free <= all, "{free:?} of {all:?}");
    let (age, took) = (value("portolan_conservation_age_seconds "), value("portolan_conservation_count_seconds "));
    assert!(age < Some(120.0) && age >= Some(0.0) && took > Some(0.0), "counted {age:?} s ago, in {took:?} s");
    let samples: String = text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    for name in known(&samples, "/metrics") {
        let (_, _, _, says) = metric(name).expect("one of ours");
        assert!(text.contains(&format!("# HELP {name} {says}\n")), "{name} says nothing of itself\n{text}");
    }
}

#[tokio::test]
async fn a_certificate_says_how_long_it_counts_and_nothing_once_it_is_gone() {
    let stage = Stage::bare("").await;
    let pem = crate::as2::LAMPS.certificate_pem.lines().map(|line| format!("  {line}\n")).collect::<String>();
    stage.apply(&format!("kind: certificate\nname: lamps\npem: |\n{pem}"));
    let name = "portolan_certificate_expiry_seconds{name=\"lamps\"} ";
    let said = || async { metrics(&stage).await.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)) };
    let left = stage.until("it is told", &said).await;
    assert!(left.parse::<f64>().is_ok_and(|seconds| seconds > 86_400.0), "{left}");
    let other = stage.file("other.yaml", "kind: partner\nname: lamps\nparty_ids: [\"14:4012345000030\"]\n");
    stage.done(&["apply", "--prune", &other], "");
    stage.until("it is gone", || async { said().await.filter(|left| left == "NaN") }).await;
}

#[test]
fn the_list_is_that_of_the_sources_and_of_the_page() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut written = BTreeSet::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            if path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source");
            for word in ["counter!(\"", "gauge!(\"", "histogram!(\""] {
                let names = text.split(word).skip(1).filter_map(|rest| rest.split('"').next());
                written.extend(names.map(str::to_owned));
            }
        }
    }
    let listed: BTreeSet<String> = METRICS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(written, listed, "pipeline/measure.rs lists what is measured");
    let page = file("docs/METRICS.md");
    for (name, kind, labels, says) in METRICS {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let line = format!("| `{name}` | {} | {} | {says} |", format!("{kind:?}").to_lowercase(), labels.join(", "));
        assert!(page.lines().any(|one| one == line), "docs/METRICS.md lacks the line\n{line}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `portolan_")).count();
    assert_eq!(rows, METRICS.len(), "each has one line");
}

#[test]
fn rules_and_dashboard_ask_for_metrics_that_there_are() {
    let rules = file(RULES);
    let asked = known(&rules, RULES);
    for wanted in [
        "portolan_jobs_oldest_seconds",
        "portolan_ledger_rows",
        "portolan_acks",
        "portolan_certificate_expiry_seconds",
        "portolan_storage_free_bytes",
        "portolan_attempts_total",
    ] {
        assert!(asked.contains(wanted), "{RULES} does not watch {wanted}");
    }
    let dashboard: Value = serde_json::from_str(&file(DASHBOARD)).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.len() >= 8, "{} panels", panels.len());
    for panel in panels {
        for target in panel["targets"].as_array().unwrap_or_else(|| panic!("no targets: {panel:#}")) {
            let expression = target["expr"].as_str().expect("an expression");
            assert!(!known(expression, DASHBOARD).is_empty(), "{expression} asks for nothing of ours");
        }
    }
    // The tool of Prometheus itself, on machines that have it.
    match Command::new("promtool")
        .args(["check", "rules"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES))
        .output()
    {
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        Ok(output) => assert!(output.status.success(), "{output:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_ends_before_the_listeners_close_and_where_there_is_no_room() {
    let mut stage = Stage::bare("[storage]\nreserve_mb = 1000000000\n").await;
    let (status, words) = asked(&stage, "/readyz").await.expect("an answer");
    assert!(status == 503 && words.starts_with("STORAGE-FULL: "), "{status} {words}");
    assert_eq!(asked(&stage, "/livez").await.expect("an answer").0, 200);
    assert_eq!(stage.stop().await, Some(0));
    let path = stage.data().join("portolan.toml");
    let text =
        std::fs::read_to_string(&path).expect("a configuration").replace("reserve_mb = 1000000000", "reserve_mb = 0");
    let text = text.replace("[admin]\n", "[admin]\ndrain_seconds = 4\n");
    std::fs::write(&path, text).expect("written");
    stage.start_again(&[]);
    assert_eq!(asked(&stage, "/readyz").await.expect("an answer").0, 200);
    let id = stage.child.id().to_string();
    let begin = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    let words = stage
        .until("it says that it stops", || async {
            asked(&stage, "/readyz").await.filter(|(status, _)| *status == 503)
        })
        .await
        .1;
    assert!(words.starts_with("STOPPING: "), "{words}");
    // It works on meanwhile, on both listeners.
    assert_eq!(asked(&stage, "/livez").await.expect("an answer").0, 200);
    let partner = stage.client.get(format!("{}/in/nobody", stage.partner)).send().await;
    assert!(partner.is_ok(), "{partner:?}");
    loop {
        if let Some(status) = stage.child.try_wait().expect("a child") {
            assert_eq!(status.code(), Some(0));
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "it does not stop");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(begin.elapsed() >= Duration::from_secs(4), "{:?}", begin.elapsed());
}
