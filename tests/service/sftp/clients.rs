//! Mailboxes as clients of other houses meet them: paramiko, asyncssh and lftp, and what WinSCP and FileZilla send, step by step.
//! The cases stand in `clients.py`; each has a client do what it does and asks the ledger what came of it.

use super::super::python;
use std::process::Command;

#[test]
fn clients_of_other_houses_drop_and_fetch_by_their_habits() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(python::with(&["paramiko", "asyncssh"]))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/sftp/clients.py"))
        .arg(env!("CARGO_BIN_EXE_portolan"))
        .arg(folder.path().join("run"))
        .output()
        .expect("python3");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("lftp mirrors"), "{said}");
}
