//! What GIFT and Moodle XML share: categories, weights, titles that serve as codes.

use super::{Finding, FindingCode, Parsed, ParsedEntry, Place};
use crate::draft::{DraftAnswer, DraftBody, DraftOption};
use crate::limits::{CODE_CHARS_MAX, IMPORT_ITEMS_MAX};
use crate::{Fraction, ItemDraft};
use std::collections::HashMap;

/// A question found, with the title that becomes its code where no other has it.
pub(super) struct Found {
    /// The line of its first word, counted from one.
    pub(super) line: u32,
    /// Its name, when it has one.
    pub(super) title: Option<String>,
    /// The draft, or why there is none.
    pub(super) outcome: Result<ItemDraft, Finding>,
    /// What was changed on the way.
    pub(super) warnings: Vec<Finding>,
}

/// Questions as they are found.
#[derive(Default)]
pub(super) struct Entries {
    found: Vec<Found>,
}

impl Entries {
    /// Adds one. False when the import limit is reached and reading should stop.
    pub(super) fn push(&mut self, found: Found) -> bool {
        if self.found.len() < IMPORT_ITEMS_MAX {
            self.found.push(found);
            return true;
        }
        let finding = Finding::new(FindingCode::FileTooLarge, format!("{IMPORT_ITEMS_MAX} 题 items"));
        self.found.push(Found::refused(found.line, finding));
        false
    }

    /// Gives every title that only one question has as code to that question.
    pub(super) fn finish(self) -> Parsed {
        let mut uses: HashMap<String, u32> = HashMap::new();
        for found in &self.found {
            let code = found.outcome.as_ref().ok().and_then(|draft| draft.code.as_ref()).or(found.title.as_ref());
            if let Some(code) = code {
                *uses.entry(code.clone()).or_default() += 1;
            }
        }
        let entries = self.found.into_iter().map(|found| found.into_entry(&uses)).collect();
        Parsed { entries }
    }
}

impl Found {
    /// One that no draft could be made of.
    pub(super) fn refused(line: u32, finding: Finding) -> Self {
        Self { line, title: None, outcome: Err(finding), warnings: Vec::new() }
    }

    fn into_entry(mut self, uses: &HashMap<String, u32>) -> ParsedEntry {
        if let (Ok(draft), Some(title)) = (&mut self.outcome, self.title)
            && draft.code.is_none()
        {
            if uses.get(&title) == Some(&1) && title.chars().count() <= CODE_CHARS_MAX {
                draft.code = Some(title);
            } else {
                self.warnings.push(Finding::new(FindingCode::TitleDropped, shorten(&title)));
            }
        }
        ParsedEntry { place: Place::Line(self.line), outcome: self.outcome, warnings: self.warnings }
    }
}

/// Says something once, however often it is met; a handful of different things says enough.
pub(super) fn warn(warnings: &mut Vec<Finding>, code: FindingCode, subject: &str) {
    const WARNINGS_MAX: usize = 32;
    let finding = Finding::new(code, shorten(subject));
    if warnings.len() < WARNINGS_MAX && !warnings.contains(&finding) {
        warnings.push(finding);
    }
}

/// The beginning of a text, for use in a finding.
pub(super) fn shorten(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A category path such as `$course$/top/Law/Ethics` as topic `Law/Ethics`. `//`, Moodle's slash
/// within a name, becomes the full-width `／`, since a topic name holds no slash.
pub(super) fn topic(category: &str) -> String {
    let category = category.trim().replace("//", "／");
    let mut names: Vec<&str> = category.split('/').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.first().is_some_and(|name| name.len() > 1 && name.starts_with('$') && name.ends_with('$')) {
        names.remove(0);
    }
    if names.first() == Some(&"top") {
        names.remove(0);
    }
    names.join("/")
}

/// The category that [`topic`] reads back as `topic`.
pub(super) fn category(topic: &str) -> String {
    if topic.is_empty() { "$course$/top".to_owned() } else { format!("$course$/top/{topic}") }
}

/// A choice whose options all carry a fraction, as Moodle stores them.
pub(super) fn choice(
    mut options: Vec<DraftOption>,
    multiple: bool,
    fixed_order: bool,
    warnings: &mut Vec<Finding>,
) -> DraftBody {
    let full = options.iter().filter(|option| option.fraction == Fraction::FULL).count();
    if !multiple && full > 1 {
        warnings.push(Finding::new(FindingCode::SeveralRight, full.to_string()));
        if options.iter().any(|option| option.fraction != Fraction::FULL && option.fraction != Fraction::NONE) {
            warnings.push(Finding::new(FindingCode::PartDropped, "部分得分 partial weights"));
        }
        for option in options.iter_mut().filter(|option| option.fraction != Fraction::FULL) {
            option.fraction = Fraction::NONE;
        }
        return DraftBody::Choice { multiple: Some(true), fixed_order, options, weighted: false };
    }
    let fractions: Vec<Fraction> = options.iter().map(|option| option.fraction).collect();
    let weighted = !restates_key(&fractions, multiple);
    DraftBody::Choice { multiple: Some(multiple), fixed_order, options, weighted }
}

/// Whether fractions say no more than which options are right: everything for the right one of a
/// single choice, equal shares for the right ones of a multiple choice, nothing for the others.
pub(super) fn restates_key(fractions: &[Fraction], multiple: bool) -> bool {
    let right = fractions.iter().filter(|fraction| **fraction > Fraction::NONE).count();
    let share = even_share(if multiple { right } else { 1 });
    // A hundredth of a percent: authors write 33.33 and 33.33333.
    fractions.iter().all(|fraction| *fraction == Fraction::NONE || (fraction.0 - share.0).abs() <= 1_000)
}

/// What each of `right` options earns when they share alike.
fn even_share(right: usize) -> Fraction {
    Fraction::from_percent(100.0 / right.max(1) as f64)
}

/// What each option of a key earns, as Moodle writes it.
pub(super) fn key_fractions(
    count: usize,
    correct: &[u8],
    weights: Option<&[Fraction]>,
    multiple: bool,
) -> Vec<Fraction> {
    if let Some(weights) = weights {
        return weights.to_vec();
    }
    let share = even_share(if multiple { correct.len() } else { 1 });
    let is_right = |index: usize| correct.iter().any(|right| usize::from(*right) == index);
    (0..count).map(|index| if is_right(index) { share } else { Fraction::NONE }).collect()
}

/// Short answers in Moodle's way: `*` stands for any text, `\*` for itself.
pub(super) fn short_text(mut accepted: Vec<DraftAnswer>, case_sensitive: bool) -> DraftBody {
    let wildcards = accepted.iter().any(|answer| answer.text.replace("\\*", "").contains('*'));
    if !wildcards {
        for answer in &mut accepted {
            answer.text = answer.text.replace("\\*", "*");
        }
    }
    DraftBody::ShortText { accepted, case_sensitive, wildcards }
}

/// A finite number.
pub(super) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A fraction as percent, if the text is a finite number.
pub(super) fn percent(text: &str) -> Option<Fraction> {
    number(text).map(Fraction::from_percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_become_topics() {
        for (category, expected) in [
            ("$course$/top/Default for Unit 1: Topic", "Default for Unit 1: Topic"),
            ("$course$/Pi/Rho", "Pi/Rho"),
            ("$module$/top/TCP//IP/层", "TCP／IP/层"),
            ("$course$", ""),
            ("top", ""),
            ("a / b", "a/b"),
            ("$", "$"),
        ] {
            assert_eq!(topic(category), expected, "{category}");
        }
        for path in ["", "top/x", "职业道德/诚信"] {
            assert_eq!(topic(&category(path)), path);
        }
    }

    #[test]
    fn even_shares_restate_the_key() {
        let percents = |list: &[f64]| list.iter().map(|p| Fraction::from_percent(*p)).collect::<Vec<_>>();
        assert!(restates_key(&percents(&[33.33333, 33.33333, 0.0, 33.33333]), true));
        assert!(restates_key(&percents(&[50.0, 0.0, 50.0]), true));
        assert!(!restates_key(&percents(&[50.0, -50.0, 50.0]), true));
        assert!(!restates_key(&percents(&[60.0, 0.0, 40.0]), true));
        assert!(restates_key(&percents(&[0.0, 100.0]), false));
        assert!(!restates_key(&percents(&[50.0, 100.0]), false));
    }
}
