//! Responses as clients send them: option ids are positions in the order *shown* in that attempt.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

macro_rules! positional_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u8);

        impl $name {
            /// Reads `prefix` + the position counted from one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($prefix)?;
                if digits.starts_with('0') || digits.len() > 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                let position: u8 = digits.parse().ok()?;
                position.checked_sub(1).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, u16::from(self.0) + 1)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| de::Error::custom(concat!("expected an id such as \"", $prefix, "1\"")))
            }
        }
    };
}

positional_id! {
    /// `o1`, `o2`, …: an option, an ordering entry or a left entry by its shown position (0-based inside).
    OptionId, "o"
}
positional_id! {
    /// `t1`, `t2`, …: a right entry of a matching item by its shown position (0-based inside).
    TargetId, "t"
}

/// A response by kind; clearing an answer is `None` around it, `null` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// Single choice, multiple choice, true/false.
    Choices {
        /// Chosen options; for single choice and true/false exactly one.
        choices: Vec<OptionId>,
    },
    /// Numeric.
    Number {
        /// Finite.
        number: f64,
    },
    /// Short text.
    Text {
        /// At most [`crate::limits::RESPONSE_TEXT_CHARS_MAX`] characters.
        text: String,
    },
    /// Ordering: all entries, first to last.
    Order {
        /// A permutation of the shown entries.
        order: Vec<OptionId>,
    },
    /// Matching: each left entry at most once.
    Pairs {
        /// Left entry, right entry.
        pairs: Vec<(OptionId, TargetId)>,
    },
}

impl<'de> Deserialize<'de> for Response {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            choices: Option<Vec<OptionId>>,
            number: Option<f64>,
            text: Option<String>,
            order: Option<Vec<OptionId>>,
            pairs: Option<Vec<(OptionId, TargetId)>>,
        }
        let raw = Raw::deserialize(deserializer)?;
        match (raw.choices, raw.number, raw.text, raw.order, raw.pairs) {
            (Some(choices), None, None, None, None) => Ok(Self::Choices { choices }),
            (None, Some(number), None, None, None) => Ok(Self::Number { number }),
            (None, None, Some(text), None, None) => Ok(Self::Text { text }),
            (None, None, None, Some(order), None) => Ok(Self::Order { order }),
            (None, None, None, None, Some(pairs)) => Ok(Self::Pairs { pairs }),
            _ => Err(de::Error::custom("expected exactly one of choices, number, text, order, pairs")),
        }
    }
}
