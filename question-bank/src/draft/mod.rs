//! Drafts: items as a file or an author wrote them, before validation. Every format reads into
//! [`ItemDraft`]s and one validation turns them into [`crate::Item`]s.

mod body;
mod choice;
mod letters;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod validate;

pub use validate::validate;

use crate::{Fraction, ItemKind};
use serde::{Deserialize, Serialize};

/// A text of a draft and what it is written in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct DraftText {
    /// As written.
    pub text: String,
    /// Whether it is HTML (to be sanitized) or plain text (to be escaped).
    pub html: bool,
}

/// An item as written; nothing is checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemDraft {
    /// The author's own identifier; when absent one is made from the content.
    pub code: Option<String>,
    /// Topic path as written.
    pub topic: String,
    /// Difficulty as written.
    pub difficulty: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// Enemy groups.
    pub enemies: Vec<String>,
    /// Suggested points as written.
    pub points: Option<String>,
    /// The question.
    pub stem: DraftText,
    /// Why the key is right.
    pub explanation: Option<DraftText>,
    /// The rest by kind.
    pub body: DraftBody,
}

/// What differs by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftBody {
    /// Single or multiple choice; `multiple: None` lets the number of right options decide.
    Choice {
        /// Whether several may be chosen.
        multiple: Option<bool>,
        /// Keep the author's order.
        fixed_order: bool,
        /// In the author's order.
        options: Vec<DraftOption>,
        /// Whether the fractions were written by the author and go into the key as weights.
        weighted: bool,
    },
    /// True or false, with feedback for choosing true and for choosing false.
    TrueFalse {
        /// The truth.
        correct: bool,
        /// Feedback for choosing true, for choosing false.
        feedback: [Option<DraftText>; 2],
    },
    /// A number.
    Numeric {
        /// Accepted numbers.
        accepted: Vec<DraftNumber>,
    },
    /// A short text.
    ShortText {
        /// Accepted texts.
        accepted: Vec<DraftAnswer>,
        /// Whether case matters.
        case_sensitive: bool,
        /// Whether `*` is a wildcard.
        wildcards: bool,
    },
    /// Entries in their right order.
    Ordering {
        /// First to last.
        entries: Vec<DraftText>,
    },
    /// Pairs, and right entries that belong to none.
    Matching {
        /// Left, right.
        pairs: Vec<(DraftText, DraftText)>,
        /// Distractors.
        distractors: Vec<DraftText>,
    },
}

/// An option with what it earns.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftOption {
    /// Shown.
    pub text: DraftText,
    /// What choosing it earns; above zero means it is right.
    pub fraction: Fraction,
    /// Said about it after release.
    pub feedback: Option<DraftText>,
}

/// An accepted number.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftNumber {
    /// The middle.
    pub value: f64,
    /// Half the width.
    pub tolerance: f64,
    /// What it earns.
    pub fraction: Fraction,
    /// Said about it after release.
    pub feedback: Option<DraftText>,
}

/// An accepted text.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftAnswer {
    /// As written.
    pub text: String,
    /// What it earns.
    pub fraction: Fraction,
    /// Said about it after release.
    pub feedback: Option<DraftText>,
}

impl DraftText {
    /// Plain text.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), html: false }
    }

    /// HTML.
    #[must_use]
    pub fn html(text: impl Into<String>) -> Self {
        Self { text: text.into(), html: true }
    }
}

impl ItemDraft {
    /// A draft with nothing but a stem and a body.
    #[must_use]
    pub fn new(stem: DraftText, body: DraftBody) -> Self {
        Self {
            code: None,
            topic: String::new(),
            difficulty: None,
            tags: Vec::new(),
            enemies: Vec::new(),
            points: None,
            stem,
            explanation: None,
            body,
        }
    }

    /// The kind, where the body tells it.
    #[must_use]
    pub fn kind(&self) -> ItemKind {
        match &self.body {
            DraftBody::Choice { multiple, options, .. } => {
                let right = options.iter().filter(|option| option.fraction > Fraction::NONE).count();
                if multiple.unwrap_or(right > 1) { ItemKind::MultipleChoice } else { ItemKind::SingleChoice }
            }
            DraftBody::TrueFalse { .. } => ItemKind::TrueFalse,
            DraftBody::Numeric { .. } => ItemKind::Numeric,
            DraftBody::ShortText { .. } => ItemKind::ShortText,
            DraftBody::Ordering { .. } => ItemKind::Ordering,
            DraftBody::Matching { .. } => ItemKind::Matching,
        }
    }
}
