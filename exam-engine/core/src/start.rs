//! Starting an attempt: may this learner start now, and if so, which attempt is it and when does it end.

use crate::attempt::Mode;
use crate::planted::{RuleBug, planted};
use crate::exam::{ExamRules, PersonalRules, PracticePolicy};
use crate::{AttemptId, Refusal, Timestamp};

/// What is known of an attempt of the learner at the same exam.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierAttempt {
    /// Its id.
    pub id: AttemptId,
    /// Exam or practice.
    pub mode: Mode,
    /// Its number within the mode.
    pub number: u32,
    /// When it was closed; `None` while it is open or paused.
    pub closed_at: Option<Timestamp>,
    /// Whether the learner submitted it with at least one answer.
    pub finished: bool,
}

/// An attempt that may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Its number within the mode, from one.
    pub number: u32,
    /// When it ends.
    pub deadline: Timestamp,
    /// The open practice that ends with this start, if there is one.
    pub closes_practice: Option<AttemptId>,
}

/// Decides a start at `now`.
///
/// An open practice gives way to the exam; an open exam gives way to nothing, or the practice's
/// feedback would answer it.
///
/// # Errors
/// The rule that forbids it: the window, an open attempt, the number of attempts, the cool-down, the
/// practice gate — in this order.
pub fn admit(
    rules: &ExamRules,
    personal: &PersonalRules,
    earlier: &[EarlierAttempt],
    mode: Mode,
    now: Timestamp,
) -> Result<Admission, Refusal> {
    if now < personal.opens_at || now >= personal.closes_at {
        return Err(Refusal::WindowClosed { opens_at: personal.opens_at, closes_at: personal.closes_at });
    }
    let open = earlier.iter().find(|attempt| attempt.closed_at.is_none());
    let closes_practice = match (open, mode) {
        (Some(open), Mode::Exam) if open.mode == Mode::Practice => Some(open.id),
        (Some(open), _) => return Err(Refusal::AttemptOpen { attempt: open.id }),
        (None, _) => None,
    };
    let same_mode = || earlier.iter().filter(|attempt| attempt.mode == mode);
    match mode {
        Mode::Practice if rules.practice == PracticePolicy::Off => return Err(Refusal::PracticeOff),
        Mode::Practice => {}
        Mode::Exam => admit_exam(rules, personal, earlier, now)?,
    }
    Ok(Admission {
        number: same_mode().map(|attempt| attempt.number).max().unwrap_or(0) + 1,
        deadline: now.plus_ms(personal.duration_ms).min(personal.closes_at),
        closes_practice,
    })
}

fn admit_exam(
    rules: &ExamRules,
    personal: &PersonalRules,
    earlier: &[EarlierAttempt],
    now: Timestamp,
) -> Result<(), Refusal> {
    let exams = || earlier.iter().filter(|attempt| attempt.mode == Mode::Exam);
    let used = exams().count();
    if personal.attempts_max > 0 && used >= personal.attempts_max as usize && !planted(RuleBug::AttemptsUncounted) {
        return Err(Refusal::AttemptsExhausted { max: personal.attempts_max });
    }
    if let Some(last) = exams().filter_map(|attempt| attempt.closed_at).max() {
        let until = last.plus_ms(rules.cooldown_ms);
        if now < until {
            return Err(Refusal::Cooldown { until, retry_after_ms: until.since(now) });
        }
    }
    let practised = earlier.iter().any(|attempt| attempt.mode == Mode::Practice && attempt.finished);
    if rules.practice == PracticePolicy::Required && !practised {
        return Err(Refusal::PracticeRequired);
    }
    Ok(())
}
