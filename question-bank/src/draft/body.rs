//! Validation of what differs by kind.

use super::choice;
use super::validate::{Check, beginning};
use super::{DraftAnswer, DraftBody, DraftNumber, DraftText};
use crate::duplicate::{comparable, comparable_plain};
use crate::formats::FindingCode;
use crate::limits::{ACCEPTED_MAX, OPTIONS_MAX, RESPONSE_TEXT_CHARS_MAX};
use crate::{Fraction, Interaction, Key, NumericAnswer, RichText, TextAnswer};

/// The parts of an item that depend on its kind.
pub(super) struct Body {
    pub(super) interaction: Interaction,
    pub(super) key: Key,
    pub(super) feedback: Vec<Option<RichText>>,
}

/// The body of an item; nothing only when something was refused.
pub(super) fn check(body: &DraftBody, check: &mut Check) -> Option<Body> {
    match body {
        DraftBody::Choice { multiple, fixed_order, options, weighted } => {
            choice::check(*multiple, *fixed_order, options, *weighted, check)
        }
        DraftBody::TrueFalse { correct, feedback: [yes, no] } => {
            let feedback = vec![feedback(yes.as_ref(), check), feedback(no.as_ref(), check)];
            Some(Body::new(Interaction::TrueFalse, Key::TrueFalse { correct: *correct }, feedback))
        }
        DraftBody::Numeric { accepted } => numeric(accepted, check),
        DraftBody::ShortText { accepted, case_sensitive, wildcards } => {
            short_text(accepted, *case_sensitive, *wildcards, check)
        }
        DraftBody::Ordering { entries } => ordering(entries, check),
        DraftBody::Matching { pairs, distractors } => matching(pairs, distractors, check),
    }
}

impl Body {
    pub(super) fn new(interaction: Interaction, key: Key, mut feedback: Vec<Option<RichText>>) -> Self {
        if feedback.iter().all(Option::is_none) {
            feedback.clear();
        }
        Self { interaction, key, feedback }
    }
}

pub(super) fn feedback(text: Option<&DraftText>, check: &mut Check) -> Option<RichText> {
    check.optional_text(text, "反馈 feedback")
}

fn numeric(accepted: &[DraftNumber], check: &mut Check) -> Option<Body> {
    fractions(accepted.iter().map(|answer| answer.fraction), check);
    let mut said = Vec::with_capacity(accepted.len());
    let mut numbers = Vec::with_capacity(accepted.len());
    for answer in accepted {
        let (value, tolerance) = (answer.value, answer.tolerance);
        if !value.is_finite() || !tolerance.is_finite() || tolerance < 0.0 {
            check.refuse(FindingCode::NumberInvalid, format!("{value}±{tolerance}"));
        }
        // Adding zero turns −0 into 0, so that equal numbers have equal bits.
        numbers.push(NumericAnswer { value: value + 0.0, tolerance: tolerance + 0.0, fraction: answer.fraction });
        said.push(feedback(answer.feedback.as_ref(), check));
    }
    Some(Body::new(Interaction::Numeric, Key::Numeric { accepted: numbers }, said))
}

fn short_text(accepted: &[DraftAnswer], case_sensitive: bool, wildcards: bool, check: &mut Check) -> Option<Body> {
    let mut said = Vec::with_capacity(accepted.len());
    let mut texts: Vec<TextAnswer> = Vec::with_capacity(accepted.len());
    for answer in accepted.iter().take(ACCEPTED_MAX + 1) {
        let text: String = answer.text.chars().filter(|c| !c.is_control()).collect();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if text.chars().count() > RESPONSE_TEXT_CHARS_MAX {
            check.refuse(FindingCode::TextTooLong, beginning(text));
        }
        if texts.iter().any(|earlier| comparable_plain(&earlier.text) == comparable_plain(text)) {
            check.warn(FindingCode::AnswerRepeated, beginning(text));
            continue;
        }
        texts.push(TextAnswer { text: text.to_owned(), fraction: answer.fraction });
        said.push(feedback(answer.feedback.as_ref(), check));
    }
    fractions(texts.iter().map(|answer| answer.fraction), check);
    Some(Body::new(Interaction::ShortText, Key::ShortText { accepted: texts, case_sensitive, wildcards }, said))
}

/// Something must earn something, and should earn everything.
fn fractions(fractions: impl ExactSizeIterator<Item = Fraction>, check: &mut Check) {
    let count = fractions.len();
    let best = fractions.max().unwrap_or(Fraction::NONE);
    if best <= Fraction::NONE {
        check.refuse(FindingCode::KeyMissing, "");
    } else if best < Fraction::FULL {
        check.warn(FindingCode::FullMarksMissing, "");
    }
    if count > ACCEPTED_MAX {
        check.refuse(FindingCode::AcceptedTooMany, count.to_string());
    }
}

fn ordering(entries: &[DraftText], check: &mut Check) -> Option<Body> {
    count_entries(entries.len(), 2, FindingCode::EntriesTooFew, check)?;
    let entries: Vec<RichText> = (1..).zip(entries).map(|(number, entry)| required(entry, number, check)).collect();
    distinct(&entries, check);
    // At most 26 entries, so positions fit a byte.
    let order = (0..entries.len() as u8).collect();
    Some(Body::new(Interaction::Ordering { entries }, Key::Ordering { order }, Vec::new()))
}

/// A pair without a left side is a distractor (as in Moodle); equal right sides are one.
fn matching(pairs: &[(DraftText, DraftText)], distractors: &[DraftText], check: &mut Check) -> Option<Body> {
    let is_blank = |text: &DraftText| text.text.trim().is_empty();
    let more = pairs.iter().filter(|(left, _)| is_blank(left)).map(|(_, right)| right);
    let pairs: Vec<_> = pairs.iter().filter(|(left, _)| !is_blank(left)).collect();
    count_entries(pairs.len(), 1, FindingCode::PairsTooFew, check)?;
    let (mut left, mut right, mut targets) = (Vec::new(), Vec::<RichText>::new(), Vec::new());
    for (number, (left_text, right_text)) in (1..).zip(pairs) {
        left.push(required(left_text, number, check));
        let text = required(right_text, number, check);
        targets.push(position_of(text, &mut right));
    }
    for distractor in distractors.iter().chain(more).filter(|text| !is_blank(text)) {
        let text = check.required_text(distractor, "干扰项 distractor", FindingCode::EntryBlank);
        position_of(text, &mut right);
    }
    distinct(&left, check);
    count_entries(right.len(), 2, FindingCode::PairsTooFew, check)?;
    // At most 26 entries, so positions fit a byte.
    let targets = targets.into_iter().map(|target| target as u8).collect();
    Some(Body::new(Interaction::Matching { left, right }, Key::Matching { targets }, Vec::new()))
}

/// Where `text` stands in `list`, at its end if it was not there.
fn position_of(text: RichText, list: &mut Vec<RichText>) -> usize {
    let wanted = comparable(&text);
    list.iter().position(|other| comparable(other) == wanted).unwrap_or_else(|| {
        list.push(text);
        list.len() - 1
    })
}

fn required(text: &DraftText, number: usize, check: &mut Check) -> RichText {
    check.required_text(text, &format!("第 {number} 项 entry {number}"), FindingCode::EntryBlank)
}

/// Refuses entries that a learner could not tell apart.
fn distinct(entries: &[RichText], check: &mut Check) {
    let mut seen: Vec<String> = Vec::with_capacity(entries.len());
    for entry in entries {
        let text = comparable(entry);
        if !text.is_empty() && seen.contains(&text) {
            check.refuse(FindingCode::EntryRepeated, beginning(&entry.plain_text()));
        }
        seen.push(text);
    }
}

/// Nothing, and a refusal, when there are too few or too many.
fn count_entries(count: usize, least: usize, too_few: FindingCode, check: &mut Check) -> Option<()> {
    if count < least {
        check.refuse(too_few, count.to_string());
    } else if count > OPTIONS_MAX {
        check.refuse(FindingCode::EntriesTooMany, count.to_string());
    } else {
        return Some(());
    }
    None
}
