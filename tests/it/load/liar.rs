//! A server that lies: between client and server, it passes everything on but for what it makes of it.

use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What it lies about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// Every seventh answer is acknowledged and not passed on.
    SwallowedAnswers,
    /// A lesson's credit is doubled.
    Credit,
    /// A verdict says the opposite.
    Verdict,
    /// The numbers of what must not be lost have a gap.
    Silence,
    /// A lesson is said to be completed after the first question.
    Completion,
    /// A question comes with a word of the bank's keys.
    Key,
    /// An answer to a question that was judged already is judged again.
    JudgedTwice,
}

/// See the module.
pub(super) struct Liar {
    /// Where it listens.
    pub(super) address: SocketAddr,
    lies: Arc<Lies>,
}

struct Lies {
    lie: Lie,
    /// Occasions so far.
    occasions: AtomicUsize,
    told: AtomicUsize,
    /// The word that is in every key of the bank, as it was uploaded.
    word: Mutex<String>,
    /// The last verdict, as it was passed on.
    verdict: Mutex<String>,
}

impl Liar {
    /// In front of a server.
    pub(super) async fn start(server: SocketAddr, lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (occasions, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let lies = Arc::new(Lies { lie, occasions, told, word: Mutex::default(), verdict: Mutex::default() });
        let shared = Arc::clone(&lies);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let lies = Arc::clone(&shared);
                tokio::spawn(async move {
                    let Ok(upstream) = TcpStream::connect(server).await else { return };
                    // Either side may close; then there is nothing to pass on any more.
                    let _ = lies.pass_on(client, upstream).await;
                });
            }
        });
        Self { address, lies }
    }

    /// How often it lied.
    pub(super) fn told(&self) -> usize {
        self.lies.told.load(Ordering::Relaxed)
    }
}

impl Lies {
    /// Whether to lie this time: at the occasion of this number, or at one in seven from there on.
    fn now(&self, first: usize) -> bool {
        let lies = self.occasions.fetch_add(1, Ordering::Relaxed) % 7 == first;
        self.told.fetch_add(usize::from(lies), Ordering::Relaxed);
        lies
    }

    async fn pass_on(&self, mut client: TcpStream, mut upstream: TcpStream) -> std::io::Result<()> {
        loop {
            let request = message(&mut client).await?;
            let text = String::from_utf8_lossy(&request);
            if let Some(at) = text.find("canary").filter(|_| text.starts_with("POST ")) {
                let word = text[at..].chars().take_while(char::is_ascii_alphanumeric).collect();
                *self.word.lock().unwrap_or_else(PoisonError::into_inner) = word;
            }
            if self.lie == Lie::SwallowedAnswers
                && let Some(slot) = answered_slot(&text)
                && self.now(3)
            {
                let body =
                    json!({"slot": slot, "seq": 4, "saved_at": "2026-01-01T00:00:00.000Z", "receipt": "x"}).to_string();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                client.write_all((head + &body).as_bytes()).await?;
                continue;
            }
            upstream.write_all(&request).await?;
            let response = message(&mut upstream).await?;
            client.write_all(&response).await?;
            if response.starts_with(b"HTTP/1.1 101") {
                return self.pass_frames_on(client, upstream).await;
            }
        }
    }

    async fn pass_frames_on(&self, client: TcpStream, upstream: TcpStream) -> std::io::Result<()> {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = upstream.into_split();
        let there = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
        let back = self.frames(&mut from_server, &mut to_client);
        tokio::select! {
            ended = there => ended,
            ended = back => ended,
        }
    }

    /// What a server sends is not masked: it can be read, and made to say something else.
    async fn frames(&self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> std::io::Result<()> {
        loop {
            let head = [from.read_u8().await?, from.read_u8().await?];
            let length = if head[1] == 126 { usize::from(from.read_u16().await?) } else { usize::from(head[1]) };
            let mut payload = vec![0; length];
            from.read_exact(&mut payload).await?;
            let said = match String::from_utf8(payload) {
                Ok(text) if head[0] == 0x81 => self.make_of(text).into_bytes(),
                Ok(other) => other.into_bytes(),
                Err(error) => error.into_bytes(),
            };
            to.write_u8(head[0]).await?;
            match u8::try_from(said.len()).ok().filter(|length| *length < 126) {
                Some(length) => to.write_u8(length).await?,
                None => {
                    to.write_u8(126).await?;
                    to.write_u16(u16::try_from(said.len()).unwrap_or(u16::MAX)).await?;
                }
            }
            to.write_all(&said).await?;
        }
    }

    /// What is said instead.
    fn make_of(&self, text: String) -> String {
        let mut message: serde_json::Value = serde_json::from_str(&text).expect("a server sends JSON");
        let sort = message["t"].as_str().unwrap_or_default().to_owned();
        match (self.lie, sort.as_str()) {
            (Lie::Credit, "credit") if message["covered_ms"].as_i64() > Some(500) && self.now(1) => {
                message["covered_ms"] = json!(message["covered_ms"].as_i64().unwrap_or(0) * 2);
            }
            (Lie::JudgedTwice, "verdict") => {
                *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = text.clone();
                return text;
            }
            (Lie::JudgedTwice, "error") if message["code"] == "challenge_closed" && self.now(0) => {
                return self.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone();
            }
            (Lie::Verdict, "verdict") if self.now(0) => {
                message["correct"] = json!(message["correct"] != true);
            }
            (Lie::Silence, "verdict") if self.now(0) => {
                message["seq"] = json!(message["seq"].as_u64().unwrap_or(0) + 1);
            }
            (Lie::Completion, "verdict") if self.now(0) => {
                message = json!({"t": "complete", "seq": message["seq"], "hours_granted": 5});
            }
            (Lie::Key, "challenge") if self.now(0) => {
                let word = self.word.lock().unwrap_or_else(PoisonError::into_inner).clone();
                message["stem"] = json!(format!("{} {word}", message["stem"].as_str().unwrap_or_default()));
            }
            _ => return text,
        }
        message.to_string()
    }
}

/// The slot that a request answers. Attackers name slots that are nowhere.
fn answered_slot(request: &str) -> Option<u32> {
    let (slot, _) = request.strip_prefix("PUT ")?.split_once("/answers/")?.1.split_once(' ')?;
    slot.parse().ok().filter(|slot| *slot < 1_000)
}

/// One whole request or response that tells its length, or has no body.
async fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if bytes.len() >= head + length.unwrap_or(0) {
                return Ok(bytes);
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
