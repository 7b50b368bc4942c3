//! Measures sockets of lessons against a server of its own (`KEJU_BIN`): memory of an idle one, processor time of a beat
//! and of a challenge, how fast they connect, and how fast they are back after a restart. Beside it the echo over a bare
//! WebSocket (`KEJU_ECHO`, the `echo` example), where it is given.
//!
//! `cargo run --release -p keju-tests --example sockets -- 10000`. Client and server are processes of their own and share
//! the machine: read the ratios.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Bank, Client, Settings, Site, id, text};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const CONFIG: &str = "[limits]\nhellos_per_second = 1000000\nhellos_burst = 1000000\nrequests_per_second = 1000000\n\
                      requests_burst = 1000000\nstarts_per_second = 1000000\nstarts_burst = 1000000\n\
                      [stream]\nsockets_per_address = 100000\n";
/// Sockets of one source address.
const PER_ADDRESS: usize = 4_000;
/// Opened at once.
const AT_ONCE: usize = 200;
const BEATS: u32 = 5;

/// Resident bytes and processor time of a process.
fn of_process(pid: u32) -> (u64, Duration) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let status = read("status");
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok());
    let stat = read("stat");
    let ticks: u64 = stat
        .rsplit(") ")
        .next()
        .map_or(0, |rest| rest.split(' ').skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum());
    (kib.unwrap_or(0) * 1024, Duration::from_millis(ticks * 10))
}

/// A WebSocket as small as can be: frames are written and read by hand.
struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Socket {
    async fn open(address: SocketAddr, number: usize, path: &str) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let from = u8::try_from(2 + number / PER_ADDRESS).unwrap_or(2);
        socket.bind(SocketAddr::from(([127, 0, 0, from], 0)))?;
        let mut stream = socket.connect(address).await?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: exam.v1\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        let mut socket = Self { stream, buffer: Vec::new() };
        while !socket.buffer.windows(4).any(|end| end == b"\r\n\r\n") {
            socket.more().await?;
        }
        let end = socket.buffer.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(0) + 4;
        socket.buffer.drain(..end);
        Ok(socket)
    }

    async fn more(&mut self) -> std::io::Result<()> {
        let mut chunk = [0; 2_048];
        match self.stream.read(&mut chunk).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.buffer.extend_from_slice(&chunk[..read]);
                Ok(())
            }
        }
    }

    async fn say(&mut self, message: &Value) -> std::io::Result<()> {
        let frame = keju_tests::kit::stream::raw_frame(true, 1, message.to_string().as_bytes());
        self.stream.write_all(&frame).await
    }

    /// The next text frame.
    async fn hear(&mut self) -> std::io::Result<Vec<u8>> {
        loop {
            let length = match (self.buffer.get(1), self.buffer.get(2..4)) {
                (Some(length @ 0..126), _) => Some((2, usize::from(*length))),
                (Some(126), Some(length)) => Some((4, usize::from(length[0]) << 8 | usize::from(length[1]))),
                _ => None,
            };
            if let Some((head, length)) = length
                && self.buffer.len() >= head + length
            {
                let opcode = self.buffer[0] & 0x0f;
                let payload = self.buffer[head..head + length].to_vec();
                self.buffer.drain(..head + length);
                if opcode == 1 {
                    self.buffer.shrink_to_fit();
                    return Ok(payload);
                }
                continue;
            }
            self.more().await?;
        }
    }
}

/// Does something for every number, so many at a time, and keeps what came of it.
async fn each<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    act: impl Fn(usize) -> F,
) -> Vec<T> {
    let mut done = Vec::with_capacity(count);
    for start in (0..count).step_by(AT_ONCE) {
        let tasks: Vec<_> = (start..(start + AT_ONCE).min(count)).map(|number| tokio::spawn(act(number))).collect();
        for task in tasks {
            done.push(task.await.expect("a task ends"));
        }
    }
    done
}

async fn open_all(partner: &Client, address: SocketAddr, lesson: &str, count: usize) -> (Vec<Socket>, Duration) {
    let tickets = each(count, |number| {
        let (partner, lesson) = (partner.clone(), lesson.to_owned());
        async move {
            let wanted = json!({"learner": format!("s{number}"), "lesson": lesson});
            text(&partner.post("/partner/tickets", &wanted).await.ok(201)["ticket"]).to_owned()
        }
    });
    // Tickets live thirty seconds: so many at a time as are used in that time.
    let tickets = tickets.await;
    let begun = Instant::now();
    let sockets = each(count, |number| {
        let ticket = tickets[number].clone();
        async move {
            let mut socket = Socket::open(address, number, "/api/v1/stream").await.expect("a socket");
            socket.say(&json!({"t": "hello", "ticket": ticket})).await.expect("hello");
            let said = socket.hear().await.expect("welcome");
            assert!(said.starts_with(b"{\"t\":\"welcome\""), "{}", String::from_utf8_lossy(&said));
            socket
        }
    });
    (sockets.await, begun.elapsed())
}

/// Every socket sends a message and waits for what comes; the server's processor time for each.
async fn round(sockets: Vec<Socket>, pid: u32, message: impl Fn(u32) -> Value) -> (Vec<Socket>, Duration) {
    let count = sockets.len() as u32;
    let (_, before) = of_process(pid);
    let mut sockets = sockets;
    for beat in 1..=BEATS {
        let words = message(beat);
        let tasks: Vec<_> = sockets
            .into_iter()
            .map(|mut socket| {
                let words = words.clone();
                tokio::spawn(async move {
                    socket.say(&words).await.expect("the socket is there");
                    socket.hear().await.expect("an answer");
                    socket
                })
            })
            .collect();
        sockets = Vec::with_capacity(count as usize);
        for task in tasks {
            sockets.push(task.await.expect("a task ends"));
        }
    }
    let (_, after) = of_process(pid);
    (sockets, (after - before) / (count * BEATS))
}

async fn bare_echo(count: usize) {
    let Some(program) = std::env::var_os("KEJU_ECHO") else { return };
    let mut child = std::process::Command::new(program).stdout(std::process::Stdio::piped()).spawn().expect("the echo");
    let mut line = String::new();
    let out = child.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).expect("a line");
    let address = line.trim().trim_start_matches("listening on ").parse().expect("an address");
    let (before, _) = of_process(child.id());
    let sockets =
        each(count, |number| async move { Socket::open(address, number, "/").await.expect("a socket") }).await;
    let (after, _) = of_process(child.id());
    let beat = |n| json!({"t": "beat", "n": n, "position_ms": 1_000, "playing": true, "rate": 1.0});
    let (_sockets, each) = round(sockets, child.id(), beat).await;
    println!("echo: {count} sockets, {} bytes each, {each:?} a message", (after.saturating_sub(before)) / count as u64);
    let _ = child.kill();
    let _ = child.wait();
}

#[tokio::main]
async fn main() {
    let count: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let settings = Settings { config: Some(CONFIG.into()), ..Settings::default() };
    let mut site = Site::start_with(settings, Bank::generated(12, false)).await;
    let lesson = site
        .lesson(&json!({"duration_ms": 3_600_000, "policy": {"gap_min_ms": 600_000, "gap_max_ms": 600_000,
        "heartbeat_ms": 10_000, "silence_ms": 30_000, "challenges_min": 1}}))
        .await;
    let person = |number: usize| json!({"username": format!("s{number}"), "name": "学员", "password": PASSWORD, "roles": ["learner"]});
    for start in (0..count).step_by(5_000) {
        let people: Vec<Value> = (start..(start + 5_000).min(count)).map(person).collect();
        site.admin.post("/people", &json!({"people": people})).await.ok(200);
    }
    let made = site.admin.post("/partners", &json!({"name": "sockets"})).await.ok(201);
    let partner = site.admin.with_token(Some(text(&made["key"])));
    println!("partner {}", id(&made));
    let address: SocketAddr = site.server.address().parse().expect("an address");
    let pid = site.server.process_id().expect("it runs");
    // Whatever is made once is made before it is measured.
    drop(open_all(&partner, address, &lesson, 200.min(count)).await);
    let (before, cpu_before) = of_process(pid);
    let (sockets, took) = open_all(&partner, address, &lesson, count).await;
    let (after, cpu_after) = of_process(pid);
    println!(
        "lessons: {count} sockets, {} bytes each with learner, study and ticket; {:.0} hellos/s, {:?} of processor each",
        after.saturating_sub(before) / count as u64,
        count as f64 / took.as_secs_f64(),
        (cpu_after - cpu_before) / count as u32,
    );
    let beat = |n| json!({"t": "beat", "n": n, "position_ms": i64::from(n) * 10, "playing": true, "rate": 1.0});
    let (sockets, each) = round(sockets, pid, beat).await;
    println!("beats: {each:?} of processor each");
    site.server.signal_stop();
    drop(sockets);
    site.server.await_stop();
    site.restart();
    let partner = partner.at(site.server.url());
    let address = site.server.address().parse().expect("an address");
    let (_sockets, took) = open_all(&partner, address, &lesson, count).await;
    println!("after a restart: {count} sockets back in {took:?}");
    bare_echo(count).await;
}
