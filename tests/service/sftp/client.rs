//! OpenSSH's clients with a folder, a key and no memory of their own.

use super::super::stage::Stage;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How a client proves who it is.
#[derive(Clone, Copy)]
pub enum Login<'l> {
    Key,
    Password(&'l str),
}

/// A client, with the key of its user.
pub struct Client {
    folder: TempDir,
    user: String,
}

/// The same client with another proof.
pub struct As<'c> {
    client: &'c Client,
    login: Login<'c>,
}

/// All that a command said.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// SHA-256, hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn port(stage: &Stage) -> String {
    let address = std::fs::read_to_string(stage.data().join("sftp.address")).expect("an address");
    address.trim().rsplit(':').next().expect("a port").to_owned()
}

impl Client {
    pub fn new(user: &str) -> Client {
        let client = Client { folder: tempfile::tempdir().expect("a folder"), user: user.to_owned() };
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", user, "-f"])
            .arg(client.path("key"))
            .status()
            .expect("ssh-keygen");
        assert!(made.success(), "a key");
        std::fs::create_dir(client.path("got")).expect("a folder");
        client
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As it stands in a mailbox's keys.
    pub fn public_key(&self) -> String {
        format!("\"{}\"", std::fs::read_to_string(self.path("key.pub")).expect("a key").trim())
    }

    pub fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("written");
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }

    /// Files in a folder.
    pub fn count(&self, folder: &str) -> usize {
        std::fs::read_dir(self.path(folder)).expect("a folder").count()
    }

    pub fn with<'c>(&'c self, login: Login<'c>) -> As<'c> {
        As { client: self, login }
    }

    /// Runs commands of `sftp`; the first that fails ends it.
    pub fn run(&self, stage: &Stage, lines: &str) -> Output {
        self.with(Login::Key).run(stage, lines)
    }

    /// Runs commands that must succeed; what was printed.
    pub fn done(&self, stage: &Stage, lines: &str) -> String {
        let output = self.run(stage, lines);
        assert!(output.status.success(), "{lines}: {}", said(&output));
        said(&output)
    }

    /// A command that goes to this instance, by `login`.
    fn command(&self, program: &str, login: Login<'_>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_remove("SSH_AUTH_SOCK");
        let mut options = vec!["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
        match login {
            Login::Key => options.extend(["IdentitiesOnly=yes", "BatchMode=yes"]),
            Login::Password(password) => {
                options.extend(["PubkeyAuthentication=no", "NumberOfPasswordPrompts=1"]);
                let ask = self.path("ask");
                std::fs::write(&ask, "#!/bin/sh\nprintf '%s\\n' \"$SHOWN\"\n").expect("written");
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
                std::fs::set_permissions(&ask, mode).expect("a mode");
                command.env("SSH_ASKPASS", ask).env("SSH_ASKPASS_REQUIRE", "force").env("SHOWN", password);
            }
        }
        for option in options {
            command.args(["-o", option]);
        }
        command.arg("-i").arg(self.path("key"));
        command
    }

    /// `scp`, by the older protocol where `old`; HOST stands for this instance.
    pub fn scp(&self, stage: &Stage, old: bool, from: &str, to: &str) -> Output {
        let mut command = self.command("scp", Login::Key);
        command.args(["-P", &port(stage)]);
        if old {
            command.arg("-O");
        }
        let host = format!("{}@127.0.0.1", self.user);
        for word in from.split(' ').chain([to]) {
            command.arg(word.replace("HOST", &host));
        }
        command.stdin(Stdio::null()).output().expect("scp")
    }

    /// `ssh` with these arguments, which it puts where they belong: options before the host.
    pub fn ssh(&self, stage: &Stage, arguments: &[&str]) -> Output {
        let mut command = self.command("ssh", Login::Key);
        command.args(["-p", &port(stage), "-o", "ConnectTimeout=20"]);
        let (options, rest) = match arguments {
            ["-s", name] => (&["-s"][..], Some(*name)),
            [options @ .., "-s", name] => {
                command.args(options);
                (&["-s"][..], Some(*name))
            }
            [one] => (&[][..], Some(*one)),
            options => (options, None),
        };
        command.args(options).arg(format!("{}@127.0.0.1", self.user)).args(rest);
        command.stdin(Stdio::null()).output().expect("ssh")
    }

    /// Remembers a key of the instance, and no other.
    pub fn known_host(&self, stage: &Stage, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.file("known", format!("[127.0.0.1]:{} {} {}\n", port(stage), words[0], words[1]).as_bytes());
    }

    /// A session that trusts only the remembered key.
    pub fn strict(&self, stage: &Stage, options: &[&str]) -> Output {
        let mut command = Command::new("sftp");
        command.current_dir(self.folder.path()).args(options);
        command.args(["-b", "-", "-P", &port(stage), "-o", "StrictHostKeyChecking=yes", "-o"]);
        command.arg(format!("UserKnownHostsFile={}", self.path("known").display()));
        command.arg("-i").arg(self.path("key")).arg(format!("{}@127.0.0.1", self.user));
        fed(command, "ls\n")
    }

    /// Runs commands that are interrupted as by Ctrl-C once a listing shows this file: OpenSSH's client closes what it has.
    pub async fn interrupted(&self, stage: &Stage, lines: &str, file: &str) {
        let mut command = self.command("sftp", Login::Key);
        command.args(["-b", "-", "-l", "1000", "-P", &port(stage)]).arg(format!("{}@127.0.0.1", self.user));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client");
        child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("written");
        stage
            .until(&format!("a part of {file}"), || async {
                self.done(stage, "ls -1 in\n").contains(&format!("in/{file}")).then_some(())
            })
            .await;
        let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
        assert!(told.success());
        tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("an end").expect("an end");
    }

    /// Runs commands whose connection is cut when about so many bytes went to the server; how many a listing shows then.
    pub async fn cut_off(&self, stage: &Stage, lines: &str, bytes: usize) -> u64 {
        let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (own, there) = (proxy.local_addr().expect("an address").port(), port(stage));
        let cut = tokio::spawn(async move {
            let (mut near, _) = proxy.accept().await.expect("a client");
            let mut far = tokio::net::TcpStream::connect(format!("127.0.0.1:{there}")).await.expect("the instance");
            let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.split(), far.split());
            let out = async {
                let mut limited = tokio::io::AsyncReadExt::take(&mut near_in, bytes as u64);
                tokio::io::copy(&mut limited, &mut far_out).await
            };
            // Whatever ends first ends both.
            tokio::select! { _ = out => {}, _ = tokio::io::copy(&mut far_in, &mut near_out) => {} }
        });
        let mut command = self.command("sftp", Login::Key);
        command.args(["-b", "-", "-P", &own.to_string()]).arg(format!("{}@127.0.0.1", self.user));
        let lines = lines.to_owned();
        let output = tokio::task::spawn_blocking(move || fed(command, &lines)).await.expect("an end");
        assert!(!output.status.success(), "cut off: {}", said(&output));
        cut.await.expect("an end");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let listed = self.done(stage, "ls -l in/large.edi\n");
        let line =
            listed.lines().find(|line| line.contains("large.edi") && !line.contains("sftp>")).unwrap_or_default();
        line.split_whitespace().nth(4).and_then(|size| size.parse().ok()).unwrap_or(0)
    }
}

impl As<'_> {
    pub fn run(&self, stage: &Stage, lines: &str) -> Output {
        let mut command = self.client.command("sftp", self.login);
        // -b would forbid to ask for a password.
        if let Login::Key = self.login {
            command.args(["-b", "-"]);
        }
        command.args(["-P", &port(stage)]).arg(format!("{}@127.0.0.1", self.client.user));
        fed(command, lines)
    }
}

fn fed(mut command: Command, lines: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the client");
    // A client that ended before does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(lines.as_bytes());
    child.wait_with_output().expect("an end")
}
