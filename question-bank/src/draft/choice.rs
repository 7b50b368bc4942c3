//! Validation of choices.

use super::DraftOption;
use super::body::{Body, feedback};
use super::letters::speak_of_each_other;
use super::validate::{Check, beginning};
use crate::duplicate::comparable;
use crate::formats::FindingCode;
use crate::limits::OPTIONS_MAX;
use crate::{Fraction, Interaction, Key, RichText};

pub(super) fn check(
    multiple: Option<bool>,
    fixed_order: bool,
    options: &[DraftOption],
    weighted: bool,
    check: &mut Check,
) -> Option<Body> {
    let options = without_blank_end(options);
    if options.len() > OPTIONS_MAX {
        check.refuse(FindingCode::OptionsTooMany, options.len().to_string());
        return None;
    }
    if options.len() < 2 {
        check.refuse(FindingCode::OptionsTooFew, options.len().to_string());
    }
    let names = ('A'..='Z').zip(options);
    let texts: Vec<RichText> = names
        .map(|(letter, option)| {
            check.required_text(&option.text, &format!("选项{letter} option {letter}"), FindingCode::EntryBlank)
        })
        .collect();
    let right = Right::of(multiple, options, weighted, check);
    repeated(&texts, &right.correct, check);
    let said = options.iter().map(|option| feedback(option.feedback.as_ref(), check)).collect();
    let plain: Vec<String> = texts.iter().map(RichText::plain_text).collect();
    let fixed_order = fixed_order || speak_of_each_other(&plain);
    let key = Key::Choice { correct: right.correct, weights: right.weights };
    Some(Body::new(Interaction::Choice { multiple: right.multiple, fixed_order, options: texts }, key, said))
}

/// Templates have eight option columns, so blank ones at the end are no options, unless the key
/// names one.
fn without_blank_end(options: &[DraftOption]) -> &[DraftOption] {
    let said = |option: &DraftOption| !option.text.text.trim().is_empty() || option.fraction > Fraction::NONE;
    let count = options.iter().rposition(said).map_or(0, |last| last + 1);
    options.get(..count).unwrap_or_default()
}

/// Which options are right.
struct Right {
    multiple: bool,
    correct: Vec<u8>,
    weights: Option<Vec<Fraction>>,
}

impl Right {
    /// Above zero is right; where only one may be chosen and the options carry weights, only what
    /// earns everything is. A single choice with several such is read as a multiple choice.
    fn of(multiple: Option<bool>, options: &[DraftOption], weighted: bool, check: &mut Check) -> Self {
        let at_least = |least: Fraction| -> Vec<u8> {
            (0..).zip(options).filter(|(_, option)| option.fraction >= least).map(|(index, _)| index).collect()
        };
        let positive = at_least(Fraction(1));
        let full = at_least(Fraction::FULL);
        let weights = || weighted.then(|| options.iter().map(|option| option.fraction).collect());
        let sole = if weighted { &full } else { &positive };
        if positive.is_empty() {
            check.refuse(FindingCode::KeyMissing, "");
        }
        if multiple.unwrap_or(positive.len() > 1) {
            if positive.len() == 1 {
                check.warn(FindingCode::OneRight, "");
            }
            return Self { multiple: true, correct: positive, weights: weights() };
        }
        if sole.len() > 1 {
            check.warn(FindingCode::SeveralRight, sole.len().to_string());
            if weighted {
                check.warn(FindingCode::PartDropped, "部分得分 partial weights");
            }
            return Self { multiple: true, correct: sole.clone(), weights: None };
        }
        if sole.is_empty() && !positive.is_empty() {
            check.refuse(FindingCode::FullMarksMissing, "");
        }
        Self { multiple: false, correct: sole.clone(), weights: weights() }
    }
}

/// Two equal options are a slip that marking survives while both are right or both wrong: a
/// warning. One right and one wrong cannot be marked: nobody can tell which was meant.
fn repeated(texts: &[RichText], correct: &[u8], check: &mut Check) {
    let mut seen: Vec<(String, bool)> = Vec::with_capacity(texts.len());
    for (index, text) in (0_u8..).zip(texts) {
        let is_right = correct.contains(&index);
        let words = comparable(text);
        if !words.is_empty()
            && let Some((_, other)) = seen.iter().find(|(earlier, _)| *earlier == words)
        {
            let subject = beginning(&text.plain_text());
            if *other == is_right {
                check.warn(FindingCode::OptionRepeated, subject);
            } else {
                check.refuse(FindingCode::OptionAmbiguous, subject);
            }
        }
        seen.push((words, is_right));
    }
}
