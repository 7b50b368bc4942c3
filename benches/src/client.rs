//! The load: keep-alive connections that send a request, read its response, and send the next. Written by
//! hand over bare sockets, since what the client costs is taken from the same cores as the server.

#![expect(clippy::expect_used, reason = "a bench that cannot go on has nothing to measure")]

use crate::site::SLOTS;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

/// What to send, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The server.
    pub address: SocketAddr,
    /// When to stop; a plan whose connections run out of work ends by itself.
    pub for_ms: u64,
    /// One per connection.
    pub connections: Vec<Work>,
}

/// What one connection does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Work {
    /// Answers one slot after the other, over and over.
    Answers {
        /// Of the attempt's answers.
        path: String,
        /// Whose.
        token: String,
        /// So many before anything counts.
        before: u64,
    },
    /// Reads one thing over and over.
    Reads {
        /// Of the thing.
        path: String,
        /// Whose.
        token: String,
    },
    /// Starts an attempt for each token.
    Starts {
        /// Of the exam's attempts.
        path: String,
        /// Whose.
        tokens: Vec<String>,
    },
    /// Takes a whole exam for each token: start, every slot once, hand in.
    Exams {
        /// Of the exam's attempts.
        path: String,
        /// Whose.
        tokens: Vec<String>,
    },
}

/// What came of a plan.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Answers, starts or exams that were done.
    pub done: u64,
    /// From the first request to the last response.
    pub took_us: u64,
    /// Half of the requests took no longer.
    pub p50_us: u32,
    /// All but a hundredth took no longer.
    pub p99_us: u32,
    /// None took longer.
    pub most_us: u32,
    /// Bytes of the last body.
    pub body_bytes: usize,
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    response: Vec<u8>,
    took_us: Vec<u32>,
    random: u64,
    done: u64,
    body_bytes: usize,
}

impl Connection {
    /// Sends a request of this method, path, owner and body, and reads the whole response; its body.
    async fn ask(&mut self, method: &str, path: &str, token: &str, body: &[u8], status: &[u8; 3]) -> &[u8] {
        self.request.clear();
        let length = body.len();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
        .expect("a buffer takes it");
        self.request.extend_from_slice(body);
        let sent = Instant::now();
        self.stream.write_all(&self.request).await.expect("the request is sent");
        let (mut filled, mut end) = (0, None);
        while end.is_none_or(|(_, end)| filled < end) {
            if filled == self.response.len() {
                self.response.resize(2 * filled, 0);
            }
            let read = self.stream.read(&mut self.response[filled..]).await.expect("the response arrives");
            assert!(read > 0, "the server hung up");
            filled += read;
            end = end.or_else(|| extent(&self.response[..filled]));
        }
        self.took_us.push(sent.elapsed().as_micros() as u32);
        let response = &self.response[..filled];
        assert!(response[9..12] == *status, "{}", String::from_utf8_lossy(response));
        let body = &self.response[end.map_or(0, |(body, _)| body)..filled];
        self.body_bytes = body.len();
        body
    }

    /// A command id nobody has used: cheaper than asking the system for random bytes.
    fn command(&mut self) -> Uuid {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Uuid::from_u64_pair(self.random, self.random.rotate_left(29) ^ 0x9E37_79B9_7F4A_7C15)
    }

    async fn answer(&mut self, path: &str, token: &str, round: u64) {
        let (command, choice) = (self.command(), round / u64::from(SLOTS) % 4 + 1);
        let body = format!(r#"{{"command_id":"{command}","response":{{"choices":["o{choice}"]}}}}"#);
        let path = format!("{path}/{}", round % u64::from(SLOTS) + 1);
        self.ask("PUT", &path, token, body.as_bytes(), b"200").await;
    }

    /// Starts an attempt; its id.
    async fn start(&mut self, path: &str, token: &str) -> String {
        let body = format!(r#"{{"command_id":"{}","mode":"exam"}}"#, self.command());
        let attempt = self.ask("POST", path, token, body.as_bytes(), b"201").await;
        // `{"id":"…` comes first.
        attempt.get(7..43).map_or_else(String::new, |id| String::from_utf8_lossy(id).into_owned())
    }

    async fn exam(&mut self, path: &str, token: &str) {
        let attempt = self.start(path, token).await;
        let answers = format!("/api/v1/attempts/{attempt}/answers");
        for round in 0..u64::from(SLOTS) {
            self.answer(&answers, token, round).await;
        }
        let body = format!(r#"{{"command_id":"{}"}}"#, self.command());
        self.ask("POST", &format!("/api/v1/attempts/{attempt}/submission"), token, body.as_bytes(), b"200").await;
    }

    /// What comes before the first request that counts.
    async fn prepare(mut self, work: Work) -> (Self, Work) {
        if let Work::Answers { path, token, before } = &work {
            for round in 0..*before {
                self.answer(path, token, round).await;
            }
            self.took_us.clear();
        }
        (self, work)
    }

    async fn work(mut self, work: Work, until: Instant) -> Self {
        match work {
            Work::Answers { path, token, before } => {
                while Instant::now() < until {
                    self.answer(&path, &token, before + self.done).await;
                    self.done += 1;
                }
            }
            Work::Reads { path, token } => {
                while Instant::now() < until {
                    self.ask("GET", &path, &token, b"", b"200").await;
                    self.done += 1;
                }
            }
            Work::Starts { path, tokens } => {
                for token in tokens.iter().take_while(|_| Instant::now() < until) {
                    self.start(&path, token).await;
                    self.done += 1;
                }
            }
            Work::Exams { path, tokens } => {
                for token in tokens.iter().take_while(|_| Instant::now() < until) {
                    self.exam(&path, token).await;
                    self.done += 1;
                }
            }
        }
        self
    }
}

/// Where the body begins and ends, once the head is whole.
fn extent(response: &[u8]) -> Option<(usize, usize)> {
    let (mut length, mut at) = (0, 0);
    loop {
        let line = at + response[at..].iter().position(|byte| *byte == b'\n')?;
        let text = &response[at..line];
        at = line + 1;
        if text == b"\r" {
            return Some((at, at + length));
        }
        if text.len() > 16 && text[..16].eq_ignore_ascii_case(b"content-length: ") {
            length = std::str::from_utf8(&text[16..]).expect("a header is text").trim().parse().expect("a length");
        }
    }
}

/// Opens the plan's connections, calls `go`, and does the plan.
pub async fn run(plan: Plan, go: impl FnOnce()) -> Outcome {
    let mut preparing = Vec::with_capacity(plan.connections.len());
    for (number, work) in plan.connections.into_iter().enumerate() {
        let stream = TcpStream::connect(plan.address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        let connection = Connection {
            stream,
            request: Vec::with_capacity(1_024),
            response: vec![0; 4_096],
            took_us: Vec::new(),
            random: Uuid::new_v4().as_u64_pair().0 ^ number as u64,
            done: 0,
            body_bytes: 0,
        };
        preparing.push(tokio::spawn(connection.prepare(work)));
    }
    let mut connections = Vec::with_capacity(preparing.len());
    for prepared in preparing {
        connections.push(prepared.await.expect("a connection is prepared"));
    }
    go();
    let started = Instant::now();
    let until = started + Duration::from_millis(plan.for_ms);
    let tasks: Vec<_> =
        connections.into_iter().map(|(connection, work)| tokio::spawn(connection.work(work, until))).collect();
    let (mut outcome, mut took) = (Outcome::default(), Vec::new());
    for task in tasks {
        let connection = task.await.expect("a connection does its work");
        outcome.done += connection.done;
        outcome.body_bytes = connection.body_bytes;
        took.extend(connection.took_us);
    }
    outcome.took_us = started.elapsed().as_micros() as u64;
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
    outcome.p50_us = at(50).copied().unwrap_or_default();
    outcome.p99_us = at(99).copied().unwrap_or_default();
    outcome.most_us = took.last().copied().unwrap_or_default();
    outcome
}
