//! Ten thousand failures at once, of two kinds: a few mails, and a memory that does not grow with them.

use super::super::alarm::{MailServer, stage};
use super::super::peer::Answer;
use std::time::{Duration, Instant};

const FAILURES: u32 = 10_000;
/// Documents of one interchange.
const TOGETHER: u32 = 500;
/// Mails that may be told of them: what is new, what grew, and digests.
const MAILS_MAX: usize = 6;
/// Until all of them happened and are counted.
const STORM_MAX: Duration = Duration::from_secs(600);
/// MiB that the process may have had at most.
const MEMORY_MAX: u64 = 400;

/// Orders of one interchange; every other one has a letter in its quantity.
fn interchange(control: u32) -> Vec<u8> {
    let sets: String = (1..=TOGETHER)
        .map(|at| {
            let quantity = if at % 2 == 0 { "12O" } else { "120" };
            format!(
                "ST*850*{at:04}~BEG*00*SA*S-{control}-{at}**20261124~N1*BY*North Stores*92*1000~\
                 N1*ST*North Stores DC East*UL*4012345000016~PO1*1*{quantity}*EA*4.25**UP*012345678905~CTT*1~SE*7*{at:04}~"
            )
        })
        .collect();
    format!(
        "ISA*00*          *00*          *ZZ*NORTHSTORES    *ZZ*PORTOLAN       *261124*0915*U*00401*{control:09}*0*P*>~\
         GS*PO*NORTHSTORES*PORTOLAN*20261124*0915*{control}*X*004010~{sets}GE*{TOGETHER}*{control}~IEA*1*{control:09}~"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: make faults"]
async fn ten_thousand_failures_are_a_few_mails_and_memory_stays_flat() {
    let mail = MailServer::plain();
    let (stage, _, supplier) = stage(&mail, "").await;
    supplier.then(&vec![Answer::Status(400); FAILURES as usize / 2]);
    for control in 1..=FAILURES / TOGETHER {
        stage.send(interchange(control)).await;
    }
    let half = i64::from(FAILURES / 2);
    let begin = Instant::now();
    loop {
        let rows = stage.list("/api/v1/alarms?standing=true").await;
        let counts = |alert: &str| rows.iter().any(|row| row["alert"] == alert && row["count"] == half);
        if counts("failed") && counts("parked") {
            break;
        }
        assert!(begin.elapsed() < STORM_MAX, "they are not all counted: {rows:#?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    mail.mail(&stage, "one of it", |one| one.subject().contains("parked") || one.text().contains("parked")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let subjects: Vec<_> = mail.mails().iter().map(|one| one.subject()).collect();
    assert!(subjects.len() <= MAILS_MAX, "{subjects:#?}");
    let peak = stage.memory("VmHWM");
    assert!(peak < MEMORY_MAX, "{peak} MiB");
    stage.balanced().await;
}
