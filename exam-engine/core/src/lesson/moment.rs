//! When the next challenge comes.

use super::LessonRules;
use question_bank::Seed;
use question_bank::draw::number_below;

/// At which covered time challenge `number` is due, drawn when `covered_ms` are covered and `passed`
/// challenges are passed.
///
/// Uniform between the policy's gaps. Where challenges are still required, they are spread over what is
/// left: the most is then what is left for each of them, and if that is below the longest gap, the least
/// is at most half of it.
#[must_use]
pub fn next_moment(seed: &Seed, number: u32, covered_ms: i64, passed: u32, rules: &LessonRules) -> i64 {
    let (lower, upper) = gaps(covered_ms, passed, rules);
    // Gaps are within a lesson, far below 2³² ms.
    let span = u32::try_from(upper - lower + 1).unwrap_or(1);
    covered_ms + lower + i64::from(number_below(&seed.named("keju/moment/1", number), span))
}

/// The least and the most covered time until the next challenge.
pub(super) fn gaps(covered_ms: i64, passed: u32, rules: &LessonRules) -> (i64, i64) {
    let policy = &rules.policy;
    let needed = i64::from(policy.challenges_min.saturating_sub(passed));
    if needed == 0 {
        return (policy.gap_min_ms, policy.gap_max_ms);
    }
    let share = (rules.threshold_ms() - covered_ms).max(0) / needed;
    if share >= policy.gap_max_ms {
        return (policy.gap_min_ms, policy.gap_max_ms);
    }
    (policy.gap_min_ms.min(share / 2), share)
}
