//! A learner of a lesson: a socket that beats while the lesson plays, answers the questions that pop up,
//! loses its connection with everybody else's and comes back where it was.
//!
//! One task per learner: [`study`] goes from socket to socket, `Student::play` is what happens on one.
//! The [`player`] knows where the video is, [`socket`] how things are said, [`promises`] what must hold,
//! `attacks` what some of them try besides.

mod attacks;
pub mod player;
pub mod promises;
pub mod socket;

use crate::api::{self, Problem, io_code, json};
use crate::backoff::Backoff;
use crate::bank::Shown;
use crate::http::{Ask, Client};
use crate::limits::{CONNECT_TIMEOUT, RECONNECT_PAUSE_MAX, REQUEST_TIMEOUT, RETRY_PAUSE};
use crate::measure::Op;
use crate::plan::Planned;
use crate::promises::{Record, Wrong};
use crate::run::{Context, told};
use crate::scenario::LessonSpec;
use player::Player;
pub use promises::Studied;
pub(crate) use promises::read_back;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use socket::{CUT, Socket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a socket that is done may take to be closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What ends a stretch on one socket.
enum Leaves {
    /// The lesson is covered, the run ends, or the server said a final word.
    Done,
    /// The connection is gone: come back at this time.
    Again(Instant),
}

/// Why no socket came about.
struct Refused {
    code: String,
    wait: Option<Duration>,
    /// The server's word is final.
    last: bool,
}

impl Refused {
    fn of(code: impl Into<String>) -> Self {
        Self { code: code.into(), wait: None, last: false }
    }
}

/// A challenge that is open.
struct Asked {
    challenge: String,
    response: Value,
    command: Uuid,
    /// When it has been thought about.
    due: Instant,
    /// When it goes out, again if need be; `None` while the server has it.
    sends_at: Option<Instant>,
}

struct Student<'a> {
    context: &'a Context,
    spec: &'a LessonSpec,
    planned: &'a Planned,
    client: Client,
    token: &'a str,
    record: Record,
    dice: ChaCha8Rng,
    began: Option<Instant>,
    rate: f64,
    studied: Studied,
    player: Player,
    asked: Option<Asked>,
    /// By when the next question has to be there, after a wrong answer.
    question_by: Option<Instant>,
    /// When this learner's own connection is cut, and for how long: a phone that sleeps.
    sleep: Option<(Instant, Duration)>,
    backoff: Backoff,
    tricks: attacks::Tricks,
}

/// From the first ticket to `complete`; returns what was promised on the way.
pub async fn study(context: &Arc<Context>, planned: &Planned, arrives: Instant) -> Record {
    let Some(spec) = &context.scenario.lesson else { return Record::new(planned.index) };
    let mut student = Student::new(context, spec, planned, arrives);
    // `wanted` is what latency counts from, however often it takes to be let in.
    let (mut wanted, mut at) = (arrives, arrives);
    if planned.traits.cheats && context.until(arrives).await {
        attacks::before(&mut student).await;
        (wanted, at) = (Instant::now(), Instant::now());
    }
    while context.until(at).await {
        match student.stretch(wanted).await {
            Ok(Leaves::Done) => break,
            Ok(Leaves::Again(next)) => (wanted, at) = (next, next),
            Err(refused) if refused.last => {
                context.recorder.failed(Op::Connect, &refused.code);
                break;
            }
            Err(refused) => {
                context.recorder.told(Op::Connect, &refused.code);
                at = Instant::now() + refused.wait.unwrap_or_else(|| student.back_off());
            }
        }
    }
    student.finish(arrives)
}

impl<'a> Student<'a> {
    fn new(context: &'a Context, spec: &'a LessonSpec, planned: &'a Planned, arrives: Instant) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(planned.seed);
        let sleep = planned.traits.sleeps.then(|| {
            let at_ms = dice.random_range(0..spec.duration_s * 1_000);
            let lasts_ms = context.scenario.learner.sleep.draw(&mut dice);
            (arrives + Duration::from_millis(at_ms), Duration::from_millis(lasts_ms))
        });
        Self {
            context,
            spec,
            planned,
            client: Client::new(&context.target, planned.index, format!("keju-load-tests device-{}", planned.index)),
            token: context.ground.people.get(planned.index).map_or("", |person| person.token.as_str()),
            record: Record::new(planned.index),
            dice,
            began: None,
            rate: 1.0,
            studied: Studied::default(),
            player: Player::new(spec.duration_ms(), arrives),
            asked: None,
            question_by: None,
            sleep,
            backoff: Backoff::up_to(RECONNECT_PAUSE_MAX),
            tricks: attacks::Tricks::default(),
        }
    }

    fn command_id(&mut self) -> Uuid {
        api::command_id(&mut self.dice)
    }

    fn finish(mut self, arrives: Instant) -> Record {
        let now = Instant::now();
        self.studied.present_ms = self.began.map_or(0, |began| (now - began).as_millis() as i64);
        self.studied.played_ms = self.player.played(now);
        self.studied.unjudged += u32::from(self.asked.is_some());
        match self.studied.completed {
            Some(_) => self.context.recorder.ok(Op::Lesson, arrives),
            None => self.context.recorder.failed(Op::Lesson, "not_completed"),
        }
        if self.began.is_some() {
            self.record.attempt = Some(self.context.ground.lesson.clone());
        }
        self.record.studied = Some(self.studied);
        self.record
    }

    /// Full jitter, and longer each time.
    fn back_off(&mut self) -> Duration {
        self.backoff.pause(self.dice.random())
    }

    /// One socket, from the ticket to its end.
    async fn stretch(&mut self, wanted: Instant) -> Result<Leaves, Refused> {
        let mut socket = self.connect(wanted).await?;
        self.backoff.reset();
        let leaves = self.play(&mut socket).await;
        if matches!(leaves, Leaves::Done) {
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, socket.close()).await;
        }
        Ok(leaves)
    }

    /// A ticket lives half a minute: one is asked for whenever there is something to use it for.
    async fn ticket(&mut self) -> Result<Value, Refused> {
        let body = json!({"purpose": "lesson", "id": self.context.ground.lesson}).to_string();
        let ask = Ask::json("POST", "/api/v1/tickets", self.token, body.as_bytes());
        let reply = self.client.send(ask).await.map_err(|error| Refused::of(io_code(&error)))?;
        // The socket is a connection of its own; two for each would halve how many there can be.
        self.client.cut();
        if reply.status == 201 {
            return Ok(json(&reply)["ticket"].clone());
        }
        let problem = Problem::read(&reply);
        let last = !problem.temporary();
        Err(Refused { code: problem.code, wait: problem.retry_after, last })
    }

    /// Handshake and hello; what was answered.
    async fn greet(&self, hello: &Value) -> Result<(Socket<'a>, Result<Value, u16>), Refused> {
        let late = |_| Refused::of("no_answer_in_time");
        let opening = Socket::open(self.context, self.planned.index);
        let opened = tokio::time::timeout(CONNECT_TIMEOUT, opening).await.map_err(late)?;
        let mut socket = opened.map_err(Refused::of)?;
        if !socket.say(hello).await {
            return Err(Refused::of("connection_cut"));
        }
        let heard = tokio::time::timeout(CONNECT_TIMEOUT, socket.hear()).await.map_err(late)?;
        Ok((socket, heard))
    }

    /// Ticket, handshake, hello, welcome.
    async fn connect(&mut self, wanted: Instant) -> Result<Socket<'a>, Refused> {
        let mut hello = json!({"t": "hello", "ticket": self.ticket().await?});
        if let Some(session) = &self.studied.session {
            hello["resume"] = json!({"session": session, "seq": self.studied.seq});
        }
        self.began.get_or_insert_with(Instant::now);
        let (socket, heard) = self.greet(&hello).await?;
        match heard {
            Ok(message) if message["t"] == "welcome" => {
                self.context.recorder.ok(Op::Connect, wanted);
                self.welcome(&message);
                Ok(socket)
            }
            Ok(message) if message["t"] == "resync" => {
                self.studied.session = None;
                Err(Refused { wait: Some(Duration::ZERO), ..Refused::of("resync") })
            }
            Ok(message) => {
                let wait = message["retry_after_ms"].as_u64().map(Duration::from_millis);
                Err(Refused { wait, ..Refused::of(message["code"].as_str().unwrap_or("no_welcome")) })
            }
            Err(code) => Err(Refused { last: code >= 4_400, ..Refused::of(format!("closed_{code}")) }),
        }
    }

    fn welcome(&mut self, message: &Value) {
        let now = Instant::now();
        let seq = message["seq"].as_u64().unwrap_or(0);
        let session = message["session"].as_str().map(str::to_owned);
        if self.studied.session.is_none() || self.studied.session != session {
            // A study of its own, whose numbers begin there; what a resumed one missed is told after this.
            self.studied.seq = seq;
        }
        self.studied.session = session;
        self.rate = message["max_rate"].as_f64().unwrap_or(1.0);
        let heartbeat = Duration::from_millis(message["heartbeat_ms"].as_u64().unwrap_or(10_000));
        self.player.connected(heartbeat, now);
        self.question_by = None;
        let furthest_ms = message["furthest_ms"].as_i64().unwrap_or(0);
        self.player.pause(Some(furthest_ms), now);
        if !message["challenge"].is_null() {
            self.challenge(&message["challenge"], now);
        } else if let Some(next_in_ms) = message["next_in_ms"].as_u64() {
            self.question_by = Some(now + Duration::from_millis(next_in_ms) + REQUEST_TIMEOUT);
        } else {
            self.player.play_from(furthest_ms, now);
        }
    }

    /// Beats, challenges and verdicts until the socket ends.
    async fn play(&mut self, socket: &mut Socket<'_>) -> Leaves {
        let cut = self.next_cut(Instant::now());
        let mut stop = self.context.stop.clone();
        loop {
            let sends_at = self.asked.as_ref().and_then(|asked| asked.sends_at);
            let beat_at = self.player.beat_at();
            let next = sends_at.map_or(beat_at, |at| at.min(beat_at));
            let next = cut.map_or(next, |(at, _)| at.min(next));
            let heard = tokio::select! {
                biased;
                () = told(&mut stop) => return Leaves::Done,
                heard = socket.hear() => Some(heard),
                () = tokio::time::sleep_until(next.into()) => None,
            };
            let now = Instant::now();
            match heard {
                Some(Ok(message)) => {
                    let mut leaves = self.take(&message, now);
                    if leaves.is_none() && self.planned.traits.cheats {
                        leaves = attacks::during(self, socket, &message).await;
                    }
                    if let Some(leaves) = leaves {
                        return leaves;
                    }
                }
                Some(Err(code)) => return self.closed(code),
                None if cut.is_some_and(|(at, _)| at <= now) => return self.cut(cut),
                None if self.overdue(now) => return Leaves::Again(now),
                None => {
                    if !self.say_what_is_due(socket, now).await {
                        return self.closed(CUT);
                    }
                }
            }
        }
    }

    /// Takes a message in; tells if it ends the stretch.
    fn take(&mut self, message: &Value, now: Instant) -> Option<Leaves> {
        if let Some(gap) = message["seq"].as_u64().and_then(|seq| self.studied.number(seq)) {
            self.record.find(Wrong::MessageLost, gap);
        }
        match message["t"].as_str().unwrap_or_default() {
            "credit" => self.credit(message, now),
            "challenge" => self.challenge(message, now),
            "verdict" => self.verdict(message, now),
            "complete" => {
                self.studied.completed = Some(message["hours_granted"].as_f64().unwrap_or(-1.0));
                return Some(Leaves::Done);
            }
            "resync" => {
                self.studied.session = None;
                return Some(Leaves::Again(now));
            }
            "error" => self.error(message, now),
            _ => {}
        }
        None
    }

    /// The beat or the answer that is due; false when the connection is gone.
    async fn say_what_is_due(&mut self, socket: &mut Socket<'_>, now: Instant) -> bool {
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.sends_at.is_some_and(|at| at <= now)) {
            asked.sends_at = None;
            let message = json!({"t": "answer", "command_id": asked.command, "challenge": asked.challenge, "response": asked.response});
            return socket.say(&message).await;
        }
        if self.player.beat_at() > now {
            return true;
        }
        let beat = self.player.beat(now);
        socket.say(&beat).await
    }

    /// Whether something has been waited for too long: a client comes back on a new socket then.
    fn overdue(&mut self, now: Instant) -> bool {
        let late = |since: Instant| now.saturating_duration_since(since) > REQUEST_TIMEOUT;
        if self.player.unanswered_since().is_some_and(late) {
            self.context.recorder.told(Op::Beat, "no_answer_in_time");
            return true;
        }
        if self.asked.as_ref().is_some_and(|asked| asked.sends_at.is_none() && late(asked.due)) {
            self.context.recorder.told(Op::Challenge, "no_answer_in_time");
            return true;
        }
        if self.question_by.is_some_and(|by| by < now) {
            self.context.recorder.told(Op::Challenge, "no_question_in_time");
            return true;
        }
        false
    }

    /// The next cut from now on, everybody's or this learner's own, and how long after it to come back.
    fn next_cut(&mut self, now: Instant) -> Option<(Instant, Duration)> {
        let times = self.spec.cuts_at_s.iter().map(|at| self.context.begins + Duration::from_secs(*at));
        let back_ms = self.dice.random_range(0..=self.spec.back_within_ms);
        let everybody = times.filter(|at| *at > now).min().map(|at| (at, Duration::from_millis(back_ms)));
        let own = self.sleep.filter(|(at, _)| *at > now);
        everybody.into_iter().chain(own).min()
    }

    fn cut(&mut self, cut: Option<(Instant, Duration)>) -> Leaves {
        let now = Instant::now();
        self.player.pause(None, now);
        Leaves::Again(now + cut.map_or(Duration::ZERO, |(_, away)| away))
    }

    fn closed(&mut self, code: u16) -> Leaves {
        let now = Instant::now();
        self.player.pause(None, now);
        if code >= 4_400 {
            self.context.recorder.failed(Op::Connect, &format!("closed_{code}"));
            return Leaves::Done;
        }
        self.context.recorder.told(Op::Connect, &format!("closed_{code}"));
        Leaves::Again(now + self.back_off())
    }

    fn credit(&mut self, message: &Value, now: Instant) {
        let furthest_ms = message["furthest_ms"].as_i64().unwrap_or(0);
        let due = message["n"].as_u64().and_then(|n| self.player.credited(n, furthest_ms, now));
        if let Some(due) = due {
            self.context.recorder.ok(Op::Beat, due);
        }
        let (covered_ms, began) = (message["covered_ms"].as_i64().unwrap_or(0), self.began.unwrap_or(now));
        let mut wrong = self.studied.credit(covered_ms, &self.player, began, self.rate);
        let end_ms = self.spec.duration_ms();
        if covered_ms > end_ms {
            wrong = Some(format!("{covered_ms} ms are credited of a lesson of {end_ms} ms"));
        }
        if let Some(detail) = wrong {
            self.record.find(Wrong::CreditWrong, detail);
        }
    }

    /// Stops the video and thinks about an answer; the one that is open already is sent again.
    fn challenge(&mut self, message: &Value, now: Instant) {
        self.player.pause(None, now);
        self.question_by = None;
        let challenge = message["challenge"].as_str().unwrap_or_default().to_owned();
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.challenge == challenge) {
            // Cut off by ourselves, with the answer on its way or still thought about.
            asked.due = asked.due.max(now);
            asked.sends_at = Some(asked.due);
            return;
        }
        self.asked = None;
        let Some(question) = Shown::read(message) else {
            self.record.find(Wrong::PaperFaulty, "a challenge is none of the bank's");
            return;
        };
        let right = self.dice.random_bool(self.context.scenario.learner.right_share);
        let Some(response) = self.context.bank.respond(&question, right) else { return };
        let due = now + Duration::from_millis(self.spec.think.draw(&mut self.dice));
        let command = self.command_id();
        self.asked = Some(Asked { challenge, response, command, due, sends_at: Some(due) });
    }

    fn verdict(&mut self, message: &Value, now: Instant) {
        let challenge = message["challenge"].as_str().unwrap_or_default();
        if let Some(asked) = self.asked.take_if(|asked| asked.challenge == challenge) {
            self.context.recorder.ok(Op::Challenge, asked.due);
        }
        let correct = message["correct"] == true;
        if self.studied.verdicts.insert(challenge.to_owned(), correct).is_some_and(|before| before != correct) {
            self.record.find(Wrong::VerdictLost, format!("{challenge} was judged twice, and differently"));
        }
        if message["continue"] == true {
            self.player.play(now);
            return;
        }
        let rewind = message["rewind_to_ms"].as_i64();
        if let Some(rewind_to_ms) = rewind {
            self.studied.covered_ms = self.studied.covered_ms.min(rewind_to_ms);
        }
        self.player.pause(rewind, now);
        let next_in = message["next_in_ms"].as_u64().map(Duration::from_millis);
        self.question_by = next_in.map(|next_in| now + next_in + REQUEST_TIMEOUT);
    }

    fn error(&mut self, message: &Value, now: Instant) {
        let code = message["code"].as_str().unwrap_or("error");
        let command = message["command_id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        let Some(asked) = self.asked.as_mut().filter(|asked| Some(asked.command) == command) else {
            self.context.recorder.told(Op::Beat, code);
            return;
        };
        self.context.recorder.told(Op::Challenge, code);
        if message["temporary"] == true {
            let wait = message["retry_after_ms"].as_u64().map_or(RETRY_PAUSE, Duration::from_millis);
            asked.sends_at = Some(now + wait);
        } else {
            // Too late, most of all: a fresh question follows.
            self.asked = None;
        }
    }
}
