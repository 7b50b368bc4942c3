//! A client of the stream. Every message it gets is checked against the AsyncAPI document the server serves, and
//! every message it sends as well, unless a test sends nonsense on purpose.

use super::schema::Messages;
use super::{Client, command_id};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a message may take that has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug)]
pub struct Stream {
    socket: WebSocketStream<TcpStream>,
    document: Messages,
    /// Everything that was received, as it came.
    pub received: String,
}

/// What came.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A message.
    Message(Value),
    /// A close frame with this code and reason.
    Closed(u16, String),
    /// The end of the connection without a close frame.
    Gone,
}

impl Stream {
    /// A socket on which nothing is said yet.
    pub async fn open(base: &str) -> Self {
        Self::try_open(base, &[]).await.unwrap_or_else(|status| panic!("the handshake was answered {status}"))
    }

    /// The same from a client's device.
    pub async fn open_by(client: &Client) -> Self {
        let opened = Self::try_open(client.base(), &[("user-agent", client.agent())]).await;
        opened.unwrap_or_else(|status| panic!("the handshake was answered {status}"))
    }

    /// The same with further headers in the handshake, such as an `Origin`.
    ///
    /// # Errors
    /// The HTTP status that was answered instead.
    pub async fn try_open(base: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let address = base.trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.expect("the server listens");
        Self::over(stream, base, headers).await
    }

    /// The same with a small window for what the server sends: for clients that do not read.
    pub async fn open_narrow(base: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        let address = base.trim_start_matches("http://").parse().expect("an address");
        let stream = socket.connect(address).await.expect("the server listens");
        Self::over(stream, base, &[]).await.unwrap_or_else(|status| panic!("the handshake was answered {status}"))
    }

    async fn over(stream: TcpStream, base: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        stream.set_nodelay(true).expect("a live socket");
        let url = format!("{}/api/v1/stream", base.replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("exam.v1"));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            request.headers_mut().append(name, HeaderValue::from_str(value).expect("a header's value"));
        }
        match client_async(request, stream).await {
            Ok((socket, response)) => {
                assert_eq!(response.headers()["sec-websocket-protocol"], "exam.v1");
                assert!(!response.headers().contains_key("sec-websocket-extensions"), "no compression");
                Ok(Self { socket, document: Messages::of_the_server(), received: String::new() })
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    /// A socket on which this client has said hello, with a ticket of its own.
    pub async fn hello(client: &Client, purpose: &str, id: &str) -> Self {
        let ticket = client.ticket(purpose, id).await;
        let mut stream = Self::open_by(client).await;
        stream.say(&json!({"t": "hello", "ticket": ticket})).await;
        stream
    }

    /// The same after a cut.
    pub async fn resume(client: &Client, purpose: &str, id: &str, session: &Value, seq: &Value) -> Self {
        let ticket = client.ticket(purpose, id).await;
        let mut stream = Self::open_by(client).await;
        let resume = json!({"session": session, "seq": seq});
        stream.say(&json!({"t": "hello", "ticket": ticket, "resume": resume})).await;
        stream
    }

    /// Sends a message of the protocol.
    pub async fn say(&mut self, message: &Value) {
        self.document.check_client(message);
        self.say_text(&message.to_string()).await;
    }

    /// Sends any text.
    pub async fn say_text(&mut self, text: &str) {
        self.try_send(Message::text(text)).await.expect("the server takes messages");
    }

    /// Sends any frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn try_send(&mut self, message: Message) -> Result<(), Error> {
        self.socket.send(message).await
    }

    /// Answers a slot of the stream's attempt; returns the command's id.
    pub async fn answer(&mut self, slot: u64, response: &Value) -> String {
        let command = command_id();
        self.say(&json!({"t": "answer", "command_id": command, "slot": slot, "response": response})).await;
        command
    }

    /// Waits for what comes next; pings are answered meanwhile.
    pub async fn next(&mut self) -> Said {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match frame.unwrap_or_else(|_| panic!("nothing came within {PATIENCE:?}; so far: {}", self.received)) {
                Some(Ok(Message::Text(text))) => {
                    self.received.push_str(&text);
                    self.received.push('\n');
                    assert!(text.len() <= 8 * 1024, "a message of {} bytes", text.len());
                    assert!(text.starts_with("{\"t\":\""), "t does not come first: {text}");
                    let message = serde_json::from_str(&text).expect("messages are JSON");
                    self.document.check_server(&message);
                    return Said::Message(message);
                }
                Some(Ok(Message::Close(frame))) => {
                    // Reading on ends the connection cleanly.
                    while let Some(Ok(_)) = self.socket.next().await {}
                    let (code, reason) =
                        frame.map_or((1005, String::new()), |frame| (u16::from(frame.code), frame.reason.to_string()));
                    return Said::Closed(code, reason);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Said::Gone,
            }
        }
    }

    /// The next message, which must be this one.
    #[track_caller]
    pub fn expect(&mut self, t: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            match self.next().await {
                Said::Message(message) if message["t"] == t => message,
                other => panic!("{place}: {t} was to come, and not {other:?}"),
            }
        }
    }

    /// The next message of this sort, whatever comes before it.
    #[track_caller]
    pub fn until(&mut self, t: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            loop {
                match self.next().await {
                    Said::Message(message) if message["t"] == t => return message,
                    Said::Message(_) => {}
                    other => panic!("{place}: {t} was to come, and not {other:?}"),
                }
            }
        }
    }

    /// Waits for the server to close; returns the code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.next().await {
                Said::Closed(code, _) => return code,
                Said::Message(_) => {}
                Said::Gone => panic!("the connection ended without a close frame; so far: {}", self.received),
            }
        }
    }

    /// Says goodbye and waits until it is heard.
    pub async fn close(mut self) {
        let _ = self.socket.close(None).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// The connection itself: for whoever sends bytes of its own.
    pub fn bytes(&mut self) -> &mut TcpStream {
        self.socket.get_mut()
    }
}

/// A frame as a client sends it, masked, whatever is in it.
#[must_use]
pub fn raw_frame(last: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![u8::from(last) << 7 | opcode];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    let mask = [1, 2, 3, 4];
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
