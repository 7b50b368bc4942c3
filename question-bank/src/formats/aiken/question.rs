//! A question as its lines come in, and the draft it makes.

use super::lines::{Dialect, KindHint, narrow};
use crate::draft::{DraftAnswer, DraftBody, DraftOption, DraftText};
use crate::formats::moodle::shorten;
use crate::formats::{Finding, FindingCode};
use crate::limits::OPTIONS_MAX;
use crate::{Fraction, ItemDraft};

/// Where the next line of text belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    #[default]
    Stem,
    Option,
    Answer,
    Explanation,
}

/// What has been read of a question.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// Its first line, counted from one.
    pub(super) line: u32,
    /// The number before its stem.
    pub(super) number: Option<u32>,
    pub(super) stem: String,
    pub(super) options: Vec<(char, String)>,
    pub(super) answer: Option<String>,
    pub(super) explanation: String,
    pub(super) difficulty: Option<String>,
    pub(super) topic: Option<String>,
    pub(super) points: Option<String>,
    pub(super) hint: Option<KindHint>,
    pub(super) part: Part,
}

impl Question {
    /// Takes on a further line of the part that came last.
    pub(super) fn go_on(&mut self, text: &str) {
        match (self.part, self.options.last_mut()) {
            (Part::Stem, _) => append(&mut self.stem, text),
            (Part::Option, Some((_, option))) => append(option, text),
            (Part::Option | Part::Answer | Part::Explanation, _) => {
                self.part = Part::Explanation;
                append(&mut self.explanation, text);
            }
        }
    }

    /// Takes on an option. More than there are letters need not be kept: one of them is there twice.
    pub(super) fn add_option(&mut self, letter: char, text: &str) {
        self.part = Part::Option;
        if self.options.len() <= OPTIONS_MAX {
            self.options.push((letter, text.trim().to_owned()));
        }
    }

    /// Whether it is no more than a line or two of text.
    pub(super) fn is_bare(&self) -> bool {
        self.number.is_none() && self.options.is_empty() && self.answer.is_none()
    }

    /// The draft.
    pub(super) fn into_draft(mut self, dialect: Dialect, topic: &str) -> Result<ItemDraft, Finding> {
        let stem = self.stem.trim().to_owned();
        if stem.is_empty() {
            return Err(Finding::new(FindingCode::StemMissing, ""));
        }
        let body = self.body(dialect)?;
        let mut draft = ItemDraft::new(DraftText::plain(stem), body);
        let explanation = self.explanation.trim();
        draft.explanation = (!explanation.is_empty()).then(|| DraftText::plain(explanation));
        draft.difficulty = self.difficulty;
        draft.points = self.points;
        draft.topic = self.topic.unwrap_or_else(|| topic.to_owned());
        Ok(draft)
    }

    fn body(&mut self, dialect: Dialect) -> Result<DraftBody, Finding> {
        if self.hint == Some(KindHint::Open) {
            return Err(Finding::new(FindingCode::KindUnsupported, "简答题"));
        }
        let answer = self.answer.take().filter(|answer| !answer.is_empty());
        let answer = answer.ok_or_else(|| Finding::new(FindingCode::KeyMissing, ""))?;
        if self.options.is_empty() {
            return self.body_without_options(answer);
        }
        let right = self.right_options(&answer)?;
        if self.options.len() < 2 {
            return Err(Finding::new(FindingCode::OptionsTooFew, self.options.len().to_string()));
        }
        if dialect == Dialect::Numbered
            && let Some(body) = self.two_truths(&right)
        {
            return Ok(body);
        }
        let multiple = right.len() > 1 || self.hint == Some(KindHint::Multiple);
        let option = |(letter, text): (char, String)| DraftOption {
            text: DraftText::plain(text.trim()),
            fraction: if right.contains(&letter) { Fraction::FULL } else { Fraction::NONE },
            feedback: None,
        };
        let options = std::mem::take(&mut self.options).into_iter().map(option).collect();
        Ok(DraftBody::Choice { multiple: Some(multiple), fixed_order: false, options, weighted: false })
    }

    fn body_without_options(&self, answer: String) -> Result<DraftBody, Finding> {
        if let Some(correct) = truth(&answer) {
            return Ok(DraftBody::TrueFalse { correct, feedback: [None, None] });
        }
        if self.hint == Some(KindHint::ShortText) {
            let accepted = vec![DraftAnswer { text: answer, fraction: Fraction::FULL, feedback: None }];
            return Ok(DraftBody::ShortText { accepted, case_sensitive: false, wildcards: false });
        }
        Err(Finding::new(FindingCode::OptionsTooFew, "0"))
    }

    /// The letters of the answer, each of them an option's.
    fn right_options(&self, answer: &str) -> Result<Vec<char>, Finding> {
        let mut letters: Vec<char> = self.options.iter().map(|(letter, _)| *letter).collect();
        letters.sort_unstable();
        if let Some(twice) = letters.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
            return Err(Finding::new(FindingCode::Syntax, format!("选项 {twice} 重复 (option {twice} twice)")));
        }
        let mut right = Vec::new();
        for character in answer.chars().map(narrow) {
            if character.is_whitespace() || ",、;，；和及&".contains(character) {
                continue;
            }
            let letter = character.to_ascii_uppercase();
            if !letter.is_ascii_uppercase() {
                return Err(Finding::new(FindingCode::KeyOutOfRange, shorten(answer)));
            }
            if letters.binary_search(&letter).is_err() {
                // A lone letter is named; in a word, the word says more.
                let subject =
                    if answer.chars().count() > 2 * letters.len() { shorten(answer) } else { letter.to_string() };
                return Err(Finding::new(FindingCode::KeyOutOfRange, subject));
            }
            right.push(letter);
        }
        if right.is_empty() {
            return Err(Finding::new(FindingCode::KeyMissing, ""));
        }
        Ok(right)
    }

    /// `A. 正确 B. 错误` is a true/false question.
    fn two_truths(&self, right: &[char]) -> Option<DraftBody> {
        let [(first, a), (second, b)] = self.options.as_slice() else { return None };
        let (a, b) = (truth(a)?, truth(b)?);
        let correct = match right {
            [letter] if letter == first => a,
            [letter] if letter == second => b,
            _ => return None,
        };
        (a != b).then_some(DraftBody::TrueFalse { correct, feedback: [None, None] })
    }
}

/// Adds a line.
pub(super) fn append(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// What a word or sign says of a statement.
fn truth(text: &str) -> Option<bool> {
    let word = text.replace('\u{fe0f}', "").trim_end_matches(['。', '.']).trim().to_ascii_lowercase();
    match word.as_str() {
        "对" | "正确" | "是" | "√" | "✓" | "✔" | "✅" | "☑" | "t" | "true" => Some(true),
        "错" | "错误" | "不正确" | "否" | "×" | "✗" | "✘" | "❌" | "✖" | "f" | "false" => Some(false),
        _ => None,
    }
}
