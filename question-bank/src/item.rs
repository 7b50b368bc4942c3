//! Items: what is asked. What is right lives in [`crate::key`], apart.

use crate::{Points, RichText, Solution};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

/// The seven kinds of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// One option of several (单选题).
    SingleChoice,
    /// One or more options of several (多选题).
    MultipleChoice,
    /// True or false (判断题).
    TrueFalse,
    /// A number within a tolerance (数值题).
    Numeric,
    /// A short text among accepted ones (填空题).
    ShortText,
    /// Entries put into their order (排序题).
    Ordering,
    /// Left entries paired with right ones (匹配题).
    Matching,
}

impl ItemKind {
    /// All kinds, in their canonical order.
    pub const ALL: [Self; 7] = [
        Self::SingleChoice,
        Self::MultipleChoice,
        Self::TrueFalse,
        Self::Numeric,
        Self::ShortText,
        Self::Ordering,
        Self::Matching,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SingleChoice => "single_choice",
            Self::MultipleChoice => "multiple_choice",
            Self::TrueFalse => "true_false",
            Self::Numeric => "numeric",
            Self::ShortText => "short_text",
            Self::Ordering => "ordering",
            Self::Matching => "matching",
        }
    }

    /// The name in Chinese templates.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::SingleChoice => "单选题",
            Self::MultipleChoice => "多选题",
            Self::TrueFalse => "判断题",
            Self::Numeric => "数值题",
            Self::ShortText => "填空题",
            Self::Ordering => "排序题",
            Self::Matching => "匹配题",
        }
    }
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How hard an item is: 1 易, 2 较易, 3 中, 4 较难, 5 难.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Difficulty(u8);

impl Difficulty {
    /// 中.
    pub const MEDIUM: Self = Self(3);

    /// From 1 (easiest) to 5 (hardest).
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if matches!(level, 1..=5) { Some(Self(level)) } else { None }
    }

    /// 1 to 5.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.0
    }

    /// The Chinese word.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self.0 {
            1 => "易",
            2 => "较易",
            4 => "较难",
            5 => "难",
            _ => "中",
        }
    }

    /// From a level or a word, Chinese or English.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let level = match text.trim() {
            "1" | "易" | "容易" | "简单" | "easy" => 1,
            "2" | "较易" | "较容易" | "较简单" | "fairly_easy" => 2,
            "3" | "中" | "中等" | "一般" | "适中" | "medium" => 3,
            "4" | "较难" | "fairly_hard" => 4,
            "5" | "难" | "困难" | "hard" => 5,
            _ => return None,
        };
        Self::new(level)
    }
}

impl Default for Difficulty {
    fn default() -> Self {
        Self::MEDIUM
    }
}

impl<'de> Deserialize<'de> for Difficulty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Level(u8),
            Word(String),
        }
        let found =
            match Raw::deserialize(deserializer).map_err(|_| de::Error::custom("expected a difficulty from 1 to 5"))? {
                Raw::Level(level) => Self::new(level),
                Raw::Word(word) => Self::parse(&word),
            };
        found.ok_or_else(|| {
            de::Error::custom("expected a difficulty from 1 to 5, or one of easy fairly_easy medium fairly_hard hard")
        })
    }
}

/// A place in the topic tree: names from the root down, written with `/` between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct TopicPath(String);

impl TopicPath {
    /// The root: no topic given.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// From text such as `公需/职业道德`; blank names are dropped, names trimmed.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let names: Vec<&str> = text.split('/').map(str::trim).filter(|name| !name.is_empty()).collect();
        Self(names.join("/"))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names from the root down.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// Whether `self` is `ancestor` or lies below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        ancestor.0.is_empty()
            || self.0.strip_prefix(&ancestor.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl From<String> for TopicPath {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<TopicPath> for String {
    fn from(path: TopicPath) -> Self {
        path.0
    }
}

impl fmt::Display for TopicPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a learner is asked: no field here tells what is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The question.
    pub stem: RichText,
    /// How it is answered.
    pub interaction: Interaction,
}

/// How an item is answered, in the author's order. Indexes of the key point into these lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Interaction {
    /// One or several of the options.
    Choice {
        /// Whether more than one may be chosen.
        multiple: bool,
        /// Never shuffled when true (options that speak of each other by letter, scales).
        fixed_order: bool,
        /// At least two, at most [`crate::limits::OPTIONS_MAX`].
        options: Vec<RichText>,
    },
    /// True (index 0, 正确) or false (index 1, 错误); never shuffled.
    TrueFalse,
    /// A number.
    Numeric,
    /// A short text.
    ShortText,
    /// Entries to be put in order; always shown shuffled.
    Ordering {
        /// At least two.
        entries: Vec<RichText>,
    },
    /// Each left entry gets one right entry; the right side is always shown shuffled.
    Matching {
        /// At least one.
        left: Vec<RichText>,
        /// At least two; entries that no left one takes are distractors.
        right: Vec<RichText>,
    },
}

/// One immutable version of an item. An edit or a re-import makes a new version; papers pin theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Identity within the bank through all versions.
    pub code: String,
    /// Where it stands in the topic tree.
    pub topic: TopicPath,
    /// How hard it is held to be.
    pub difficulty: Difficulty,
    /// Free labels, sorted, unique.
    pub tags: Vec<String>,
    /// Names of enemy groups: no paper holds two items of one group. Sorted, unique.
    pub enemies: Vec<String>,
    /// Points the author suggests; the blueprint decides.
    pub points: Option<Points>,
    /// What is asked.
    pub prompt: Prompt,
    /// What is right, and what is said about it after release.
    pub solution: Solution,
}

impl Item {
    /// The kind, told by the interaction.
    #[must_use]
    pub const fn kind(&self) -> ItemKind {
        self.prompt.interaction.kind()
    }
}

impl Interaction {
    /// The kind of item this makes.
    #[must_use]
    pub const fn kind(&self) -> ItemKind {
        match self {
            Self::Choice { multiple: false, .. } => ItemKind::SingleChoice,
            Self::Choice { multiple: true, .. } => ItemKind::MultipleChoice,
            Self::TrueFalse => ItemKind::TrueFalse,
            Self::Numeric => ItemKind::Numeric,
            Self::ShortText => ItemKind::ShortText,
            Self::Ordering { .. } => ItemKind::Ordering,
            Self::Matching { .. } => ItemKind::Matching,
        }
    }
}
