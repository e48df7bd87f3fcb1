//! Traces told by OTLP: whole, in order, under ids that hold over processes and restarts, and without what documents say; a
//! collector that is slow, away, or takes nothing keeps nobody waiting. What a collector gets is read with the definitions of
//! the OpenTelemetry project.

use super::edi::{control_of, order};
use super::peer::{Answer, Peer, Post};
use super::stage::{Stage, resources};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue as Any, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Named points at which the service is killed here.
pub const POINTS: [&str; 2] = ["telemetry.before_commit", "telemetry.after_commit"];

const QUICK: &str = "[delivery]\nretry_seconds = [1, 1, 1]\n";
/// What an order leads to while nothing goes wrong: it and the 997 are two deliveries.
const STEPS: usize = 7;

fn section(port: u16, more: &str) -> String {
    format!("{QUICK}[telemetry]\nendpoint = \"http://127.0.0.1:{port}\"\n{more}\n")
}

async fn stage(collector: &Peer, more: &str) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, &section(collector.port, more)).await;
    (stage, retailer, supplier)
}

fn read(post: &Post) -> ExportTraceServiceRequest {
    serde_json::from_slice(&post.body).expect("a request as opentelemetry-proto reads it")
}

/// All spans that a collector was shown, in the order in which they came.
fn spans(collector: &Peer) -> Vec<Span> {
    collector.posts().iter().flat_map(spans_in).collect()
}

fn spans_in(post: &Post) -> Vec<Span> {
    let scopes = read(post).resource_spans.into_iter().flat_map(|one| one.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

async fn spans_of(stage: &Stage, collector: &Peer, count: usize) -> Vec<Span> {
    let found = || async { Some(spans(collector)).filter(|all| distinct(all) >= count) };
    let all = stage.until(&format!("{count} spans"), found).await;
    assert_eq!(distinct(&all), count, "{:#?}", all.iter().map(|one| &one.name).collect::<Vec<_>>());
    all
}

fn distinct(all: &[Span]) -> usize {
    all.iter().map(|span| (&span.trace_id, &span.span_id)).collect::<BTreeSet<_>>().len()
}

fn named<'s>(all: &'s [Span], name: &str) -> &'s Span {
    let names = || all.iter().map(|span| span.name.as_str()).collect::<Vec<_>>();
    all.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} among {:?}", names()))
}

fn text(value: &Option<Any>) -> String {
    match value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(AnyValue::StringValue(text)) => text.clone(),
        Some(AnyValue::IntValue(number)) => number.to_string(),
        other => panic!("{other:?} is neither a text nor a number"),
    }
}

fn facts(all: &[KeyValue]) -> BTreeMap<String, String> {
    all.iter().map(|one| (one.key.clone(), text(&one.value))).collect()
}

fn fact(span: &Span, key: &str) -> String {
    facts(&span.attributes).get(key).cloned().unwrap_or_default()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn metric(stage: &Stage, line: &str) -> u64 {
    let metrics = stage.client.get(format!("{}/metrics", stage.admin)).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    let found = metrics.lines().find_map(|one| one.strip_prefix(line));
    found.map_or(0, |count| count.trim().parse::<f64>().expect("a number") as u64)
}

const SENT: &str = "portolan_spans_total{outcome=\"sent\"}";
const DROPPED: &str = "portolan_spans_total{outcome=\"dropped\"}";

/// The supplier is to answer by CONTRL, and can.
fn expecting(retailer: &Peer, supplier: &Peer) -> String {
    let yaml = resources(retailer.port, supplier.port);
    let agreement = yaml.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    format!(
        "{agreement}expect: {{ kind: contrl, within_minutes: 60 }}\n---\n\
         {{kind: channel, name: lamps-in, transport: http, way: in, auth: token, partners: [lamps]}}\n"
    )
}

fn contrl(order: &Post) -> String {
    format!(
        "UNB+UNOA:2+4012345000030:14+4098765000003:14+261124:1000+1'UNH+1+CONTRL:2:2:UN'\
         UCI+{}+4098765000003:14+4012345000030:14+7'UNT+3+1'UNZ+1+1'",
        control_of(&order.body)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_leads_from_the_receipt_of_an_order_to_its_acknowledgment() {
    let collector = Peer::start(&[]).await;
    let more = "service = \"edi\"\nheaders = { x-api-key = \"collector-key\" }\n\
                attributes = { \"deployment.environment.name\" = \"test\" }\n";
    let (mut stage, retailer, supplier) = stage(&collector, more).await;
    stage.done(&["secret", "set", "collector-key"], "s3cret-of-the-collector");
    stage.apply(&expecting(&retailer, &supplier));
    let sender = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let posted = stage.client.post(format!("{}/in/northstores-in", stage.partner)).bearer_auth(&stage.token);
    let posted = posted.header("traceparent", sender).body(order("PX4711", 1)).send().await.expect("an answer");
    assert_eq!(posted.status(), 202);
    stage.deliveries("delivered", 2).await;
    // Another process goes on with the trace.
    assert_eq!(stage.stop().await, Some(0));
    stage.start_again(&[]);
    let answer = stage.send_over("lamps-in", contrl(&supplier.posts()[0])).await;
    // Receipt, processing and document of the order, of it and of the 997 making and delivery, and what the CONTRL says of
    // envelope and document; receipt, processing and document of the CONTRL.
    let all = spans_of(&stage, &collector, 12).await;
    let (traces, of_answer): (Vec<Span>, Vec<Span>) =
        all.into_iter().partition(|span| fact(span, "transmission.id") != answer);
    assert_eq!((traces.len(), of_answer.len()), (9, 3), "none came twice");
    assert_eq!(traces.iter().map(|span| &span.trace_id).collect::<BTreeSet<_>>().len(), 1, "one trace");
    let receive = named(&traces, "receive northstores-in");
    let process = named(&traces, "process");
    let translate = named(&traces, "translate 850");
    let (encode, confirm) = (named(&traces, "encode ORDERS"), named(&traces, "encode 997"));
    let (deliver, confirmed) = (named(&traces, "deliver lamps-out"), named(&traces, "deliver northstores-out"));
    let acknowledge = named(&traces, "acknowledge");
    for (child, parent) in [
        (process, receive),
        (translate, process),
        (encode, translate),
        (confirm, receive),
        (deliver, encode),
        (confirmed, confirm),
        (acknowledge, deliver),
    ] {
        assert_eq!(child.parent_span_id, parent.span_id, "{} is not in {}", child.name, parent.name);
    }
    assert!(receive.parent_span_id.is_empty(), "it begins the trace");
    let linked: Vec<String> = receive.links.iter().map(|one| hexadecimal(&one.trace_id)).collect();
    assert_eq!(linked, ["4bf92f3577b34da6a3ce929d0e0e4736"]);
    let carried = named(&of_answer, "receive lamps-in");
    assert_eq!((&acknowledge.links[0].trace_id, &acknowledge.links[0].span_id), (&carried.trace_id, &carried.span_id));
    let times: Vec<u64> = [receive, translate, deliver, acknowledge].iter().map(|one| one.end_time_unix_nano).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(traces.iter().all(|one| one.start_time_unix_nano <= one.end_time_unix_nano && one.status.is_none()));
    assert_eq!(fact(translate, "document.format"), "x12/004010/850");
    assert_eq!(
        (fact(encode, "document.format"), fact(deliver, "outcome")),
        ("edifact/d96a/ORDERS".into(), "delivered".into())
    );
    assert_eq!(
        (fact(deliver, "messaging.system"), fact(deliver, "server.address")),
        ("http".into(), "127.0.0.1".into())
    );
    assert_eq!(
        (fact(deliver, "http.response.status_code"), fact(deliver, "delivery.attempt")),
        ("200".into(), "1".into())
    );
    assert_eq!((fact(acknowledge, "ack.kind"), fact(acknowledge, "outcome")), ("contrl".into(), "accepted".into()));
    // Lines of the log name the trace of what they tell of.
    let told = stage.log();
    let told = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let in_trace = |line: &serde_json::Value| line["trace_id"] == hexadecimal(&receive.trace_id);
    let mut told: Vec<String> = told.filter(in_trace).map(|line| line["message"].to_string()).collect();
    told.sort_unstable();
    assert_eq!(told, [r#""Attempted""#, r#""Attempted""#, r#""Received""#, r#""Translated""#]);
    // What the supplier got names the span of the attempt that brought it.
    let expected = format!("00-{}-{}-01", hexadecimal(&deliver.trace_id), hexadecimal(&deliver.span_id));
    assert_eq!(supplier.posts()[0].headers["traceparent"], expected);
    for post in collector.posts() {
        assert_eq!(post.line, "POST /v1/traces HTTP/1.1");
        assert_eq!(
            (&*post.headers["content-type"], &*post.headers["x-api-key"]),
            ("application/json", "s3cret-of-the-collector")
        );
        let resource = read(&post).resource_spans[0].resource.clone().expect("a resource");
        let resource = facts(&resource.attributes);
        assert_eq!((&*resource["service.name"], &*resource["deployment.environment.name"]), ("edi", "test"));
        let body = String::from_utf8_lossy(&post.body).into_owned();
        for said in ["PX4711", "North Stores", "NORTHSTORES", "012345678905", "4012345000030", "s3cret"] {
            assert!(!body.contains(said), "{said} in {body}");
        }
    }
    assert!(!stage.log().contains("s3cret-of-the-collector"));
    assert_eq!(metric(&stage, DROPPED).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_busy_slow_or_gone_keeps_nobody_waiting_and_gets_all() {
    let silent = Answer::Slow(Duration::from_secs(3));
    let collector = Peer::start(&[Answer::Later(2), Answer::Status(429), Answer::Cut, silent]).await;
    let (mut stage, _, _) = stage(&collector, "").await;
    let begin = std::time::Instant::now();
    stage.send(order("4711", 1)).await;
    stage.deliveries("delivered", 2).await;
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    let taken = || async { (metric(&stage, SENT).await == STEPS as u64).then_some(()) };
    stage.until("all is taken", taken).await;
    let all = spans_of(&stage, &collector, STEPS).await;
    assert!(all.len() > STEPS, "what was not taken came again");
    let log = stage.log();
    assert_eq!(log.matches("The collector does not take traces").count(), 1, "{log}");
    assert_eq!(log.matches("The collector takes traces again").count(), 1, "{log}");
    assert_eq!(metric(&stage, DROPPED).await, 0);
    // A collector that never answers does not keep the process from its end.
    collector.then(&[Answer::Slow(Duration::from_secs(60))]);
    stage.send(order("4712", 2)).await;
    let begin = std::time::Instant::now();
    assert_eq!(stage.stop().await, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    stage.start_again(&[]);
    spans_of(&stage, &collector, 2 * STEPS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_more_than_may_wait_the_oldest_are_left_out_and_counted() {
    let collector = Peer::start(&[const { Answer::Status(503) }; 3]).await;
    // An order makes about a dozen events.
    let (stage, _, _) = stage(&collector, "backlog_events = 12").await;
    for number in 1..=4 {
        stage.send(order(&format!("471{number}"), number)).await;
    }
    stage.deliveries("delivered", 8).await;
    let over = || async {
        let (sent, dropped) = (metric(&stage, SENT).await, metric(&stage, DROPPED).await);
        (sent > 0 && sent + dropped == 4 * STEPS as u64).then_some(dropped)
    };
    let dropped = stage.until("all are sent or left out", over).await;
    assert!(dropped > 0, "twelve events may wait, and four orders have more");
    let log = stage.log();
    assert_eq!(log.matches("Spans of traces were left out").count(), 1, "{log}");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_that_a_collector_refuses_are_counted_and_the_next_are_told() {
    let part = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#;
    let collector = Peer::start(&[Answer::Refuses(400, "no".into()), Answer::Says(part.into())]).await;
    let (stage, _, _) = stage(&collector, "").await;
    for number in 1..=2 {
        let before = collector.posts().len();
        stage.send(order(&format!("471{number}"), number)).await;
        stage.deliveries("delivered", 2 * number as usize).await;
        stage.until("it is told", || async { (collector.posts().len() > before).then_some(()) }).await;
    }
    let over = || async {
        let (sent, dropped) = (metric(&stage, SENT).await, metric(&stage, DROPPED).await);
        (sent + dropped == 2 * STEPS as u64).then_some(dropped)
    };
    let dropped = stage.until("all are counted", over).await;
    assert!(dropped >= 2, "the first request, and one or two of the second: {dropped}");
    let log = stage.log();
    assert_eq!(log.matches("Spans of traces were left out").count(), 1, "{log}");
}

/// A collector that fails is not asked for the same again but where the protocol says so; one that says that it does not know us is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_collector_answers_is_taken_as_the_protocol_says() {
    let warning = r#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":"soon too old"}}"#;
    let collector = Peer::start(&[]).await;
    let (stage, _, _) = stage(&collector, "").await;
    let mut before = (0_u64, 0_u64);
    for (number, answer, is_again) in [
        (1_u32, Answer::Refuses(500, "no".into()), false),
        (2, Answer::Refuses(408, "no".into()), false),
        (3, Answer::Status(502), true),
        (4, Answer::Refuses(401, "who are you?".into()), true),
        (5, Answer::Says(warning.into()), false),
    ] {
        let posts = collector.posts().len();
        collector.then(std::slice::from_ref(&answer));
        let faulty = super::edi::Order { number: "4711", control: number, quantity: "12O", ..Default::default() };
        stage.send(super::edi::written(&faulty)).await;
        // It is received, processed, translated, and its 997 made and delivered.
        let all = u64::from(number) * 5;
        let counted = || async {
            let (sent, dropped) = (metric(&stage, SENT).await, metric(&stage, DROPPED).await);
            (sent + dropped == all).then_some((sent, dropped))
        };
        let (sent, dropped) = stage.until("all is counted", counted).await;
        let told: Vec<Span> = collector.posts()[posts..].iter().flat_map(spans_in).collect();
        assert_eq!(told.len() > distinct(&told), is_again, "{answer:?}");
        let is_final = number <= 2;
        assert_eq!(dropped > before.1, is_final, "{answer:?}");
        before = (sent, dropped);
    }
    let log = stage.log();
    assert_eq!(log.matches("soon too old").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_told_as_failed_by_its_code_and_in_all_its_attempts() {
    let collector = Peer::start(&[]).await;
    let (stage, _, supplier) = stage(&collector, "propagate = false").await;
    supplier.then(&[Answer::Status(503), Answer::Status(404)]);
    stage.send(order("4711", 1)).await;
    stage.deliveries("parked", 1).await;
    let wrong =
        super::edi::written(&super::edi::Order { number: "4712", control: 2, quantity: "12O", ..Default::default() });
    stage.send(wrong).await;
    stage.send("no interchange at all").await;
    // One attempt more than usual; the wrong one has no order to deliver; the last is received and rejected.
    let all = spans_of(&stage, &collector, STEPS + 1 + STEPS - 2 + 2).await;
    let attempts: Vec<_> = all.iter().filter(|span| span.name == "deliver lamps-out").collect();
    let ends: Vec<_> = attempts.iter().map(|one| (fact(one, "outcome"), fact(one, "error.type"))).collect();
    assert_eq!(ends, [("retry_wait".into(), "503".into()), ("parked".to_owned(), "404".to_owned())]);
    assert_ne!(attempts[0].span_id, attempts[1].span_id);
    let failed = all.iter().find(|span| span.name == "translate 850" && span.status.is_some()).expect("it");
    assert_eq!((fact(failed, "outcome"), failed.status.as_ref().map(|one| one.code)), ("failed".into(), Some(2)));
    assert!(fact(failed, "error.type").starts_with("X12-"), "{failed:?}");
    let rejected = all.iter().find(|span| span.name == "process" && span.status.is_some()).expect("it");
    assert_eq!(
        (fact(rejected, "outcome"), fact(rejected, "error.type")),
        ("rejected".into(), "DOCUMENT-FORMAT-UNKNOWN".into())
    );
    assert!(supplier.posts().iter().all(|post| !post.headers.contains_key("traceparent")), "it is switched off");
    for post in collector.posts() {
        assert!(!String::from_utf8_lossy(&post.body).contains("12O"), "what a document says is nobody's");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_each_commit_of_traces_no_span_is_lost_and_none_has_two_ids() {
    let collector = Peer::start(&[]).await;
    let (mut stage, _, _) = stage(&collector, "").await;
    let mut number = 0;
    for point in POINTS {
        for passing in [1, 2] {
            stage.kill();
            let failing = format!("{point}:{passing}");
            if stage.try_start_again(&[("PORTOLAN_FAIL_POINT", &failing)]) {
                number += 1;
                // It may die before this is taken; then it is sent again.
                let (key, body) = (format!("k{number}"), order(&format!("47{number}"), number));
                let _ = stage.try_post(Some(&key), body.clone()).await;
                stage.dies(&failing).await;
                stage.start_again(&[]);
                assert_eq!(stage.post(Some(&key), body).await.status, 202);
            } else {
                stage.start_again(&[]);
            }
            stage.deliveries("delivered", 2 * number as usize).await;
        }
    }
    assert!(number >= 2, "an order for each point at least");
    let all = spans_of(&stage, &collector, number as usize * STEPS).await;
    // What came again is the same to the last byte.
    let mut first: BTreeMap<&[u8], &Span> = BTreeMap::new();
    for span in &all {
        assert_eq!(*first.entry(&span.span_id).or_insert(span), span);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_of_the_traces_is_told_whole_and_what_was_before_is_not() {
    let collector = Peer::start(&[]).await;
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&retailer, &supplier, QUICK).await;
    stage.send(order("4700", 1)).await;
    stage.deliveries("delivered", 2).await;
    assert!(!supplier.posts()[0].headers.contains_key("traceparent"), "off by default");
    assert_eq!(stage.stop().await, Some(0));
    let path = stage.data().join("portolan.toml");
    let plain = std::fs::read_to_string(&path).expect("the configuration");
    let traced = format!("{plain}{}", section(collector.port, "sample = 0.5").replace(QUICK, ""));
    std::fs::write(&path, traced).expect("written");
    stage.start_again(&[]);
    for number in 2..=9 {
        stage.send(order(&format!("470{number}"), number)).await;
    }
    stage.deliveries("delivered", 18).await;
    let kept = supplier.posts()[1..].iter().filter(|post| post.headers["traceparent"].ends_with("-01")).count();
    let all = spans_of(&stage, &collector, kept * STEPS).await;
    assert_eq!(all.iter().map(|span| &span.trace_id).collect::<BTreeSet<_>>().len(), kept, "whole traces");
    // Switched off and on again, it begins anew.
    assert_eq!(stage.stop().await, Some(0));
    std::fs::write(&path, &plain).expect("written");
    stage.start_again(&[]);
    stage.send(order("4710", 10)).await;
    stage.deliveries("delivered", 20).await;
    assert_eq!(stage.stop().await, Some(0));
    std::fs::write(&path, format!("{plain}{}", section(collector.port, "").replace(QUICK, ""))).expect("written");
    stage.start_again(&[]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.send(order("4711", 11)).await;
    spans_of(&stage, &collector, (kept + 1) * STEPS).await;
}

#[tokio::test]
async fn doctor_says_whether_the_collector_is_there_and_what_is_wrong_is_told_at_the_start() {
    let collector = Peer::start(&[]).await;
    let (mut stage, _, _) = stage(&collector, "headers = { x-api-key = \"collector-key\" }").await;
    let said = String::from_utf8_lossy(&stage.cli(&["doctor"], "").stdout).into_owned();
    assert!(said.contains(&format!("telemetry      127.0.0.1:{} is there", collector.port)), "{said}");
    assert!(said.contains("not set: collector-key"), "{said}");
    assert_eq!(stage.stop().await, Some(0));
    let path = stage.data().join("portolan.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, text.replace(&format!(":{}\"", collector.port), ":1\"")).expect("written");
    let said = String::from_utf8_lossy(&stage.cli(&["doctor"], "").stdout).into_owned();
    assert!(said.contains("WARNING  telemetry      127.0.0.1:1: "), "{said}");
    assert!(said.contains("mend [telemetry] endpoint"), "{said}");
    std::fs::write(&path, text.replace("http://127.0.0.1", "gopher://127.0.0.1")).expect("written");
    assert!(!stage.try_start_again(&[]));
    assert!(stage.log().contains("[telemetry] endpoint: expected the address of a collector"), "{}", stage.log());
}
