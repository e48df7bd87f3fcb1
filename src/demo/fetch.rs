//! A partner that fetches its files over SFTP with OpenSSH's own client, where this machine has it.

use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::Path;
use tokio::process::Command;

/// Makes a key for a partner; its public half as mailboxes name it. None where there is no `ssh-keygen`.
pub async fn new_key(folder: &Path) -> Option<String> {
    let key = folder.join("harbour.key");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "harbour", "-f"]).arg(&key).status();
    if !made.await.is_ok_and(|status| status.success()) {
        return None;
    }
    std::fs::read_to_string(key.with_extension("key.pub")).ok().map(|line| line.trim().to_owned())
}

/// Fetches what lies in `out`; the names that were fetched.
///
/// # Errors
/// The client cannot be started, or does not get in.
pub async fn fetch(address: SocketAddr, folder: &Path) -> anyhow::Result<Vec<String>> {
    let fetched = folder.join("harbour");
    std::fs::create_dir_all(&fetched)?;
    let batch = folder.join("harbour.batch");
    std::fs::write(&batch, format!("get out/* {}/\n", fetched.display()))?;
    let output = Command::new("sftp")
        .args([
            "-q",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "IdentitiesOnly=yes",
        ])
        .arg("-b")
        .arg(&batch)
        .arg("-i")
        .arg(folder.join("harbour.key"))
        .args(["-P", &address.port().to_string(), "harbour@127.0.0.1"])
        .output()
        .await
        .context("sftp cannot be started")?;
    anyhow::ensure!(output.status.success(), "sftp: {}", String::from_utf8_lossy(&output.stderr));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&fetched)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
