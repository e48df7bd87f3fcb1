//! The demonstration ends well, shows the planted fault, and says where it can be looked at.

use std::process::Command;

#[test]
fn everything_arrives_but_the_planted_fault() {
    let output = Command::new(env!("CARGO_BIN_EXE_portolan")).args(["demo", "--once"]).output().expect("the binary");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words}{}", String::from_utf8_lossy(&output.stderr));
    for wanted in [
        "order 4711 (850 from northstores): routed, delivered, accepted",
        "order 4713 (850 from northstores): failed",
        "found \"12O\"",
        "order 9001 (ORDERS from lamps): routed, delivered, accepted",
        "READY http://127.0.0.1:",
    ] {
        assert!(words.contains(wanted), "{wanted} in\n{words}");
    }
    assert!(!words.contains("DOES NOT HOLD"), "{words}");
}
