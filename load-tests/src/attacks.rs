//! Known attacks on such platforms. Each has to be turned away, or to change nothing; what it has to be
//! answered with is written beside it.

use crate::api::Problem;
use crate::bank::Shown;
use crate::http::Ask;
use crate::learner::Learner;
use crate::measure::Op;
use crate::promises::Wrong;
use rand::RngExt;
use serde_json::{Value, json};
use std::time::Instant;

/// One request that must not succeed.
struct Attack {
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
        Attack::of(
            "the bank with its keys",
            "GET",
            format!("/api/v1/banks/{bank}/export?format=json"),
            Value::Null,
            &[403, 404],
        ),
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
        if !attacks.swap_remove(index).run(learner).await {
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
        if !attack.run(learner).await {
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
    fn of(name: &'static str, method: &'static str, path: String, body: Value, turned_away: &'static [u16]) -> Self {
        Self { name, method, path, body, nobody: false, turned_away }
    }

    /// False when the run ends.
    async fn run(self, learner: &mut Learner<'_>) -> bool {
        if learner.context.stopped() {
            return false;
        }
        let due = Instant::now();
        let body = if self.body.is_null() { String::new() } else { self.body.to_string() };
        let token = if self.nobody { "" } else { learner.token };
        let recorder = &learner.context.recorder;
        match learner.client.send(Ask::json(self.method, &self.path, token, body.as_bytes())).await {
            Ok(reply) if self.turned_away.contains(&reply.status) => recorder.ok(Op::Attack, due),
            // Too busy even to refuse: nothing was gained.
            Ok(reply) if matches!(reply.status, 429 | 503) => recorder.told(Op::Attack, &Problem::read(&reply).code),
            Ok(reply) => {
                recorder.failed(Op::Attack, "not_turned_away");
                learner.record.find(Wrong::AttackSucceeded, format!("{}: answered {}", self.name, reply.status));
            }
            Err(error) => recorder.told(Op::Attack, crate::api::io_code(&error)),
        }
        true
    }
}
