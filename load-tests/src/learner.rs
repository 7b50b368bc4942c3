//! A learner of an exam: arrives, waits, gets a paper, thinks, answers, loses the network, comes back,
//! hands in. When things are due is decided by arrival and thinking alone; a slow server makes them late,
//! and late is what is measured.

use crate::api::{self, Problem, io_code, json, now_text};
use crate::attacks::{self, Attacker};
use crate::backoff::Backoff;
use crate::bank::Shown;
use crate::http::{Ask, Client, Reply};
use crate::limits::{IDLE_MAX, RETRIES_MAX, RETRY_PAUSE, RETRY_PAUSE_MAX};
use crate::measure::Op;
use crate::paper;
use crate::plan::Planned;
use crate::promises::{Record, Said, Wrong};
use crate::run::Context;
use crate::setup::HOURS;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How a command ended.
#[derive(Debug)]
pub enum Ended {
    /// With success.
    Done(Reply),
    /// With a refusal that stands.
    Refused(String),
    /// Nobody knows: the last try was not answered, or the run ended.
    Unknown,
}

/// See the module.
pub struct Learner<'a> {
    pub(crate) context: &'a Context,
    pub(crate) planned: &'a Planned,
    pub(crate) client: Client,
    pub(crate) token: &'a str,
    pub(crate) record: Record,
    pub(crate) dice: ChaCha8Rng,
    /// When the next thing is due.
    pub(crate) due: Instant,
}

/// The whole way; returns what was promised on it.
pub async fn take_exam(context: &Arc<Context>, planned: &Planned, arrives: Instant) -> Record {
    let mut learner = Learner::new(context, planned, arrives);
    if let Some(attempt) = learner.start().await {
        let (paper, faults) = paper::read(&attempt, &context.scenario.exam, &context.bank);
        learner.record.digest = paper.digest;
        for fault in faults {
            learner.record.find(Wrong::PaperFaulty, fault);
        }
        learner.work(&paper.questions).await;
    }
    learner.record
}

impl<'a> Learner<'a> {
    /// At the door.
    #[must_use]
    pub fn new(context: &'a Context, planned: &'a Planned, arrives: Instant) -> Self {
        let agent = format!("keju-load-tests device-{}", planned.index);
        Self {
            context,
            planned,
            client: Client::new(&context.target, planned.index, agent),
            token: context.ground.people.get(planned.index).map_or("", |person| person.token.as_str()),
            record: Record::new(planned.index),
            dice: ChaCha8Rng::seed_from_u64(planned.seed),
            due: arrives,
        }
    }

    pub(crate) fn command_id(&mut self) -> Uuid {
        api::command_id(&mut self.dice)
    }

    pub(crate) const fn attacker(&mut self) -> Attacker<'_> {
        Attacker { context: self.context, client: &mut self.client, token: self.token, record: &mut self.record }
    }

    fn think(&mut self) {
        let ms = self.context.scenario.learner.think.draw(&mut self.dice);
        self.due += Duration::from_millis(ms);
    }

    fn attempt_path(&self, rest: &str) -> String {
        format!("/api/v1/attempts/{}{rest}", self.record.attempt.as_deref().unwrap_or_default())
    }

    /// Sends a command until it is answered for good, always the same; measured from when it was due.
    pub(crate) async fn command(&mut self, op: Op, method: &str, path: &str, body: &[u8]) -> Ended {
        if !self.context.until(self.due).await {
            return Ended::Unknown;
        }
        let mut backoff = Backoff::up_to(RETRY_PAUSE_MAX);
        for _ in 0..RETRIES_MAX {
            let wait = match self.client.send(Ask::json(method, path, self.token, body)).await {
                Ok(reply) if reply.status < 300 => {
                    self.context.recorder.ok(op, self.due);
                    return Ended::Done(reply);
                }
                Ok(reply) => {
                    let problem = Problem::read(&reply);
                    if !problem.temporary() {
                        self.context.recorder.failed(op, &problem.code);
                        return Ended::Refused(problem.code);
                    }
                    self.context.recorder.told(op, &problem.code);
                    problem.retry_after
                }
                Err(error) => {
                    self.context.recorder.told(op, io_code(&error));
                    None
                }
            };
            let jitter = backoff.pause(self.dice.random());
            if !self.context.until(Instant::now() + wait.unwrap_or(jitter)).await {
                return Ended::Unknown;
            }
        }
        self.context.recorder.failed(op, "given_up");
        Ended::Unknown
    }

    /// Asks for a paper until it comes, with the patience the scenario gives.
    async fn start(&mut self) -> Option<Value> {
        let path = format!("/api/v1/exams/{}/attempts", self.context.ground.exam);
        let body = json!({"command_id": self.command_id(), "mode": "exam"}).to_string();
        let patience = self.due + Duration::from_secs(self.context.scenario.learner.patience_s);
        let (mut asks_at, mut ticket, mut in_queue) = (self.due, String::new(), false);
        let recorder = &self.context.recorder;
        let started = loop {
            let headers = if ticket.is_empty() { String::new() } else { format!("keju-queue: {ticket}\r\n") };
            let ask = Ask { headers: &headers, ..Ask::json("POST", &path, self.token, body.as_bytes()) };
            let wait = match self.client.send(ask).await {
                Ok(reply) if reply.status < 300 => {
                    recorder.ok(Op::Start, asks_at);
                    recorder.ok(Op::Paper, self.due);
                    break Some(json(&reply));
                }
                Ok(reply) => {
                    let problem = Problem::read(&reply);
                    if problem.code == "queued" {
                        // An answer like any other: the place in the line.
                        recorder.ok(Op::Start, asks_at);
                        ticket = reply.queue_ticket.unwrap_or_default();
                        if !std::mem::replace(&mut in_queue, true) {
                            self.context.queued.fetch_add(1, Ordering::Relaxed);
                        }
                    } else if !problem.temporary() {
                        recorder.failed(Op::Paper, &problem.code);
                        break None;
                    }
                    recorder.told(Op::Start, &problem.code);
                    problem.retry_after
                }
                Err(error) => {
                    recorder.told(Op::Start, io_code(&error));
                    None
                }
            };
            asks_at = Instant::now() + wait.unwrap_or(RETRY_PAUSE.mul_f64(1.0 + 4.0 * self.dice.random::<f64>()));
            if asks_at > patience {
                recorder.failed(Op::Paper, "gave_up_waiting");
                break None;
            }
            if asks_at.duration_since(Instant::now()) > IDLE_MAX {
                // The server closes it meanwhile; here it would only hold a descriptor.
                self.client.cut();
            }
            if !self.context.until(asks_at).await {
                break None;
            }
        };
        if in_queue {
            self.context.queued.fetch_sub(1, Ordering::Relaxed);
        }
        self.due = Instant::now();
        let attempt = started?;
        self.record.attempt = attempt["id"].as_str().map(str::to_owned);
        if let Some(id) = &self.record.attempt {
            let mut last = self.context.last_started.lock();
            last.rotate_right(1);
            last[0] = Some((self.planned.index, id.clone()));
        }
        Some(attempt)
    }

    /// From the first question to the last word.
    async fn work(&mut self, questions: &[Shown]) {
        let spec = &self.context.scenario.learner;
        let slots = questions.len().max(1);
        let traits = self.planned.traits;
        let offline_from = traits.offline.then(|| self.dice.random_range(0..slots));
        let offline_to = offline_from.map(|from| from + spec.offline_answers.max(1) as usize);
        let sleeps_at = traits.sleeps.then(|| self.dice.random_range(0..slots));
        let attacks_at = traits.cheats.then(|| self.dice.random_range(0..slots));
        let mut kept = Vec::new();
        for (index, question) in questions.iter().enumerate() {
            self.think();
            if sleeps_at == Some(index) && !self.sleep().await {
                return;
            }
            if attacks_at == Some(index) {
                attacks::during(self, question).await;
            }
            if traits.wanders && self.dice.random_bool(0.3) {
                self.wander().await;
            }
            let right = self.dice.random_bool(spec.right_share);
            if offline_from.is_some_and(|from| from <= index) && offline_to.is_some_and(|to| index < to) {
                kept.push((question.slot, self.said(question, right), now_text()));
                continue;
            }
            if !self.batch(&mut kept).await || !self.answer(question, right).await {
                return;
            }
            if self.dice.random_bool(spec.change_share) {
                self.think();
                if !self.answer(question, !right).await {
                    return;
                }
            }
        }
        if !self.batch(&mut kept).await {
            return;
        }
        self.think();
        if traits.submits
            && self.submit().await
            && attacks_at.is_some()
            && let Some(question) = questions.first()
        {
            attacks::afterwards(self, question).await;
        }
    }

    fn said(&self, question: &Shown, right: bool) -> Said {
        Said { response: self.context.bank.respond(question, right).unwrap_or(Value::Null), right }
    }

    /// One answer; false when there is nothing more to do in this attempt.
    async fn answer(&mut self, question: &Shown, right: bool) -> bool {
        let said = self.said(question, right);
        let path = self.attempt_path(&format!("/answers/{}", question.slot));
        let body = json!({"command_id": self.command_id(), "response": said.response}).to_string();
        if self.context.stopped() {
            return false;
        }
        self.record.sends(question.slot, said);
        match self.command(Op::Answer, "PUT", &path, body.as_bytes()).await {
            Ended::Done(reply) => {
                self.receipt(question.slot, &json(&reply));
                if self.dice.random_bool(self.context.scenario.learner.repeat_share) {
                    self.repeat(&path, body.as_bytes(), &reply).await;
                }
                true
            }
            Ended::Refused(code) => {
                self.record.refused(question.slot);
                self.goes_on(&code)
            }
            Ended::Unknown => !self.context.stopped(),
        }
    }

    fn receipt(&mut self, slot: u32, receipt: &Value) {
        match receipt["seq"].as_u64() {
            Some(seq) if receipt["slot"] == slot => self.record.acknowledged(slot, seq),
            _ => self
                .record
                .find(Wrong::AnswerLost, format!("slot {slot}: the receipt is for something else: {receipt}")),
        }
        if !receipt["feedback"].is_null() {
            self.record.find(Wrong::KeyReceived, format!("slot {slot}: feedback in an exam"));
        }
    }

    /// The response is taken for lost: the same command has to bring the same receipt.
    async fn repeat(&mut self, path: &str, body: &[u8], first: &Reply) {
        self.due = self.due.max(Instant::now());
        if let Ended::Done(again) = self.command(Op::Answer, "PUT", path, body).await
            && (json(&again) != json(first) || !again.replayed)
        {
            self.record.find(Wrong::AnswerLost, "a repeated command was not answered as at first");
        }
    }

    /// Whether a refusal leaves anything to do.
    fn goes_on(&mut self, code: &str) -> bool {
        match code {
            "deadline_passed" | "attempt_closed" | "window_closed" | "unauthenticated" => false,
            _ => {
                self.record.find(Wrong::AnswerLost, format!("a proper answer was refused as {code}"));
                true
            }
        }
    }

    /// What was kept while offline, in one request.
    async fn batch(&mut self, kept: &mut Vec<(u32, Said, String)>) -> bool {
        if kept.is_empty() {
            return true;
        }
        self.client.cut();
        let mut answers = Vec::new();
        for (slot, said, at) in kept.drain(..) {
            answers.push(
                json!({"command_id": self.command_id(), "slot": slot, "response": said.response, "answered_at": at}),
            );
            self.record.sends(slot, said);
        }
        let path = self.attempt_path("/answers");
        let slots: Vec<u32> =
            answers.iter().filter_map(|answer| u32::try_from(answer["slot"].as_u64()?).ok()).collect();
        let body = json!({"answers": answers}).to_string();
        match self.command(Op::Batch, "POST", &path, body.as_bytes()).await {
            Ended::Done(reply) => {
                let outcome = json(&reply);
                for receipt in outcome["receipts"].as_array().into_iter().flatten() {
                    let slot = receipt["slot"].as_u64().and_then(|slot| u32::try_from(slot).ok()).unwrap_or(0);
                    self.receipt(slot, receipt);
                }
                let mut goes_on = true;
                for refused in outcome["refused"].as_array().into_iter().flatten() {
                    let slot = refused["slot"].as_u64().and_then(|slot| u32::try_from(slot).ok()).unwrap_or(0);
                    self.record.refused(slot);
                    goes_on &= self.goes_on(refused["code"].as_str().unwrap_or_default());
                }
                goes_on
            }
            Ended::Refused(code) => {
                slots.iter().for_each(|slot| self.record.refused(*slot));
                self.goes_on(&code)
            }
            Ended::Unknown => !self.context.stopped(),
        }
    }

    /// The phone sleeps; on a new connection the attempt is read again, and has to be as it was left.
    async fn sleep(&mut self) -> bool {
        self.client.cut();
        let ms = self.context.scenario.learner.sleep.draw(&mut self.dice);
        self.due += Duration::from_millis(ms);
        let path = self.attempt_path("");
        match self.command(Op::Resume, "GET", &path, &[]).await {
            Ended::Done(reply) => {
                let attempt = json(&reply);
                let (paper, _) = paper::read(&attempt, &self.context.scenario.exam, &self.context.bank);
                self.record.compare(&attempt, paper.digest);
                true
            }
            Ended::Refused(code) => {
                self.record.find(Wrong::AttemptLost, format!("coming back was refused as {code}"));
                false
            }
            Ended::Unknown => !self.context.stopped(),
        }
    }

    /// The page loses focus and tells so.
    async fn wander(&mut self) {
        let path = self.attempt_path("/signals");
        let (kind, back) = if self.dice.random_bool(0.5) { ("blur", "focus") } else { ("hidden", "visible") };
        let now = now_text();
        let body = json!({"signals": [{"kind": kind, "at": now}, {"kind": back, "at": now}]}).to_string();
        // Telemetry is best effort: it may be shed.
        let _ = self.command(Op::Signals, "POST", &path, body.as_bytes()).await;
    }

    async fn submit(&mut self) -> bool {
        let path = self.attempt_path("/submission");
        let body = json!({"command_id": self.command_id()}).to_string();
        match self.command(Op::Submit, "POST", &path, body.as_bytes()).await {
            Ended::Done(reply) => {
                let result = json(&reply);
                self.check_result(&result);
                self.record.result = Some(result);
                true
            }
            Ended::Refused(_) => false,
            Ended::Unknown => {
                self.record.submission_unknown = true;
                false
            }
        }
    }

    fn check_result(&mut self, result: &Value) {
        let ground = &self.context.ground;
        for fault in result_faults(&self.record, result, ground.pass_score, self.points()) {
            self.record.find(fault.0, fault.1);
        }
    }

    fn points(&self) -> i64 {
        10_000 / i64::from(self.context.scenario.exam.slots().max(1))
    }
}

/// What is wrong with a result, given what was acknowledged.
#[must_use]
pub fn result_faults(record: &Record, result: &Value, pass_score: i64, points: i64) -> Vec<(Wrong, String)> {
    let mut faults = Vec::new();
    let hundredths = |value: &Value| value.as_f64().map(|number| (number * 100.0).round() as i64);
    let (Some(score), Some(passed)) = (hundredths(&result["score"]), result["passed"].as_bool()) else {
        return vec![(Wrong::ScoreWrong, format!("the result has no score: {result}"))];
    };
    let (least, most) = record.right();
    if score < i64::from(least) * points || score > i64::from(most) * points {
        faults.push((
            Wrong::ScoreWrong,
            format!("{score} hundredths for {least} to {most} right answers of {points} each"),
        ));
    }
    if passed != (score >= pass_score) {
        faults.push((Wrong::ScoreWrong, format!("{score} of {pass_score} hundredths, and passed is {passed}")));
    }
    let expected = if passed { (HOURS * 100.0) as i64 } else { 0 };
    if hundredths(&result["hours_granted"]) != Some(expected) {
        faults.push((
            Wrong::HoursWrong,
            format!("passed is {passed}, and {} hours are granted", result["hours_granted"]),
        ));
    }
    faults
}
