//! The words of the stream, one vocabulary per direction and subject. `t` comes first in each message; the AsyncAPI
//! document is made from these very types.

use crate::http::problem::Problem;
use crate::http::proctor::SessionRowView;
use exam_core::Timestamp;
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
    /// The `session` of the last welcome.
    pub session: String,
    /// The last `seq` that came.
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
