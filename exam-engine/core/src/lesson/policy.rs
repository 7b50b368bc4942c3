//! What a lesson asks of whoever takes it, as data of the lesson.

use crate::limits::{CHALLENGES_MIN_MAX, CORRECT_SHARE_MAX, LESSON_DURATION_MS_MAX, LESSON_DURATION_MS_MIN};
use question_bank::Points;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// A rate as a multiple of real time, in hundredths; a JSON number with at most two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(Points);

impl Rate {
    /// Real time.
    pub const ONE: Self = Self(Points::whole(1));

    /// From hundredths: 150 is one and a half.
    #[must_use]
    pub const fn from_hundredths(hundredths: i64) -> Self {
        Self(Points::from_hundredths(hundredths))
    }

    /// In hundredths.
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.0.hundredths()
    }

    /// How far a player gets in `ms` of real time, rounded down.
    #[must_use]
    pub const fn of(self, ms: i64) -> i64 {
        ms.saturating_mul(self.hundredths()) / 100
    }
}

/// What happens when every item of the pool was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// Items are asked again, the last one not at once.
    #[default]
    Repeat,
    /// The lesson is locked for `lock_ms`; then items are asked again.
    Lock,
}

/// How a lesson is watched over. Every field has a default; an unknown one is refused.
///
/// What each does to honest people and to others is told in `docs/lessons.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LessonPolicy {
    /// How often the player reports.
    pub heartbeat_ms: i64,
    /// The fastest playing that earns.
    pub max_rate: Rate,
    /// A longer time between two beats earns nothing.
    pub silence_ms: i64,
    /// How far beyond the furthest covered point a player may begin and still earn.
    pub jump_slack_ms: i64,
    /// How much of the end may be missing.
    pub end_slack_ms: i64,
    /// How much of the lesson has to be covered.
    pub coverage_min_percent: u32,
    /// The least covered time from one challenge to the next.
    pub gap_min_ms: i64,
    /// The most.
    pub gap_max_ms: i64,
    /// Challenges that have to be passed.
    pub challenges_min: u32,
    /// How long a challenge takes answers.
    pub answer_within_ms: i64,
    /// How much coverage a wrong answer takes back; 0 takes none.
    pub rewind_ms: i64,
    /// How long after a first wrong answer the next question comes.
    pub cooldown_ms: i64,
    /// By how much each further wrong answer in a row lengthens it.
    pub cooldown_growth_percent: u32,
    /// The longest it gets.
    pub cooldown_max_ms: i64,
    /// The least share of challenges answered rightly, of all that were asked: 90 at most, so that a mistake can be made good.
    pub correct_share_min_percent: u32,
    /// What happens when every item of the pool was asked.
    pub exhausted: Exhausted,
    /// How long `lock` locks.
    pub lock_ms: i64,
}

impl Default for LessonPolicy {
    fn default() -> Self {
        Self {
            heartbeat_ms: 10_000,
            max_rate: Rate::ONE,
            silence_ms: 30_000,
            jump_slack_ms: 2_000,
            end_slack_ms: 2_000,
            coverage_min_percent: 100,
            gap_min_ms: 180_000,
            gap_max_ms: 480_000,
            challenges_min: 1,
            answer_within_ms: 120_000,
            rewind_ms: 60_000,
            cooldown_ms: 10_000,
            cooldown_growth_percent: 200,
            cooldown_max_ms: 300_000,
            correct_share_min_percent: 0,
            exhausted: Exhausted::Repeat,
            lock_ms: 86_400_000,
        }
    }
}

impl LessonPolicy {
    /// How long the next question waits after this many wrong answers in a row.
    #[must_use]
    pub fn cooldown_after(&self, wrong_in_row: u32) -> i64 {
        let mut wait = self.cooldown_ms;
        for _ in 1..wrong_in_row {
            if wait >= self.cooldown_max_ms {
                break;
            }
            wait = wait.saturating_mul(i64::from(self.cooldown_growth_percent)) / 100;
        }
        wait.min(self.cooldown_max_ms)
    }
}

/// The rules of a lesson; fixed when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonRules {
    /// How long it plays at its own speed.
    pub duration_ms: i64,
    /// How it is watched over.
    pub policy: LessonPolicy,
}

impl LessonRules {
    /// How much has to be covered: the policy's share, less the slack at the end, which is never more
    /// than a twentieth of the lesson.
    #[must_use]
    pub fn threshold_ms(&self) -> i64 {
        let share = self.duration_ms.saturating_mul(i64::from(self.policy.coverage_min_percent)) / 100;
        share - self.policy.end_slack_ms.min(self.duration_ms / 20)
    }

    /// Whether so many passed of so many asked are enough.
    #[must_use]
    pub fn enough_passed(&self, asked: u32, passed: u32) -> bool {
        let share = u64::from(asked) * u64::from(self.policy.correct_share_min_percent);
        passed >= self.policy.challenges_min && u64::from(passed) * 100 >= share
    }

    /// Everything wrong with the rules, as JSON pointers of the lesson with the remedy.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let policy = &self.policy;
        for (pointer, value, range) in self.ranges() {
            if !range.contains(&value) {
                let (least, most) = (range.start(), range.end());
                faults.push((pointer, format!("请填写 {least} 至 {most} / give between {least} and {most}")));
            }
        }
        let mut check = |holds: bool, pointer, remedy: String| {
            if !holds {
                faults.push((pointer, remedy));
            }
        };
        check(
            (50..=400).contains(&policy.max_rate.hundredths()),
            "/policy/max_rate",
            "请填写 0.5 至 4 / give between 0.5 and 4".into(),
        );
        let silence_min = policy.heartbeat_ms.saturating_mul(3) / 2;
        check(
            policy.silence_ms >= silence_min,
            "/policy/silence_ms",
            format!(
                "请填写不小于 {silence_min} 的值（心跳间隔的 1.5 倍） / give at least {silence_min}, one and a half heartbeats"
            ),
        );
        check(
            policy.gap_min_ms <= policy.gap_max_ms,
            "/policy/gap_min_ms",
            "请填写不大于 gap_max_ms 的值 / give at most gap_max_ms".into(),
        );
        check(
            policy.cooldown_ms <= policy.cooldown_max_ms,
            "/policy/cooldown_max_ms",
            "请填写不小于 cooldown_ms 的值 / give at least cooldown_ms".into(),
        );
        // Challenges come with beats: more of them than beats would all be asked at the end.
        let most = self.duration_ms / policy.heartbeat_ms.max(1);
        check(
            i64::from(policy.challenges_min) <= most.max(1),
            "/policy/challenges_min",
            format!(
                "本课时最多 {most} 题（每个心跳一题） / a lesson of this length has room for {most}, one a heartbeat"
            ),
        );
        faults
    }

    fn ranges(&self) -> [(&'static str, i64, RangeInclusive<i64>); 15] {
        let policy = &self.policy;
        [
            ("/duration_ms", self.duration_ms, LESSON_DURATION_MS_MIN..=LESSON_DURATION_MS_MAX),
            ("/policy/heartbeat_ms", policy.heartbeat_ms, 1_000..=60_000),
            ("/policy/silence_ms", policy.silence_ms, 1_500..=300_000),
            ("/policy/jump_slack_ms", policy.jump_slack_ms, 0..=10_000),
            ("/policy/end_slack_ms", policy.end_slack_ms, 0..=10_000),
            ("/policy/coverage_min_percent", i64::from(policy.coverage_min_percent), 50..=100),
            ("/policy/gap_min_ms", policy.gap_min_ms, 1_000..=LESSON_DURATION_MS_MAX),
            ("/policy/gap_max_ms", policy.gap_max_ms, 1_000..=LESSON_DURATION_MS_MAX),
            ("/policy/challenges_min", i64::from(policy.challenges_min), 0..=i64::from(CHALLENGES_MIN_MAX)),
            ("/policy/answer_within_ms", policy.answer_within_ms, 5_000..=3_600_000),
            ("/policy/rewind_ms", policy.rewind_ms, 0..=LESSON_DURATION_MS_MAX),
            ("/policy/cooldown_ms", policy.cooldown_ms, 1_000..=3_600_000),
            ("/policy/cooldown_growth_percent", i64::from(policy.cooldown_growth_percent), 100..=1_000),
            (
                "/policy/correct_share_min_percent",
                i64::from(policy.correct_share_min_percent),
                0..=i64::from(CORRECT_SHARE_MAX),
            ),
            ("/policy/lock_ms", policy.lock_ms, 60_000..=30 * 86_400_000),
        ]
    }
}
