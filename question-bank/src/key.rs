//! Keys: what is right. Nothing a learner receives before release is made from these types.

use crate::RichText;
use serde::{Deserialize, Serialize};

/// A share of an item's points in ten-millionths (33.33333 % is 3 333 333), as Moodle's fractions need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fraction(pub i32);

impl Fraction {
    /// All of the points.
    pub const FULL: Self = Self(10_000_000);
    /// None of the points.
    pub const NONE: Self = Self(0);

    /// From percent, rounded to the nearest ten-millionth; clamped to ±100 %.
    #[must_use]
    pub fn from_percent(percent: f64) -> Self {
        Self((percent.clamp(-100.0, 100.0) * 100_000.0).round() as i32)
    }

    /// In percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100_000.0
    }
}

/// What is right and what may be said about it once it is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solution {
    /// The key.
    pub key: Key,
    /// Why (解析), shown after release.
    pub explanation: Option<RichText>,
    /// Feedback by option (choice: the author's order; true/false: true, false) or by accepted
    /// answer (numeric, short text); empty when there is none at all.
    pub feedback: Vec<Option<RichText>>,
}

/// The right response, in indexes of the author's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Key {
    /// The options that are right: exactly one for a single choice, at least one for a multiple choice.
    Choice {
        /// Sorted, unique.
        correct: Vec<u8>,
        /// One fraction per option where the author weighed them (scoring rule `weighted`).
        weights: Option<Vec<Fraction>>,
    },
    /// Whether the statement holds.
    TrueFalse {
        /// The truth.
        correct: bool,
    },
    /// Numbers that are accepted; the best fraction counts.
    Numeric {
        /// At least one.
        accepted: Vec<NumericAnswer>,
    },
    /// Texts that are accepted; the best fraction counts.
    ShortText {
        /// At least one.
        accepted: Vec<TextAnswer>,
        /// Whether upper and lower case differ.
        case_sensitive: bool,
        /// Whether `*` in an accepted text stands for any run of characters.
        wildcards: bool,
    },
    /// The entries in their right order.
    Ordering {
        /// A permutation of the entry indexes.
        order: Vec<u8>,
    },
    /// The right entry of each left one, by left index.
    Matching {
        /// As long as the left side; indexes into the right side, which may repeat.
        targets: Vec<u8>,
    },
}

/// A number that earns `fraction` when the response lies within `tolerance` of `value`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumericAnswer {
    /// The middle.
    pub value: f64,
    /// Half the width, not negative; both ends count.
    pub tolerance: f64,
    /// What it earns.
    pub fraction: Fraction,
}

// Values are finite (checked by `draft::validate`), so equality is an equivalence.
impl Eq for NumericAnswer {}

/// A text that earns `fraction` when the normalized response equals it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextAnswer {
    /// As the author wrote it.
    pub text: String,
    /// What it earns.
    pub fraction: Fraction,
}
