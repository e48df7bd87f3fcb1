//! Messages of AS2 that bring attachments with their document (RFC 6362): the document goes its way, and each part can be had.

use super::as2::{Sending, USUAL, lamps};
use portolan::transport::as2::crypto::{Digest, hexadecimal};

const ORDER: &str = "UNB+UNOC:3+4098765000003:14+HOUSE:ZZ+261126:0915+#'UNH+1+ORDERS:D:96A:UN'BGM+220+A2-#+9'\
                     DTM+137:20261124:102'NAD+BY+1000::92++Retail'LIN+1++012345678905:UP'QTY+21:120:EA'PRI+AAA:4.25'\
                     UNS+S'CNT+2:1'UNT+10+1'UNZ+1+#'";

#[tokio::test]
async fn attachments_are_kept_beside_their_document() {
    let (lamps, house) = lamps("").await;
    for (id, start, document) in [("<1@parts>", "", 1), ("<2@parts>", "; start=\"<order@retail>\"", 2)] {
        let edi = format!(
            "--b\r\nContent-Type: application/EDIFACT; name=order.edi\r\nContent-ID: <order@retail>\r\n\r\n{}",
            ORDER.replace("#", &document.to_string())
        );
        let picture = "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\
                       Content-Disposition: attachment; filename=\"lamp.png\"\r\n\r\niVBORw0K\r\nGgo=";
        let parts = if document == 1 { [&edi, picture] } else { [picture, &edi] };
        let content = format!("{}\r\n{}\r\n--b--\r\n", parts[0], parts[1]);
        let content_type = format!("multipart/related; boundary=b{start}");
        let message = Sending { id, content: &content, content_type: &content_type, ..USUAL };
        let answered = message.send(&lamps).await;
        let mic = answered.mic.clone();
        assert_eq!(answered.receipt().proves(id, &[mic], true), Ok(()), "the digest is of all parts");
        assert_eq!(answered.headers.get("EDIINT-Features"), Some("multiple-attachments, CEM"));
        lamps.until("it leaves", || async { (house.posts().len() == document).then_some(()) }).await;
        let came = lamps.list("/api/v1/transmissions?direction=in").await.remove(0);
        let came = came["transmission_id"].as_str().expect("an id");
        let told = lamps.get(&format!("/api/v1/transmissions/{came}/attachments")).await;
        let told = told["items"].as_array().expect("parts");
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[document - 1]["is_document"], true);
        let other = &told[2 - document];
        let png = b"\x89PNG\r\n\x1a\n";
        assert_eq!((&other["name"], &other["size"]), (&"lamp.png".into(), &8.into()), "{other}");
        assert_eq!(other["sha256"], hexadecimal(&Digest::Sha256.of(png)));
        let shown = lamps.done(&["transmission", "attachments", came], "");
        assert!(shown.contains("lamp.png") && shown.contains("the document"), "{shown}");
        let (number, file) = ((3 - document).to_string(), lamps.file("lamp.png", ""));
        lamps.done(&["transmission", "attachments", came, &number, "-o", &file], "");
        assert_eq!(std::fs::read(&file).expect("a file"), png);
        let none = lamps.cli(&["transmission", "attachments", came, "3"], "");
        assert_eq!(none.status.code(), Some(4), "{}", String::from_utf8_lossy(&none.stderr));
        lamps.done(&["transmission", "content", came, "-o", &file], "");
        assert_eq!(std::fs::read(&file).expect("a file"), content.into_bytes());
    }
}
