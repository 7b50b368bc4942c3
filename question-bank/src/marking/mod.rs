//! Marking: response + key + rule → points. Pure and total: a response that does not fit earns
//! nothing, it never fails.
//!
//! `scoring/1`, by kind. The result is never below zero nor above the slot's points, rounded half up
//! to the hundredth of a point.
//!
//! | kind | parts `c` | right `t` | wrong `f` |
//! |---|---|---|---|
//! | multiple choice | right options | right options chosen | wrong options chosen |
//! | ordering | entries | entries at their right position | the others |
//! | matching | left entries | left entries with their right target | left entries with another target; unpaired ones are neither |
//!
//! | rule | share of the points |
//! |---|---|
//! | `all_or_nothing` | 1 if `t = c` and `f = 0` |
//! | `partial_no_wrong` | 0 if `f > 0`, else `t / c` |
//! | `half_no_wrong` | 0 if `f > 0` or `t = 0`; 1 if `t = c`; else ½ |
//! | `net_correct` | `max(0, (t − f) / c)` |
//! | `weighted` | choice: the author's fractions of the chosen options, summed, held within 0…1; where the author gave none, as `net_correct`. Ordering, matching: `t / c` |
//! | `each_option` | multiple choice: options marked as the key marks them / options; no response counts as nothing marked. Ordering, matching: `t / c` |
//!
//! Single choice and true/false have one part: right or wrong under every rule but `weighted`, which
//! takes the chosen option's fraction. Numeric and short text take the best fraction of the accepted
//! answers that fit; under `all_or_nothing` only a full fraction earns.

use crate::{Paper, Points, Pool, ScoringRule};
use serde::{Deserialize, Serialize};

mod key;
mod numeric;
mod release;
mod rules;
mod said;
#[cfg(test)]
mod tests;
mod text;

pub use key::GradingKey;
pub use release::released_key;
pub use said::{ResponseFault, Said, check_response};

/// The meaning of the scoring rules, stored with every mark.
pub const SCORING_VERSION: &str = "scoring/1";

/// What one slot earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkedSlot {
    /// Earned: from zero to `max`.
    pub points: Points,
    /// The slot's points.
    pub max: Points,
    /// Whether the response is wholly right, whatever it earned.
    pub correct: bool,
}

/// Marks one response (`None`: unanswered) by the rules above.
#[must_use]
#[inline]
pub fn mark(key: &GradingKey, said: Option<&Said>, rule: ScoringRule, points: Points) -> MarkedSlot {
    let earned = match (key, said) {
        (GradingKey::Choice(key), Some(&Said::Choices(chosen))) => rules::choice(key, chosen, rule),
        (GradingKey::Choice(key), None) if key.multiple && rule == ScoringRule::EachOption => {
            rules::choice(key, 0, rule)
        }
        (GradingKey::Numeric(accepted), Some(&Said::Number(number))) => {
            rules::graded(numeric::best_fraction(accepted, number), rule)
        }
        (GradingKey::ShortText(key), Some(Said::Text(text))) => rules::graded(key.best_fraction(text), rule),
        (GradingKey::Ordering(right), Some(Said::Order(order))) => rules::ordering(right, order, rule),
        (GradingKey::Matching(targets), Some(Said::Pairs(pairs))) => rules::matching(targets, pairs, rule),
        _ => rules::Earned::NOTHING,
    };
    MarkedSlot { points: earned.of(points), max: points, correct: earned.correct }
}

/// Marks a whole paper: one [`MarkedSlot`] per slot, in order. `answers` go by position; missing
/// ones are unanswered.
#[must_use]
pub fn grade_paper(paper: &Paper, pool: &Pool, answers: &[Option<Said>]) -> Vec<MarkedSlot> {
    let mut marked = Vec::with_capacity(paper.slot_count());
    let mut slots = paper.items().enumerate();
    for section in paper.sections.iter() {
        for (position, item) in slots.by_ref().take(section.count as usize) {
            let said = answers.get(position).and_then(Option::as_ref);
            let unknown = MarkedSlot { points: Points::ZERO, max: section.points, correct: false };
            marked.push(pool.key(item).map_or(unknown, |key| mark(key, said, section.scoring, section.points)));
        }
    }
    marked
}
