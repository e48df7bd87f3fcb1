//! Payloads that are files of their own: they leave piece by piece, and one that is damaged is not sent as if it were whole.

use super::peer::{Answer, Peer};
use super::stage::Stage;
use std::path::Path;

/// Lines of an order that is more than what stands in the database.
const LINES: usize = 6_000;

/// A long order of North Stores.
pub fn long_order() -> Vec<u8> {
    let lines: String = (1..=LINES).map(|at| format!("PO1*{at}*7*EA*4.25**UP*012345678905~\n")).collect();
    format!(
        "ISA*00*          *00*          *ZZ*NORTHSTORES    *ZZ*PORTOLAN       *261124*0915*U*00401*000000001*0*P*>~\n\
         GS*PO*NORTHSTORES*PORTOLAN*20261124*0915*1*X*004010~\nST*850*0001~\nBEG*00*SA*LONG-1**20261124~\n\
         N1*BY*North Stores*92*1000~\nN1*ST*North Stores DC East*UL*4012345000016~\n{lines}CTT*{LINES}~\nSE*{}*0001~\n\
         GE*1*1~\nIEA*1*000000001~\n",
        LINES + 6
    )
    .into_bytes()
}

/// The large files below a folder.
fn large_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        match entry.metadata() {
            Ok(about) if about.is_dir() => found.extend(large_files(&entry.path())),
            Ok(about) if about.len() > 256 * 1024 && entry.file_name().to_string_lossy().starts_with("pay_") => {
                found.push(entry.path());
            }
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn a_large_payload_is_sent_whole_or_told_to_be_damaged() {
    const RETRIES: &str = "[delivery]\nretry_seconds = [1, 3, 1]\n";
    let (north, lamps) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&north, &lamps, RETRIES).await;
    stage.send(long_order()).await;
    stage.until("it arrives", || async { (lamps.posts().len() == 1).then_some(()) }).await;
    let body = lamps.posts().remove(0).body;
    assert!(body.len() > 256 * 1024 && body.ends_with(b"'\n") | body.ends_with(b"'"), "{}", body.len());
    assert_eq!(lamps.posts()[0].headers["content-length"], body.len().to_string());
    stage.deliveries("delivered", 2).await;
    lamps.then(&[Answer::Status(503)]);
    let again =
        String::from_utf8(long_order()).expect("text").replace("LONG-1", "LONG-2").replace("000000001", "000000002");
    stage
        .send(
            again
                .replace("GS*PO*NORTHSTORES*PORTOLAN*20261124*0915*1*", "GS*PO*NORTHSTORES*PORTOLAN*20261124*0915*2*")
                .replace("GE*1*1~", "GE*1*2~"),
        )
        .await;
    stage.until("it is refused once", || async { (lamps.posts().len() == 2).then_some(()) }).await;
    for path in large_files(stage.data()) {
        let mut bytes = std::fs::read(&path).expect("a file");
        let last = bytes.len() - 1000;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).expect("written");
    }
    let parked = stage.deliveries("parked", 1).await;
    assert_eq!(parked[0]["code"], "STORAGE", "{parked:?}");
    assert_eq!(lamps.posts().len(), 2, "what was cut off is no message");
    stage.balanced().await;
}
