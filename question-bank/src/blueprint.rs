//! Blueprints: what a paper is made of.

use crate::{Difficulty, ItemKind, Points, ScoringRule, TopicPath};
use serde::{Deserialize, Serialize};

/// The plan of a paper, as authors send it and exams store it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blueprint {
    /// In the order of the paper.
    pub sections: Vec<Section>,
    /// How many items of a paper may come from the learner's earlier papers of the exam: a whole
    /// number of items, or a share of the paper strictly between 0 and 1. Absent: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_max: Option<f64>,
    /// The share of the exam's papers that may hold any one item, above 0 and at most 1. Absent: no cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure_max: Option<f64>,
    /// Whether options are shuffled where the item allows it.
    #[serde(default = "yes")]
    pub shuffle_options: bool,
}

const fn yes() -> bool {
    true
}

/// A run of slots with one title and one number of points each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Shown above the section.
    pub title: String,
    /// How many slots.
    pub count: u32,
    /// Points of each slot.
    pub points: Points,
    /// Only items of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ItemKind>,
    /// How answers with several parts earn points; absent: all or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scoring: Option<ScoringRule>,
    /// How many slots go to which stratum; what they leave over is drawn from the whole section.
    #[serde(default)]
    pub quotas: Vec<Quota>,
}

/// `count` slots for items within a topic, of a difficulty, of a kind; what is absent is free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// A topic and all below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicPath>,
    /// Exactly this difficulty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<Difficulty>,
    /// Exactly this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ItemKind>,
    /// How many slots.
    pub count: u32,
}

impl Blueprint {
    /// Slots of a paper.
    #[must_use]
    pub fn slot_count(&self) -> u32 {
        self.sections.iter().map(|section| section.count).sum()
    }

    /// Points of a paper.
    #[must_use]
    pub fn points_total(&self) -> Points {
        self.sections.iter().map(|section| section.points.times(section.count)).sum()
    }
}
