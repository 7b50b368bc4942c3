//! Integrity, first layer: what can be noticed on the answer path at a constant cost per answer.
//!
//! A flag is a hint with a weight and a reason in words. No flag drops or delays an answer, and no
//! sum of flags fails anybody: people decide (P11).
//!
//! | kind | weight | noticed when |
//! |---|---|---|
//! | `too_fast` | 3 | less than 3 s since the last answer, or far below what others take for the item |
//! | `regular_rhythm` | 15 | ten or more answers whose intervals vary by less than a tenth |
//! | `answered_while_away` | 6 | an answer while the client reports itself hidden or blurred |
//! | `focus_lost` | 2 | from the third loss of focus on |
//! | `suspicious_act` | 3 | copy, paste, developer tools, leaving full screen, several screens |
//! | `telemetry_missing` | 8 | ten or more answers and not one signal by the end |
//! | `address_changed` | 3 | the network address differs from the last one |
//! | `agent_changed` | 6 | the browser differs from the last one |
//! | `device_changed` | 5 | another sign-in goes on with the attempt |
//! | `devices_interleaved` | 15 | two sign-ins take turns |
//! | `change_burst` | 6 | seven changes of given answers within 30 s |

mod observer;

pub use observer::Observer;

use serde::{Deserialize, Serialize};

/// The version of weights and thresholds; it stands in every flag's log.
pub const INTEGRITY_VERSION: &str = "integrity/1";

/// The score at which people have to look at an attempt: two of the heaviest flags, or many small ones.
/// Part of the version: another threshold is another version.
pub const CASE_SCORE: u32 = 30;

/// A kind of flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the table above says it")]
pub enum FlagKind {
    TooFast,
    RegularRhythm,
    AnsweredWhileAway,
    FocusLost,
    SuspiciousAct,
    TelemetryMissing,
    AddressChanged,
    AgentChanged,
    DeviceChanged,
    DevicesInterleaved,
    ChangeBurst,
}

impl FlagKind {
    /// How many kinds there are.
    pub const COUNT: usize = 11;

    /// What one flag of this kind adds to the score.
    #[must_use]
    pub const fn weight(self) -> u32 {
        match self {
            Self::FocusLost => 2,
            Self::TooFast | Self::SuspiciousAct | Self::AddressChanged => 3,
            Self::DeviceChanged => 5,
            Self::AnsweredWhileAway | Self::AgentChanged | Self::ChangeBurst => 6,
            Self::TelemetryMissing => 8,
            Self::RegularRhythm | Self::DevicesInterleaved => 15,
        }
    }
}

/// Something noticed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// What sort.
    pub kind: FlagKind,
    /// What it adds to the score.
    pub weight: u32,
    /// Weights and thresholds it was judged by.
    pub version: String,
    /// Why, in words.
    pub reason: String,
    /// The slot it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
}

/// Where commands come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The network address, from the connection or a trusted proxy.
    pub address: String,
    /// A digest of the browser's name.
    pub agent: String,
    /// A digest of the sign-in, so that two devices of one person differ.
    pub device: String,
}

/// How long people take for an item: a running estimate over the logarithms of seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ItemTiming {
    /// Answers seen.
    pub count: u32,
    /// Mean of ln(seconds).
    pub mean_ln: f32,
    /// Standard deviation of ln(seconds).
    pub sd_ln: f32,
}

impl ItemTiming {
    /// Answers needed before the estimate is used at all.
    pub const COUNT_MIN: u32 = 30;

    /// The seconds below which an answer to this item is held to be too fast: 3 s, or three standard
    /// deviations below the mean where enough is known.
    #[must_use]
    pub fn floor_ms(&self) -> i64 {
        const COMMON_FLOOR_MS: i64 = 3_000;
        if self.count < Self::COUNT_MIN {
            return COMMON_FLOOR_MS;
        }
        let floor = f64::from(self.mean_ln - 3.0 * self.sd_ln).exp() * 1_000.0;
        // A minute at most: slow items must not make ordinary haste suspicious.
        COMMON_FLOOR_MS.max(floor.min(60_000.0) as i64)
    }
}
