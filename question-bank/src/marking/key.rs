//! Keys made ready for marking.

use super::text::TextKey;
use crate::{Fraction, Interaction, Item, Key, NumericAnswer};

/// A key as marking needs it: options as bit sets, accepted texts normalized.
#[derive(Clone, Debug, PartialEq)]
pub enum GradingKey {
    /// Single choice, multiple choice, true/false (option 0 is true).
    Choice(ChoiceKey),
    /// Accepted numbers.
    Numeric(Box<[NumericAnswer]>),
    /// Accepted texts.
    ShortText(Box<TextKey>),
    /// Entries, first to last.
    Ordering(Box<[u8]>),
    /// Right entry by left entry.
    Matching(Box<[u8]>),
}

/// Right options as a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceKey {
    pub(super) correct: u32,
    pub(super) options: u8,
    pub(super) multiple: bool,
    pub(super) weights: Option<Box<[Fraction]>>,
}

impl GradingKey {
    /// From an item of a snapshot, whose key fits its interaction.
    #[must_use]
    pub fn new(item: &Item) -> Self {
        Self::from_key(&item.solution.key, &item.prompt.interaction)
    }

    /// From a key and the interaction it belongs to.
    #[must_use]
    pub fn from_key(key: &Key, interaction: &Interaction) -> Self {
        match key {
            Key::Choice { correct, weights } => {
                let (multiple, options) = match interaction {
                    Interaction::Choice { multiple, options, .. } => (*multiple, options.len()),
                    _ => (false, 0),
                };
                Self::Choice(ChoiceKey {
                    correct: correct.iter().filter(|&&index| index < 32).fold(0, |set, &index| set | 1 << index),
                    // Snapshots hold at most 26 options.
                    options: options as u8,
                    multiple,
                    weights: weights.as_deref().map(Into::into),
                })
            }
            Key::TrueFalse { correct } => Self::Choice(ChoiceKey {
                correct: if *correct { 0b01 } else { 0b10 },
                options: 2,
                multiple: false,
                weights: None,
            }),
            Key::Numeric { accepted } => Self::Numeric(accepted.as_slice().into()),
            Key::ShortText { accepted, case_sensitive, wildcards } => {
                Self::ShortText(Box::new(TextKey::new(accepted, *case_sensitive, *wildcards)))
            }
            Key::Ordering { order } => Self::Ordering(order.as_slice().into()),
            Key::Matching { targets } => Self::Matching(targets.as_slice().into()),
        }
    }

    /// Of a choice or true/false item: the right options as a set, and how many options there are.
    #[must_use]
    pub fn choices(&self) -> Option<(u32, u8)> {
        match self {
            Self::Choice(key) => Some((key.correct, key.options)),
            _ => None,
        }
    }

    /// Whether exactly one option is chosen.
    #[must_use]
    pub fn takes_one(&self) -> bool {
        matches!(self, Self::Choice(key) if !key.multiple)
    }
}
