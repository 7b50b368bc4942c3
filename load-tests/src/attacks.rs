//! Known attacks on such platforms. Each has to be turned away, or to change nothing; what it has to be
//! answered with is written beside it. Those on lessons that need a socket are in [`crate::lesson`].

use crate::api::Problem;
use crate::bank::Shown;
use crate::http::{Ask, Client};
use crate::learner::Learner;
use crate::measure::Op;
use crate::promises::{Record, Wrong};
use crate::run::Context;
use rand::RngExt;
use serde_json::{Value, json};
use std::time::Instant;

/// Whoever tries them.
pub struct Attacker<'a> {
    /// The run.
    pub context: &'a Context,
    /// The connection.
    pub client: &'a mut Client,
    /// The learner's session.
    pub token: &'a str,
    /// Where it is noted if one succeeds.
    pub record: &'a mut Record,
}

/// One request that must not succeed.
pub struct Attack {
    name: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    /// Without the learner's token.
    nobody: bool,
    /// Statuses that turn it away.
    turned_away: &'static [u16],
}

/// While the attempt is open.
pub async fn during(learner: &mut Learner<'_>, question: &Shown) {
    let attempt = learner.record.attempt.clone().unwrap_or_default();
    let exam = learner.context.ground.exam.clone();
    let bank = learner.context.ground.bank.clone();
    let other = stranger(learner);
    let response = learner.context.bank.respond(question, true).unwrap_or(Value::Null);
    let answer = format!("/api/v1/attempts/{attempt}/answers/{}", question.slot);
    let new = |learner: &mut Learner<'_>| learner.command_id();
    let mut attacks = vec![
        Attack::of(
            "a score beside the answer",
            "PUT",
            answer.clone(),
            json!({"command_id": new(learner), "response": response, "score": 100}),
            &[400],
        ),
        Attack::of(
            "a time of one's own",
            "PUT",
            answer.clone(),
            json!({"command_id": new(learner), "response": response, "answered_at": "2020-01-01T00:00:00Z"}),
            &[400],
        ),
        Attack::of(
            "a slot that is not there",
            "PUT",
            format!("/api/v1/attempts/{attempt}/answers/9999"),
            json!({"command_id": new(learner), "response": response}),
            &[404],
        ),
        Attack::of(
            "an option that is not there",
            "PUT",
            answer.clone(),
            json!({"command_id": new(learner), "response": {"choices": ["o99"]}}),
            &[400],
        ),
        Attack::of("somebody else's attempt", "GET", format!("/api/v1/attempts/{other}"), Value::Null, &[404]),
        Attack::of(
            "somebody else's answers",
            "PUT",
            format!("/api/v1/attempts/{other}/answers/1"),
            json!({"command_id": new(learner), "response": response}),
            &[404],
        ),
        Attack::of("handing in by GET", "GET", format!("/api/v1/attempts/{attempt}/submission"), Value::Null, &[405]),
        Attack::of(
            "a second attempt beside the first",
            "POST",
            format!("/api/v1/exams/{exam}/attempts"),
            json!({"command_id": new(learner), "mode": "exam"}),
            &[409, 429],
        ),
        Attack::of(
            "practice beside the exam",
            "POST",
            format!("/api/v1/exams/{exam}/attempts"),
            json!({"command_id": new(learner), "mode": "practice"}),
            &[409, 429],
        ),
        Attack::on_the_keys(&bank),
        Attack::of(
            "the proctor's view",
            "GET",
            format!("/api/v1/attempts/{attempt}/timeline"),
            Value::Null,
            &[403, 404],
        ),
        Attack::of(
            "more time for oneself",
            "POST",
            format!("/api/v1/attempts/{attempt}/actions"),
            json!({"command_id": new(learner), "action": "extend", "minutes": 60, "reason": "x"}),
            &[403, 404],
        ),
        Attack::of(
            "another attempt for oneself",
            "POST",
            format!("/api/v1/exams/{exam}/overrides"),
            json!({"person": learner.context.ground.people[learner.planned.index].id, "attempts_max": 99, "reason": "x"}),
            &[403, 404],
        ),
        Attack {
            nobody: true,
            ..Attack::of(
                "without signing in",
                "PUT",
                answer,
                json!({"command_id": new(learner), "response": response}),
                &[401],
            )
        },
    ];
    // In another order each time.
    while !attacks.is_empty() {
        let index = learner.dice.random_range(0..attacks.len());
        if !attacks.swap_remove(index).run(&mut learner.attacker()).await {
            return;
        }
    }
}

/// After handing in.
pub async fn afterwards(learner: &mut Learner<'_>, question: &Shown) {
    let attempt = learner.record.attempt.clone().unwrap_or_default();
    let exam = learner.context.ground.exam.clone();
    let response = learner.context.bank.respond(question, true).unwrap_or(Value::Null);
    let (one, two, three) = (learner.command_id(), learner.command_id(), learner.command_id());
    let attacks = [
        Attack::of(
            "editing on after handing in",
            "PUT",
            format!("/api/v1/attempts/{attempt}/answers/{}", question.slot),
            json!({"command_id": one, "response": response}),
            &[409],
        ),
        Attack::of(
            "handing in twice",
            "POST",
            format!("/api/v1/attempts/{attempt}/submission"),
            json!({"command_id": two}),
            &[409],
        ),
        Attack::of(
            "one attempt more than allowed",
            "POST",
            format!("/api/v1/exams/{exam}/attempts"),
            json!({"command_id": three, "mode": "exam"}),
            &[409, 429],
        ),
    ];
    for attack in attacks {
        if !attack.run(&mut learner.attacker()).await {
            return;
        }
    }
}

/// An attempt that is not the learner's: somebody's that is open now, or else a guess.
fn stranger(learner: &mut Learner<'_>) -> String {
    let others = learner.context.somebody_elses(learner.planned.index);
    others.unwrap_or_else(|| learner.command_id().to_string())
}

impl Attack {
    /// With a learner's session; `null` is no body.
    #[must_use]
    pub const fn of(
        name: &'static str,
        method: &'static str,
        path: String,
        body: Value,
        turned_away: &'static [u16],
    ) -> Self {
        Self { name, method, path, body, nobody: false, turned_away }
    }

    /// The bank with its keys, as an author gets it.
    #[must_use]
    pub fn on_the_keys(bank: &str) -> Self {
        let path = format!("/api/v1/banks/{bank}/export?format=json");
        Self::of("the bank with its keys", "GET", path, Value::Null, &[403, 404])
    }

    /// False when the run ends.
    pub async fn run(self, by: &mut Attacker<'_>) -> bool {
        if by.context.stopped() {
            return false;
        }
        let due = Instant::now();
        let body = if self.body.is_null() { String::new() } else { self.body.to_string() };
        let token = if self.nobody { "" } else { by.token };
        match by.client.send(Ask::json(self.method, &self.path, token, body.as_bytes())).await {
            Ok(reply) if self.turned_away.contains(&reply.status) => by.turned_away(due),
            // Too busy even to refuse: nothing was gained.
            Ok(reply) if matches!(reply.status, 429 | 503) => by.unclear(&Problem::read(&reply).code),
            Ok(reply) => by.succeeded(&format!("{}: answered {}", self.name, reply.status)),
            Err(error) => by.unclear(crate::api::io_code(&error)),
        }
        true
    }
}

impl Attacker<'_> {
    /// It was turned away.
    pub fn turned_away(&self, due: Instant) {
        self.context.recorder.ok(Op::Attack, due);
    }

    /// It got no answer that says anything.
    pub fn unclear(&self, code: &str) {
        self.context.recorder.told(Op::Attack, code);
    }

    /// It got through.
    pub fn succeeded(&mut self, what: &str) {
        self.context.recorder.failed(Op::Attack, "not_turned_away");
        self.record.find(Wrong::AttackSucceeded, what);
    }
}
