//! What one beat earns.
//!
//! Credit is what the player says it played, as far as real time by the server's clock allows. Nothing
//! is earned over a pause, a silence, an open challenge or a cool-down, nothing beyond the furthest
//! covered point, and nothing twice. The client's count, rate and clock decide nothing.

use super::{Beat, Coverage, LastBeat, Lesson, LessonRules, Phase};
use crate::Timestamp;
use crate::planted::{RuleBug, planted};

/// What a beat earned, and what the next one is measured from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The beat.
    pub beat: LastBeat,
    /// What it adds to the coverage; parts of it may be covered already.
    pub stretch: Option<(i64, i64)>,
    /// What is covered with it.
    pub covered: Coverage,
}

/// Judges a beat; `None` if it is a repeat, or no study is open.
#[must_use]
pub fn credit(lesson: &Lesson, beat: &Beat, rules: &LessonRules, now: Timestamp) -> Option<Credit> {
    let last = lesson.study.as_ref()?.last_beat;
    if last.is_some_and(|last| beat.n <= last.n) {
        return None;
    }
    let open = matches!(lesson.phase, Phase::Playing { .. })
        || (planted(RuleBug::CreditWhileAsked) && matches!(lesson.phase, Phase::Asked(_)));
    let mut this = LastBeat {
        n: beat.n,
        at: now,
        position_ms: beat.position_ms.clamp(0, rules.duration_ms),
        // Time that begins with credit stopped earns nothing, even if a right answer falls into it.
        playing: beat.playing && open,
        allowance_ms: 0,
    };
    let earning = last.filter(|last| last.playing && open && is_heard(last, rules, now));
    let stretch = earning.and_then(|last| stretch(lesson, beat, &last, &mut this, rules));
    let mut covered = lesson.covered.clone();
    if let Some((from, to)) = stretch {
        covered.add(from, to);
    }
    Some(Credit { beat: this, stretch, covered })
}

/// Whether the client was not silent for too long.
fn is_heard(last: &LastBeat, rules: &LessonRules, now: Timestamp) -> bool {
    let elapsed = now.since(last.at);
    elapsed >= 0 && (elapsed <= rules.policy.silence_ms || planted(RuleBug::SilenceCredited))
}

/// The stretch that the claim from the last beat to this one is worth; sets what is left of the allowance.
fn stretch(
    lesson: &Lesson,
    beat: &Beat,
    last: &LastBeat,
    this: &mut LastBeat,
    rules: &LessonRules,
) -> Option<(i64, i64)> {
    let policy = &rules.policy;
    let elapsed = this.at.since(last.at);
    let mut allowance = last.allowance_ms.saturating_add(policy.max_rate.of(elapsed));
    if !planted(RuleBug::SilenceCredited) {
        allowance = allowance.min(policy.max_rate.of(policy.silence_ms));
    }
    if planted(RuleBug::ClientRate) {
        allowance = allowance.max((elapsed as f64 * beat.rate) as i64);
    }
    let furthest = lesson.covered.furthest();
    let jumped = last.position_ms > furthest + policy.jump_slack_ms && !planted(RuleBug::JumpCredited);
    if jumped {
        return None;
    }
    this.allowance_ms = allowance;
    // What jitter left uncredited just before is made good, so the stretch begins where coverage ends.
    let from = if planted(RuleBug::JumpCredited) { last.position_ms } else { last.position_ms.min(furthest) };
    let to = this.position_ms.min(from + allowance);
    if this.position_ms <= last.position_ms || to <= from {
        return None;
    }
    this.allowance_ms -= to - from;
    Some((from, to))
}
