//! Refusals: what the rules say no to. Mapped to HTTP and socket codes in one place, the gateway.

use crate::{AttemptId, Timestamp};

/// Why a command changes nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The attempt is submitted, expired or terminated.
    #[error("本次作答已结束 / the attempt is closed")]
    AttemptClosed,
    /// A proctor has paused the attempt.
    #[error("本次作答已被暂停 / the attempt is paused")]
    AttemptPaused,
    /// The deadline and its grace are over.
    #[error("作答时间已结束 / the deadline has passed")]
    DeadlinePassed,
    /// All allowed attempts are used.
    #[error("{max} 次作答机会已用完 / all {max} attempts are used")]
    AttemptsExhausted {
        /// Allowed attempts.
        max: u32,
    },
    /// Another attempt of the learner is open.
    #[error("作答 {attempt} 尚未结束 / attempt {attempt} is still open")]
    AttemptOpen {
        /// The open one.
        attempt: AttemptId,
    },
    /// The exam wants a finished practice first.
    #[error("请先完成一次练习 / a practice has to be finished first")]
    PracticeRequired,
    /// The exam offers no practice.
    #[error("本考试不提供练习 / the exam offers no practice")]
    PracticeOff,
    /// The exam is not open now.
    #[error("考试开放时间为 {opens_at} 至 {closes_at} / the exam is open from {opens_at} to {closes_at}")]
    WindowClosed {
        /// First instant.
        opens_at: Timestamp,
        /// First instant after it.
        closes_at: Timestamp,
    },
    /// Too soon after the last attempt.
    #[error("{until} 之后可开始下一次作答 / the next attempt may start at {until}")]
    Cooldown {
        /// When it may start.
        until: Timestamp,
        /// How long that is from now.
        retry_after_ms: i64,
    },
    /// The paper has no such slot.
    #[error("试卷没有第 {slot} 题 / the paper has no slot {slot}")]
    NoSuchSlot {
        /// As sent.
        slot: u32,
    },
    /// The response does not fit its slot; the earlier answer stands.
    #[error("{detail}")]
    InvalidResponse {
        /// What is wrong and what would be right.
        detail: String,
    },
    /// The command id was used before with other content.
    #[error("该 command_id 已用于其他内容 / command_id was used before with another content")]
    CommandReused,
    /// The challenge is answered, or another one is open by now.
    #[error("该题已作答或已失效 / the challenge is closed")]
    ChallengeClosed,
    /// The challenge was not answered in time; a fresh one is asked.
    #[error("作答超时，请回答新题 / the challenge was not answered in time, a fresh one follows")]
    ChallengeLapsed,
    /// A newer study of the learner has taken over.
    #[error("已在其他窗口或设备继续学习 / a newer session has taken over")]
    StudyTaken,
    /// The credit year is not fulfilled.
    #[error("该学年的学时尚未达标 / the hours of that year are not complete")]
    NotQualified,
    /// The year's certificate was revoked, and no other was allowed.
    #[error("该学年的证书已被撤销 / the certificate of that year was revoked")]
    CertificateRevoked,
    /// The attempt holds as many steps of this sort as it may.
    #[error("修改次数已达上限 / the attempt holds as many changes as it may")]
    TooManyChanges,
    /// The act does not fit the state (resume without pause, extend a closed attempt …).
    #[error("{0}")]
    WrongState(&'static str),
    /// An argument of an act is missing or out of range.
    #[error("{detail}")]
    InvalidArgument {
        /// The field.
        pointer: &'static str,
        /// What would be right.
        detail: String,
    },
}
