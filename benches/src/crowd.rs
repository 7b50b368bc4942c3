//! A crowd: one process that holds many sockets and does with all of them what it is asked for, one thing after the
//! other. Written by hand over bare sockets, since what it costs is taken from the same cores as the server.

#![expect(clippy::expect_used, reason = "a bench that cannot go on has nothing to measure")]

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Sockets of one source address: it has ports for some more.
const PER_ADDRESS: usize = 5_000;
/// Sockets that open at once.
const OPENING: usize = 200;
/// Sockets that wait for an answer at once, unless all do.
const ASKING: usize = 256;
/// Sockets that do so when all are to be quick: of more the server refuses some for the moment, as it should.
const HURRYING: usize = 1_024;

/// What a crowd is asked to do with all of its sockets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ask {
    /// The server from now on.
    At(SocketAddr),
    /// Sockets are counted from here: which source addresses they have follows from it.
    From(usize),
    /// So many connections more, each with a request of the token's that it never finishes or never reads the answer of.
    Stall(Stall, usize, String),
    /// Every socket asks for more than it ever reads.
    Flood,
    /// A byte more of each connection, so often, for so many milliseconds.
    Drip(u64, u64),
    /// So many connections more.
    Connect(usize),
    /// So many sockets more at this path, which say nothing.
    Open(String, usize),
    /// Gets a ticket by each body for whoever has the token.
    Mint {
        /// Of the tickets.
        path: String,
        /// Tokens and bodies.
        wants: Vec<(String, String)>,
    },
    /// A socket more for each ticket, with hello and welcome.
    Learn,
    /// The sockets there were before, resumed by the tickets.
    Return,
    /// So many beats of each, so often, each answered.
    Beats(u32, u64),
    /// All beat as fast as the server lets them, far enough to be asked something, and are asked.
    Challenges,
    /// All answer what they were asked, and hear the verdict.
    Answers,
    /// Whoever answered wrongly hears the next question, which comes by itself.
    Pushed,
    /// Deletes this by the token, and waits until all sockets are closed.
    Delete(String, String),
    /// Ends all sockets.
    Leave,
}

/// How a connection holds a place without ever coming to an end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Stall {
    /// The head of its request is never whole.
    Head,
    /// The body is never whole.
    Body,
    /// It reads nothing of what it asked for, and it asks for much.
    Answer,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Done {
    /// How often it was done.
    pub count: u64,
    /// From the first to the last.
    pub took_us: u64,
    /// Half took no longer.
    pub p50_us: u32,
    /// All but a hundredth took no longer.
    pub p99_us: u32,
    /// None took longer.
    pub max_us: u32,
}

/// A socket, and what is known of its study.
struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// A bare connection has no frames.
    framed: bool,
    session: String,
    seq: u64,
    n: u64,
    playing_since: Option<Instant>,
    asked: String,
    /// When the next question is due.
    due: Option<Instant>,
}

impl Peer {
    async fn connect(address: SocketAddr, number: usize) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let from = u8::try_from(2 + number / PER_ADDRESS).unwrap_or(2);
        socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).expect("a free port");
        let stream = socket.connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        let (session, asked) = (String::new(), String::new());
        let (framed, playing_since) = (false, None);
        Self { stream, buffer: Vec::new(), framed, session, seq: 0, n: 0, playing_since, asked, due: None }
    }

    async fn open(address: SocketAddr, number: usize, path: &str) -> Self {
        let mut peer = Self::connect(address, number).await;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: exam.v1\r\n\r\n"
        );
        peer.stream.write_all(head.as_bytes()).await.expect("a handshake");
        let end = loop {
            if let Some(end) = peer.buffer.windows(4).position(|end| end == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(peer.more().await, "the handshake was cut off");
        };
        assert!(peer.buffer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&peer.buffer));
        peer.buffer.drain(..end);
        peer.framed = true;
        peer
    }

    async fn stall(address: SocketAddr, number: usize, stall: Stall, token: &str) -> Self {
        let mut peer = Self::connect(address, number).await;
        let request = match stall {
            Stall::Head => "PUT / HTTP/1.1\r\nhost: bench\r\nx-long: ".to_owned(),
            Stall::Body => format!(
                "POST /api/v1/tickets HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: 4000\r\n\r\n{{"
            ),
            Stall::Answer => "GET /openapi.json HTTP/1.1\r\nhost: bench\r\n\r\n".repeat(4),
        };
        peer.stream.write_all(request.as_bytes()).await.expect("the server listens");
        peer
    }

    async fn hello(address: SocketAddr, number: usize, ticket: &str, resume: Option<(String, u64)>) -> Self {
        let mut peer = Self::open(address, number, "/api/v1/stream").await;
        let hello = match resume {
            Some((session, seq)) => json!({"t": "hello", "ticket": ticket, "resume": {"session": session, "seq": seq}}),
            None => json!({"t": "hello", "ticket": ticket}),
        };
        peer.say(&hello.to_string()).await;
        let welcome = peer.expect("welcome").await;
        peer.session = welcome["session"].as_str().unwrap_or_default().to_owned();
        peer.seq = welcome["seq"].as_u64().unwrap_or(0);
        peer
    }

    async fn more(&mut self) -> bool {
        let mut chunk = [0; 4_096];
        let read = self.stream.read(&mut chunk).await.unwrap_or(0);
        self.buffer.extend_from_slice(&chunk[..read]);
        read > 0
    }

    async fn say(&mut self, text: &str) {
        let mut bytes = Vec::with_capacity(text.len() + 8);
        if self.framed {
            // Masked by zeros, which the protocol allows and which costs nothing here.
            bytes.push(0x81);
            match text.len() {
                length @ 0..126 => bytes.push(0x80 | length as u8),
                length => {
                    bytes.push(0x80 | 126);
                    bytes.extend((length as u16).to_be_bytes());
                }
            }
            bytes.extend([0; 4]);
        }
        bytes.extend(text.as_bytes());
        self.stream.write_all(&bytes).await.expect("the socket is there");
    }

    /// The next text; `None` when the server closes.
    async fn hear(&mut self) -> Option<Vec<u8>> {
        loop {
            if !self.framed {
                self.more().await;
                return Some(std::mem::take(&mut self.buffer));
            }
            let length = match (self.buffer.get(1), self.buffer.get(2..4)) {
                (Some(length @ 0..126), _) => Some((2, usize::from(*length))),
                (Some(126), Some(length)) => Some((4, usize::from(length[0]) << 8 | usize::from(length[1]))),
                _ => None,
            };
            if let Some((head, length)) = length.filter(|(head, length)| self.buffer.len() >= head + length) {
                let (opcode, payload) = (self.buffer[0] & 0x0f, self.buffer[head..head + length].to_vec());
                self.buffer.drain(..head + length);
                match opcode {
                    1 => return Some(payload),
                    8 => return None,
                    _ => continue,
                }
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn expect(&mut self, t: &str) -> Value {
        let text = self.hear().await.unwrap_or_else(|| panic!("{t} was to come, and the server closed"));
        let message: Value = serde_json::from_slice(&text).expect("messages are JSON");
        assert!(message["t"] == t, "{t} was to come, and not {message}");
        message
    }

    /// A beat of a player that runs at this rate.
    async fn beat(&mut self, rate: u128) {
        self.n += 1;
        let position_ms = rate * self.playing_since.get_or_insert_with(Instant::now).elapsed().as_millis();
        let n = self.n;
        self.say(&format!("{{\"t\":\"beat\",\"n\":{n},\"position_ms\":{position_ms},\"playing\":true,\"rate\":1.0}}"))
            .await;
    }

    async fn take_challenge(&mut self) {
        let challenge = self.expect("challenge").await;
        self.seq = challenge["seq"].as_u64().unwrap_or(0);
        self.asked = challenge["challenge"].as_str().unwrap_or_default().to_owned();
        self.due = None;
    }

    /// Answers by the first option, which is right now and then.
    async fn answer(&mut self) {
        let command = uuid::Uuid::new_v4();
        let answer =
            json!({"t": "answer", "command_id": command, "challenge": self.asked, "response": {"choices": ["o1"]}});
        self.say(&answer.to_string()).await;
        let verdict = self.expect("verdict").await;
        self.seq = verdict["seq"].as_u64().unwrap_or(0);
        self.due = verdict["next_in_ms"].as_u64().map(|left| Instant::now() + Duration::from_millis(left));
    }
}

/// The crowd's process.
#[derive(Default)]
struct Crowd {
    address: Option<SocketAddr>,
    from: usize,
    peers: Vec<Peer>,
    tickets: Vec<String>,
}

/// Does something with each of them, so many at a time; what came of it, and how long each took.
async fn all<T, U, F>(things: Vec<T>, width: usize, act: impl Fn(T) -> F + Clone + Send + 'static) -> (Vec<U>, Vec<u32>)
where
    T: Send + 'static,
    U: Send + 'static,
    F: Future<Output = U> + Send,
{
    let (share, mut things) = (things.len().div_ceil(width).max(1), things.into_iter().peekable());
    let mut tasks = Vec::new();
    while things.peek().is_some() {
        let (part, act): (Vec<T>, _) = (things.by_ref().take(share).collect(), act.clone());
        tasks.push(tokio::spawn(async move {
            let mut done = Vec::with_capacity(part.len());
            for thing in part {
                let since = Instant::now();
                done.push((act(thing).await, since.elapsed().as_micros() as u32));
            }
            done
        }));
    }
    let (mut back, mut took) = (Vec::new(), Vec::new());
    for task in tasks {
        for (one, us) in task.await.expect("a task ends") {
            back.push(one);
            took.push(us);
        }
    }
    (back, took)
}

impl Crowd {
    async fn obey(&mut self, ask: Ask) -> Done {
        let begun = Instant::now();
        let mut took = match ask {
            Ask::At(address) => {
                self.address = Some(address);
                Vec::new()
            }
            Ask::From(number) => {
                self.from = number;
                Vec::new()
            }
            Ask::Leave => {
                self.peers.clear();
                Vec::new()
            }
            Ask::Stall(stall, count, token) => {
                let open = move |address, number| {
                    let token = token.clone();
                    async move { Peer::stall(address, number, stall, &token).await }
                };
                self.open(count, open).await
            }
            Ask::Flood => self.flood().await,
            Ask::Drip(every_ms, for_ms) => self.drip(every_ms, for_ms).await,
            Ask::Connect(count) => self.open(count, Peer::connect).await,
            Ask::Open(path, count) => {
                let open = move |address, number| {
                    let path = path.clone();
                    async move { Peer::open(address, number, &path).await }
                };
                self.open(count, open).await
            }
            Ask::Mint { path, wants } => self.mint(path, wants).await,
            Ask::Learn => self.learn().await,
            Ask::Return => self.come_back().await,
            Ask::Beats(rounds, every_ms) => self.beats(rounds, every_ms).await,
            Ask::Challenges => self.challenges().await,
            Ask::Answers => {
                self.each(ASKING, |mut peer| async move {
                    peer.answer().await;
                    peer
                })
                .await
            }
            Ask::Pushed => self.pushed().await,
            Ask::Delete(path, token) => self.delete(&path, &token).await,
        };
        took.sort_unstable();
        let at = |percent: usize| took.get(took.len() * percent / 100).or(took.last()).copied().unwrap_or(0);
        let took_us = begun.elapsed().as_micros() as u64;
        Done { count: took.len() as u64, took_us, p50_us: at(50), p99_us: at(99), max_us: at(100) }
    }

    fn address(&self) -> SocketAddr {
        self.address.expect("the crowd knows where")
    }

    async fn open<F>(
        &mut self,
        count: usize,
        open: impl Fn(SocketAddr, usize) -> F + Clone + Send + 'static,
    ) -> Vec<u32>
    where
        F: Future<Output = Peer> + Send,
    {
        let (address, first) = (self.address(), self.from + self.peers.len());
        let (peers, took) = all((first..first + count).collect(), OPENING, move |number| open(address, number)).await;
        self.peers.extend(peers);
        took
    }

    async fn each<F>(&mut self, width: usize, act: impl Fn(Peer) -> F + Clone + Send + 'static) -> Vec<u32>
    where
        F: Future<Output = Peer> + Send,
    {
        let (peers, took) = all(std::mem::take(&mut self.peers), width, act).await;
        self.peers = peers;
        took
    }

    async fn mint(&mut self, path: String, wants: Vec<(String, String)>) -> Vec<u32> {
        let address = self.address();
        let mint = move |(token, body): (String, String)| {
            let path = path.clone();
            async move {
                let answer = request(address, "POST", &path, &token, &body).await;
                let answer: Value = serde_json::from_str(&answer).expect("a ticket is JSON");
                answer["ticket"].as_str().expect("a ticket").to_owned()
            }
        };
        let (tickets, took) = all(wants, 32, mint).await;
        self.tickets = tickets;
        took
    }

    async fn learn(&mut self) -> Vec<u32> {
        let (address, first) = (self.address(), self.from + self.peers.len());
        let tickets: Vec<_> = std::mem::take(&mut self.tickets).into_iter().zip(first..).collect();
        let hello =
            move |(ticket, number): (String, usize)| async move { Peer::hello(address, number, &ticket, None).await };
        let (peers, took) = all(tickets, OPENING, hello).await;
        self.peers.extend(peers);
        took
    }

    /// As many as there are tickets, the ones that went first.
    async fn come_back(&mut self) -> Vec<u32> {
        let address = self.address();
        let tickets = std::mem::take(&mut self.tickets);
        let lost: Vec<Peer> = self.peers.drain(..tickets.len()).collect();
        let lost = (self.from..).zip(lost.into_iter().zip(tickets));
        let lost: Vec<_> = lost.map(|(number, (peer, ticket))| (number, peer.session, peer.seq, ticket)).collect();
        let back = move |(number, session, seq, ticket): (usize, String, u64, String)| async move {
            Peer::hello(address, number, &ticket, Some((session, seq))).await
        };
        let (peers, took) = all(lost, OPENING, back).await;
        self.peers.extend(peers);
        took
    }

    async fn beats(&mut self, rounds: u32, every_ms: u64) -> Vec<u32> {
        let mut every = tokio::time::interval(Duration::from_millis(every_ms));
        let mut took = Vec::new();
        for _ in 0..rounds {
            every.tick().await;
            let beat = |mut peer: Peer| async move {
                peer.beat(1).await;
                peer.hear().await.expect("an answer");
                peer
            };
            took.extend(self.each(ASKING, beat).await);
        }
        took
    }

    /// Messages that are refused, one by one, and no refusal is read.
    async fn flood(&mut self) -> Vec<u32> {
        let flood = |mut peer: Peer| async move {
            let frame = [&[0x81, 0x80 | 9, 0, 0, 0, 0][..], b"{\"t\":\"x\"}"].concat();
            let frames = frame.repeat(4_000);
            // Until the server reads no more of it, or has had enough.
            let _ = tokio::time::timeout(Duration::from_secs(2), peer.stream.write_all(&frames)).await;
            peer
        };
        self.each(usize::MAX, flood).await
    }

    /// Whoever was cut off is as quiet as the others are slow.
    async fn drip(&mut self, every_ms: u64, for_ms: u64) -> Vec<u32> {
        let begun = Instant::now();
        let mut every = tokio::time::interval(Duration::from_millis(every_ms));
        while begun.elapsed() < Duration::from_millis(for_ms) {
            every.tick().await;
            for peer in &self.peers {
                let _ = peer.stream.try_write(b"x");
            }
        }
        Vec::new()
    }

    async fn challenges(&mut self) -> Vec<u32> {
        let ask = |mut peer: Peer| async move {
            peer.beat(4).await;
            peer.expect("credit").await;
            peer.take_challenge().await;
            peer
        };
        self.each(HURRYING, ask).await
    }

    /// How much later than it was due each came.
    async fn pushed(&mut self) -> Vec<u32> {
        let (waiting, others): (Vec<Peer>, Vec<Peer>) =
            std::mem::take(&mut self.peers).into_iter().partition(|peer| peer.due.is_some());
        let (count, hear) = (waiting.len(), |mut peer: Peer| async move {
            let due = peer.due.unwrap_or_else(Instant::now);
            peer.take_challenge().await;
            let late_us = due.elapsed().as_micros() as u32;
            (peer, late_us)
        });
        let (heard, _) = all(waiting, count, hear).await;
        let (peers, late): (Vec<Peer>, Vec<u32>) = heard.into_iter().unzip();
        self.peers = others;
        self.peers.extend(peers);
        late
    }

    async fn delete(&mut self, path: &str, token: &str) -> Vec<u32> {
        let begun = Instant::now();
        let (address, count) = (self.address(), self.peers.len());
        let ends = move |mut peer: Peer| async move {
            while peer.hear().await.is_some() {}
            begun.elapsed().as_micros() as u32
        };
        let ending = tokio::spawn(all(std::mem::take(&mut self.peers), count, ends));
        request(address, "DELETE", path, token, "").await;
        ending.await.expect("a task ends").0
    }
}

/// One request over a connection of its own; its body.
async fn request(address: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 20"), "{answer}");
    body.to_owned()
}

/// The crowd's process: an [`Ask`] a line comes in, a [`Done`] a line goes out.
pub fn crowd_role() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut crowd = Crowd::default();
    for line in std::io::stdin().lines() {
        let ask = serde_json::from_str(&line.expect("a line")).expect("something to do");
        let done = runtime.block_on(crowd.obey(ask));
        println!("{}", serde_json::to_string(&done).expect("plain data"));
    }
}
