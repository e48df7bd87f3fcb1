//! Where a test's ledger is kept: a folder, and for PostgreSQL a database of its own on a server that this process starts
//! and that ends with it. Tests say what they do; which database lies beneath is said here alone.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod wire;

use portolan::config::Database;
use portolan::store::Store;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Whoever sees this in a log or an answer has found a leak.
pub const PASSWORD: &str = "s3cret-canary";

/// A place for one ledger.
pub struct Ground {
    folder: TempDir,
    database: Option<Database>,
}

impl Ground {
    /// Rows in a file of the folder.
    pub fn file() -> Ground {
        Ground { folder: tempfile::tempdir().expect("a folder"), database: None }
    }

    /// Rows on a server; `None`, which the test says, when the caller asked to leave PostgreSQL out.
    pub async fn server() -> Option<Ground> {
        let Some(cluster) = Cluster::shared() else {
            not_run(LEFT_OUT);
            return None;
        };
        let database = Some(cluster.new_database(None).await);
        Some(Ground { folder: tempfile::tempdir().expect("a folder"), database })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// The line of `portolan.toml` that leads here; empty for the file.
    pub fn line(&self) -> String {
        self.database.as_ref().map_or_else(String::new, |server| format!("database = \"{}\"\n", server.url()))
    }

    /// The same rows, reached over another way.
    pub fn over(self, port: u16) -> Ground {
        let name = self.name().expect("a server's database").to_owned();
        let url = format!("postgres://portolan:{PASSWORD}@127.0.0.1:{port}/{name}?sslmode=disable");
        Ground { database: Some(Database::new(&url).expect("a URL")), ..self }
    }

    /// Another data directory for the same rows.
    pub fn elsewhere(&self) -> Ground {
        Ground { folder: tempfile::tempdir().expect("a folder"), database: self.database.clone() }
    }

    fn name(&self) -> Option<&str> {
        let path = self.database.as_ref()?.url().split('?').next()?;
        path.rsplit('/').next()
    }

    /// A connection past the store.
    pub async fn raw(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let file = || format!("sqlite://{}", self.path().join("portolan.db").display());
        let url = self.database.as_ref().map_or_else(file, |server| server.url().to_owned());
        AnyConnection::connect(&url).await.expect("a connection")
    }

    /// The same for someone who has switched off what guards the rows.
    pub async fn unguarded(&self) -> AnyConnection {
        let mut connection = self.raw().await;
        let off: &[&str] = match self.database {
            Some(_) => &["SET session_replication_role = replica"],
            None => &["DROP TRIGGER event_keeps_facts", "PRAGMA foreign_keys = OFF"],
        };
        for statement in off {
            connection.execute(*statement).await.expect("switched off");
        }
        connection
    }

    /// What would be found after a crash at this moment.
    pub async fn as_after_a_crash(&self) -> Ground {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["portolan.db", "portolan.db-wal", "master.key"] {
            if self.path().join(name).exists() {
                std::fs::copy(self.path().join(name), folder.path().join(name)).expect("a copy");
            }
        }
        let database = match (Cluster::shared(), self.name()) {
            (Some(cluster), Some(name)) => {
                cluster.end_sessions(name).await;
                Some(cluster.new_database(Some(name)).await)
            }
            _ => None,
        };
        Ground { folder, database }
    }

    /// Ends all sessions of this database, as a restart of the server would.
    pub async fn end_sessions(&self) {
        if let (Some(cluster), Some(name)) = (Cluster::shared(), self.name()) {
            cluster.end_sessions(name).await;
        }
    }

    /// The socket of the server.
    pub fn socket() -> Option<PathBuf> {
        Some(Cluster::shared()?.folder.join(".s.PGSQL.5432"))
    }
}

/// Every table with its columns: type class, and whether NULL is refused.
pub async fn columns(ground: &Ground) -> Vec<(String, String, String, bool)> {
    let query = match ground.database {
        Some(_) => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT),
             CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
        None => {
            "SELECT m.name, c.name, c.type, c.\"notnull\" FROM sqlite_schema m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table'"
        }
    };
    let rows: Vec<(String, String, String, i64)> =
        sqlx::query_as(query).fetch_all(&mut ground.raw().await).await.expect("columns");
    let class = |kind: &str| match kind.to_uppercase().as_str() {
        "BYTEA" | "BLOB" => "bytes".to_owned(),
        other => other.to_lowercase(),
    };
    let ours = rows.into_iter().filter(|row| !row.0.starts_with("_sqlx") && !row.0.starts_with("sqlite_"));
    let mut found: Vec<_> = ours.map(|(table, name, kind, strict)| (table, name, class(&kind), strict == 1)).collect();
    found.sort();
    found
}

/// Whether the caller asked to leave PostgreSQL out.
/// Why tests of PostgreSQL are not run.
const LEFT_OUT: &str = "PostgreSQL is left out (SKIP)";

/// Says on standard output, past the test harness, that the test at hand is not run, and why. `deploy/faults` and
/// `deploy/closing-line` count these lines.
pub fn not_run(reason: &str) {
    use std::io::Write as _;
    let thread = std::thread::current();
    // A line of its own, whatever the harness was writing.
    let line = format!("\nnot run: {}: {reason}\n", thread.name().unwrap_or("main"));
    std::io::stdout().lock().write_all(line.as_bytes()).expect("an open stdout");
}

fn is_skipped() -> bool {
    std::env::var("SKIP").is_ok_and(|parts| parts.split([',', ' ']).any(|part| part == "postgres"))
}

/// A server in a temporary folder, reached by its socket.
struct Cluster {
    folder: PathBuf,
    port: u16,
    /// The server ends, and the folder goes, when this pipe is closed: that is when the process ends, however it ends.
    _keeper: Child,
    databases: AtomicU32,
}

/// `$1` programs, `$2` folder, `$3` port, `$4` address to be reached at with TLS, or nothing. Reads until nobody can write
/// any more, then stops the server and clears up.
const KEEP: &str = r#"
trap '' INT TERM HUP
"$1/initdb" -N -D "$2/data" -U portolan -A scram-sha-256 --pwfile="$2/password" -E UTF8 --no-locale >"$2/log" 2>&1 ||
    { echo FAILED; exit 1; }
if [ -n "$4" ]; then
    cd "$2/data" && ssl=on && printf 'basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n' >names &&
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout authority.key -out "$2/authority.crt" &&
    openssl req -new -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr &&
    openssl x509 -req -in server.csr -CA "$2/authority.crt" -CAkey authority.key -CAcreateserial -days 2 \
        -extfile names -out server.crt || { echo FAILED; exit 1; }
fi >>"$2/log" 2>&1
"$1/postgres" -D "$2/data" -c listen_addresses="$4" -c port="$3" -c ssl=${ssl:-off} \
    -c unix_socket_directories="$2" -c max_connections=200 </dev/null >>"$2/log" 2>&1 &
server=$!
echo STARTED
read -r _
kill -INT $server
wait $server
rm -rf "$2/data"
rm -rf "$2"/* "$2"/.s.*
rmdir "$2"
"#;

impl Cluster {
    fn shared() -> Option<&'static Cluster> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER.get_or_init(|| (!is_skipped()).then(|| Cluster::start(5432, ""))).as_ref()
    }

    /// A server that is reached by its socket, and at `address`, unless that is empty.
    fn start(port: u16, address: &str) -> Cluster {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("portolan-pg-").tempdir().expect("a folder").keep();
        std::fs::write(folder.join("password"), PASSWORD).expect("a file");
        let mut command = unprivileged(&folder);
        command.args(["sh", "-c", KEEP, "keeper"]).arg(&programs).arg(&folder).args([&port.to_string(), address]);
        command.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut keeper = command.spawn().expect("a shell");
        let mut word = [0; 8];
        let told = keeper.stdout.as_mut().expect("a pipe").read_exact(&mut word);
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(told.is_ok() && &word == b"STARTED\n", "no cluster: {}", log());
        let begin = Instant::now();
        while !log().contains("ready to accept connections") {
            assert!(begin.elapsed() < Duration::from_secs(60), "the server does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Cluster { folder, port, _keeper: keeper, databases: AtomicU32::new(0) }
    }

    fn url(&self, name: &str) -> String {
        let (port, folder) = (self.port, self.folder.display());
        format!("postgres://portolan:{PASSWORD}@localhost:{port}/{name}?host={folder}")
    }

    async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url("postgres")).await.expect("the server")
    }

    /// A new database, empty or with what another has.
    async fn new_database(&self, like: Option<&str>) -> Database {
        let name = format!("ledger_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let statement = format!("CREATE DATABASE {name} TEMPLATE {}", like.unwrap_or("template0"));
        self.connect().await.execute(AssertSqlSafe(statement)).await.expect("a database");
        Database::new(&self.url(&name)).expect("a URL")
    }

    async fn end_sessions(&self, name: &str) {
        let query = "SELECT COUNT(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = $1";
        sqlx::query(query).bind(name.to_owned()).execute(&mut self.connect().await).await.expect("ended");
    }
}

/// A server of its own that speaks TLS on the loopback address, under the name localhost.
pub struct Secured(Cluster);

impl Secured {
    pub async fn start() -> Option<Secured> {
        let free =
            || std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
        if is_skipped() {
            not_run(LEFT_OUT);
            return None;
        }
        Some(Secured(Cluster::start(free(), "127.0.0.1")))
    }

    /// A new ledger there, reached as this host in this `sslmode`.
    pub async fn ground(&self, host: &str, mode: &str) -> Ground {
        let Secured(cluster) = self;
        let empty = cluster.new_database(None).await;
        let name = empty.url().split('?').next().and_then(|url| url.rsplit('/').next()).expect("a name").to_owned();
        let (port, authority) = (cluster.port, cluster.folder.join("authority.crt"));
        let way = format!("sslmode={mode}&sslrootcert={}", authority.display());
        let url = format!("postgres://portolan:{PASSWORD}@{host}:{port}/{name}?{way}");
        Ground { folder: tempfile::tempdir().expect("a folder"), database: Some(Database::new(&url).expect("a URL")) }
    }
}

/// The newest server there is on this machine.
fn programs() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    found.sort_by_key(|path| {
        let version = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok());
        version.unwrap_or(0)
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain(found);
    let fit = all.filter(|path| path.join("initdb").exists() && path.join("postgres").exists()).last();
    fit.expect("PostgreSQL's server is not installed: `make install` does it, SKIP=postgres leaves its tests out")
}

/// A command that is not run as root, which the server refuses; the folder is made that user's.
fn unprivileged(folder: &Path) -> Command {
    if std::fs::metadata(folder).expect("the folder").uid() != 0 {
        return Command::new("env");
    }
    let id = |flag: &str| {
        let told = Command::new("id").args([flag, "nobody"]).output().expect("id").stdout;
        String::from_utf8_lossy(&told).trim().parse::<u32>().expect("a number")
    };
    let (user, group) = (id("-u"), id("-g"));
    for path in [folder.to_owned(), folder.join("password")] {
        chown(&path, Some(user), Some(group)).expect("given away");
    }
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    command
}

/// Opens a place as a process would that is started there.
pub async fn store_at(ground: &Ground, now: portolan::clock::Timestamp) -> (Store, portolan::store::Reconciliation) {
    use portolan::id::SystemRandom;
    Store::init(ground.path(), &SystemRandom).expect("a data directory");
    let random = std::sync::Arc::new(SystemRandom);
    Store::open(ground.path(), ground.database(), random, "test", now).await.expect("a ledger")
}

/// Runs each test on every database: `async fn name(ground: Ground)`.
#[macro_export]
macro_rules! on_every_database {
    ($($name:ident),+ $(,)?) => {
        mod file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Ground::file()).await; })+
        }
        mod server {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(ground) = super::Ground::server().await { super::$name(ground).await; }
            })+
        }
    };
}
