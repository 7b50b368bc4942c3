//! What the server says of itself: its `/metrics`, read once an interval.

use crate::api::Caller;
use crate::http::{Ask, Target};
use crate::run::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The server and the generator at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// From the beginning of the load.
    pub at_ms: u64,
    /// Learners present in the generator.
    pub present: u64,
    /// Learners who wait in the queue of starts.
    pub queued: u64,
    /// Sockets that are open.
    #[serde(default)]
    pub connected: u64,
    /// The server's own figures, labels and all; histograms' buckets are left out.
    pub server: BTreeMap<String, f64>,
}

/// Reads Prometheus' text format.
#[must_use]
pub fn parse(text: &str) -> BTreeMap<String, f64> {
    let line = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        let wanted = !name.starts_with('#') && !name.contains("_bucket");
        Some((name.to_owned(), value.parse().ok()?)).filter(|_| wanted)
    };
    text.lines().filter_map(line).collect()
}

/// Samples until the run is over.
pub async fn sample_forever(context: Arc<Context>, interval: Duration, samples: Arc<parking_lot::Mutex<Vec<Sample>>>) {
    let mut caller = Caller::new(&context.target, 0, "keju-load-tests");
    tokio::time::sleep_until(context.begins.into()).await;
    let mut next = Instant::now();
    loop {
        let server = read(&mut caller).await;
        samples.lock().push(Sample {
            at_ms: context.begins.elapsed().as_millis() as u64,
            present: context.present.load(Ordering::Relaxed),
            queued: context.queued.load(Ordering::Relaxed),
            connected: context.connected.load(Ordering::Relaxed),
            server,
        });
        next += interval;
        tokio::time::sleep_until(next.into()).await;
    }
}

async fn read(caller: &mut Caller) -> BTreeMap<String, f64> {
    match caller.client.send(Ask::of("GET", "/metrics", "")).await {
        Ok(reply) if reply.status == 200 => parse(&String::from_utf8_lossy(&reply.body)),
        _ => BTreeMap::new(),
    }
}

/// Whether there is a server at all.
///
/// # Errors
/// Nobody listens, or it is no server of this kind.
pub async fn ready(target: &Arc<Target>) -> anyhow::Result<()> {
    let mut caller = Caller::new(target, 0, "keju-load-tests");
    match caller.client.send(Ask::of("GET", "/readyz", "")).await {
        Ok(reply) if reply.status == 200 => Ok(()),
        Ok(reply) => anyhow::bail!("the server at {} is not ready: {}", target.host, reply.status),
        Err(error) => anyhow::bail!("no server answers at {}: {error}", target.host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_format_is_read() {
        let text = "# HELP keju_x X.\n# TYPE keju_x gauge\nkeju_x 5\nkeju_requests_total{class=\"answer\",status=\"200\"} 7\n\
                    keju_answer_seconds_bucket{le=\"0.1\"} 3\nkeju_answer_seconds_sum 0.25\n# EOF\n";
        let figures = parse(text);
        assert_eq!(figures.len(), 3);
        assert_eq!(figures["keju_x"], 5.0);
        assert_eq!(figures["keju_requests_total{class=\"answer\",status=\"200\"}"], 7.0);
    }
}
