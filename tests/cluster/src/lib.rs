//! A PostgreSQL server of a test's own: real, on a local socket, gone when it is dropped or when the test's
//! process ends, however it does. Its data folder is a copy of one that was initialized once. A machine
//! without PostgreSQL fails the test and says what to install.

#![expect(clippy::expect_used, reason = "a failing fixture is a failing test")]

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The role that the tests work as: it owns its databases and is no superuser.
const ROLE: &str = "keju";
/// The role's password, where one is asked for.
pub const PASSWORD: &str = "geheim";

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    server: Option<Child>,
    databases: AtomicU32,
    /// Further settings; a port of its own among them where it listens beyond its socket.
    settings: Vec<String>,
    port: u16,
}

impl Cluster {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further settings, such as `shared_buffers=512MB`.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Self {
        let mut cluster = Self::prepare();
        cluster.settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        cluster.launch();
        cluster
    }

    /// Starts one that also listens at a port of the loopback address, where it speaks TLS alone and asks for a
    /// password, [`PASSWORD`]. Its certificate is for `localhost`, from [`Self::authority`].
    #[must_use]
    pub fn start_encrypted() -> Self {
        let mut cluster = Self::prepare();
        certify(cluster.folder.path(), &cluster.data());
        let rules = cluster.folder.path().join("rules");
        fs::write(&rules, "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n").expect("a file");
        done(as_server("cp").arg(&rules).arg(cluster.data().join("pg_hba.conf")));
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        cluster.port = free.local_addr().expect("a port").port();
        drop(free);
        cluster.settings =
            vec!["listen_addresses=127.0.0.1".to_owned(), format!("port={}", cluster.port), "ssl=on".to_owned()];
        cluster.launch();
        cluster.sql("postgres", &format!("ALTER ROLE {ROLE} PASSWORD '{PASSWORD}'"));
        cluster
    }

    fn prepare() -> Self {
        let template = template();
        let folder = tempfile::Builder::new().prefix("keju-pg-").tempdir().expect("a temporary folder");
        give_to_server(folder.path());
        let mut copy = as_server("cp");
        copy.arg("-r").arg(&template).arg(folder.path().join("data"));
        done(&mut copy);
        Self { folder, server: None, databases: AtomicU32::new(0), settings: Vec::new(), port: 5432 }
    }

    /// The certificate of whoever certified an encrypted server.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The address of a database of [`Self::database`] by the network, at a host by this name.
    #[must_use]
    pub fn by_network(&self, address: &str, host: &str) -> String {
        let name = address.rsplit('/').next().unwrap_or(address);
        format!("postgres://{ROLE}@{host}:{}/{name}", self.port)
    }

    fn launch(&mut self) {
        let (data, log) = (self.data(), self.folder.path().join("log"));
        // Of the run before: it would tell of a server that is no more.
        let _ = fs::remove_file(data.join("postmaster.pid"));
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        let mut command = as_server(program("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(self.folder.path());
        for setting in ["listen_addresses=", "max_connections=80", "shared_buffers=24MB", "logging_collector=off"] {
            command.arg("-c").arg(setting);
        }
        // The last one counts.
        for setting in &self.settings {
            command.arg("-c").arg(setting);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.server = Some(command.process_group(0).spawn().expect("the server starts"));
        let deadline = Instant::now() + START_TIMEOUT;
        while !is_ready(&data) {
            let ended = self.server.as_mut().and_then(|server| server.try_wait().ok().flatten());
            assert!(ended.is_none() && Instant::now() < deadline, "PostgreSQL did not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A new, empty database; its address as `--database` takes it.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("site{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {ROLE}"));
        format!("postgres://{ROLE}@{}:{}/{name}", self.host(), self.port)
    }

    /// Runs SQL as the superuser; `database` is the name or the address of one. Returns what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let name = database.rsplit('/').next().unwrap_or(database);
        let mut command = as_server(program("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", name, "-c", sql]);
        let output = done(command.arg("-p").arg(self.port.to_string()).arg("-h").arg(self.folder.path()));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Ends the server as a power cut would; what it has acknowledged is there again after [`Self::start_again`].
    pub fn kill(&mut self) {
        self.signal(rustix::process::Signal::QUIT);
    }

    /// Starts it again on its data.
    pub fn start_again(&mut self) {
        assert!(self.server.is_none(), "it runs");
        self.launch();
    }

    /// Its first process, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// What the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of its socket, as the host of an address.
    fn host(&self) -> String {
        self.folder.path().to_string_lossy().replace('/', "%2F")
    }

    fn signal(&mut self, signal: rustix::process::Signal) {
        let Some(mut server) = self.server.take() else { return };
        // Its first process ends all others.
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&server), signal);
        let _ = server.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let last: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("--- the end of PostgreSQL's log ---\n{}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        // Its files belong to the server's user.
        let mut remove = as_server("rm");
        let _ = remove.arg("-rf").arg(self.data()).status();
    }
}

/// The last line of this file says what the server is up to.
fn is_ready(data: &Path) -> bool {
    let told = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    told.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

/// An authority of the test's own, and the server's key and certificate from it.
fn certify(folder: &Path, data: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let key = || KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("an authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (authority_key, server_key) = (key(), key());
    let certificate = authority.self_signed(&authority_key).expect("it certifies itself");
    fs::write(folder.join("authority.pem"), certificate.pem()).expect("a file");
    let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("a server");
    let certified = server.signed_by(&server_key, &Issuer::new(authority, authority_key)).expect("it is certified");
    for (name, text) in [("server.crt", certified.pem()), ("server.key", server_key.serialize_pem())] {
        fs::write(folder.join(name), text).expect("a file");
        done(as_server("install").args(["-m", "600"]).arg(folder.join(name)).arg(data.join(name)));
    }
}

/// A data folder as initialized, made by whichever test comes first.
fn template() -> PathBuf {
    let version = done(Command::new(program("postgres")).arg("--version"));
    let version: String = String::from_utf8_lossy(&version.stdout).chars().filter(char::is_ascii_digit).collect();
    let folder = std::env::temp_dir().join(format!("keju-pg-template-{version}-{}", user()));
    let lock = File::options().create(true).append(true).open(folder.with_extension("lock")).expect("a lock file");
    lock.lock().expect("the lock is waited for");
    let data = folder.join("data");
    if !folder.join("done").exists() {
        fs::create_dir_all(&folder).expect("a folder for the template");
        give_to_server(&folder);
        done(as_server("rm").arg("-rf").arg(&data));
        let mut init = as_server(program("initdb"));
        init.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--wal-segsize=4", "-D"]);
        done(init.arg(&data));
        let mut role = as_server(program("postgres"));
        role.args(["--single", "postgres", "-D"]).arg(&data);
        role.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut role = role.spawn().expect("the server starts for one");
        let statement = format!("CREATE ROLE {ROLE} LOGIN\n");
        std::io::Write::write_all(&mut role.stdin.take().expect("a piped stream"), statement.as_bytes())
            .expect("a statement is taken");
        assert!(role.wait().expect("it ends").success(), "the role was not made");
        File::create(folder.join("done")).expect("a mark");
    }
    data
}

/// A program of the newest PostgreSQL there is.
fn program(name: &str) -> PathBuf {
    let folders = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<(u32, PathBuf)> = folders("/usr/lib/postgresql")
        .map(|folder| {
            let version = folder.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0);
            (version, folder.join("bin"))
        })
        .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).map(|folder| (0, folder)))
        .map(|(version, folder)| (version, folder.join(name)))
        .filter(|(_, path)| path.is_file())
        .collect();
    found.sort();
    let newest = found.pop();
    newest.unwrap_or_else(|| panic!("there is no {name}: install PostgreSQL (Debian: apt-get install postgresql)")).1
}

/// The user that starts the server, which refuses to be root.
fn user() -> String {
    if is_root() { "postgres".to_owned() } else { rustix::process::getuid().as_raw().to_string() }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// A command as the server's user, ended with whoever started it.
fn as_server(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
    }
    command.arg("--").arg(program).current_dir("/");
    command
}

fn give_to_server(folder: &Path) {
    if is_root() {
        done(Command::new("chown").arg("postgres:").arg(folder));
    }
}

fn done(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
