//! The mail server of these tests, and the mails that it took.

use crate::python;
use crate::stage::{PATIENCE, Stage};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running server.
pub struct MailServer {
    pub port: u16,
    folder: TempDir,
    child: Child,
}

impl MailServer {
    /// One that takes mails in clear.
    pub fn plain() -> MailServer {
        MailServer::start(&["plain"])
    }

    pub fn start(line: &[&str]) -> MailServer {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(python::with(&["aiosmtpd"]))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/mail_server.py"))
            .arg(folder.path())
            .args(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut said).expect("a line");
        MailServer { port: said.trim().parse().expect("a port"), folder, child }
    }

    /// What it took, in order.
    pub fn mails(&self) -> Vec<Mail> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder").flatten().map(|entry| entry.path());
        let mut paths: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
        paths.sort();
        let read = |path| serde_json::from_str(&std::fs::read_to_string(path).expect("a mail")).expect("JSON");
        paths.iter().map(|path| Mail(read(path))).collect()
    }

    /// Waits for a mail that fits.
    pub async fn mail(&self, stage: &Stage, what: &str, fits: impl Fn(&Mail) -> bool) -> Mail {
        let begin = std::time::Instant::now();
        loop {
            if let Some(mail) = self.mails().into_iter().find(|mail| fits(mail)) {
                return mail;
            }
            if begin.elapsed() > PATIENCE {
                let subjects: Vec<_> = self.mails().iter().map(Mail::subject).collect();
                let alarms = stage.done(&["alarm", "list", "--all"], "");
                panic!(
                    "no mail of {what}: {subjects:#?}\n{alarms}\n{}\n{}",
                    stage.done(&["alarm", "notices"], ""),
                    stage.log()
                );
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A mail that was taken.
#[derive(Debug, Clone)]
pub struct Mail(pub Value);

impl Mail {
    pub fn subject(&self) -> String {
        self.header("subject")
    }

    pub fn header(&self, name: &str) -> String {
        self.0["headers"][name].as_str().unwrap_or_default().to_owned()
    }

    pub fn text(&self) -> &str {
        self.0["text"].as_str().unwrap_or_default()
    }

    pub fn html(&self) -> &str {
        self.0["html"].as_str().unwrap_or_default()
    }

    pub fn to(&self) -> &str {
        self.0["to"][0].as_str().unwrap_or_default()
    }

    /// The link behind a label.
    pub fn link(&self, label: &str) -> String {
        let line = self.text().lines().find_map(|line| line.strip_prefix(&format!("{label}: ")));
        line.unwrap_or_else(|| panic!("no {label} in {}", self.text())).to_owned()
    }
}
