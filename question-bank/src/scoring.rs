//! Named, versioned scoring rules. How each is applied is in `crate::marking`.

use serde::{Deserialize, Serialize};

/// How a response with several parts earns points. The name is stored with every mark; a change of
/// meaning is a new name.
///
/// For a multiple choice with `c` right options, of which `t` are chosen, and `f` wrong ones chosen:
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoringRule {
    /// Everything right or nothing (全对得分).
    #[default]
    AllOrNothing,
    /// Any wrong choice earns nothing, else `t / c` (漏选按比例).
    PartialNoWrong,
    /// Any wrong choice earns nothing; all right earns all; some right earns half (少选得一半).
    HalfNoWrong,
    /// `max(0, (t − f) / c)`.
    NetCorrect,
    /// The sum of the author's fractions, held between nothing and all (Moodle).
    Weighted,
    /// The share of options marked as the key marks them; nothing chosen at all counts as all
    /// options left unmarked (multiple true/false).
    EachOption,
}

impl ScoringRule {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllOrNothing => "all_or_nothing",
            Self::PartialNoWrong => "partial_no_wrong",
            Self::HalfNoWrong => "half_no_wrong",
            Self::NetCorrect => "net_correct",
            Self::Weighted => "weighted",
            Self::EachOption => "each_option",
        }
    }
}
