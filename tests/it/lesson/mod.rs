//! Lessons over real sockets: played from end to end in real time, cut, taken over, killed, and cheated.

#![expect(clippy::unwrap_used, reason = "tests")]

mod attacks;
mod making;
mod partner;
mod resume;
mod webhook;
mod webhook_tls;
mod whole;

use keju_tests::kit::{Bank, Client, Settings, Site};
use serde_json::Value;

/// A site with a lesson of twelve seconds and a learner.
struct Class {
    site: Site,
    lesson: String,
    learner: Client,
}

impl Class {
    async fn start(over: &Value) -> Self {
        Self::start_with(Settings::default(), over).await
    }

    async fn start_with(settings: Settings, over: &Value) -> Self {
        let site = Site::start_with(settings, Bank::generated(12, true)).await;
        let lesson = site.lesson(over).await;
        let learner = site.learner().await;
        Self { site, lesson, learner }
    }

    /// Nothing a learner received holds anything of a key.
    fn no_key_in(&self, received: &str) {
        for canary in self.site.bank.canaries() {
            assert!(!received.contains(&canary), "{canary} came to a learner");
        }
    }
}
