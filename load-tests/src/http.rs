//! A lean HTTP/1.1 client: one keep-alive connection, one request at a time, next to no work per request.
//! What it costs, the server cannot have: both often share a machine.

use crate::limits::{BUFFER_BYTES_KEPT, CONNECT_TIMEOUT, IDLE_MAX, REQUEST_TIMEOUT, RESPONSE_BYTES_MAX};
use memchr::memmem::Finder;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Where to, from where, and what must never come back.
#[derive(Debug)]
pub struct Target {
    /// The server.
    pub address: SocketAddr,
    /// As the `Host` header and in origins.
    pub host: String,
    /// 127.0.0.1, 127.0.0.2 … are used in turn: one address has not ports enough for tens of thousands.
    pub sources: u8,
    /// No learner may receive it.
    canary: Finder<'static>,
    /// How often one did.
    pub canaries_seen: AtomicU64,
    /// Bytes that came.
    pub received: AtomicU64,
    /// Bytes that went.
    pub sent: AtomicU64,
    /// Connections that were opened.
    pub connects: AtomicU64,
}

impl Target {
    /// Of a server; `canary` is in every key of the bank.
    #[must_use]
    pub fn new(address: SocketAddr, host: String, sources: u8, canary: &str) -> Arc<Self> {
        Arc::new(Self {
            address,
            host,
            sources: if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) { sources.max(1) } else { 0 },
            canary: Finder::new(canary.as_bytes()).into_owned(),
            canaries_seen: AtomicU64::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            connects: AtomicU64::new(0),
        })
    }

    /// The same server for staff, who may see keys: nothing is looked for.
    #[must_use]
    pub fn for_staff(&self) -> Arc<Self> {
        // No text holds this, since it holds a NUL.
        Self::new(self.address, self.host.clone(), self.sources, "nothing\0")
    }

    /// Opens a connection, for the learner of this number.
    ///
    /// # Errors
    /// The server does not take it, or not in time.
    pub async fn connect(&self, learner: usize) -> io::Result<TcpStream> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if self.sources > 0 {
            let last = u8::try_from(learner % usize::from(self.sources)).unwrap_or(0) + 1;
            socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0))?;
        }
        self.connects.fetch_add(1, Ordering::Relaxed);
        let opening = socket.connect(self.address);
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, opening).await.map_err(|_| timed_out())??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Looks through what a learner received.
    pub fn look_for_canaries(&self, bytes: &[u8]) {
        if self.canary.find(bytes).is_some() {
            self.canaries_seen.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn timed_out() -> io::Error {
    io::Error::from(io::ErrorKind::TimedOut)
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Such as 200.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
    /// Whether the server said that it has done this before.
    pub replayed: bool,
    /// `Keju-Queue`.
    pub queue_ticket: Option<String>,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Such as `PUT`.
    pub method: &'a str,
    /// From `/`.
    pub path: &'a str,
    /// The bearer token, or nothing.
    pub token: &'a str,
    /// Further header lines, each ended by CRLF.
    pub headers: &'a str,
    /// The content type, with a body.
    pub content_type: &'a str,
    /// The body; empty for none.
    pub body: &'a [u8],
}

impl<'a> Ask<'a> {
    /// Without a body.
    #[must_use]
    pub const fn of(method: &'a str, path: &'a str, token: &'a str) -> Self {
        Self { method, path, token, headers: "", content_type: "application/json", body: &[] }
    }

    /// With a JSON body.
    #[must_use]
    pub const fn json(method: &'a str, path: &'a str, token: &'a str, body: &'a [u8]) -> Self {
        Self { body, ..Self::of(method, path, token) }
    }
}

/// One client; its connection is opened when it is needed and again when the server has closed it.
#[derive(Debug)]
pub struct Client {
    target: Arc<Target>,
    learner: usize,
    agent: String,
    stream: Option<TcpStream>,
    used_at: Instant,
    buffer: Vec<u8>,
}

impl Client {
    /// Of the learner of this number.
    #[must_use]
    pub fn new(target: &Arc<Target>, learner: usize, agent: String) -> Self {
        let target = Arc::clone(target);
        Self { target, learner, agent, stream: None, used_at: Instant::now(), buffer: Vec::new() }
    }

    /// Cuts the connection, as a lost network does.
    pub fn cut(&mut self) {
        self.stream = None;
        self.buffer = Vec::new();
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// Sends a request and reads its response. A connection that turns out to be closed before anything of
    /// the response has come is opened anew once: every change carries a command and may be repeated.
    ///
    /// # Errors
    /// No whole response came, or not in time.
    pub async fn send(&mut self, ask: Ask<'_>) -> io::Result<Reply> {
        let exchanged = tokio::time::timeout(REQUEST_TIMEOUT, self.exchange_or_again(ask)).await;
        let reply = match exchanged {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => {
                self.cut();
                return Err(error);
            }
            Err(_) => {
                self.cut();
                return Err(timed_out());
            }
        };
        self.used_at = Instant::now();
        if self.buffer.capacity() > BUFFER_BYTES_KEPT {
            self.buffer = Vec::new();
        }
        Ok(reply)
    }

    async fn exchange_or_again(&mut self, ask: Ask<'_>) -> io::Result<Reply> {
        if self.used_at.elapsed() > IDLE_MAX {
            self.stream = None;
        }
        let reused = self.stream.is_some();
        match self.exchange(ask).await {
            Err(_) if reused && self.buffer.is_empty() => {
                self.stream = None;
                self.exchange(ask).await
            }
            other => other,
        }
    }

    async fn exchange(&mut self, ask: Ask<'_>) -> io::Result<Reply> {
        if self.stream.is_none() {
            self.stream = Some(self.target.connect(self.learner).await?);
        }
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\nuser-agent: {}\r\n",
            ask.method, ask.path, self.target.host, self.agent
        );
        if !ask.token.is_empty() {
            head.extend(["authorization: Bearer ", ask.token, "\r\n"]);
        }
        head.push_str(ask.headers);
        if !ask.body.is_empty() {
            head.extend(["content-type: ", ask.content_type, "\r\n"]);
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", ask.body.len()));
        let mut request = head.into_bytes();
        request.extend_from_slice(ask.body);
        self.buffer.clear();
        let stream = self.stream.as_mut().ok_or_else(timed_out)?;
        stream.write_all(&request).await?;
        self.target.sent.fetch_add(request.len() as u64, Ordering::Relaxed);
        let (reply, keep) = read_reply(stream, &mut self.buffer).await?;
        self.target.received.fetch_add(self.buffer.len() as u64, Ordering::Relaxed);
        self.target.look_for_canaries(&self.buffer);
        if !keep {
            self.stream = None;
        }
        Ok(reply)
    }
}

/// Reads one response; `buffer` then holds every byte of it. Also whether the connection stays.
async fn read_reply(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<(Reply, bool)> {
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut headers = [httparse::EMPTY_HEADER; 48];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(buffer).map_err(|_| broken("the head of the response is malformed"))?;
        let httparse::Status::Complete(head) = parsed else {
            if buffer.len() > RESPONSE_BYTES_MAX {
                return Err(broken("the head of the response is too long"));
            }
            continue;
        };
        let mut reply = Reply { status: response.code.unwrap_or(0), ..Reply::default() };
        let (mut length, mut chunked, mut keep) = (0usize, false, true);
        for header in response.headers.iter() {
            let value = std::str::from_utf8(header.value).unwrap_or_default();
            match header.name {
                name if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().map_err(|_| broken("the length of the response is no number"))?;
                }
                name if name.eq_ignore_ascii_case("transfer-encoding") => {
                    chunked = value.eq_ignore_ascii_case("chunked");
                }
                name if name.eq_ignore_ascii_case("connection") => keep = !value.eq_ignore_ascii_case("close"),
                name if name.eq_ignore_ascii_case("idempotency-replayed") => reply.replayed = value == "true",
                name if name.eq_ignore_ascii_case("keju-queue") => reply.queue_ticket = Some(value.to_owned()),
                _ => {}
            }
        }
        if length > RESPONSE_BYTES_MAX {
            return Err(broken("the response is too long"));
        }
        reply.body = if chunked {
            read_chunks(stream, buffer, head).await?
        } else {
            read_until(stream, buffer, head + length).await?;
            buffer[head..head + length].to_vec()
        };
        return Ok((reply, keep));
    }
}

async fn read_until(stream: &mut TcpStream, buffer: &mut Vec<u8>, end: usize) -> io::Result<()> {
    buffer.reserve(end.saturating_sub(buffer.len()));
    while buffer.len() < end {
        if buffer.len() > RESPONSE_BYTES_MAX {
            return Err(broken("the response is too long"));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

async fn read_chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>, mut at: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let parsed = httparse::parse_chunk_size(&buffer[at..]).map_err(|_| broken("a chunk has no size"))?;
        let httparse::Status::Complete((head, size)) = parsed else {
            let more = buffer.len() + 1;
            read_until(stream, buffer, more).await?;
            continue;
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= RESPONSE_BYTES_MAX);
        let size = size.ok_or_else(|| broken("the response is too long"))?;
        let start = at + head;
        read_until(stream, buffer, start + size + 2).await?;
        body.extend_from_slice(&buffer[start..start + size]);
        at = start + size + 2;
        if size == 0 {
            return Ok(body);
        }
        if body.len() > RESPONSE_BYTES_MAX {
            return Err(broken("the response is too long"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use tokio::net::TcpListener;

    /// A server that answers each request with the next of these texts and closes where there is none.
    async fn client(answers: Vec<&'static str>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::new(listener.local_addr().unwrap(), "test".into(), 2, "canary-9");
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = [0; 1_024];
                while let Ok(read) = stream.read(&mut bytes).await {
                    let Some(answer) = answers.next().filter(|_| read > 0) else { break };
                    if answer.is_empty() {
                        break;
                    }
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        Client::new(&target, 1, "test".into())
    }

    #[tokio::test]
    async fn lengths_and_chunks_are_read_on_one_connection() {
        let mut client = client(vec![
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeju-Queue: abc\r\nIdempotency-Replayed: true\r\n\r\nhello",
            "HTTP/1.1 429 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
        ])
        .await;
        let ask = Ask::of("GET", "/", "");
        let first = client.send(ask).await.unwrap();
        assert_eq!((first.status, &first.body[..], first.replayed), (200, &b"hello"[..], true));
        assert_eq!(first.queue_ticket.as_deref(), Some("abc"));
        assert_eq!(client.send(ask).await.unwrap().body, b"abcde");
        assert_eq!(client.send(ask).await.unwrap().status, 204);
        assert_eq!(client.target.connects.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_connection_closed_while_idle_is_opened_again() {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let mut client = client(vec![ok, "", ok]).await;
        assert_eq!(client.send(Ask::of("GET", "/", "")).await.unwrap().status, 200);
        assert_eq!(client.send(Ask::of("GET", "/", "")).await.unwrap().status, 200);
        assert_eq!(client.target.connects.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn half_a_response_is_an_error_and_a_canary_is_seen() {
        let mut client = client(vec!["HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ncanary-9", "nonsense\r\n\r\n"]).await;
        client.send(Ask::of("GET", "/", "")).await.unwrap();
        assert_eq!(client.target.canaries_seen.load(Ordering::Relaxed), 1);
        assert!(client.send(Ask::of("GET", "/", "")).await.is_err());
    }
}
