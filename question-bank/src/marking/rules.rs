//! The scoring rules: see the tables in [`super`].

use super::key::ChoiceKey;
use crate::{Fraction, Points, ScoringRule};

/// A share of the points as a fraction, `0 ≤ numerator ≤ denominator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Earned {
    numerator: u32,
    denominator: u32,
    pub(super) correct: bool,
}

impl Earned {
    pub(super) const NOTHING: Self = Self { numerator: 0, denominator: 1, correct: false };

    const fn all_or_nothing(correct: bool) -> Self {
        Self { numerator: correct as u32, denominator: 1, correct }
    }

    /// The share of `points`, rounded half up; the same as [`Points::share`].
    #[inline]
    pub(super) const fn of(self, points: Points) -> Points {
        let hundredths = points.hundredths();
        if self.numerator == 0 || hundredths <= 0 {
            return Points::ZERO;
        }
        if self.numerator >= self.denominator {
            return points;
        }
        if hundredths > Points::MAX_HUNDREDTHS {
            return points.share(self.numerator as i64, self.denominator as i64);
        }
        // At most 2 · 10⁸ · 10⁷: far from overflow, and much faster than 128 bits.
        let (numerator, denominator) = (self.numerator as u64, self.denominator as u64);
        let twice = 2 * hundredths as u64 * numerator + denominator;
        Points::from_hundredths((twice / (2 * denominator)) as i64)
    }
}

/// Parts of a response: how many there are, how many are right, how many wrong.
#[derive(Clone, Copy)]
struct Parts {
    all: u32,
    right: u32,
    wrong: u32,
}

#[inline]
fn by_parts(parts: Parts, rule: ScoringRule) -> Earned {
    let Parts { all, right, wrong } = parts;
    let correct = right == all && wrong == 0;
    let (numerator, denominator) = match rule {
        ScoringRule::AllOrNothing => (u32::from(correct), 1),
        ScoringRule::PartialNoWrong => (if wrong == 0 { right } else { 0 }, all),
        ScoringRule::HalfNoWrong => (if wrong == 0 { u32::from(right > 0) + u32::from(correct) } else { 0 }, 2),
        ScoringRule::NetCorrect => (right.saturating_sub(wrong), all),
        ScoringRule::Weighted | ScoringRule::EachOption => (right, all),
    };
    Earned { numerator, denominator, correct }
}

#[inline]
pub(super) fn choice(key: &ChoiceKey, chosen: u32, rule: ScoringRule) -> Earned {
    let correct = chosen == key.correct;
    if rule == ScoringRule::AllOrNothing || (!key.multiple && rule != ScoringRule::Weighted) {
        return Earned::all_or_nothing(correct);
    }
    let parts = Parts {
        all: key.correct.count_ones(),
        right: (chosen & key.correct).count_ones(),
        wrong: (chosen & !key.correct).count_ones(),
    };
    match (rule, &key.weights) {
        (ScoringRule::Weighted, Some(weights)) => weighted(weights, chosen, correct),
        (ScoringRule::Weighted, None) => by_parts(parts, ScoringRule::NetCorrect),
        (ScoringRule::EachOption, _) => {
            let options = u32::from(key.options);
            let missed = parts.all - parts.right;
            Earned { numerator: options.saturating_sub(missed + parts.wrong), denominator: options, correct }
        }
        _ => by_parts(parts, rule),
    }
}

#[inline]
fn weighted(weights: &[Fraction], chosen: u32, correct: bool) -> Earned {
    let (mut sum, mut rest) = (0_i64, chosen);
    while rest != 0 {
        // Options beyond the weights weigh nothing.
        sum += weights.get(rest.trailing_zeros() as usize).map_or(0, |weight| i64::from(weight.0));
        rest &= rest - 1;
    }
    let full = i64::from(Fraction::FULL.0);
    // Within 0…10⁷ after clamping.
    Earned { numerator: sum.clamp(0, full) as u32, denominator: Fraction::FULL.0 as u32, correct }
}

pub(super) fn ordering(key: &[u8], order: &[u8], rule: ScoringRule) -> Earned {
    if order.len() != key.len() || key.is_empty() {
        return Earned::NOTHING;
    }
    let right = key.iter().zip(order).filter(|(key, said)| key == said).count() as u32;
    let all = key.len() as u32;
    by_parts(Parts { all, right, wrong: all - right }, rule)
}

pub(super) fn matching(targets: &[u8], pairs: &[Option<u8>], rule: ScoringRule) -> Earned {
    if pairs.len() != targets.len() || targets.is_empty() {
        return Earned::NOTHING;
    }
    let right = targets.iter().zip(pairs).filter(|&(&target, &said)| said == Some(target)).count() as u32;
    let paired = pairs.iter().flatten().count() as u32;
    by_parts(Parts { all: targets.len() as u32, right, wrong: paired - right }, rule)
}

/// Numbers and texts: the best fraction of the accepted answers that fit.
pub(super) fn graded(best: Fraction, rule: ScoringRule) -> Earned {
    let correct = best >= Fraction::FULL;
    if rule == ScoringRule::AllOrNothing || correct {
        return Earned::all_or_nothing(correct);
    }
    // Below full here; negative ones earn nothing.
    Earned { numerator: best.0.max(0) as u32, denominator: Fraction::FULL.0 as u32, correct }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_equal_those_of_points(hundredths in 0_i64..=1 << 40, denominator in 1_u32..=10_000_000, part in 0.0..=1.0) {
            let numerator = (f64::from(denominator) * part) as u32;
            let points = Points::from_hundredths(hundredths);
            let earned = Earned { numerator, denominator, correct: false }.of(points);
            prop_assert_eq!(earned, points.share(i64::from(numerator), i64::from(denominator)));
        }
    }
}
