//! What of an item is worth a look. A hint for its author, who knows the question; nothing follows from it by itself.

use super::{ItemReport, OptionReport};
use crate::limits::ANALYSIS_WORDS_MIN;

/// Nearly everybody earns all of it.
const TOO_EASY: f64 = 0.95;
/// Few earn it.
const TOO_HARD: f64 = 0.30;
/// Below it an item hardly tells people apart (Ebel and Frisbie 1991).
const WEAK: f64 = 0.20;
/// A distractor that fewer choose does no work (Haladyna and Downing 1993).
const DEAD: f64 = 0.05;
/// A wrong option that goes with a good rest of the paper.
const ATTRACTS: f64 = 0.10;
/// Leaving a question out is unusual.
const OMITTED: f64 = 0.10;

/// What is worth a look. Options are counted from zero in the author's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemFlag {
    /// Facility above 0.95.
    TooEasy,
    /// Facility below 0.30.
    TooHard,
    /// Those who do well otherwise do worse here.
    NegativeDiscrimination,
    /// Discrimination below 0.20.
    LowDiscrimination,
    /// More of the upper group choose this wrong option than the key: is the key right?
    KeyInDoubt(u8),
    /// Choosing this wrong option goes with a good paper otherwise.
    DistractorAttracts(u8),
    /// Fewer than 5 % choose this wrong option.
    DeadDistractor(u8),
    /// More than 10 % left it without a response.
    OftenOmitted,
}

impl ItemFlag {
    /// The name in the protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooEasy => "too_easy",
            Self::TooHard => "too_hard",
            Self::NegativeDiscrimination => "negative_discrimination",
            Self::LowDiscrimination => "low_discrimination",
            Self::KeyInDoubt(_) => "key_in_doubt",
            Self::DistractorAttracts(_) => "distractor_attracts",
            Self::DeadDistractor(_) => "dead_distractor",
            Self::OftenOmitted => "often_omitted",
        }
    }

    /// The option it is about.
    #[must_use]
    pub const fn option(self) -> Option<u8> {
        match self {
            Self::KeyInDoubt(option) | Self::DistractorAttracts(option) | Self::DeadDistractor(option) => Some(option),
            _ => None,
        }
    }
}

/// All flags of an item, the weightiest first; none before [`ANALYSIS_WORDS_MIN`] papers. `takes_one` is whether
/// exactly one option is chosen.
pub(super) fn flags(report: &ItemReport, takes_one: bool) -> Vec<ItemFlag> {
    let (Some(facility), true) = (report.facility, report.shown >= ANALYSIS_WORDS_MIN) else { return Vec::new() };
    let mut found = Vec::new();
    let distractors: Vec<(u8, &OptionReport)> =
        (0..).zip(&report.options).filter(|(_, option)| !option.is_key).collect();
    if takes_one {
        let key = report.options.iter().find(|option| option.is_key).and_then(|key| key.upper).unwrap_or_default();
        let preferred = distractors.iter().filter(|(_, option)| option.upper.is_some_and(|upper| upper > key));
        found.extend(preferred.map(|(index, _)| ItemFlag::KeyInDoubt(*index)));
    }
    let is_easy = facility > TOO_EASY;
    match report.discrimination {
        Some(value) if value < 0.0 => found.push(ItemFlag::NegativeDiscrimination),
        // What nearly everybody knows cannot tell people apart, and says so already.
        Some(value) if value < WEAK && !is_easy => found.push(ItemFlag::LowDiscrimination),
        _ => {}
    }
    if is_easy {
        found.push(ItemFlag::TooEasy);
    } else if facility < TOO_HARD {
        found.push(ItemFlag::TooHard);
    }
    for (index, option) in distractors {
        if option.share < DEAD {
            found.extend((!is_easy).then_some(ItemFlag::DeadDistractor(index)));
        } else if option.discrimination.is_some_and(|value| value >= ATTRACTS) {
            found.push(ItemFlag::DistractorAttracts(index));
        }
    }
    if f64::from(report.omitted) > OMITTED * f64::from(report.shown) {
        found.push(ItemFlag::OftenOmitted);
    }
    found
}
