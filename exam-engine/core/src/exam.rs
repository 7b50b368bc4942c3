//! Exams: the rules an attempt runs under.

use crate::limits::{ATTEMPT_DURATION_MS_MAX, GRACE_MS_MAX};
use crate::{BankId, CourseId, ExamId, PersonId, Timestamp};
use question_bank::{Blueprint, Points};
use serde::{Deserialize, Serialize};

/// Whether and how practice is part of an exam.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PracticePolicy {
    /// No practice.
    Off,
    /// Practice may be taken, the exam does not ask for it.
    #[default]
    Offered,
    /// The exam opens after one finished practice.
    Required,
}

/// What a learner may see of a released result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewPolicy {
    /// Passed or not, and the hours.
    None,
    /// And the score.
    #[default]
    Score,
    /// And the points of each slot.
    Marks,
    /// And responses, keys and explanations.
    Full,
}

/// The rules of an exam as its author writes them; fixed once it is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExamRules {
    /// What papers are made of.
    pub blueprint: Blueprint,
    /// From the paper to the deadline.
    pub duration_ms: i64,
    /// How long after the deadline answers are still taken.
    pub grace_ms: i64,
    /// The score that passes.
    pub pass_score: Points,
    /// Allowed attempts; 0 means any number.
    pub attempts_max: u32,
    /// From the end of an attempt to the next start.
    pub cooldown_ms: i64,
    /// First instant of the window.
    pub opens_at: Timestamp,
    /// First instant after the window; no deadline lies later.
    pub closes_at: Timestamp,
    /// Practice first?
    pub practice: PracticePolicy,
    /// What a released result shows.
    pub review: ReviewPolicy,
    /// When results are released; absent: at once.
    pub results_at: Option<Timestamp>,
}

impl ExamRules {
    /// Everything wrong with the rules themselves (the blueprint is checked against its pool), as
    /// JSON pointers with the remedy.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, pointer, remedy: String| {
            if !holds {
                faults.push((pointer, remedy));
            }
        };
        check(
            (1_000..=ATTEMPT_DURATION_MS_MAX).contains(&self.duration_ms),
            "/duration_ms",
            format!(
                "请填写 1000 至 {ATTEMPT_DURATION_MS_MAX} 毫秒 / give between 1000 and {ATTEMPT_DURATION_MS_MAX} milliseconds"
            ),
        );
        check(
            (0..=GRACE_MS_MAX).contains(&self.grace_ms),
            "/grace_ms",
            format!("请填写 0 至 {GRACE_MS_MAX} 毫秒 / give between 0 and {GRACE_MS_MAX} milliseconds"),
        );
        check(
            (0..=366 * 86_400_000).contains(&self.cooldown_ms),
            "/cooldown_ms",
            "最长一年 / give at most a year".into(),
        );
        check(
            self.opens_at < self.closes_at,
            "/closes_at",
            "请填写晚于 opens_at 的时间 / give a time after opens_at".into(),
        );
        check(
            self.pass_score >= Points::ZERO && self.pass_score <= self.blueprint.points_total(),
            "/pass_score",
            format!(
                "请填写 0 至卷面总分 {0} / give between 0 and the paper's {0} points",
                self.blueprint.points_total()
            ),
        );
        faults
    }
}

/// Where an exam stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ExamState {
    /// Being written.
    Draft,
    /// Open to learners within its window.
    Published {
        /// When.
        at: Timestamp,
        /// The bank's revision papers are drawn from.
        bank_revision: i64,
        /// Its hash.
        bank_version: String,
    },
}

/// An exam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exam {
    /// Its id.
    pub id: ExamId,
    /// The author's name for it, unique.
    pub code: String,
    /// Shown to learners.
    pub title: String,
    /// The course whose hours it grants.
    pub course: CourseId,
    /// The bank it draws from.
    pub bank: BankId,
    /// Its rules.
    pub rules: ExamRules,
    /// Usernames' owners it is open to; absent: every learner.
    pub audience: Option<Vec<PersonId>>,
    /// Draft or published.
    #[serde(flatten)]
    pub state: ExamState,
}

/// A personal exception to the rules; absent fields leave them as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// More time on top of the duration.
    pub extra_ms: Option<i64>,
    /// Another number of attempts.
    pub attempts_max: Option<u32>,
    /// Another opening.
    pub opens_at: Option<Timestamp>,
    /// Another close.
    pub closes_at: Option<Timestamp>,
}

/// The rules as they are for one learner.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonalRules {
    /// From the paper to the deadline, extra time included.
    pub duration_ms: i64,
    /// Allowed attempts; 0 means any number.
    pub attempts_max: u32,
    /// First instant of the window.
    pub opens_at: Timestamp,
    /// First instant after it.
    pub closes_at: Timestamp,
}

impl PersonalRules {
    /// The exam's rules with the learner's overrides laid over them, later ones last.
    #[must_use]
    pub fn new<'a>(rules: &ExamRules, overrides: impl IntoIterator<Item = &'a Override>) -> Self {
        let mut personal = Self {
            duration_ms: rules.duration_ms,
            attempts_max: rules.attempts_max,
            opens_at: rules.opens_at,
            closes_at: rules.closes_at,
        };
        let mut extra_ms = 0;
        for exception in overrides {
            extra_ms = exception.extra_ms.unwrap_or(extra_ms);
            personal.attempts_max = exception.attempts_max.unwrap_or(personal.attempts_max);
            personal.opens_at = exception.opens_at.unwrap_or(personal.opens_at);
            personal.closes_at = exception.closes_at.unwrap_or(personal.closes_at);
        }
        personal.duration_ms = (rules.duration_ms + extra_ms).min(ATTEMPT_DURATION_MS_MAX);
        personal
    }
}
