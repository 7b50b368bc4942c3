//! What clients ask and what they are told.

use exam_core::attempt::{AnswerInput, ClientSignal, Command, CommandId, Decision, Mode, ProctorAction};
use exam_core::{AttemptId, ExamId, PersonId, Refusal, Timestamp};
use question_bank::Paper;
use std::sync::Arc;

/// Something a client wants done, by its place.
pub(crate) type OpId = usize;

#[derive(Debug)]
pub(crate) enum Request {
    Start { exam: ExamId, command: CommandId, mode: Mode },
    Answers { attempt: AttemptId, answers: Vec<AnswerInput>, offline: bool },
    Signals { attempt: AttemptId, signals: Vec<ClientSignal> },
    Submit { attempt: AttemptId, command: CommandId },
    View { attempt: AttemptId },
    Act { attempt: AttemptId, command: CommandId, action: ProctorAction },
    Regrade { exam: ExamId, correction: usize },
    OpenCase { attempt: AttemptId, command: CommandId, may_reopen: bool },
    Decide { attempt: AttemptId, command: CommandId, by: PersonId, decision: Decision },
}

pub(crate) enum Reply {
    Started(AttemptId),
    Answers(Vec<Result<Kept, Refusal>>),
    Done,
    Seen(Box<Seen>),
    Refused(Refusal),
    NotFound,
    /// Nothing is known; ask again.
    Failed,
}

/// An acknowledged answer.
pub(crate) struct Kept {
    pub(crate) receipt: String,
    pub(crate) feedback: Option<String>,
}

/// An attempt as shown, and of it what a client remembers.
pub(crate) struct Seen {
    pub(crate) json: String,
    pub(crate) at: Timestamp,
    pub(crate) exam: ExamId,
    pub(crate) deadline: Timestamp,
    pub(crate) grace_ms: i64,
    pub(crate) paper: Arc<Paper>,
    pub(crate) closed: bool,
}

impl Request {
    /// The attempt it is about.
    pub(crate) fn attempt(&self) -> Option<AttemptId> {
        match self {
            Self::Answers { attempt, .. }
            | Self::Signals { attempt, .. }
            | Self::Submit { attempt, .. }
            | Self::View { attempt }
            | Self::Act { attempt, .. }
            | Self::OpenCase { attempt, .. }
            | Self::Decide { attempt, .. } => Some(*attempt),
            Self::Start { .. } | Self::Regrade { .. } => None,
        }
    }

    /// The id it as a whole is repeated by.
    pub(crate) fn command_id(&self) -> Option<CommandId> {
        match self {
            Self::Start { command, .. }
            | Self::Submit { command, .. }
            | Self::Act { command, .. }
            | Self::OpenCase { command, .. }
            | Self::Decide { command, .. } => Some(*command),
            _ => None,
        }
    }

    /// All ids in it.
    pub(crate) fn command_ids(&self) -> Vec<CommandId> {
        match self {
            Self::Answers { answers, .. } => answers.iter().map(|answer| answer.command).collect(),
            _ => self.command_id().into_iter().collect(),
        }
    }

    /// Attempt and commands, for whoever follows them through a run.
    pub(crate) fn ids(&self) -> String {
        let attempt = self.attempt().map(|attempt| attempt.to_string());
        let commands = self.command_ids().into_iter().map(|command| command.to_string());
        attempt.into_iter().chain(commands).collect::<Vec<_>>().join(" ")
    }

    /// The command on its attempt; `None` where it only looks, or is about none.
    pub(crate) fn command(&self) -> Option<Command> {
        Some(match self {
            Self::Answers { answers, offline, .. } => Command::Answer { answers: answers.clone(), offline: *offline },
            Self::Signals { signals, .. } => Command::Signal { signals: signals.clone() },
            Self::Submit { command, .. } => Command::Submit { command: *command },
            Self::Act { command, action, .. } => {
                Command::Proctor { command: *command, action: *action, reason: "for a reason".into() }
            }
            Self::OpenCase { command, may_reopen, .. } => {
                Command::OpenCase { command: *command, reason: "for a reason".into(), may_reopen: *may_reopen }
            }
            Self::Decide { command, by, decision, .. } => {
                Command::DecideCase { command: *command, by: *by, decision: *decision, reason: "for a reason".into() }
            }
            Self::View { .. } | Self::Start { .. } | Self::Regrade { .. } => return None,
        })
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Started(attempt) => write!(f, "started {attempt}"),
            Self::Answers(answers) => {
                let kept =
                    answers.iter().map(|answer| answer.as_ref().map_or_else(ToString::to_string, |_| "kept".into()));
                f.debug_list().entries(kept).finish()
            }
            Self::Done => f.write_str("done"),
            Self::Seen(seen) => write!(f, "seen, closed: {}", seen.closed),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::NotFound => f.write_str("not found"),
            Self::Failed => f.write_str("failed"),
        }
    }
}
