//! The shipped server over HTTP, with all of its work on the path, beside a handler that does nothing and one that only
//! keeps what it receives, in one run, with the same client. Server and client are processes of their own and share the machine: read the
//! ratios, and the CPU time of the server for each answer.
//!
//! `cargo bench -p keju-benches --bench http`, or with the names of parts behind `--`: `answers`, `heuristics`,
//! `starts`, `papers`, `exams`, `cold`, `strangers`. `KEJU_BENCH_ROUNDS` and `KEJU_BENCH_MS` say how often and how long each is measured,
//! `KEJU_BENCH_ITEMS` how large the large bank is, `KEJU_BENCH_PAST` how many attempts lie behind a cold start.
//! `KEJU_BENCH_DATABASE=postgres` takes PostgreSQL instead of SQLite (its CPU time counts as the server's).

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use clap::Parser as _;
use exam_service::Identity;
use keju_benches::client::{Plan, Work};
use keju_benches::crowd::{Ask, Stall, crowd_role};
use keju_benches::database::Database;
use keju_benches::floors;
use keju_benches::process::{self, Crowd, Measured, Server, load, median, round_ms, rounds, runtime, setting};
use keju_benches::site::BenchSite;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// As the program has it; the floor has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Signals of each kind are kept up to a number for an attempt; after so many answers all kinds have theirs.
const NOTED: u64 = 200;

fn main() {
    match std::env::var(process::ROLE).as_deref() {
        Ok("load") => process::load_role(),
        Ok("crowd") => crowd_role(),
        Ok("nothing") => floors::nothing(),
        Ok("kept") => floors::kept(),
        Ok(_) => drop(ws_gateway::cli::run(ws_gateway::cli::Cli::parse_from(["keju"])).expect("the server serves")),
        Err(_) => parts(),
    }
}

fn parts() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let all: [(&str, fn()); 7] = [
        ("answers", answers),
        ("heuristics", heuristics),
        ("starts", starts),
        ("papers", papers),
        ("exams", exams),
        ("cold", cold),
        ("strangers", strangers),
    ];
    for (_, part) in all.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|want| want == name)) {
        part();
    }
}

/// The shipped server over a site of its own, with learners who have not begun.
struct Site {
    server: Server,
    starts: String,
    tokens: Vec<String>,
    attempts: Vec<String>,
    next: AtomicUsize,
    _database: Database,
}

impl Site {
    /// With so many learners; `begun` of them have an open attempt.
    fn open(items: u32, learners: usize, begun: bool, settings: &[(&str, &str)]) -> Self {
        Self::open_after(items, learners, begun, settings, |_| {})
    }

    /// The same, with something done to the closed database before the server has it.
    fn open_after(
        items: u32,
        learners: usize,
        begun: bool,
        settings: &[(&str, &str)],
        before: impl FnOnce(&Database),
    ) -> Self {
        let runtime = runtime();
        let site = runtime.block_on(BenchSite::open(items, true));
        let (people, attempts): (Vec<Identity>, Vec<String>) = if begun {
            let learners = runtime.block_on(site.learners(learners));
            learners.iter().map(|learner| (learner.identity().clone(), learner.attempt().to_string())).unzip()
        } else {
            (runtime.block_on(site.people(learners)), Vec::new())
        };
        let tokens = runtime.block_on(site.sign_in(&people));
        let starts = format!("/api/v1/exams/{}/attempts", site.exam);
        let database = runtime.block_on(site.close());
        before(&database);
        let server = Server::product(&database, settings);
        Self { server, starts, tokens, attempts, next: AtomicUsize::new(0), _database: database }
    }

    /// So many learners nobody has used yet.
    fn fresh(&self, count: usize) -> std::ops::Range<usize> {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        assert!(first + count <= self.tokens.len(), "the site has too few learners");
        first..first + count
    }

    /// Answers of people: of a machine's, which come a thousand times too fast, the first are noted one by one.
    fn answers(&self, connections: usize) -> Measured {
        self.answers_after(connections, NOTED)
    }

    fn answers_after(&self, connections: usize, before: u64) -> Measured {
        let answers = |learner: usize| Work::Answers {
            path: format!("/api/v1/attempts/{}/answers", self.attempts[learner]),
            token: self.tokens[learner].clone(),
            before,
        };
        self.load(self.fresh(connections).map(answers).collect(), round_ms())
    }

    fn papers(&self, connections: usize) -> Measured {
        let read = |learner: usize| Work::Reads {
            path: format!("/api/v1/attempts/{}", self.attempts[learner]),
            token: self.tokens[learner].clone(),
        };
        self.load(self.fresh(connections).map(read).collect(), round_ms())
    }

    fn starts(&self, connections: usize, each: usize) -> Measured {
        self.load(self.shares(connections, each, |path, tokens| Work::Starts { path, tokens }), u64::MAX / 2_000)
    }

    fn exams(&self, connections: usize, each: usize) -> Measured {
        self.load(self.shares(connections, each, |path, tokens| Work::Exams { path, tokens }), u64::MAX / 2_000)
    }

    fn shares(&self, connections: usize, each: usize, work: fn(String, Vec<String>) -> Work) -> Vec<Work> {
        let share = |_| work(self.starts.clone(), self.tokens[self.fresh(each)].to_vec());
        (0..connections).map(share).collect()
    }

    fn load(&self, connections: Vec<Work>, for_ms: u64) -> Measured {
        load(&self.server, &Plan { address: self.server.address, for_ms, connections })
    }
}

fn nothing_answers(server: &Server, connections: usize) -> Measured {
    let work = Work::Answers { path: "/nothing".into(), token: "x".repeat(43), before: 0 };
    let connections = vec![work; connections];
    load(server, &Plan { address: server.address, for_ms: round_ms(), connections })
}

/// G1, G3: durable answers beside nothing, and beside rows of a plain table that are as durable.
fn answers() {
    let idle = Server::start("nothing", &[]);
    let plain = Database::new();
    let kept = Server::kept(&plain);
    let site = Site::open(1_000, 320 * rounds() as usize, true, &[]);
    println!(
        "\ndurable answers over HTTP, beside axum `Json` doing nothing, and keeping a row by group commit and nothing else"
    );
    println!("(medians of {} rounds; us: CPU time of the server and its database)", rounds());
    println!("connections | nothing/s, us | kept/s, of nothing, us | answers/s, of nothing, of kept, us | p50, p99 ms");
    for connections in [64, 256] {
        let rounds: Vec<[Measured; 3]> = (0..rounds())
            .map(|_| {
                [nothing_answers(&idle, connections), nothing_answers(&kept, connections), site.answers(connections)]
            })
            .collect();
        let of = |what: fn(&[Measured; 3]) -> f64| median(rounds.iter().map(what).collect());
        println!(
            "{connections:11} | {:9.0} {:3.1} | {:6.0} {:8.3} {:7.1} | {:9.0} {:10.3} {:8.3} {:5.1} | {:.2} {:.2}",
            of(|[nothing, ..]| nothing.per_second()),
            of(|[nothing, ..]| nothing.cpu_us()),
            of(|[_, kept, _]| kept.per_second()),
            of(|[nothing, kept, _]| kept.per_second() / nothing.per_second()),
            of(|[_, kept, _]| kept.cpu_us()),
            of(|[.., answer]| answer.per_second()),
            of(|[nothing, _, answer]| answer.per_second() / nothing.per_second()),
            of(|[_, kept, answer]| answer.per_second() / kept.per_second()),
            of(|[.., answer]| answer.cpu_us()),
            of(|[.., answer]| f64::from(answer.outcome.p50_us) / 1e3),
            of(|[.., answer]| f64::from(answer.outcome.p99_us) / 1e3),
        );
    }
}

/// G10: what watching costs.
fn heuristics() {
    let learners = 64 * rounds() as usize;
    let (on, off) =
        (Site::open(1_000, learners, true, &[]), Site::open(1_000, learners, true, &[("KEJU_HEURISTICS", "false")]));
    let pairs: Vec<(Measured, Measured)> =
        (0..rounds()).map(|_| (on.answers_after(64, 0), off.answers_after(64, 0))).collect();
    let of = |what: fn(&(Measured, Measured)) -> f64| median(pairs.iter().map(what).collect());
    println!("\nheuristics on, against off, 64 connections");
    println!(
        "server CPU us per answer {:.1} against {:.1}: {:+.1} %; answers/s {:.0} against {:.0}: {:+.1} %",
        of(|(on, _)| on.cpu_us()),
        of(|(_, off)| off.cpu_us()),
        of(|(on, off)| (on.cpu_us() / off.cpu_us() - 1.0) * 100.0),
        of(|(on, _)| on.per_second()),
        of(|(_, off)| off.per_second()),
        of(|(on, off)| (on.per_second() / off.per_second() - 1.0) * 100.0),
    );
}

/// G4: start, draw and paper, from banks of two sizes, beside a body of a paper's size.
fn starts() {
    let (connections, each) = (64, 64);
    let large = setting("KEJU_BENCH_ITEMS", 100_000) as u32;
    // One more round than is shown: the first start of an exam loads its bank.
    let learners = connections * each * (rounds() as usize + 1);
    println!("\nstart, draw and a paper of 40 items, durable, beside a body of that size; 64 connections");
    println!("items in the bank | body bytes | bodies/s | starts/s | ratio | server CPU us: body, start");
    for items in [1_000, large] {
        let site = Site::open(items, learners, false, &[]);
        let bytes = site.starts(connections, each).outcome.body_bytes;
        let idle = Server::start("nothing", &[("KEJU_BENCH_PAPER", bytes.to_string())]);
        let body = Work::Starts { path: "/paper".into(), tokens: vec!["x".repeat(43); each] };
        let plan = Plan { address: idle.address, for_ms: u64::MAX / 2_000, connections: vec![body; connections] };
        let pairs: Vec<(Measured, Measured)> =
            (0..rounds()).map(|_| (load(&idle, &plan), site.starts(connections, each))).collect();
        let of = |what: fn(&(Measured, Measured)) -> f64| median(pairs.iter().map(what).collect());
        println!(
            "{items:17} | {bytes:10} | {:8.0} | {:8.0} | {:5.3} | {:.1} {:.1}",
            of(|(body, _)| body.per_second()),
            of(|(_, start)| start.per_second()),
            of(|(body, start)| start.per_second() / body.per_second()),
            of(|(body, _)| body.cpu_us()),
            of(|(_, start)| start.cpu_us()),
        );
    }
}

/// G4: papers of open attempts, read again, beside a body of that size.
fn papers() {
    let connections = 64;
    let site = Site::open(1_000, connections * (rounds() as usize + 1), true, &[]);
    let bytes = site.papers(connections).outcome.body_bytes;
    let idle = Server::start("nothing", &[("KEJU_BENCH_PAPER", bytes.to_string())]);
    let body = Work::Reads { path: "/paper".into(), token: "x".repeat(43) };
    let plan = Plan { address: idle.address, for_ms: round_ms(), connections: vec![body; connections] };
    let pairs: Vec<(Measured, Measured)> =
        (0..rounds()).map(|_| (load(&idle, &plan), site.papers(connections))).collect();
    let of = |what: fn(&(Measured, Measured)) -> f64| median(pairs.iter().map(what).collect());
    println!("\npapers of 40 items, {bytes} bytes, beside a body of that size; {connections} connections");
    println!(
        "{:.0} bodies/s, {:.0} papers/s: {:.3}; server CPU us {:.1} and {:.1}",
        of(|(body, _)| body.per_second()),
        of(|(_, paper)| paper.per_second()),
        of(|(body, paper)| paper.per_second() / body.per_second()),
        of(|(body, _)| body.cpu_us()),
        of(|(_, paper)| paper.cpu_us()),
    );
}

/// G11: from nothing to ready, and to the first paper of a large bank, with many attempts in the past.
fn cold() {
    let (items, past) = (setting("KEJU_BENCH_ITEMS", 100_000) as u32, setting("KEJU_BENCH_PAST", 1_000_000));
    let (mut begin, mut bytes) = (Instant::now(), 0);
    let site = Site::open_after(items, 3, true, &[], |database| {
        database.add_past(past);
        bytes = database.bytes();
        begin = Instant::now();
    });
    let ready = begin.elapsed();
    let at_once = site.server.resident_bytes();
    // The first answer waits for the bank, the others for nothing.
    let first = site.answers_after(1, 0).outcome.most_us;
    let later = site.server.resident_bytes();
    println!("\na cold start with a bank of {items} items and {past} attempts in the past, {} MB on disk", bytes >> 20);
    println!("ready after {:.2} s with {} MB resident", ready.as_secs_f64(), at_once >> 20);
    println!(
        "the first answer, with the bank, after {:.2} s more; {} MB resident",
        f64::from(first) / 1e6,
        later >> 20
    );
}

/// G5: a whole exam of forty answers, each saved and durable by itself.
fn exams() {
    let (connections, each) = (64, 8);
    let site = Site::open(1_000, connections * each * rounds() as usize, false, &[]);
    let measured: Vec<Measured> = (0..rounds()).map(|_| site.exams(connections, each)).collect();
    let of = |what: fn(&Measured) -> f64| median(measured.iter().map(what).collect());
    println!("\nwhole exams: start, 40 answers saved one by one, handed in and marked; 64 connections");
    println!(
        "{:.2} CPU-ms of the server each, {:.0} exams/s",
        of(|exam| exam.cpu_us() / 1e3),
        of(Measured::per_second)
    );
}

/// Answers of 64 connections while a thousand others are slow on purpose.
fn strangers() {
    const COUNT: usize = 1_000;
    let settings = [
        ("KEJU_LIMITS_MESSAGES_PER_SECOND", "1000000"),
        ("KEJU_LIMITS_MESSAGES_BURST", "1000000"),
        ("KEJU_LIMITS_HELLOS_PER_SECOND", "1000000"),
        ("KEJU_LIMITS_HELLOS_BURST", "1000000"),
        ("KEJU_STREAM_SOCKETS_PER_PERSON", "2000"),
    ];
    let kinds = ["nobody", "half a head", "half a body", "answers unread", "sockets that never read"];
    let site = Site::open(1_000, 64 * kinds.len() * rounds() as usize + 1, true, &settings);
    let own = site.fresh(1).start;
    let mut found: Vec<Vec<Measured>> = vec![Vec::new(); kinds.len()];
    for _ in 0..rounds() {
        for (kind, found) in found.iter_mut().enumerate() {
            let mut crowd = Crowd::start(&site.server);
            match kind {
                0 => {}
                1..4 => {
                    let stall = [Stall::Head, Stall::Body, Stall::Answer][kind - 1];
                    crowd.ask(&Ask::Stall(stall, COUNT, site.tokens[own].clone()));
                }
                _ => {
                    let body = format!("{{\"purpose\":\"attempt\",\"id\":\"{}\"}}", site.attempts[own]);
                    let wants = vec![(site.tokens[own].clone(), body); COUNT];
                    crowd.ask(&Ask::Mint { path: "/api/v1/tickets".into(), wants });
                    crowd.ask(&Ask::Learn);
                    crowd.ask(&Ask::Flood);
                }
            }
            // What they got the server to do at first is done.
            std::thread::sleep(Duration::from_secs(1));
            // Nothing of a socket's is dripped: half a frame would be another thing.
            crowd.begin(&Ask::Drip(500, if kind < 4 { round_ms() } else { 0 }));
            found.push(site.answers(64));
            crowd.end();
        }
    }
    println!("\nanswers of 64 connections beside {COUNT} that are slow on purpose (medians of {} rounds)", rounds());
    println!("beside                  | answers/s | p50, p99 ms | p99 against nobody's");
    let of = |kind: &[Measured], what: fn(&Measured) -> f64| median(kind.iter().map(what).collect());
    let p99 = |kind: &[Measured]| of(kind, |measured| f64::from(measured.outcome.p99_us) / 1e3);
    for (name, kind) in kinds.iter().zip(&found) {
        println!(
            "{name:23} | {:9.0} | {:.2} {:.2} | {:.2}",
            of(kind, Measured::per_second),
            of(kind, |measured| f64::from(measured.outcome.p50_us) / 1e3),
            p99(kind),
            p99(kind) / p99(&found[0]),
        );
    }
}
