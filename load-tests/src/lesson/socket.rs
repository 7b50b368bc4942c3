//! The socket of a learner: handshake, hello, messages.

use crate::api::io_code;
use crate::limits::FRAME_BYTES_MAX;
use crate::run::Context;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::sync::atomic::Ordering;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// See the module.
pub struct Socket<'a> {
    context: &'a Context,
    stream: WebSocketStream<TcpStream>,
}

/// A socket that ended without a close frame.
pub const CUT: u16 = 1_006;

impl<'a> Socket<'a> {
    /// The handshake, from the address of this learner.
    ///
    /// # Errors
    /// The code of what came instead.
    pub async fn open(context: &'a Context, learner: usize) -> Result<Self, String> {
        let target = &context.target;
        let stream = target.connect(learner).await.map_err(|error| io_code(&error).to_owned())?;
        let refused = |error: Error| match error {
            Error::Http(response) => format!("http_{}", response.status().as_u16()),
            _ => "connection_cut".to_owned(),
        };
        let mut request = format!("ws://{}/api/v1/stream", target.host).into_client_request().map_err(refused)?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("exam.v1"));
        if let Ok(origin) = HeaderValue::try_from(format!("http://{}", target.host)) {
            request.headers_mut().insert("origin", origin);
        }
        if let Ok(agent) = HeaderValue::try_from(format!("keju-load-tests device-{learner}")) {
            request.headers_mut().insert("user-agent", agent);
        }
        // Tens of thousands of them: no more memory each than a frame needs.
        let config = WebSocketConfig::default()
            .read_buffer_size(1_024)
            .write_buffer_size(0)
            .max_write_buffer_size(64 * 1_024)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await.map_err(refused)?;
        context.connected.fetch_add(1, Ordering::Relaxed);
        Ok(Self { context, stream })
    }

    /// Sends a message; false when the connection is gone.
    pub async fn say(&mut self, message: &Value) -> bool {
        self.say_text(&message.to_string()).await
    }

    /// The same with a text as it is.
    pub async fn say_text(&mut self, text: &str) -> bool {
        self.context.target.sent.fetch_add(text.len() as u64, Ordering::Relaxed);
        self.stream.send(Message::text(text)).await.is_ok()
    }

    /// The next message.
    ///
    /// # Errors
    /// The code it was closed with, or [`CUT`].
    pub async fn hear(&mut self) -> Result<Value, u16> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    self.context.target.received.fetch_add(text.len() as u64, Ordering::Relaxed);
                    self.context.target.look_for_canaries(text.as_bytes());
                    return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(CUT, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(CUT),
            }
        }
    }

    /// Says goodbye properly.
    pub async fn close(mut self) {
        let _ = self.stream.close(None).await;
        while let Some(Ok(_)) = self.stream.next().await {}
    }
}

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        self.context.connected.fetch_sub(1, Ordering::Relaxed);
    }
}
