//! The one validation that turns drafts into items.

use super::body;
use super::{DraftText, ItemDraft};
use crate::duplicate::content_hash;
use crate::formats::{Finding, FindingCode};
use crate::limits::{CODE_CHARS_MAX, LABEL_CHARS_MAX, RICH_TEXT_CHARS_MAX, TAGS_MAX, TOPIC_CHARS_MAX, TOPIC_DEPTH_MAX};
use crate::{Difficulty, Item, Points, Prompt, RichText, Solution, TopicPath};

/// Checks everything about a draft and makes the item, with what was changed on the way.
///
/// Items come out in one canonical form: texts sanitized, tags sorted, ordering entries in their
/// right order, the right side of a matching in the order of the pairs and then the distractors.
/// A draft without a code gets `c-` and the first twelve hex digits of its content hash, so the
/// same content has the same code wherever it is imported.
///
/// # Errors
/// All reasons to refuse it at once.
pub fn validate(draft: &ItemDraft) -> Result<(Item, Vec<Finding>), Vec<Finding>> {
    let mut check = Check::default();
    let stem = check.required_text(&draft.stem, "题干 stem", FindingCode::StemMissing);
    let topic = check.topic(&draft.topic);
    let difficulty = check.difficulty(draft.difficulty.as_deref());
    let tags = check.labels(&draft.tags);
    let enemies = check.labels(&draft.enemies);
    let points = check.points(draft.points.as_deref());
    let explanation = check.optional_text(draft.explanation.as_ref(), "解析 explanation");
    let body = body::check(&draft.body, &mut check);
    let code = check.code(draft.code.as_deref());
    let Check { refusals, warnings } = check;
    let (Some(body), true) = (body, refusals.is_empty()) else { return Err(refusals) };
    let mut item = Item {
        code: code.unwrap_or_default(),
        topic,
        difficulty,
        tags,
        enemies,
        points,
        prompt: Prompt { stem, interaction: body.interaction },
        solution: Solution { key: body.key, explanation, feedback: body.feedback },
    };
    if item.code.is_empty() {
        item.code = derived_code(&item);
    }
    Ok((item, warnings))
}

/// `c-` and the first 48 bits of the content hash.
fn derived_code(item: &Item) -> String {
    let [a, b, c, d, e, f, ..] = content_hash(item).0;
    format!("c-{}", hex::encode([a, b, c, d, e, f]))
}

/// Findings so far, and the checks that every kind shares.
#[derive(Default)]
pub(super) struct Check {
    refusals: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Check {
    pub(super) fn refuse(&mut self, code: FindingCode, subject: impl Into<String>) {
        self.refusals.push(Finding::new(code, subject));
    }

    pub(super) fn warn(&mut self, code: FindingCode, subject: impl Into<String>) {
        self.warnings.push(Finding::new(code, subject));
    }

    /// A text that may be blank, made safe; `part` names it in findings.
    pub(super) fn text(&mut self, text: &DraftText, part: &str) -> RichText {
        if text.text.chars().count() > RICH_TEXT_CHARS_MAX {
            self.refuse(FindingCode::TextTooLong, part);
            return RichText::default();
        }
        if !text.html {
            return RichText::from_plain(&text.text);
        }
        let (rich, removed) = RichText::sanitize(&text.text);
        if removed.markup {
            self.warn(FindingCode::MarkupRemoved, part);
        }
        if removed.images > 0 {
            self.warn(FindingCode::ImageRemoved, part);
        }
        rich
    }

    /// A text that must not be blank.
    pub(super) fn required_text(&mut self, text: &DraftText, part: &str, code: FindingCode) -> RichText {
        let refused = self.refusals.len();
        let rich = self.text(text, part);
        if rich.is_blank() && self.refusals.len() == refused {
            self.refuse(code, part);
        }
        rich
    }

    /// A text that may be absent; blank is absent.
    pub(super) fn optional_text(&mut self, text: Option<&DraftText>, part: &str) -> Option<RichText> {
        text.map(|text| self.text(text, part)).filter(|text| !text.is_blank())
    }

    fn topic(&mut self, text: &str) -> TopicPath {
        let path = TopicPath::parse(&without_controls(text));
        let too_long = path.names().any(|name| name.chars().count() > TOPIC_CHARS_MAX);
        if too_long || path.names().count() > TOPIC_DEPTH_MAX {
            self.refuse(FindingCode::TopicInvalid, beginning(path.as_str()));
        }
        path
    }

    /// Medium where none is given.
    fn difficulty(&mut self, text: Option<&str>) -> Difficulty {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Difficulty::MEDIUM };
        Difficulty::parse(text).unwrap_or_else(|| {
            self.warn(FindingCode::DifficultyUnknown, beginning(text));
            Difficulty::MEDIUM
        })
    }

    /// Only a suggestion, so a wrong one is no reason to refuse the item.
    fn points(&mut self, text: Option<&str>) -> Option<Points> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let amount = text.strip_suffix('分').unwrap_or(text);
        let points = Points::parse(amount).ok().filter(|points| *points > Points::ZERO);
        if points.is_none() {
            self.warn(FindingCode::PointsIgnored, beginning(text));
        }
        points
    }

    fn labels(&mut self, labels: &[String]) -> Vec<String> {
        let mut labels: Vec<String> = labels
            .iter()
            .map(|label| without_controls(label).trim().to_owned())
            .filter(|label| !label.is_empty())
            .collect();
        labels.sort();
        labels.dedup();
        if labels.len() > TAGS_MAX {
            self.refuse(FindingCode::LabelInvalid, labels.len().to_string());
        }
        if let Some(long) = labels.iter().find(|label| label.chars().count() > LABEL_CHARS_MAX) {
            self.refuse(FindingCode::LabelInvalid, beginning(long));
        }
        labels
    }

    /// A code goes into addresses, file names and reports: no control characters, nothing that
    /// looks like nothing, no blanks at the ends.
    fn code(&mut self, code: Option<&str>) -> Option<String> {
        let code = code.map(str::trim).filter(|code| !code.is_empty())?;
        let usable = |c: char| !c.is_control() && !is_invisible(c) && !matches!(c, '<' | '>' | '"' | '\\');
        if code.chars().count() > CODE_CHARS_MAX || !code.chars().all(usable) {
            self.warn(FindingCode::CodeReplaced, beginning(code));
            return None;
        }
        Some(code.to_owned())
    }
}

/// Zero-width and direction-changing characters.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

/// The beginning of a text, for use in a finding.
pub(super) fn beginning(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
