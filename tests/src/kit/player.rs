//! A course player: it plays in real time, beats once a second, and answers what it is asked.

use super::{Bank, Client, Said, Stream, command_id};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

const BEAT: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Player {
    /// Its socket.
    pub stream: Stream,
    /// What the server said first.
    pub welcome: Value,
    /// What is covered, by the server.
    pub covered_ms: i64,
    /// Every numbered message, in its order.
    pub told: Vec<Value>,
    /// Challenges that were asked, with their questions.
    pub asked: Vec<Value>,
    position_ms: i64,
    n: u64,
    playing: bool,
    beat_at: Instant,
}

/// Why [`Player::play`] came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The lesson is completed.
    Complete(Value),
    /// This is asked, and the player has paused.
    Challenge(Value),
    /// The server closed.
    Closed(u16),
    /// So much is covered as was asked for.
    Covered,
}

impl Player {
    /// Opens a study.
    pub async fn open(client: &Client, lesson: &str) -> Self {
        Self::on(Stream::hello(client, "lesson", lesson).await).await
    }

    /// Goes on with a socket that has said hello.
    pub async fn on(mut stream: Stream) -> Self {
        let welcome = stream.expect("welcome").await;
        let covered_ms = welcome["covered_ms"].as_i64().unwrap_or(-1);
        let asked = welcome.get("challenge").cloned().into_iter().collect();
        Self {
            stream,
            covered_ms,
            told: Vec::new(),
            asked,
            position_ms: welcome["furthest_ms"].as_i64().unwrap_or(0),
            n: 0,
            playing: false,
            beat_at: Instant::now(),
            welcome,
        }
    }

    /// The number of the last numbered message.
    #[must_use]
    pub fn seq(&self) -> Value {
        self.told.last().map_or_else(|| self.welcome["seq"].clone(), |told| told["seq"].clone())
    }

    /// Sends a beat of any content; does not wait for its credit.
    pub async fn beat(&mut self, position_ms: i64, playing: bool, rate: f64) {
        self.n += 1;
        self.beat_at = Instant::now();
        let beat = json!({"t": "beat", "n": self.n, "position_ms": position_ms, "playing": playing, "rate": rate});
        self.stream.say(&beat).await;
    }

    /// Answers a challenge; returns the command's id.
    pub async fn answer(&mut self, challenge: &Value, response: &Value) -> String {
        let command = command_id();
        self.answer_by(&command, challenge, response).await;
        command
    }

    /// The same by a command of this id.
    pub async fn answer_by(&mut self, command: &str, challenge: &Value, response: &Value) {
        let answer =
            json!({"t": "answer", "command_id": command, "challenge": challenge["challenge"], "response": response});
        self.stream.say(&answer).await;
    }

    /// Waits for what comes, until the next beat is due; takes in what it says.
    async fn hear(&mut self) -> Option<Said> {
        let said = timeout_at(self.beat_at + BEAT, self.stream.next()).await.ok()?;
        if let Said::Message(message) = &said {
            self.take(message);
        }
        Some(said)
    }

    fn take(&mut self, message: &Value) {
        if message["t"] == "credit" {
            self.covered_ms = message["covered_ms"].as_i64().unwrap_or(-1);
        }
        if message.get("seq").is_some() {
            let before = self.seq().as_u64().unwrap_or(0);
            assert_eq!(message["seq"].as_u64(), Some(before + 1), "numbers have no gap: {message}");
            self.told.push(message.clone());
        }
        if message["t"] == "challenge" {
            self.playing = false;
            self.asked.push(message.clone());
        }
        if let Some(back) = message["rewind_to_ms"].as_i64() {
            self.position_ms = back;
        }
    }

    /// Beats once a second with whatever `at` makes of the player's place and the time since the last beat, for so
    /// many beats, and takes in what comes.
    pub async fn beats(&mut self, count: u32, mut at: impl FnMut(i64, i64) -> (i64, bool, f64)) {
        for _ in 0..count {
            while self.hear().await.is_some() {}
            let (position_ms, playing, rate) = at(self.position_ms, self.beat_at.elapsed().as_millis() as i64);
            self.position_ms = position_ms;
            self.beat(position_ms, playing, rate).await;
        }
        while self.hear().await.is_some() {}
    }

    /// Plays at the lesson's own speed until something is asked, done, or `covered_ms` is reached.
    pub async fn play(&mut self, covered_ms: i64) -> Stop {
        self.playing = true;
        let position_ms = self.position_ms;
        self.beat(position_ms, true, 1.0).await;
        loop {
            match self.hear().await {
                Some(Said::Message(message)) if message["t"] == "complete" => return Stop::Complete(message),
                Some(Said::Message(message)) if message["t"] == "challenge" => return Stop::Challenge(message),
                Some(Said::Message(_)) if self.covered_ms >= covered_ms => return Stop::Covered,
                Some(Said::Message(_)) => {}
                Some(Said::Closed(code, _)) => return Stop::Closed(code),
                Some(Said::Gone) => panic!("the connection is gone"),
                None => {
                    let duration = self.welcome["duration_ms"].as_i64().unwrap_or(0);
                    self.position_ms = (self.position_ms + self.beat_at.elapsed().as_millis() as i64).min(duration);
                    let position_ms = self.position_ms;
                    self.beat(position_ms, true, 1.0).await;
                }
            }
        }
    }

    /// Waits for a message of this sort, beating meanwhile without playing.
    pub async fn until(&mut self, t: &str) -> Value {
        loop {
            match self.hear().await {
                Some(Said::Message(message)) if message["t"] == t => return message,
                Some(Said::Message(_)) => {}
                Some(other) => panic!("{t} was to come, and not {other:?}"),
                None => {
                    let position_ms = self.position_ms;
                    self.beat(position_ms, false, 1.0).await;
                }
            }
        }
    }

    /// Plays and answers rightly, to the end.
    pub async fn finish(&mut self, bank: &Bank) -> Value {
        loop {
            match self.play(i64::MAX).await {
                Stop::Complete(message) => return message,
                Stop::Challenge(challenge) => {
                    self.answer(&challenge, &bank.right(&challenge)).await;
                    let verdict = self.until("verdict").await;
                    assert_eq!(verdict["correct"], true, "{verdict}");
                    let done = self.told.iter().find(|told| told["t"] == "complete");
                    if let Some(done) = done.filter(|_| verdict["continue"] == false) {
                        return done.clone();
                    }
                }
                other => panic!("the lesson was to be finished: {other:?}"),
            }
        }
    }
}
