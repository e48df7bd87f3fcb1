//! OpenSSH's own server for one test: a port, a host key and one user's key of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where Debian's openssh-server puts it.
const SSHD: &str = "/usr/sbin/sshd";

/// A running server.
pub struct Sshd {
    folder: TempDir,
    child: Child,
    pub port: u16,
}

fn keygen(folder: &Path, name: &str) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(name)).status();
    assert!(made.expect("ssh-keygen").success(), "a key");
}

impl Sshd {
    pub fn start() -> Sshd {
        assert!(Path::new(SSHD).exists(), "{SSHD} is not there: install openssh-server");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).expect("a mode");
        for name in ["host", "user"] {
            keygen(folder.path(), name);
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let child = run(folder.path(), port);
        let sshd = Sshd { folder, child, port };
        sshd.answers();
        sshd
    }

    fn answers(&self) {
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(30), "sshd does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What kills all its sessions, as a crash of theirs would, while it goes on itself.
    pub fn ends_sessions(&self) -> impl Fn() + Send + Sync + use<> {
        let own = self.child.id();
        move || children(own).into_iter().for_each(kill)
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn start_again(&mut self) {
        self.child = run(self.folder.path(), self.port);
        self.answers();
    }

    /// The public key of the server, as a channel pins it.
    pub fn host_key(&self) -> String {
        let line = std::fs::read_to_string(self.folder.path().join("host.pub")).expect("a key");
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// The private key that it lets in.
    pub fn user_key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("user")).expect("a key")
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The processes that this one began, and those that they began.
fn children(of: u32) -> Vec<u32> {
    let parent = |id: u32| -> Option<u32> {
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let all = std::fs::read_dir("/proc").expect("Linux").flatten();
    let ids: Vec<u32> = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let own: Vec<u32> = ids.into_iter().filter(|id| parent(*id) == Some(of)).collect();
    own.iter().flat_map(|id| [vec![*id], children(*id)].concat()).collect()
}

fn kill(id: u32) {
    // It may have ended by itself.
    let _ = Command::new("kill").args(["-KILL", &id.to_string()]).stderr(Stdio::null()).status();
}

fn run(folder: &Path, port: u16) -> Child {
    let path = |name: &str| -> PathBuf { folder.join(name) };
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n",
        path("host").display(),
        path("user.pub").display()
    );
    std::fs::write(path("config"), config).expect("written");
    // It wants this folder, where it starts without the system's help.
    let _ = std::fs::create_dir_all("/run/sshd");
    Command::new(SSHD)
        .arg("-D")
        .arg("-f")
        .arg(path("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sshd")
}
