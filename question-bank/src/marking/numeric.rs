//! Numbers within tolerances.

use crate::{Fraction, NumericAnswer};

/// The best fraction among the accepted numbers that fit; none if none does.
pub(super) fn best_fraction(accepted: &[NumericAnswer], number: f64) -> Fraction {
    let fitting = accepted.iter().filter(|answer| fits(answer, number)).map(|answer| answer.fraction);
    fitting.max().unwrap_or(Fraction::NONE)
}

/// `|number − value| ≤ tolerance`, both ends included, with a slack of four units in the last place of
/// the larger number: decimal ends have no exact binary form (0.4 lies a hair outside 0.3 ± 0.1).
fn fits(answer: &NumericAnswer, number: f64) -> bool {
    let slack = 4.0 * f64::EPSILON * number.abs().max(answer.value.abs());
    number.is_finite() && (number - answer.value).abs() <= answer.tolerance + slack
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: f64, tolerance: f64, number: f64) -> bool {
        fits(&NumericAnswer { value, tolerance, fraction: Fraction::FULL }, number)
    }

    #[test]
    fn both_ends_count_as_decimals() {
        for number in [0.2, 0.3, 0.4] {
            assert!(accepts(0.3, 0.1, number), "{number}");
        }
        for number in [0.19999, 0.40001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!accepts(0.3, 0.1, number), "{number}");
        }
        assert!(accepts(0.1 + 0.2, 0.0, 0.3));
        assert!(accepts(1e15, 0.0, 1e15));
        assert!(!accepts(1e15, 0.0, 1e15 + 2.0));
        assert!(accepts(0.0, 0.0, -0.0));
        assert!(!accepts(0.0, 0.0, 1e-300));
        assert!(!accepts(1e308, 1.0, -1e308));
    }

    #[test]
    fn the_best_fraction_counts() {
        let half = NumericAnswer { value: 3.0, tolerance: 1.0, fraction: Fraction::from_percent(50.0) };
        let full = NumericAnswer { value: 3.0, tolerance: 0.1, fraction: Fraction::FULL };
        assert_eq!(best_fraction(&[half, full], 3.0), Fraction::FULL);
        assert_eq!(best_fraction(&[half, full], 3.5), Fraction::from_percent(50.0));
        assert_eq!(best_fraction(&[half, full], 9.0), Fraction::NONE);
    }
}
