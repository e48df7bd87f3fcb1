//! The demonstration ends well, shows the planted fault, and says where it can be looked at.

use super::fault::disk::Disk;
use std::path::Path;
use std::process::Command;

#[test]
fn everything_arrives_but_the_planted_fault() {
    ends_well(None);
}

/// Its operator is told of the disk too, before anything else, and of the planted fault all the same.
#[test]
fn so_it_does_on_a_machine_whose_disk_is_nearly_full() {
    let Some(disk) = Disk::new(512) else { return };
    let words = ends_well(Some(&disk.path().join("demo")));
    assert!(words.contains("The disk is nearly full"), "{words}");
}

fn ends_well(data: Option<&Path>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    command.args(["demo", "--once"]);
    if let Some(data) = data {
        command.arg("--data").arg(data);
    }
    let output = command.output().expect("the binary");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words}{}", String::from_utf8_lossy(&output.stderr));
    for wanted in [
        "850 4711 from northstores: routed, delivered, accepted",
        "850 4713 from northstores: failed",
        "found \"12O\"",
        "ORDERS 9001 from lamps: routed, delivered, accepted",
        "ORDRSP A-4711 from lamps: routed, delivered, accepted",
        "DESADV D-8001 from lamps: routed, delivered, accepted",
        "INVOIC R-5001 from lamps: routed, delivered, accepted",
        "retailer ← 855",
        "retailer ← 856",
        "retailer ← 810",
        "bytes), over AS2, encrypted (aes256-cbc), signed (sha-256); answered by a signed receipt",
        "AS2: 1 of 1 proved by a signed receipt of the retailer",
        "warehouse's mailbox: 856-",
        "over SFTP, by OpenSSH's client; noted as fetched",
        "✉ to operator@portolan.example: ERROR: Documents failed: 1 document of type 850 of northstores",
        "READY http://127.0.0.1:",
    ] {
        assert!(words.contains(wanted), "{wanted} in\n{words}");
    }
    assert!(!words.contains("DOES NOT HOLD"), "{words}");
    words
}
