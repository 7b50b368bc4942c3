//! Starting an attempt: may this learner start now, and if so, which attempt is it and when does it end.

use crate::attempt::Mode;
use crate::exam::{ExamRules, PersonalRules, PracticePolicy};
use crate::planted::{RuleBug, planted};
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::exam::{Override, ReviewPolicy};
    use question_bank::{Blueprint, Points};
    use uuid::Uuid;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn rules() -> ExamRules {
        ExamRules {
            blueprint: Blueprint { sections: Vec::new(), overlap_max: None, exposure_max: None, shuffle_options: true },
            duration_ms: 5_400_000,
            grace_ms: 0,
            pass_score: Points::whole(80),
            attempts_max: 2,
            cooldown_ms: 60_000,
            opens_at: time("2023-05-01T00:00:00+08:00"),
            closes_at: time("2024-01-01T00:00:00+08:00"),
            practice: PracticePolicy::Offered,
            review: ReviewPolicy::Score,
            results_at: None,
        }
    }

    fn earlier(mode: Mode, number: u32, closed_at: Option<Timestamp>) -> EarlierAttempt {
        EarlierAttempt {
            id: AttemptId(Uuid::from_u128(number.into())),
            mode,
            number,
            closed_at,
            finished: closed_at.is_some(),
        }
    }

    fn try_exam(rules: &ExamRules, before: &[EarlierAttempt], now: &str) -> Result<Admission, Refusal> {
        admit(rules, &PersonalRules::new(rules, &[]), before, Mode::Exam, time(now))
    }

    #[test]
    fn the_window_holds_its_first_instant_and_not_its_last() {
        let rules = rules();
        assert!(try_exam(&rules, &[], "2023-05-01T00:00:00+08:00").is_ok());
        let last = try_exam(&rules, &[], "2023-12-31T23:59:59.999+08:00").unwrap();
        assert_eq!(last.deadline, rules.closes_at, "no deadline lies behind the window");
        for outside in ["2023-04-30T23:59:59.999+08:00", "2024-01-01T00:00:00+08:00"] {
            assert!(matches!(try_exam(&rules, &[], outside), Err(Refusal::WindowClosed { .. })), "{outside}");
        }
    }

    #[test]
    fn attempts_are_counted_and_cooled_down() {
        let (rules, now) = (rules(), "2023-06-01T12:00:00+08:00");
        let first = earlier(Mode::Exam, 1, Some(time("2023-06-01T11:59:30+08:00")));
        let cooling = try_exam(&rules, std::slice::from_ref(&first), now);
        assert!(matches!(cooling, Err(Refusal::Cooldown { retry_after_ms: 30_000, .. })), "{cooling:?}");
        assert_eq!(try_exam(&rules, std::slice::from_ref(&first), "2023-06-01T12:00:30+08:00").unwrap().number, 2);
        let both = [first, earlier(Mode::Exam, 2, Some(time("2023-06-01T10:00:00+08:00")))];
        assert_eq!(try_exam(&rules, &both, "2023-06-02T12:00:00+08:00"), Err(Refusal::AttemptsExhausted { max: 2 }));
        let unlimited = ExamRules { attempts_max: 0, ..rules };
        assert!(try_exam(&unlimited, &both, "2023-06-02T12:00:00+08:00").is_ok());
    }

    #[test]
    fn practice_gates_and_gives_way() {
        let required = ExamRules { practice: PracticePolicy::Required, ..rules() };
        let now = "2023-06-01T12:00:00+08:00";
        assert_eq!(try_exam(&required, &[], now), Err(Refusal::PracticeRequired));
        let open = earlier(Mode::Practice, 1, None);
        let given_way = try_exam(&rules(), std::slice::from_ref(&open), now).unwrap();
        assert_eq!(given_way.closes_practice, Some(open.id));
        let done = earlier(Mode::Practice, 1, Some(time("2023-06-01T11:00:00+08:00")));
        assert!(try_exam(&required, std::slice::from_ref(&done), now).is_ok());
        let exam = earlier(Mode::Exam, 1, None);
        let personal = PersonalRules::new(&required, &[]);
        let beside = admit(&required, &personal, std::slice::from_ref(&exam), Mode::Practice, time(now));
        assert_eq!(beside, Err(Refusal::AttemptOpen { attempt: exam.id }));
        let off = ExamRules { practice: PracticePolicy::Off, ..rules() };
        assert_eq!(admit(&off, &personal, &[], Mode::Practice, time(now)), Err(Refusal::PracticeOff));
    }

    #[test]
    fn exceptions_are_laid_over_the_rules_later_ones_last() {
        let rules = rules();
        let more_time = Override { extra_ms: Some(600_000), ..Override::default() };
        let later = Override {
            closes_at: Some(time("2024-02-01T00:00:00+08:00")),
            attempts_max: Some(3),
            ..Override::default()
        };
        let personal = PersonalRules::new(&rules, [&more_time, &later]);
        let now = time("2024-01-15T00:00:00+08:00");
        let admission = admit(&rules, &personal, &[], Mode::Exam, now).unwrap();
        assert_eq!(admission.deadline.since(now), 6_000_000);
        assert_eq!(personal.attempts_max, 3);
    }
}
