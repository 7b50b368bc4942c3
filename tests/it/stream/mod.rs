//! The stream over real sockets: an exam and its proctors on it, and everything a hostile client may send.

#![expect(clippy::unwrap_used, reason = "tests")]

mod attempt;
mod crowd;
mod ends;
mod frames;
mod handshake;
mod proctor;

use keju_tests::kit::{Bank, Client, Settings, Site, id};
use serde_json::{Value, json};

/// Allowances no test reaches by accident.
const GENEROUS: &str = "[limits]\nanswers_per_second = 100000\nanswers_burst = 100000\nstarts_per_second = 100000\n\
                        starts_burst = 100000\nrequests_per_second = 100000\nrequests_burst = 100000\n\
                        hellos_per_second = 100000\nhellos_burst = 100000\n";

/// Generous allowances, then `config`, which may go on with `[limits]`.
fn settings(config: &str) -> Settings {
    Settings { config: Some(format!("{GENEROUS}{config}")), ..Settings::default() }
}

/// A site with an open attempt.
struct Sitting {
    site: Site,
    exam: String,
    learner: Client,
    attempt: Value,
}

impl Sitting {
    async fn start(config: &str) -> Self {
        let site = Site::start_with(settings(config), Bank::generated(12, true)).await;
        let exam = site.exam(&json!({})).await;
        let learner = site.learner().await;
        let attempt = learner.start(&exam, "exam").await.ok(201);
        Self { site, exam, learner, attempt }
    }

    fn id(&self) -> String {
        id(&self.attempt)
    }
}
