//! Calls of the protocol whose bodies are read as JSON: for setting up, reading back, and people.

use crate::backoff::Backoff;
use crate::http::{Ask, Client, Reply, Target};
use crate::limits::{BUSY_MAX, BUSY_PAUSE_MAX};
use anyhow::{Context, bail};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A person's client with a session.
#[derive(Debug)]
pub struct Caller {
    /// The connection.
    pub client: Client,
    /// The bearer token; empty before signing in.
    pub token: String,
}

impl Caller {
    /// Without a session yet.
    #[must_use]
    pub fn new(target: &Arc<Target>, number: usize, agent: &str) -> Self {
        Self { client: Client::new(target, number, agent.to_owned()), token: String::new() }
    }

    /// With a session.
    #[must_use]
    pub fn with_token(target: &Arc<Target>, number: usize, agent: &str, token: &str) -> Self {
        Self { token: token.to_owned(), ..Self::new(target, number, agent) }
    }

    /// Signs in.
    ///
    /// # Errors
    /// The server does not let this account in.
    pub async fn sign_in(&mut self, username: &str, password: &str) -> anyhow::Result<()> {
        let body = serde_json::json!({"username": username, "password": password});
        let session = self.post("/session", &body, 200).await.with_context(|| format!("{username} cannot sign in"))?;
        session["token"].as_str().context("a session without a token")?.clone_into(&mut self.token);
        Ok(())
    }

    /// GET, expecting 200.
    ///
    /// # Errors
    /// Another answer, or none.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.call("GET", path, None, 200).await
    }

    /// POST of a JSON body, expecting this status.
    ///
    /// # Errors
    /// Another answer, or none.
    pub async fn post(&mut self, path: &str, body: &Value, status: u16) -> anyhow::Result<Value> {
        self.call("POST", path, Some(body), status).await
    }

    /// PUT of a JSON body, expecting this status.
    ///
    /// # Errors
    /// Another answer, or none.
    pub async fn put(&mut self, path: &str, body: &Value, status: u16) -> anyhow::Result<Value> {
        self.call("PUT", path, Some(body), status).await
    }

    async fn call(&mut self, method: &str, path: &str, body: Option<&Value>, status: u16) -> anyhow::Result<Value> {
        // While others load it the server may be busy: what it asks to repeat is repeated.
        let mut patience = Patience::default();
        loop {
            let reply = self.send(method, path, body).await.with_context(|| format!("{method} {path}"))?;
            if reply.status == status {
                return Ok(json(&reply));
            }
            let problem = Problem::read(&reply);
            if !problem.temporary() {
                bail!("{method} {path}: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
            }
            let Some(pause) = patience.pause(problem.retry_after, rand::random()) else {
                bail!("{method} {path}: the server stays busy ({})", problem.code);
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends and returns whatever comes.
    ///
    /// # Errors
    /// Nothing came.
    pub async fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Reply> {
        let path = format!("/api/v1{path}");
        let bytes = body.map(Value::to_string).unwrap_or_default();
        self.client.send(Ask::json(method, &path, &self.token, bytes.as_bytes())).await
    }

    /// Uploads a bank.
    ///
    /// # Errors
    /// Another answer than its report, or none.
    pub async fn import(&mut self, bank: &str, bytes: &[u8]) -> anyhow::Result<Value> {
        const BOUNDARY: &str = "keju-load-tests-boundary";
        let mut body = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"format\"\r\n\r\njson\r\n--{BOUNDARY}\r\n\
             content-disposition: form-data; name=\"dry_run\"\r\n\r\nfalse\r\n--{BOUNDARY}\r\n\
             content-disposition: form-data; name=\"file\"; filename=\"bank.json\"\r\n\
             content-type: application/json\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let path = format!("/api/v1/banks/{bank}/imports");
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let ask = Ask { content_type: &content_type, ..Ask::json("POST", &path, &self.token, &body) };
        let reply = self.client.send(ask).await.context("the bank cannot be sent")?;
        if reply.status != 200 {
            bail!("the bank is refused: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        }
        Ok(json(&reply))
    }
}

/// How long in all one call has been put off.
#[derive(Debug)]
struct Patience {
    backoff: Backoff,
    waited: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { backoff: Backoff::up_to(BUSY_PAUSE_MAX), waited: Duration::ZERO }
    }
}

impl Patience {
    /// The pause before the call is made again; `None` when the server was busy for too long. What the server asks for is
    /// the least: many callers of one account share what it may do, and coming back all together would serve one of them.
    fn pause(&mut self, asked: Option<Duration>, dice: f64) -> Option<Duration> {
        let pause = asked.unwrap_or_default() + self.backoff.pause(dice);
        self.waited += pause;
        (self.waited < BUSY_MAX).then_some(pause)
    }
}

/// The body as JSON; `null` where it is none.
#[must_use]
pub fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

/// What a response that is no success says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its code, or `http_503` where it has none.
    pub code: String,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The position in the queue of starts.
    pub position: Option<u64>,
}

impl Problem {
    /// Of a response.
    #[must_use]
    pub fn read(reply: &Reply) -> Self {
        let body = json(reply);
        let code = body["code"].as_str().map_or_else(|| format!("http_{}", reply.status), str::to_owned);
        let retry_after = body["retry_after_ms"].as_u64().map(Duration::from_millis);
        Self { code, retry_after, position: body["position"].as_u64() }
    }

    /// Whether the same request may do better later.
    #[must_use]
    pub fn temporary(&self) -> bool {
        matches!(
            self.code.as_str(),
            "rate_limited" | "queued" | "overloaded" | "unavailable" | "storage_full" | "timeout"
        ) || self.code.starts_with("http_5")
            || self.code == "internal"
    }
}

/// The code of a request that was not answered at all.
#[must_use]
pub fn io_code(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, ConnectionRefused, InvalidData, TimedOut};
    match error.kind() {
        TimedOut => "no_answer_in_time",
        ConnectionRefused => "connection_refused",
        AddrInUse | AddrNotAvailable => "out_of_ports",
        InvalidData => "malformed_answer",
        _ => "connection_cut",
    }
}

/// Names a command, by a learner's own dice.
pub fn command_id(dice: &mut ChaCha8Rng) -> Uuid {
    uuid::Builder::from_random_bytes(dice.random()).into_uuid()
}

/// An RFC 3339 time with milliseconds, now.
#[must_use]
pub fn now_text() -> String {
    later_text(0)
}

/// The same, so many seconds from now.
#[must_use]
pub fn later_text(seconds: i64) -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!("{then:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_is_borne_with_for_a_time_and_not_for_a_number_of_tries() {
        // Refused at once, again and again, with hardly a wait asked for: an account's allowance that others use too.
        let mut patience = Patience::default();
        let asked = Duration::from_millis(5);
        let pauses: Vec<Duration> = std::iter::from_fn(|| patience.pause(Some(asked), 0.5)).collect();
        assert!(pauses.iter().all(|pause| (asked..=BUSY_PAUSE_MAX).contains(pause)), "{pauses:?}");
        let waited: Duration = pauses.iter().sum();
        assert!(waited < BUSY_MAX && waited + BUSY_PAUSE_MAX >= BUSY_MAX, "{waited:?} in {} pauses", pauses.len());
        assert!(pauses[0] < pauses[3], "it comes more and more rarely: {pauses:?}");
        // Whoever is told to come in an hour does not wait for it.
        assert_eq!(Patience::default().pause(Some(Duration::from_secs(3600)), 0.0), None);
        // The dice say when within the pause, never before the time that was asked for.
        let soonest = Patience::default().pause(Some(asked), 0.0);
        assert_eq!((soonest, Patience::default().pause(None, 0.0)), (Some(asked), Some(Duration::ZERO)));
    }
}
