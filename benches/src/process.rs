//! Servers and load as processes of their own, so that the CPU time of each can be told apart. A bench
//! starts itself again under another role.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use crate::client::{self, Outcome, Plan};
use crate::crowd::{Ask, Done};
use crate::database::Database;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::DirEntry;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Which role a process has; none is the bench itself.
pub const ROLE: &str = "KEJU_BENCH_ROLE";

/// A process of this bench's; it ends with this value.
struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(role: &str, environment: &[(&str, String)]) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn().expect("the bench starts itself again");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the process speaks");
        assert!(!line.is_empty(), "the process ended without a word");
        line.trim_end().to_owned()
    }

    fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("a pipe");
        writeln!(input, "{line}").expect("the process listens");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server.
pub struct Server {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// The first process of the database server it works on, if there is one.
    database: Option<u32>,
}

impl Server {
    /// Starts this bench under a role that prints `listening on http://ADDRESS` when it does.
    pub fn start(role: &str, environment: &[(&str, String)]) -> Self {
        let mut process = Process::start(role, environment);
        let address = loop {
            if let Some(address) = process.line().strip_prefix("listening on http://") {
                break address.parse().expect("an address");
            }
        };
        Self { process, address, database: None }
    }

    /// `keju serve` with its defaults, over this database, without limits that a bench would meet.
    pub fn product(database: &Database, settings: &[(&str, &str)]) -> Self {
        let mut environment = vec![("KEJU_LISTEN", "127.0.0.1:0".to_owned()), ("KEJU_DATABASE", database.url())];
        let limits = [
            "ANSWERS_PER_SECOND",
            "ANSWERS_BURST",
            "STARTS_PER_SECOND",
            "STARTS_BURST",
            "STARTS_TOTAL_PER_SECOND",
            "REQUESTS_PER_SECOND",
            "REQUESTS_BURST",
        ];
        let limits = limits.map(|limit| format!("KEJU_LIMITS_{limit}"));
        environment.extend(limits.iter().map(|limit| (limit.as_str(), "1000000".to_owned())));
        environment.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self { database: database.server(), ..Self::start("product", &environment) }
    }

    /// The floor that keeps what it receives in this kind of database; see [`crate::floors::kept`].
    pub fn kept(database: &Database) -> Self {
        let environment = [("KEJU_DATABASE", database.url())];
        Self { database: database.server(), ..Self::start("kept", &environment) }
    }

    /// Stops it as an operator does; how long that took.
    pub fn stop(mut self) -> Duration {
        let began = Instant::now();
        let pid = rustix::process::Pid::from_child(&self.process.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the process lives");
        let ended = self.process.child.wait().expect("the process ends");
        assert!(ended.success(), "{ended}");
        began.elapsed()
    }

    /// User and system time of each of its threads so far.
    fn cpu_by_thread(&self) -> HashMap<OsString, u64> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.child.id())).expect("the process lives");
        let spent = |thread: DirEntry| {
            let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            Some((thread.file_name(), stat.split(' ').next()?.parse().ok()?))
        };
        threads.filter_map(|thread| spent(thread.ok()?)).collect()
    }

    /// User and system time of the whole process so far, and of its database server.
    pub fn cpu(&self) -> Duration {
        cpu_of(self.process.child.id()) + self.database.map_or(Duration::ZERO, cpu_with_children)
    }

    /// Bytes of its memory that are resident.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.child.id()));
        let status = status.expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1_024
    }
}

/// Time on a CPU of all threads of a process, from the scheduler's own books: `stat` counts by sampling.
pub fn cpu_of(process: u32) -> Duration {
    // A child of a database server may have ended a moment ago.
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    let spent = threads.map(|thread| {
        // A thread of the blocking pool that ends meanwhile takes its time with it; one that serves does not.
        let stat = thread.and_then(|thread| std::fs::read_to_string(thread.path().join("schedstat")));
        stat.ok().and_then(|stat| stat.split(' ').next()?.parse().ok()).unwrap_or(0)
    });
    Duration::from_nanos(spent.sum())
}

/// The same of a process and of all that it has started and that still run.
pub fn cpu_with_children(process: u32) -> Duration {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).map(cpu_of).sum::<Duration>() + cpu_of(process)
}

/// What a plan came to, and what it cost the server.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What the client saw.
    pub outcome: Outcome,
    /// CPU time of the server.
    pub cpu: Duration,
}

impl Measured {
    /// How many were done in a second.
    pub fn per_second(&self) -> f64 {
        self.outcome.done as f64 * 1e6 / self.outcome.took_us as f64
    }

    /// Microseconds of the server's CPU time for each.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.outcome.done as f64
    }
}

/// Does a plan against a server, by a client in a process of its own.
pub fn load(server: &Server, plan: &Plan) -> Measured {
    let mut client = Process::start("load", &[]);
    client.say(&serde_json::to_string(plan).expect("plain data"));
    assert_eq!(client.line(), "ready");
    let before = server.cpu();
    client.say("go");
    let outcome = serde_json::from_str(&client.line()).expect("an outcome");
    Measured { outcome, cpu: server.cpu().saturating_sub(before) }
}

/// A process that holds sockets; see [`crate::crowd`].
pub struct Crowd {
    process: Process,
}

impl Crowd {
    /// Starts one, for this server.
    pub fn start(server: &Server) -> Self {
        let mut crowd = Self { process: Process::start("crowd", &[]) };
        crowd.ask(&Ask::At(server.address));
        crowd
    }

    /// Lets it do something.
    pub fn ask(&mut self, ask: &Ask) -> Done {
        self.begin(ask);
        self.end()
    }

    /// Lets it begin something; until its end it can be asked for nothing else.
    pub fn begin(&mut self, ask: &Ask) {
        self.process.say(&serde_json::to_string(ask).expect("plain data"));
    }

    /// Waits for the end of what it began.
    pub fn end(&mut self) -> Done {
        serde_json::from_str(&self.process.line()).expect("what came of it")
    }

    /// The same, and the server's CPU time in microseconds for each.
    pub fn cost(&mut self, server: &Server, ask: &Ask) -> (Done, f64) {
        let before = server.cpu_by_thread();
        let done = self.ask(ask);
        // Threads that end meanwhile served something before, and nothing of this.
        let spent = |(thread, ns): (OsString, u64)| ns - before.get(&thread).copied().unwrap_or(0);
        let spent_ns: u64 = server.cpu_by_thread().into_iter().map(spent).sum();
        (done, spent_ns as f64 / 1e3 / done.count.max(1) as f64)
    }
}

/// The client's process.
pub fn load_role() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a plan");
    let plan: Plan = serde_json::from_str(&line).expect("a plan");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcome = runtime.block_on(client::run(plan, || {
        println!("ready");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).expect("a word");
    }));
    println!("{}", serde_json::to_string(&outcome).expect("plain data"));
}

/// As a program has it that says nothing of its threads.
pub fn runtime() -> Runtime {
    Runtime::new().expect("a runtime starts")
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How often a thing is measured: `KEJU_BENCH_ROUNDS`.
pub fn rounds() -> u64 {
    setting("KEJU_BENCH_ROUNDS", 5)
}

/// How long each time: `KEJU_BENCH_MS`.
pub fn round_ms() -> u64 {
    setting("KEJU_BENCH_MS", 2_000)
}

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
