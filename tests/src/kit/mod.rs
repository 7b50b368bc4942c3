//! The kit: the real server in a folder of its own, clients that speak the protocol, and a site with
//! people, a bank and exams. A failure here is a failed test, so everything panics with its reason.

#![expect(clippy::expect_used, reason = "a failing fixture is a failing test")]

pub mod bank;
mod both;
pub mod client;
pub mod generate;
pub mod json;
pub mod player;
pub mod reply;
pub mod rules;
pub mod schema;
pub mod server;
pub mod site;
pub mod stream;

pub use bank::Bank;
pub use client::{Client, command_id};
pub use json::{id, number, redacted, slots, text};
pub use reply::Reply;
pub use server::{Backend, Postgres, Server, Settings};
pub use site::Site;
pub use stream::{Said, Stream};

use std::time::{Duration, Instant, SystemTime};

/// Asks `check` again and again until it has something to say, for `within` at most. The only way
/// the tests wait: for a condition, never for a time.
pub async fn eventually<T>(what: &str, within: Duration, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {within:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// This instant and `ms` more (or less), in RFC 3339.
#[must_use]
pub fn from_now(ms: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |passed| passed.as_millis() as i64);
    exam_core::Timestamp::from_ms(now + ms).to_string()
}
