//! Sockets of learners in lessons, at the shipped server with all it does for them, beside two floors in the same run
//! and with the same client: a bare TCP accept loop, and an echo over a bare WebSocket of small buffers. Servers and
//! client are processes of their own and share the machine: read bytes, ratios, and CPU time of the server.
//!
//! `cargo bench -p keju-benches --bench sockets`, or with the names of parts behind `--`: `idle` (memory, connecting,
//! beats), `challenges`, `restart`, `nodes` (as many sockets as several servers hold, on PostgreSQL).
//! `KEJU_BENCH_SOCKETS` is the largest number of sockets of one server; a process here has 20,000 descriptors.
//! `KEJU_BENCH_CROWD` is the number of all sockets of `nodes`. `KEJU_BENCH_ROUNDS` says how many beats each sends.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use clap::Parser as _;
use exam_core::ids::LessonId;
use exam_core::lesson::{LessonPolicy, Rate};
use futures_util::{SinkExt as _, StreamExt as _};
use keju_benches::crowd::{Ask, crowd_role};
use keju_benches::database::Database;
use keju_benches::process::{self, Crowd, Server, rounds, runtime, setting};
use keju_benches::site::BenchSite;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// As the program has it; the floors have it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tickets live thirty seconds: so many are minted and used at a time.
const SLICE: usize = 2_000;
/// Every socket sends so many beats a second.
const BEAT_MS: u64 = 1_000;
/// So many come and go before anything is measured: whatever is made once is made.
const FIRST: usize = 500;

fn main() {
    match std::env::var(process::ROLE).as_deref() {
        Ok("crowd") => crowd_role(),
        Ok("tcp") => floor(tcp_echo),
        Ok("websocket") => floor(websocket_echo),
        Ok(_) => drop(ws_gateway::cli::run(ws_gateway::cli::Cli::parse_from(["keju"])).expect("the server serves")),
        Err(_) => parts(),
    }
}

fn parts() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let all: [(&str, fn()); 4] = [("idle", idle), ("challenges", challenges), ("restart", restart), ("nodes", nodes)];
    for (_, part) in all.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|want| want == name)) {
        part();
    }
}

/// A server that accepts and spawns a task for each connection, and nothing else.
fn floor<F: Future<Output = ()> + Send + 'static>(talk: fn(TcpStream) -> F) {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("listening on http://{}", listener.local_addr().expect("an address"));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            tokio::spawn(talk(stream));
        }
    });
}

async fn tcp_echo(mut stream: TcpStream) {
    let mut buffer = [0; 256];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn websocket_echo(stream: TcpStream) {
    let config = WebSocketConfig::default().read_buffer_size(1_024).write_buffer_size(0);
    let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, with_protocol, Some(config));
    let Ok(mut socket) = Box::pin(accepted).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() && socket.send(message).await.is_err() {
            return;
        }
    }
}

type Handshake = tokio_tungstenite::tungstenite::handshake::server::Request;
type Accepted = tokio_tungstenite::tungstenite::handshake::server::Response;
type Refused = tokio_tungstenite::tungstenite::handshake::server::ErrorResponse;

#[expect(clippy::result_large_err, reason = "the library's own type")]
fn with_protocol(_: &Handshake, mut answer: Accepted) -> Result<Accepted, Refused> {
    let protocol = axum::http::HeaderValue::from_static("exam.v1");
    answer.headers_mut().insert("sec-websocket-protocol", protocol);
    Ok(answer)
}

/// The largest number of sockets.
fn most() -> usize {
    setting("KEJU_BENCH_SOCKETS", 19_500) as usize
}

/// The shipped server over a site with learners who are signed in, and a lesson for them.
struct Site {
    server: Server,
    tokens: Vec<String>,
    lesson: LessonId,
    admin: String,
    partner: (String, String),
    database: Database,
}

const SETTINGS: [(&str, &str); 6] = [
    ("KEJU_LIMITS_REQUESTS_PER_SECOND", "1000000"),
    ("KEJU_LIMITS_REQUESTS_BURST", "1000000"),
    ("KEJU_LIMITS_HELLOS_PER_SECOND", "1000000"),
    ("KEJU_LIMITS_HELLOS_BURST", "1000000"),
    ("KEJU_STREAM_SOCKETS_PER_ADDRESS", "100000"),
    // Between two things it is asked for the client reads nothing, pings neither.
    ("KEJU_STREAM_SILENT_MS", "3600000"),
];

impl Site {
    fn open(learners: usize, policy: LessonPolicy) -> Self {
        let runtime = runtime();
        let site = runtime.block_on(BenchSite::open(200, true));
        let people = runtime.block_on(site.people(learners));
        let tokens = runtime.block_on(site.sign_in(&people));
        let admin = runtime.block_on(async {
            let admin = site.administrator().await;
            site.sign_in(&[admin]).await.remove(0)
        });
        let lesson = runtime.block_on(site.lesson("lesson", 12 * 3_600_000, policy));
        let (partner, key) = runtime.block_on(site.partner());
        let database = runtime.block_on(site.close());
        let server = Server::product(&database, &SETTINGS);
        Self { server, tokens, lesson, admin, partner: (partner.to_string(), key), database }
    }

    /// Tickets for these learners, by themselves.
    fn mint(&self, learners: std::ops::Range<usize>) -> Ask {
        let body = format!("{{\"purpose\":\"lesson\",\"id\":\"{}\"}}", self.lesson);
        let wants = self.tokens[learners].iter().map(|token| (token.clone(), body.clone())).collect();
        Ask::Mint { path: "/api/v1/tickets".into(), wants }
    }

    /// Tickets for these learners, by the partner.
    fn mint_by_partner(&self, learners: std::ops::Range<usize>) -> Ask {
        let (_, key) = &self.partner;
        // Learners are named by the order in which they were made.
        let body = |number| format!("{{\"learner\":\"bench{}\",\"lesson\":\"{}\"}}", number + 1, self.lesson);
        let wants = learners.map(|number| (key.clone(), body(number))).collect();
        Ask::Mint { path: "/api/v1/partner/tickets".into(), wants }
    }

    /// Lets these learners open the lesson, slice by slice; hellos a second, and the server's CPU time for each.
    fn learn(&self, crowd: &mut Crowd, learners: std::ops::Range<usize>, by_partner: bool) -> (f64, f64) {
        self.learn_at(&self.server, crowd, learners, by_partner)
    }

    /// The same, at another node.
    fn learn_at(
        &self,
        server: &Server,
        crowd: &mut Crowd,
        learners: std::ops::Range<usize>,
        by_partner: bool,
    ) -> (f64, f64) {
        let (mut took_us, mut cpu_us, all) = (0, 0.0, learners.len());
        for first in learners.clone().step_by(SLICE) {
            let slice = first..(first + SLICE).min(learners.end);
            crowd.ask(&if by_partner { self.mint_by_partner(slice) } else { self.mint(slice) });
            let (done, cost) = crowd.cost(server, &Ask::Learn);
            took_us += done.took_us;
            cpu_us += cost * done.count as f64;
        }
        (all as f64 * 1e6 / took_us as f64, cpu_us / all as f64)
    }
}

/// Nothing is asked within the measurement; progress is kept once a beat, as it would be.
fn quiet_policy() -> LessonPolicy {
    LessonPolicy {
        heartbeat_ms: 1_000,
        gap_min_ms: 12 * 3_600_000,
        gap_max_ms: 12 * 3_600_000,
        ..LessonPolicy::default()
    }
}

fn settled(server: &Server) -> u64 {
    // Whatever is let go late.
    std::thread::sleep(Duration::from_secs(3));
    server.resident_bytes()
}

/// G7, G8: what a socket takes while it says nothing, and what a beat takes.
fn idle() {
    let levels: Vec<usize> = [1_000, 10_000].into_iter().filter(|level| *level < most()).chain([most()]).collect();
    println!("\nsockets that are open, idle, and beat once a second; {} beats each", rounds());
    println!("server     | sockets | bytes each | connects/s | server CPU us: connect, beat | beats: p50, p99 ms");
    for name in ["tcp", "websocket"] {
        let server = Server::start(name, &[]);
        let more = |count| if name == "tcp" { Ask::Connect(count) } else { Ask::Open("/".into(), count) };
        let mut crowd = Crowd::start(&server);
        crowd.ask(&more(FIRST));
        crowd.ask(&Ask::Leave);
        let (before, mut open) = (settled(&server), 0);
        for level in &levels {
            let (done, cpu) = crowd.cost(&server, &more(level - open));
            open = *level;
            let rate = done.count as f64 * 1e6 / done.took_us as f64;
            report(name, &server, &mut crowd, open, before, (rate, cpu));
        }
    }
    let site = Site::open(most() + FIRST, quiet_policy());
    let mut crowd = Crowd::start(&site.server);
    site.learn(&mut crowd, most()..most() + FIRST, false);
    crowd.ask(&Ask::Beats(2, BEAT_MS));
    crowd.ask(&Ask::Leave);
    let (before, mut open) = (settled(&site.server), 0);
    for level in &levels {
        let connects = site.learn(&mut crowd, open..*level, false);
        open = *level;
        report("keju", &site.server, &mut crowd, open, before, connects);
    }
}

fn report(name: &str, server: &Server, crowd: &mut Crowd, open: usize, before: u64, connects: (f64, f64)) {
    let bytes = settled(server).saturating_sub(before) / open as u64;
    let (beats, cpu) = crowd.cost(server, &Ask::Beats(rounds() as u32, BEAT_MS));
    println!(
        "{name:10} | {open:7} | {bytes:10} | {:10.0} | {:12.1} {cpu:5.1}           | {:.2} {:.2}",
        connects.0,
        connects.1,
        f64::from(beats.p50_us) / 1e3,
        f64::from(beats.p99_us) / 1e3,
    );
}

/// G8: all are asked at once, answer, and those who were wrong are asked again by the server.
fn challenges() {
    let count = most().min(10_000);
    let policy = LessonPolicy {
        max_rate: Rate::from_hundredths(400),
        gap_min_ms: 1_000,
        gap_max_ms: 1_000,
        cooldown_ms: 4_000,
        cooldown_max_ms: 4_000,
        ..quiet_policy()
    };
    let site = Site::open(count, policy);
    let mut crowd = Crowd::start(&site.server);
    site.learn(&mut crowd, 0..count, true);
    crowd.ask(&Ask::Beats(1, BEAT_MS));
    std::thread::sleep(Duration::from_secs(1));
    println!("\nchallenges of {count} sockets");
    let ms = |us: u64| us as f64 / 1e3;
    let (asked, cpu) = crowd.cost(&site.server, &Ask::Challenges);
    println!("all beat and are asked: {:.0} ms until the last is; server CPU us each {cpu:.1}", ms(asked.took_us));
    let (answered, cpu) = crowd.cost(&site.server, &Ask::Answers);
    let rate = answered.count as f64 * 1e6 / answered.took_us as f64;
    println!("answers: {rate:.0} verdicts/s, p99 {:.1} ms; server CPU us each {cpu:.1}", ms(answered.p99_us.into()));
    let (pushed, cpu) = crowd.cost(&site.server, &Ask::Pushed);
    println!(
        "{} questions pushed after a cool-down: late by p50 {:.0}, p99 {:.0}, at most {:.0} ms; server CPU us each {cpu:.1}",
        pushed.count,
        ms(pushed.p50_us.into()),
        ms(pushed.p99_us.into()),
        ms(pushed.max_us.into()),
    );
    let delete = Ask::Delete(format!("/api/v1/partners/{}", site.partner.0), site.admin.clone());
    let (closed, cpu) = crowd.cost(&site.server, &delete);
    println!(
        "the partner is revoked: the last of {} sockets is closed after {:.0} ms; server CPU us each {cpu:.1}",
        closed.count,
        ms(closed.max_us.into()),
    );
}

/// The server is stopped while all learn, and starts again; all come back to their studies.
fn restart() {
    let count = most().min(10_000);
    let mut site = Site::open(count, quiet_policy());
    let mut crowd = Crowd::start(&site.server);
    site.learn(&mut crowd, 0..count, false);
    crowd.ask(&Ask::Beats(2, BEAT_MS));
    let first = std::mem::replace(&mut site.server, Server::start("tcp", &[]));
    let stopped = first.stop();
    site.server = Server::product(&site.database, &SETTINGS);
    crowd.ask(&Ask::At(site.server.address));
    let (mut minting_us, mut coming_us, mut cpu_us) = (0, 0, 0.0);
    for first in (0..count).step_by(SLICE) {
        minting_us += crowd.ask(&site.mint(first..(first + SLICE).min(count))).took_us;
        let (done, cost) = crowd.cost(&site.server, &Ask::Return);
        coming_us += done.took_us;
        cpu_us += cost * done.count as f64;
    }
    println!("\n{count} sockets and a restart");
    println!("the stop, everybody sent away: {:.1} s", stopped.as_secs_f64());
    println!(
        "all are back after {:.1} s, of which {:.1} s for tickets; server CPU us each {:.1} beside the ticket's",
        (minting_us + coming_us) as f64 / 1e6,
        minting_us as f64 / 1e6,
        cpu_us / count as f64,
    );
}

/// G7: as many sockets as several nodes hold together, all of them with a study and a beat every ten seconds.
fn nodes() {
    let (count, each) = (setting("KEJU_BENCH_CROWD", 100_000) as usize, most().min(17_000));
    let policy = LessonPolicy { heartbeat_ms: 10_000, ..quiet_policy() };
    if std::env::var("KEJU_BENCH_DATABASE").as_deref() != Ok("postgres") {
        println!("\nnodes: a file has one node; give KEJU_BENCH_DATABASE=postgres");
        return;
    }
    let site = Site::open(count, policy);
    let others: Vec<Server> = (1..count.div_ceil(each)).map(|_| Server::product(&site.database, &SETTINGS)).collect();
    let servers: Vec<&Server> = std::iter::once(&site.server).chain(&others).collect();
    println!("\n{count} sockets over {} nodes, on PostgreSQL", servers.len());
    println!("node | sockets | bytes each | connects/s | server CPU us to connect");
    let mut crowds = Vec::new();
    for (node, server) in servers.iter().enumerate() {
        let learners = node * each..((node + 1) * each).min(count);
        let before = settled(server);
        let mut crowd = Crowd::start(server);
        crowd.ask(&Ask::From(learners.start));
        let open = learners.len();
        let (rate, cpu) = site.learn_at(server, &mut crowd, learners, false);
        let bytes = settled(server).saturating_sub(before) / open as u64;
        println!("{:4} | {open:7} | {bytes:10} | {rate:10.0} | {cpu:.1}", node + 1);
        crowds.push(crowd);
    }
    let before: Duration = servers.iter().map(|server| server.cpu()).sum();
    let beats = Ask::Beats(rounds() as u32, 10_000);
    for crowd in &mut crowds {
        crowd.begin(&beats);
    }
    let done: Vec<_> = crowds.iter_mut().map(Crowd::end).collect();
    let spent = servers.iter().map(|server| server.cpu()).sum::<Duration>().saturating_sub(before);
    let count: u64 = done.iter().map(|done| done.count).sum();
    let worst = done.iter().map(|done| done.p99_us).max().unwrap_or(0);
    println!(
        "{count} beats at all nodes, answered: p99 of the slowest node {:.1} ms; server CPU us each, with the database's, {:.1}",
        f64::from(worst) / 1e3,
        spent.as_secs_f64() * 1e6 / count as f64,
    );
}
