//! What public scripts do to course players. Each has to be turned away, or to earn no more than the time it took: a
//! script that waits as long as the lesson plays has gained nothing.
//!
//! [`before`] uses sockets of its own, before the lesson is played as it should be; [`during`] what happens on the way.

use super::promises::GRACE_MS;
use super::socket::{CUT, Socket};
use super::{Leaves, Refused, Student};
use crate::attacks::{Attack, Attacker};
use crate::limits::REQUEST_TIMEOUT;
use crate::setup::{HOURS, YEAR};
use rand::RngExt;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Beats that a script sends.
const BEATS: u64 = 8;
/// And how long it waits after each: faster than any player.
const BEAT_PAUSE: Duration = Duration::from_millis(120);

/// What a learner must not be able to say; each ends the connection as malformed.
const CLAIMS: [&str; 5] = [
    r#"{"t":"complete"}"#,
    r#"{"t":"complete","seq":1,"hours_granted":100}"#,
    r#"{"t":"verdict","correct":true,"continue":true}"#,
    r#"{"t":"skip","challenge":"x"}"#,
    r#"{"t":"beat","n":1,"position_ms":1,"playing":true,"rate":1.0,"covered_ms":3600000}"#,
];

/// How an attack ended.
enum Outcome {
    TurnedAway,
    Succeeded(String),
    /// Something came in between; the code of what it was.
    Unclear(String),
}

impl From<Refused> for Outcome {
    fn from(refused: Refused) -> Self {
        Self::Unclear(refused.code)
    }
}

/// How a script pretends to play: where it says to be after a beat's number and so many milliseconds, and how fast.
struct Pretence {
    name: &'static str,
    position_ms: fn(beat: i64, elapsed_ms: i64, end_ms: i64) -> i64,
    rate: f64,
}

const PRETENCES: [Pretence; 3] = [
    Pretence { name: "forged beats", position_ms: |beat, _, _| beat * 10_000, rate: 1.0 },
    Pretence { name: "sixteen-fold rate", position_ms: |_, elapsed, _| 16 * elapsed, rate: 16.0 },
    Pretence { name: "a jump to the end", position_ms: |_, elapsed, end| end - 2_000 + elapsed, rate: 1.0 },
];

/// What can be tried before the lesson is played.
#[derive(Clone, Copy)]
enum Trick {
    UsedTicket,
    Claim,
    Pretend(&'static Pretence),
    TwoAtOnce,
}

/// By requests, then on sockets of its own, in another order each time.
pub(super) async fn before(student: &mut Student<'_>) {
    let began = Instant::now();
    student.began.get_or_insert(began);
    for attack in requests(student) {
        if !attack.run(&mut student.attacker()).await {
            return;
        }
    }
    let mut tricks = vec![Trick::UsedTicket, Trick::Claim, Trick::TwoAtOnce];
    tricks.extend(PRETENCES.iter().map(Trick::Pretend));
    while !tricks.is_empty() && !student.context.stopped() {
        let trick = tricks.swap_remove(student.dice.random_range(0..tricks.len()));
        let due = Instant::now();
        let outcome = student.attempt(trick).await.unwrap_or_else(Outcome::from);
        student.note(due, outcome);
    }
    // What was credited meanwhile is bounded by the clock as if it had been played.
    student.player.played_otherwise(began.elapsed());
}

fn requests(student: &Student<'_>) -> Vec<Attack> {
    let ground = &student.context.ground;
    let (lesson, me) = (&ground.lesson, ground.people.get(student.planned.index).map_or("", |person| &person.id));
    let own = json!({"code": format!("{lesson}-{}", student.planned.index), "course": ground.course, "title": "x",
                     "duration_ms": 10_000, "bank": ground.bank, "policy": {}, "hours": HOURS});
    vec![
        Attack::of(
            "completing by request",
            "POST",
            format!("/api/v1/lessons/{lesson}/completion"),
            json!({}),
            &[404, 405],
        ),
        Attack::of(
            "credit by request",
            "PUT",
            format!("/api/v1/lessons/{lesson}"),
            json!({"covered_ms": 3_600_000}),
            &[404, 405],
        ),
        Attack::of("a lesson of one's own", "POST", "/api/v1/lessons".to_owned(), own, &[403, 404]),
        Attack::of(
            "a partner's ticket without its key",
            "POST",
            "/api/v1/partner/tickets".to_owned(),
            json!({"learner": me, "lesson": lesson}),
            &[401, 403, 404],
        ),
        Attack::of(
            "a proctor's ticket",
            "POST",
            "/api/v1/tickets".to_owned(),
            json!({"purpose": "proctor", "id": lesson}),
            &[403, 404],
        ),
        Attack::of(
            "the log of the lesson",
            "GET",
            format!("/api/v1/people/{me}/lessons/{lesson}/timeline"),
            Value::Null,
            &[403, 404],
        ),
        Attack::on_the_keys(&ground.bank),
        Attack::of(
            "somebody else's hours",
            "GET",
            format!("/api/v1/people/{}/hours?year={YEAR}", ground.author),
            Value::Null,
            &[403, 404],
        ),
    ]
}

/// On the socket of the lesson, after a message was taken in: goes on playing behind an open question, once, and
/// answers another time what was judged already, once.
pub(super) async fn during(student: &mut Student<'_>, socket: &mut Socket<'_>, message: &Value) -> Option<Leaves> {
    let due = Instant::now();
    let tried = match (message["t"].as_str(), &student.asked) {
        (Some("challenge"), Some(asked)) if !student.tricks.hid => {
            student.tricks.hid = true;
            student.tricks.question = Some((asked.challenge.clone(), asked.response.clone()));
            student.hide_the_question(socket).await
        }
        (Some("verdict"), _) => {
            let (challenge, response) =
                student.tricks.question.take_if(|(challenge, _)| message["challenge"] == challenge.as_str())?;
            student.answer_again(socket, &challenge, &response).await
        }
        _ => return None,
    };
    let (outcome, leaves) = match tried {
        Ok(outcome) => (outcome, None),
        Err((outcome, leaves)) => (outcome, Some(leaves)),
    };
    student.note(due, outcome);
    leaves
}

/// How an attack on the lesson's own socket ended, and, where the stretch ended with it, how that did.
type Tried = Result<Outcome, (Outcome, Leaves)>;

/// What was tried on the way.
#[derive(Default)]
pub(super) struct Tricks {
    hid: bool,
    /// The challenge to be answered another time, once it is judged, and its answer.
    question: Option<(String, Value)>,
}

impl<'a> Student<'a> {
    fn attacker(&mut self) -> Attacker<'_> {
        Attacker { context: self.context, client: &mut self.client, token: self.token, record: &mut self.record }
    }

    fn note(&mut self, due: Instant, outcome: Outcome) {
        let mut attacker = self.attacker();
        match outcome {
            Outcome::TurnedAway => attacker.turned_away(due),
            Outcome::Succeeded(what) => attacker.succeeded(&what),
            Outcome::Unclear(code) => attacker.unclear(&code),
        }
    }

    async fn attempt(&mut self, trick: Trick) -> Result<Outcome, Refused> {
        match trick {
            Trick::UsedTicket => self.use_a_ticket_twice().await,
            Trick::Claim => self.claim().await,
            Trick::Pretend(pretence) => self.pretend(pretence).await,
            Trick::TwoAtOnce => self.two_at_once().await,
        }
    }

    async fn use_a_ticket_twice(&mut self) -> Result<Outcome, Refused> {
        let hello = json!({"t": "hello", "ticket": self.ticket().await?});
        let (mut first, heard) = self.greet(&hello).await?;
        welcomed(heard)?;
        let (_second, heard) = self.greet(&hello).await?;
        match heard {
            Err(4_401) => {}
            Err(code) => return Ok(Outcome::Unclear(format!("closed_{code}"))),
            Ok(said) => return Ok(Outcome::Succeeded(format!("a ticket used twice: {said}"))),
        }
        // It took nothing over: the first goes on.
        let beat = json!({"t": "beat", "n": 1, "position_ms": 0, "playing": false, "rate": 1.0});
        Ok(match first.say(&beat).await {
            true => match hear(&mut first).await? {
                Ok(_) => Outcome::TurnedAway,
                Err(4_409) => Outcome::Succeeded("a used ticket took the study over".to_owned()),
                Err(code) => Outcome::Unclear(format!("closed_{code}")),
            },
            false => Outcome::Unclear("connection_cut".to_owned()),
        })
    }

    async fn claim(&mut self) -> Result<Outcome, Refused> {
        let claim = CLAIMS.choose(&mut self.dice).copied().unwrap_or(CLAIMS[0]);
        let mut socket = self.open_anew().await?.0;
        if !socket.say_text(claim).await {
            return Ok(Outcome::Unclear("connection_cut".to_owned()));
        }
        loop {
            match hear(&mut socket).await? {
                // A question may be open from before, or have come due.
                Ok(message) if message["t"] == "challenge" => {}
                Ok(message) => return Ok(Outcome::Succeeded(format!("{claim} was answered {message}"))),
                Err(4_400) => return Ok(Outcome::TurnedAway),
                Err(code) => return Ok(Outcome::Unclear(format!("closed_{code}"))),
            }
        }
    }

    /// Earns no more than the time that passed, whatever is said.
    async fn pretend(&mut self, pretence: &Pretence) -> Result<Outcome, Refused> {
        let began = Instant::now();
        let (mut socket, welcome) = self.open_anew().await?;
        let before_ms = welcome["covered_ms"].as_i64().unwrap_or(0);
        let rate = welcome["max_rate"].as_f64().unwrap_or(1.0);
        for number in 1..=BEATS {
            let elapsed_ms = began.elapsed().as_millis() as i64;
            let position_ms = (pretence.position_ms)(number as i64, elapsed_ms, self.spec.duration_ms());
            let beat = json!({"t": "beat", "n": number, "position_ms": position_ms.min(self.spec.duration_ms()),
                              "playing": true, "rate": pretence.rate});
            if !socket.say(&beat).await {
                return Ok(Outcome::Unclear("connection_cut".to_owned()));
            }
            tokio::time::sleep(BEAT_PAUSE).await;
        }
        loop {
            match hear(&mut socket).await? {
                Ok(message) if message["t"] == "complete" => {
                    return Ok(Outcome::Succeeded(format!("{}: completed the lesson", pretence.name)));
                }
                Ok(message) if message["t"] == "credit" && message["n"] == BEATS => {
                    let earned_ms = message["covered_ms"].as_i64().unwrap_or(0) - before_ms;
                    let possible_ms = (began.elapsed().as_millis() as f64 * rate) as i64 + GRACE_MS;
                    let told = format!("{}: {earned_ms} ms were credited within {possible_ms} ms", pretence.name);
                    return Ok(if earned_ms > possible_ms { Outcome::Succeeded(told) } else { Outcome::TurnedAway });
                }
                Ok(message) if message["t"] == "error" => return Ok(Outcome::Unclear(code_of(&message))),
                Ok(_) => {}
                Err(code) => return Ok(Outcome::Unclear(format!("closed_{code}"))),
            }
        }
    }

    /// Two sockets for one person: the older one is sent away.
    async fn two_at_once(&mut self) -> Result<Outcome, Refused> {
        let mut older = self.open_anew().await?.0;
        let _newer = self.open_anew().await?.0;
        loop {
            match hear(&mut older).await {
                Ok(Ok(_)) => {}
                Ok(Err(4_409)) => return Ok(Outcome::TurnedAway),
                Ok(Err(code)) => return Ok(Outcome::Unclear(format!("closed_{code}"))),
                Err(_) => return Ok(Outcome::Succeeded("two studies of one person go on".to_owned())),
            }
        }
    }

    /// A socket of its own, welcomed.
    async fn open_anew(&mut self) -> Result<(Socket<'a>, Value), Refused> {
        let hello = json!({"t": "hello", "ticket": self.ticket().await?});
        let (socket, heard) = self.greet(&hello).await?;
        Ok((socket, welcomed(heard)?))
    }

    /// The dialog is hidden and the player goes on: nothing is credited until the question is answered.
    async fn hide_the_question(&mut self, socket: &mut Socket<'_>) -> Tried {
        let (due, covered_ms) = (Instant::now(), self.studied.covered_ms);
        let position_ms = self.player.position(due);
        for _ in 0..3 {
            tokio::time::sleep(BEAT_PAUSE).await;
            let now = Instant::now();
            let mut beat = self.player.beat(now);
            let played_ms = (now - due).as_millis() as i64;
            (beat["playing"], beat["position_ms"]) = (json!(true), json!(position_ms + played_ms));
            self.say_or_leave(socket, &beat).await?;
            loop {
                let message = self.hear_or_leave(socket).await?;
                self.take_or_leave(&message)?;
                if message["t"] == "error" {
                    return Ok(Outcome::Unclear(code_of(&message)));
                }
                if message["t"] != "credit" || message["n"] != beat["n"] {
                    continue;
                }
                let credited_ms = message["covered_ms"].as_i64().unwrap_or(0);
                if credited_ms > covered_ms {
                    let what = format!("behind an open question {credited_ms} ms were credited, after {covered_ms}");
                    return Ok(Outcome::Succeeded(what));
                }
                break;
            }
        }
        Ok(Outcome::TurnedAway)
    }

    /// The same answer to the same question once more, by another command.
    async fn answer_again(&mut self, socket: &mut Socket<'_>, challenge: &str, response: &Value) -> Tried {
        let command = self.command_id().to_string();
        let answer = json!({"t": "answer", "command_id": command, "challenge": challenge, "response": response});
        self.say_or_leave(socket, &answer).await?;
        loop {
            let message = self.hear_or_leave(socket).await?;
            if message["t"] == "error" && message["command_id"] == command.as_str() {
                let code = code_of(&message);
                return Ok(if code == "challenge_closed" { Outcome::TurnedAway } else { Outcome::Unclear(code) });
            }
            if message["t"] == "verdict" && message["challenge"] == challenge {
                return Ok(Outcome::Succeeded("a question was judged twice".to_owned()));
            }
            self.take_or_leave(&message)?;
        }
    }

    async fn say_or_leave(&mut self, socket: &mut Socket<'_>, message: &Value) -> Result<(), (Outcome, Leaves)> {
        if socket.say(message).await { Ok(()) } else { Err(self.leave("connection_cut".to_owned(), CUT)) }
    }

    async fn hear_or_leave(&mut self, socket: &mut Socket<'_>) -> Result<Value, (Outcome, Leaves)> {
        match hear(socket).await {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(code)) => Err(self.leave(format!("closed_{code}"), code)),
            Err(refused) => Err(self.leave(refused.code, CUT)),
        }
    }

    /// As on any socket of the lesson.
    fn take_or_leave(&mut self, message: &Value) -> Result<(), (Outcome, Leaves)> {
        let leaves = self.take(message, Instant::now());
        leaves.map_or(Ok(()), |leaves| Err((Outcome::Unclear(code_of(message)), leaves)))
    }

    fn leave(&mut self, why: String, code: u16) -> (Outcome, Leaves) {
        (Outcome::Unclear(why), self.closed(code))
    }
}

fn welcomed(heard: Result<Value, u16>) -> Result<Value, Refused> {
    match heard {
        Ok(message) if message["t"] == "welcome" => Ok(message),
        Ok(message) => Err(Refused::of(code_of(&message))),
        Err(code) => Err(Refused::of(format!("closed_{code}"))),
    }
}

async fn hear(socket: &mut Socket<'_>) -> Result<Result<Value, u16>, Refused> {
    tokio::time::timeout(REQUEST_TIMEOUT, socket.hear()).await.map_err(|_| Refused::of("no_answer_in_time"))
}

fn code_of(message: &Value) -> String {
    message["code"].as_str().or(message["t"].as_str()).unwrap_or("error").to_owned()
}
