//! The real server: the `keju` binary in a temporary folder of its own, on a port the kernel picks.

use keju_test_cluster::Cluster;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to say where it listens; a demo site is filled before that.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a stop may take, by the protocol.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Flags after `serve --listen … --database …`.
    pub flags: Vec<String>,
    /// Environment.
    pub env: Vec<(String, String)>,
    /// The text of a configuration file.
    pub config: Option<String>,
    /// Another database than `site.db` of the server's own folder.
    pub database: Option<PathBuf>,
    /// A PostgreSQL database instead of a file.
    pub postgres: Option<Postgres>,
}

/// Where a site keeps its data. The stories that have to hold on both are told on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// In a file of its own.
    Sqlite,
    /// In a database of a PostgreSQL server that is started for it.
    Postgres,
}

impl Backend {
    /// Settings of a server on a new database.
    #[must_use]
    pub fn settings(self) -> Settings {
        let postgres = match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Postgres::start()),
        };
        Settings { postgres, ..Settings::default() }
    }
}

/// A PostgreSQL server and a database in it, for one or several nodes. It ends with the last that holds it.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// The server.
    pub cluster: Arc<Mutex<Cluster>>,
    /// The database's address.
    pub url: String,
}

impl Postgres {
    /// Starts one with an empty database.
    #[must_use]
    pub fn start() -> Self {
        let cluster = Cluster::start();
        let url = cluster.database();
        Self { cluster: Arc::new(Mutex::new(cluster)), url }
    }

    /// Runs SQL on the database as its superuser.
    pub fn sql(&self, sql: &str) -> String {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner).sql(&self.url, sql)
    }
}

/// A running (or ended) server; ended for good when it is dropped.
#[derive(Debug)]
pub struct Server {
    folder: TempDir,
    settings: Settings,
    running: Option<Running>,
    url: String,
    password: Option<String>,
    stdout: Log,
    stderr: Log,
}

#[derive(Debug)]
struct Running {
    child: Child,
}

type Log = Arc<Mutex<String>>;

/// The binary: `KEJU_BIN`, or the one beside this test's own target folder.
#[must_use]
pub fn binary() -> PathBuf {
    built("KEJU_BIN", "keju", "ws-gateway")
}

fn built(variable: &str, name: &str, package: &str) -> PathBuf {
    let path = match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => {
            // …/debug/deps/it-0123456789abcdef
            let own = std::env::current_exe().expect("a test has a path");
            let folder = own.ancestors().nth(2).expect("a test lies in target/debug/deps");
            folder.join(name)
        }
    };
    assert!(path.is_file(), "there is no {}: run `cargo build -p {package}` first", path.display());
    path
}

/// The load generator, in a folder, with nothing of our own environment that it would read; `KEJU_LOAD_BIN`
/// names another binary.
#[must_use]
pub fn load_tests(folder: &Path) -> Command {
    let mut command = Command::new(built("KEJU_LOAD_BIN", "load-tests", "load-tests"));
    command.current_dir(folder);
    for name in ["KEJU_SERVER", "KEJU_ADMIN", "KEJU_ADMIN_PASSWORD"] {
        command.env_remove(name);
    }
    command
}

/// `keju` with arguments, in a folder, with nothing of our own environment that it would read.
#[must_use]
pub fn keju(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(folder);
    for name in
        ["KEJU_LISTEN", "KEJU_DATABASE", "KEJU_CONFIG", "KEJU_LOG_FORMAT", "KEJU_DATABASE_PASSWORD_FILE", "PGPASSWORD"]
    {
        command.env_remove(name);
    }
    command
}

impl Server {
    /// Starts one on a new database.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Settings::default())
    }

    /// Starts one as told.
    #[must_use]
    pub fn start_with(settings: Settings) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        if let Some(text) = &settings.config {
            std::fs::write(folder.path().join("test.toml"), text).expect("a configuration file");
        }
        let (stdout, stderr) = (Log::default(), Log::default());
        let mut server = Self { folder, settings, running: None, url: String::new(), password: None, stdout, stderr };
        server.launch("127.0.0.1:0");
        server
    }

    fn launch(&mut self, listen: &str) {
        let mut command = keju(self.folder.path());
        command.args(["serve", "--listen", listen, "--database"]).arg(self.database_url());
        if self.settings.config.is_some() {
            command.args(["--config", "test.toml"]);
        }
        command.args(&self.settings.flags).envs(self.settings.env.clone());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let (lines, said) = mpsc::channel();
        follow(child.stdout.take(), &self.stdout, Some(lines));
        follow(child.stderr.take(), &self.stderr, None);
        self.running = Some(Running { child });
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let line = said.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("the server did not say where it listens: {}", self.stderr()));
            if let Some(url) = line.strip_prefix("listening on ") {
                url.trim().clone_into(&mut self.url);
                return;
            }
            if let Some(rest) = line.split("one-time password ").nth(1) {
                self.password = rest.split_whitespace().next().map(str::to_owned);
            }
        }
    }

    /// Such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The first administrator's password, as it was printed.
    #[must_use]
    pub fn one_time_password(&self) -> &str {
        self.password.as_deref().unwrap_or_else(|| panic!("no password was printed: {}", self.stdout()))
    }

    /// The server's own folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.settings.database.clone().unwrap_or_else(|| self.folder.path().join("site.db"))
    }

    /// The database as `--database` takes it.
    #[must_use]
    pub fn database_url(&self) -> String {
        match &self.settings.postgres {
            Some(postgres) => postgres.url.clone(),
            None => format!("sqlite:{}", self.database().display()),
        }
    }

    /// The PostgreSQL server it works on.
    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        self.settings.postgres.as_ref().expect("a site on PostgreSQL")
    }

    /// Another node on the same PostgreSQL database.
    #[must_use]
    pub fn another_node(&self, number: u16) -> Self {
        let mut settings = self.settings.clone();
        assert!(settings.postgres.is_some(), "a file has one server");
        settings.env.push(("KEJU_NODE".to_owned(), number.to_string()));
        Self::start_with(settings)
    }

    /// Everything printed so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything logged so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The process, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// Kills it as a power cut would end it: no handler runs.
    pub fn kill9(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            running.child.wait().expect("a killed server ends");
        }
    }

    /// Sends SIGTERM and returns at once.
    pub fn signal_stop(&self) {
        let running = self.running.as_ref().expect("the server runs");
        let pid = rustix::process::Pid::from_child(&running.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a running server takes signals");
    }

    /// Waits for the end after [`Server::signal_stop`]: exit code 0 within ten seconds.
    pub fn await_stop(&mut self) {
        let mut running = self.running.take().expect("the server runs");
        let deadline = Instant::now() + STOP_TIMEOUT;
        loop {
            if let Some(status) = running.child.try_wait().expect("the server can be waited for") {
                assert_eq!(status.code(), Some(0), "{}", self.stderr());
                return;
            }
            if Instant::now() > deadline {
                let _ = running.child.kill();
                panic!("the server did not stop within {STOP_TIMEOUT:?}: {}", self.stderr());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGTERM; asserts exit code 0 within ten seconds.
    pub fn terminate(&mut self) {
        self.signal_stop();
        self.await_stop();
    }

    /// Starts again on the same database, after a kill if it still runs. The address is a new one.
    pub fn restart(&mut self) {
        self.kill9();
        self.launch("127.0.0.1:0");
    }

    /// Starts again at the address it had, as whoever stands before it expects.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "it runs");
        let address = self.address().to_owned();
        self.launch(&address);
    }

    /// Runs `keju` with these arguments on this server's database (which must not be open for
    /// anything but `backup`) and waits for its end.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.command_with(arguments, b"")
    }

    /// The same, with something to read on standard input.
    #[must_use]
    pub fn command_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = keju(self.folder.path());
        command.args(arguments).env("KEJU_DATABASE", self.database_url());
        run(command, input)
    }
}

/// Runs a command to its end.
#[must_use]
pub fn run(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    if let Some(mut stdin) = child.stdin.take() {
        // A command that reads nothing has closed it already.
        let _ = stdin.write_all(input);
    }
    child.wait_with_output().expect("the command ends")
}

fn follow(from: Option<impl Read + Send + 'static>, log: &Log, lines: Option<mpsc::Sender<String>>) {
    let (from, log) = (from.expect("a piped stream"), Arc::clone(log));
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
            drop(log);
            if let Some(lines) = &lines {
                let _ = lines.send(line);
            }
        }
    });
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.stderr());
        }
    }
}
