//! A learner of a lesson: a socket that beats while the lesson plays, answers the questions that pop up,
//! loses its connection with everybody else's and comes back where it was.

use crate::api::{Caller, Problem, io_code, json};
use crate::bank::Shown;
use crate::http::{Ask, Client};
use crate::limits::{CONNECT_TIMEOUT, FRAME_BYTES_MAX, RETRY_PAUSE};
use crate::measure::Op;
use crate::plan::Planned;
use crate::promises::{Record, Wrong};
use crate::run::{Context, told};
use crate::scenario::LessonSpec;
use crate::verify::{Checked, hours_back};
use futures_util::{SinkExt, StreamExt};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use uuid::Uuid;

type Socket = WebSocketStream<TcpStream>;

/// What is known of one learner's lesson.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Studied {
    /// The least that has to stand: what was last credited, less what a rewind took.
    pub covered_ms: i64,
    /// Between the first welcome and the last word.
    pub present_ms: i64,
    /// `complete` was told.
    pub completed: bool,
}

/// What ends a stretch on one socket.
enum Leaves {
    /// The lesson is covered, the run ends, or the server said a final word.
    Done,
    /// The connection is gone: come back at this time.
    Again(Instant),
}

struct Student<'a> {
    context: &'a Context,
    spec: &'a LessonSpec,
    planned: &'a Planned,
    client: Client,
    token: &'a str,
    record: Record,
    dice: ChaCha8Rng,
    session: Option<(String, u64)>,
    began: Option<Instant>,
    studied: Studied,
    player: Player,
    pause: Duration,
}

/// The video: plays in real time unless a question is open.
struct Player {
    position_ms: i64,
    playing: bool,
    since: Instant,
}

impl Player {
    fn position(&self, end_ms: i64) -> i64 {
        let passed = if self.playing { self.since.elapsed().as_millis() as i64 } else { 0 };
        (self.position_ms + passed).min(end_ms)
    }

    fn set(&mut self, position_ms: i64, playing: bool) {
        *self = Self { position_ms, playing, since: Instant::now() };
    }
}

/// From the first ticket to `complete`; returns what was promised on the way.
pub async fn study(context: &Arc<Context>, planned: &Planned, arrives: Instant) -> Record {
    let Some(spec) = &context.scenario.lesson else { return Record::new(planned.index) };
    let mut student = Student {
        context,
        spec,
        planned,
        client: Client::new(&context.target, planned.index, format!("keju-load-tests device-{}", planned.index)),
        token: context.ground.people.get(planned.index).map_or("", |person| person.token.as_str()),
        record: Record::new(planned.index),
        dice: ChaCha8Rng::seed_from_u64(planned.seed),
        session: None,
        began: None,
        studied: Studied::default(),
        player: Player { position_ms: 0, playing: false, since: arrives },
        pause: RETRY_PAUSE,
    };
    let mut due = arrives;
    while context.until(due).await {
        match student.stretch(due).await {
            Leaves::Done => break,
            Leaves::Again(next) => due = next,
        }
    }
    student.studied.present_ms = student.began.map_or(0, |began| began.elapsed().as_millis() as i64);
    if student.began.is_some() {
        student.record.attempt = Some(context.ground.lesson.clone());
    }
    student.record.studied = Some(student.studied);
    student.record
}

impl Student<'_> {
    /// One socket, from the ticket to its end.
    async fn stretch(&mut self, due: Instant) -> Leaves {
        let mut socket = match self.connect(due).await {
            Ok(Some(socket)) => socket,
            Ok(None) => return Leaves::Done,
            Err((code, wait)) => {
                self.context.recorder.told(Op::Connect, &code);
                let jitter = self.pause.mul_f64(self.dice.random());
                self.pause = (self.pause * 2).min(Duration::from_secs(20));
                return Leaves::Again(Instant::now() + wait.unwrap_or(jitter));
            }
        };
        self.pause = RETRY_PAUSE;
        let leaves = self.play(&mut socket).await;
        if matches!(leaves, Leaves::Done) {
            let _ = tokio::time::timeout(Duration::from_secs(2), socket.close(None)).await;
        }
        leaves
    }

    /// Ticket, handshake, hello, welcome. `None` when the server's word is final.
    async fn connect(&mut self, due: Instant) -> Result<Option<Socket>, (String, Option<Duration>)> {
        let body = json!({"purpose": "lesson", "id": self.context.ground.lesson}).to_string();
        let ask = Ask::json("POST", "/api/v1/tickets", self.token, body.as_bytes());
        let reply = self.client.send(ask).await.map_err(|error| (io_code(&error).to_owned(), None))?;
        if reply.status != 201 {
            let problem = Problem::read(&reply);
            if problem.temporary() {
                return Err((problem.code, problem.retry_after));
            }
            self.context.recorder.failed(Op::Connect, &problem.code);
            return Ok(None);
        }
        self.client.cut();
        let ticket = json(&reply)["ticket"].clone();
        let opening = tokio::time::timeout(CONNECT_TIMEOUT, self.handshake()).await;
        let mut socket = opening.map_err(|_| ("no_answer_in_time".to_owned(), None))??;
        let mut hello = json!({"t": "hello", "ticket": ticket});
        if let Some((session, seq)) = &self.session {
            hello["resume"] = json!({"session": session, "seq": seq});
        }
        self.say(&mut socket, &hello).await.map_err(|()| ("connection_cut".to_owned(), None))?;
        let welcome = tokio::time::timeout(CONNECT_TIMEOUT, self.hear(&mut socket)).await;
        let welcome = welcome.map_err(|_| ("no_answer_in_time".to_owned(), None))?;
        match welcome {
            Ok(message) if message["t"] == "welcome" => {
                self.context.recorder.ok(Op::Connect, due);
                self.welcome(&message);
                Ok(Some(socket))
            }
            Ok(message) if message["t"] == "resync" => {
                self.session = None;
                Err(("resync".to_owned(), Some(Duration::ZERO)))
            }
            Ok(message) => Err((message["code"].as_str().unwrap_or("no_welcome").to_owned(), None)),
            Err(code) if code >= 4_400 => {
                self.context.recorder.failed(Op::Connect, &format!("closed_{code}"));
                Ok(None)
            }
            Err(code) => Err((format!("closed_{code}"), None)),
        }
    }

    async fn handshake(&self) -> Result<Socket, (String, Option<Duration>)> {
        let target = &self.context.target;
        let stream = target.connect(self.planned.index).await.map_err(|error| (io_code(&error).to_owned(), None))?;
        let refused = |error: Error| match error {
            Error::Http(response) => (format!("http_{}", response.status().as_u16()), None),
            _ => ("connection_cut".to_owned(), None),
        };
        let mut request = format!("ws://{}/api/v1/stream", target.host).into_client_request().map_err(refused)?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("exam.v1"));
        if let Ok(origin) = HeaderValue::try_from(format!("http://{}", target.host)) {
            request.headers_mut().insert("origin", origin);
        }
        // Tens of thousands of them: no more memory each than a frame needs.
        let config = WebSocketConfig::default()
            .read_buffer_size(1_024)
            .write_buffer_size(0)
            .max_write_buffer_size(64 * 1_024)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        client_async_with_config(request, stream, Some(config)).await.map(|(socket, _)| socket).map_err(refused)
    }

    fn welcome(&mut self, message: &Value) {
        self.began.get_or_insert_with(Instant::now);
        let session = message["session"].as_str().unwrap_or_default().to_owned();
        self.session = Some((session, message["seq"].as_u64().unwrap_or(0)));
        let covered = message["covered_ms"].as_i64().unwrap_or(0);
        self.player.set(message["furthest_ms"].as_i64().unwrap_or(covered), message["challenge"].is_null());
    }

    async fn say(&self, socket: &mut Socket, message: &Value) -> Result<(), ()> {
        let text = message.to_string();
        self.context.target.sent.fetch_add(text.len() as u64, Ordering::Relaxed);
        socket.send(Message::text(text)).await.map_err(|_| ())
    }

    /// The next message, or the code it was closed with.
    async fn hear(&self, socket: &mut Socket) -> Result<Value, u16> {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    self.context.target.received.fetch_add(text.len() as u64, Ordering::Relaxed);
                    self.context.target.look_for_canaries(text.as_bytes());
                    return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1_005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1_006),
            }
        }
    }

    /// Beats, challenges and verdicts until the socket ends.
    async fn play(&mut self, socket: &mut Socket) -> Leaves {
        let end_ms = i64::try_from(self.spec.duration_s).unwrap_or(i64::MAX / 1_000) * 1_000;
        let every = Duration::from_millis(self.heartbeat_ms());
        let cut = self.next_cut();
        let mut next_beat = Instant::now() + every.mul_f64(self.dice.random());
        let (mut beats, mut waiting) = (0u64, BTreeMap::new());
        let mut answer: Option<(Instant, Value, Uuid)> = None;
        let mut answered: Option<Instant> = None;
        let mut stop = self.context.stop.clone();
        loop {
            let never = Instant::now() + Duration::from_secs(86_400);
            let answer_at = answer.as_ref().map_or(never, |(at, _, _)| *at);
            tokio::select! {
                biased;
                () = told(&mut stop) => return Leaves::Done,
                () = tokio::time::sleep_until(cut.unwrap_or(never).into()) => {
                    let back = self.dice.random_range(0..=self.spec.back_within_ms);
                    self.player.set(self.player.position(end_ms), false);
                    return Leaves::Again(Instant::now() + Duration::from_millis(back));
                }
                heard = self.hear(socket) => {
                    let message = match heard {
                        Ok(message) => message,
                        Err(code) => return self.closed(code),
                    };
                    if let Some(seq) = message["seq"].as_u64() && let Some((_, seen)) = &mut self.session {
                        *seen = seq;
                    }
                    match message["t"].as_str().unwrap_or_default() {
                        "credit" => {
                            let due = message["n"].as_u64().and_then(|n| waiting.remove(&n));
                            if let Some(due) = due {
                                self.context.recorder.ok(Op::Beat, due);
                            }
                            self.credit(&message, end_ms);
                        }
                        "challenge" => answer = self.challenge(&message, end_ms),
                        "verdict" => {
                            if let Some(due) = answered.take() {
                                self.context.recorder.ok(Op::Challenge, due);
                            }
                            self.verdict(&message, end_ms);
                        }
                        "complete" => {
                            self.studied.completed = true;
                            return Leaves::Done;
                        }
                        "resync" => {
                            self.session = None;
                            return Leaves::Again(Instant::now());
                        }
                        "error" => self.context.recorder.told(Op::Beat, message["code"].as_str().unwrap_or("error")),
                        _ => {}
                    }
                }
                () = tokio::time::sleep_until(answer_at.into()) => {
                    if let Some((due, response, command)) = answer.take() {
                        answered = Some(due);
                        let message = json!({"t": "answer", "command_id": command, "challenge": response["challenge"], "response": response["response"]});
                        if self.say(socket, &message).await.is_err() {
                            return self.closed(1_006);
                        }
                    }
                }
                () = tokio::time::sleep_until(next_beat.into()) => {
                    beats += 1;
                    waiting.insert(beats, next_beat);
                    let position_ms = self.player.position(end_ms);
                    let message = json!({"t": "beat", "n": beats, "position_ms": position_ms, "playing": self.player.playing, "rate": 1.0});
                    if self.say(socket, &message).await.is_err() {
                        return self.closed(1_006);
                    }
                    // By the plan, not by when this one went out.
                    next_beat += every;
                }
            }
        }
    }

    fn heartbeat_ms(&self) -> u64 {
        self.spec
            .policy
            .get("heartbeat_ms")
            .and_then(toml::Value::as_integer)
            .and_then(|ms| u64::try_from(ms).ok())
            .unwrap_or(10_000)
    }

    /// The next time all sockets are cut.
    fn next_cut(&self) -> Option<Instant> {
        let now = Instant::now();
        let times = self.spec.cuts_at_s.iter().map(|at| self.context.begins + Duration::from_secs(*at));
        times.filter(|at| *at > now).min()
    }

    fn closed(&mut self, code: u16) -> Leaves {
        if code >= 4_400 {
            self.context.recorder.failed(Op::Connect, &format!("closed_{code}"));
            return Leaves::Done;
        }
        self.context.recorder.told(Op::Connect, &format!("closed_{code}"));
        let jitter = self.pause.mul_f64(self.dice.random());
        Leaves::Again(Instant::now() + jitter)
    }

    fn credit(&mut self, message: &Value, end_ms: i64) {
        let covered = message["covered_ms"].as_i64().unwrap_or(0);
        self.studied.covered_ms = covered;
        let present = self.began.map_or(0, |began| began.elapsed().as_millis() as i64);
        // A second of grace for what was in flight.
        if covered > present + 1_000 {
            self.record.find(Wrong::CreditWrong, format!("{covered} ms credited after {present} ms"));
        }
        if covered > end_ms {
            self.record.find(Wrong::CreditWrong, format!("{covered} ms credited of a lesson of {end_ms} ms"));
        }
        // At the end and not all credited: whatever is missing is watched again.
        if self.player.position(end_ms) >= end_ms && covered < end_ms {
            self.player.set(covered, true);
        }
    }

    /// Stops the video; what to answer, and when.
    fn challenge(&mut self, message: &Value, end_ms: i64) -> Option<(Instant, Value, Uuid)> {
        self.player.set(self.player.position(end_ms), false);
        let question = Shown::read(message).or_else(|| {
            self.record.find(Wrong::PaperFaulty, "a challenge is none of the bank's");
            None
        })?;
        let right = self.dice.random_bool(self.context.scenario.learner.right_share);
        let response = self.context.bank.respond(&question, right)?;
        let due = Instant::now() + Duration::from_millis(self.spec.think.draw(&mut self.dice));
        let command = uuid::Builder::from_random_bytes(self.dice.random()).into_uuid();
        Some((due, json!({"challenge": message["challenge"], "response": response}), command))
    }

    fn verdict(&mut self, message: &Value, end_ms: i64) {
        if message["continue"] == true {
            self.player.set(self.player.position(end_ms), true);
            return;
        }
        if let Some(rewind) = message["rewind_to_ms"].as_i64() {
            self.studied.covered_ms = self.studied.covered_ms.min(rewind);
            self.player.set(rewind, false);
        }
    }
}

/// Reads a lesson back: what was credited stands, and hours are there once if it was completed.
///
/// # Errors
/// It could not be read.
pub(crate) async fn read_back(
    context: &Context,
    record: &mut Record,
    caller: &mut Caller,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let Some(studied) = record.studied.clone() else { return Ok(()) };
    let shown = caller.get(&format!("/lessons/{}", context.ground.lesson)).await?;
    let covered = shown["covered_ms"].as_i64().unwrap_or(0);
    let heartbeat = 10_000;
    // Soft progress may lose one interval between two checkpoints; never more.
    if !studied.completed && covered + heartbeat < studied.covered_ms {
        record.find(Wrong::CreditWrong, format!("{} ms were credited, {covered} ms are kept", studied.covered_ms));
    }
    if covered > studied.present_ms + 1_000 {
        record.find(Wrong::CreditWrong, format!("{covered} ms are kept after {} ms of presence", studied.present_ms));
    }
    let completed = shown["state"] == "completed";
    if studied.completed && !completed {
        record.find(Wrong::CreditWrong, format!("completion was told and the lesson is {}", shown["state"]));
    }
    checked.lessons += 1;
    hours_back(context, record, caller, completed, checked).await
}
