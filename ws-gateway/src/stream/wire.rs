//! The words of the stream, one vocabulary per direction and subject. `t` comes first in each message; the AsyncAPI
//! document is made from these very types.

use crate::http::problem::Problem;
use crate::http::proctor::SessionRowView;
use exam_core::Timestamp;
use exam_core::lesson::Rate;
use question_bank::Points;
use question_bank::Response as Said;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

/// The first message on every socket.
#[derive(Debug, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "t", rename_all = "snake_case", deny_unknown_fields)]
pub enum HelloIn {
    /// Says who it is, by a ticket of `POST /tickets`, and what was seen last.
    Hello {
        /// Single use, thirty seconds at most.
        ticket: String,
        /// After a cut: what to go on from.
        #[serde(default)]
        resume: Option<ResumeIn>,
    },
}

/// What a client saw last.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeIn {
    /// The `session` of the last welcome. Of an attempt only `seq` counts.
    pub session: String,
    /// The last `seq` that came; of an attempt also that of the attempt itself when it was read.
    pub seq: u32,
}

/// What a learner says during an exam.
#[derive(Debug, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "t", rename_all = "snake_case", deny_unknown_fields)]
pub enum AttemptIn {
    /// One answer, as by HTTP.
    Answer {
        /// Made by the client; a repeat gets the first receipt.
        command_id: Uuid,
        /// From one.
        slot: u32,
        /// By kind, `null` clears the answer.
        #[serde(deserialize_with = "Option::deserialize")]
        #[schema(value_type = Option<Object>, required = true)]
        response: Option<Said>,
    },
}

/// What a learner's player says during a lesson.
#[derive(Debug, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "t", rename_all = "snake_case", deny_unknown_fields)]
pub enum LessonIn {
    /// Where the player is. Credit is reckoned by the server's clock.
    Beat {
        /// Counts up; a repeat is ignored.
        n: u64,
        /// Where it is.
        position_ms: i64,
        /// Whether it plays from here on.
        playing: bool,
        /// The rate it plays at; never believed.
        rate: f64,
    },
    /// Answers the open challenge.
    Answer {
        /// Made by the client; a repeat gets the first verdict.
        command_id: Uuid,
        /// Which challenge.
        challenge: String,
        /// By kind.
        #[schema(value_type = Object)]
        response: Said,
    },
}

/// What any stream may say.
#[derive(Serialize, ToSchema)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum AnyOut {
    /// Something was not done. The socket stays open, unless a close follows.
    Error {
        /// One of the problem codes of HTTP, or `restarting`.
        code: &'static str,
        /// Whether the same may be done later.
        temporary: bool,
        /// Of the answer that was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        command_id: Option<Uuid>,
        /// When to try again.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<i64>,
        /// In words.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// What was missed cannot be told one by one: say hello again, without `resume`.
    Resync,
}

impl AnyOut {
    /// Not now, but in so long.
    #[must_use]
    pub const fn temporary(code: &'static str, retry_after_ms: i64) -> Self {
        Self::Error { code, temporary: true, command_id: None, retry_after_ms: Some(retry_after_ms), detail: None }
    }

    /// What HTTP would have answered.
    #[must_use]
    pub fn refusal(problem: &Problem, command_id: Option<Uuid>) -> Self {
        let status = problem.status();
        Self::Error {
            code: problem.code(),
            temporary: status.is_server_error() || status.as_u16() == 429,
            command_id,
            retry_after_ms: problem.wait_ms(),
            detail: problem.words(),
        }
    }
}

/// What a learner is told during an exam.
#[derive(Serialize, ToSchema)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum AttemptOut<'a> {
    /// After hello.
    Welcome {
        /// For `resume`.
        session: &'a str,
        /// The attempt.
        attempt: String,
        /// `open paused submitted expired terminated`.
        state: &'a str,
        /// Of the attempt's last step.
        seq: u32,
        /// When it ends.
        #[schema(value_type = String, format = DateTime)]
        deadline: Timestamp,
        /// Now.
        #[schema(value_type = String, format = DateTime)]
        server_time: Timestamp,
        /// From now to the deadline; stands still during a pause.
        remaining_ms: i64,
    },
    /// Every thirty seconds.
    Clock {
        /// Now.
        #[schema(value_type = String, format = DateTime)]
        server_time: Timestamp,
        /// When it ends.
        #[schema(value_type = String, format = DateTime)]
        deadline: Timestamp,
        /// From now to the deadline; stands still during a pause.
        remaining_ms: i64,
        /// `open paused submitted expired terminated`.
        state: &'a str,
    },
    /// A proctor spoke.
    Notice {
        /// The step that says so.
        seq: u32,
        /// `info warning`.
        level: &'a str,
        /// What was said.
        text: &'a str,
    },
    /// A proctor stopped the clock and the answers.
    Paused {
        /// The step that says so.
        seq: u32,
        /// Why.
        reason: &'a str,
        /// What is left when it goes on.
        remaining_ms: i64,
    },
    /// It goes on.
    Resumed {
        /// The step that says so.
        seq: u32,
        /// The deadline from now on.
        #[schema(value_type = String, format = DateTime)]
        deadline: Timestamp,
        /// From now to the deadline.
        remaining_ms: i64,
    },
    /// There is more time.
    Extended {
        /// The step that says so.
        seq: u32,
        /// The deadline from now on.
        #[schema(value_type = String, format = DateTime)]
        deadline: Timestamp,
        /// From now to the deadline.
        remaining_ms: i64,
    },
    /// A proctor closed the attempt.
    Terminated {
        /// The step that says so.
        seq: u32,
        /// Why.
        reason: &'a str,
    },
    /// The attempt was submitted, perhaps on another device, or its time is over.
    Closed {
        /// The step that says so.
        seq: u32,
        /// `submitted expired`.
        state: &'a str,
    },
}

/// What a learner's player is told during a lesson.
#[derive(Serialize, ToSchema)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum LessonOut {
    /// After hello.
    Welcome {
        /// For `resume`.
        session: String,
        /// The lesson.
        lesson: String,
        /// Of the last numbered message.
        seq: u32,
        /// How often to beat.
        heartbeat_ms: i64,
        /// How long the lesson plays.
        duration_ms: i64,
        /// What is covered.
        covered_ms: i64,
        /// The furthest covered point.
        furthest_ms: i64,
        /// The fastest playing that earns.
        #[schema(value_type = f64)]
        max_rate: Rate,
        /// The challenge that is open.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<OpenChallengeView>)]
        challenge: Option<Box<RawValue>>,
        /// During a cool-down or a lock: when the next question comes.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_in_ms: Option<i64>,
        /// Whether the lesson is completed already.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        completed: bool,
    },
    /// What a beat led to. Not numbered.
    Credit {
        /// The beat.
        n: u64,
        /// What is covered.
        covered_ms: i64,
        /// The furthest covered point.
        furthest_ms: i64,
    },
    /// What became of an answer.
    Verdict {
        /// The number.
        seq: u32,
        /// Which challenge.
        challenge: String,
        /// Whether it was right.
        correct: bool,
        /// Whether the player may go on.
        #[serde(rename = "continue")]
        continues: bool,
        /// After a wrong answer: when the next question comes.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_in_ms: Option<i64>,
        /// After a wrong answer: where the player has to go back to.
        #[serde(skip_serializing_if = "Option::is_none")]
        rewind_to_ms: Option<i64>,
    },
    /// Something to be shown.
    Notice {
        /// The number.
        seq: u32,
        /// `info warning`.
        level: &'static str,
        /// In words.
        text: String,
    },
    /// The lesson is covered and passed.
    Complete {
        /// The number.
        seq: u32,
        /// Hours it granted.
        #[schema(value_type = f64)]
        hours_granted: Points,
    },
}

/// A question during a lesson; the player must pause.
///
/// The schema of what [`challenge_text`] writes: a question's members are spliced, not serialized.
#[derive(ToSchema)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ChallengeOut {
    /// A question is asked: the player must pause, credit has stopped.
    Challenge {
        /// The number.
        seq: u32,
        /// For the answer.
        challenge: String,
        /// `single_choice multiple_choice true_false numeric short_text ordering matching`.
        kind: String,
        /// As HTML.
        stem: String,
        /// In the order shown.
        options: Option<Vec<OptionView>>,
        /// For `matching`, the right side.
        targets: Option<Vec<OptionView>>,
        /// How long it takes an answer.
        answer_within_ms: i64,
    },
}

/// The challenge that a welcome finds open.
#[derive(ToSchema)]
pub struct OpenChallengeView {
    /// For the answer.
    pub challenge: String,
    /// `single_choice multiple_choice true_false numeric short_text ordering matching`.
    pub kind: String,
    /// As HTML.
    pub stem: String,
    /// In the order shown.
    pub options: Option<Vec<OptionView>>,
    /// For `matching`, the right side.
    pub targets: Option<Vec<OptionView>>,
    /// How long it takes an answer.
    pub answer_within_ms: i64,
}

/// An entry to choose, order or match.
#[derive(ToSchema)]
pub struct OptionView {
    /// Bound to this challenge.
    pub id: String,
    /// As HTML.
    pub text: String,
}

/// What stands before a challenge's question.
pub struct ChallengeHead {
    /// The number.
    pub seq: u32,
    /// Its id.
    pub challenge: String,
}

/// A challenge as [`ChallengeOut`] has it, around the members of its question.
#[must_use]
pub fn challenge_text(head: &ChallengeHead, question: &[u8], answer_within_ms: i64) -> String {
    let question = String::from_utf8_lossy(question);
    let ChallengeHead { seq, challenge } = head;
    format!(
        "{{\"t\":\"challenge\",\"seq\":{seq},\"challenge\":\"{challenge}\",{question},\"answer_within_ms\":{answer_within_ms}}}"
    )
}

/// A challenge as [`OpenChallengeView`] has it, before it is spliced.
pub struct OpenChallenge {
    /// Its id.
    pub challenge: String,
    /// The members of its question.
    pub question: Vec<u8>,
    /// How long it still takes an answer.
    pub answer_within_ms: i64,
}

impl OpenChallenge {
    /// As JSON.
    #[must_use]
    pub fn raw(&self) -> Box<RawValue> {
        let Self { challenge, question, answer_within_ms } = self;
        let question = String::from_utf8_lossy(question);
        let text = format!("{{\"challenge\":\"{challenge}\",{question},\"answer_within_ms\":{answer_within_ms}}}");
        // Ids, numbers and what was serialized when the pool was made.
        RawValue::from_string(text).unwrap_or_default()
    }
}

/// What follows an answer that is durable.
#[derive(Serialize, ToSchema)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ReceiptOut {
    /// The same receipt as by HTTP.
    Receipt {
        /// Of the answer.
        command_id: Uuid,
        /// Whether the answer had been kept before.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        replayed: bool,
        /// Slot, step, time, signature and, in practice, feedback.
        #[serde(flatten)]
        receipt: crate::http::views::ReceiptView,
    },
}

/// What a proctor is told.
#[derive(Serialize, ToSchema)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ProctorOut<'a> {
    /// After hello.
    Welcome {
        /// The socket's name.
        session: &'a str,
        /// The exam.
        exam: String,
        /// Now.
        #[schema(value_type = String, format = DateTime)]
        server_time: Timestamp,
    },
    /// The attempts as they are, in as many parts as 8 KiB a message asks for.
    Snapshot {
        /// Rows as in `GET /exams/{exam}/sessions`.
        #[schema(value_type = Vec<SessionRowView>)]
        items: &'a [Box<RawValue>],
        /// Whether parts follow.
        more: bool,
    },
    /// The attempts that changed during the last second, each whole; several messages when they are many.
    Delta {
        /// Now.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// Rows as in `GET /exams/{exam}/sessions`.
        #[schema(value_type = Vec<SessionRowView>)]
        items: &'a [Box<RawValue>],
    },
}

/// The message as text.
#[must_use]
pub fn text(message: &impl Serialize) -> String {
    // Strings, numbers, booleans and lists of them: this serializes.
    serde_json::to_string(message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn hello_is_read_strictly() {
        let read = |text: &str| serde_json::from_str::<HelloIn>(text);
        assert_eq!(read(r#"{"t":"hello","ticket":"x"}"#).unwrap(), HelloIn::Hello { ticket: "x".into(), resume: None });
        let resume = Some(ResumeIn { session: "s".into(), seq: 41 });
        assert_eq!(
            read(r#"{"t":"hello","ticket":"x","resume":{"session":"s","seq":41}}"#).unwrap(),
            HelloIn::Hello { ticket: "x".into(), resume }
        );
        for wrong in [
            "{}",
            "[]",
            "null",
            r#"{"t":"hello"}"#,
            r#"{"t":"hi","ticket":"x"}"#,
            r#"{"t":"hello","ticket":"x","role":"admin"}"#,
            r#"{"t":"hello","ticket":"x","resume":{"session":"s","seq":-1}}"#,
            r#"{"t":"hello","ticket":"x","resume":{"session":"s"}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_response_must_be_there_even_to_clear() {
        let command = r#""command_id":"00000000-0000-0000-0000-000000000001","slot":1"#;
        assert!(serde_json::from_str::<AttemptIn>(&format!(r#"{{"t":"answer",{command},"response":null}}"#)).is_ok());
        assert!(serde_json::from_str::<AttemptIn>(&format!(r#"{{"t":"answer",{command}}}"#)).is_err());
        assert!(
            serde_json::from_str::<AttemptIn>(&format!(r#"{{"t":"answer",{command},"response":null,"x":1}}"#)).is_err()
        );
    }
}
