#![expect(clippy::unwrap_used, reason = "tests")]

use super::{DraftAnswer, DraftBody, DraftNumber, DraftOption, DraftText, ItemDraft, samples, validate};
use crate::formats::FindingCode::{self, *};
use crate::limits::{OPTIONS_MAX, RICH_TEXT_CHARS_MAX};
use crate::{Fraction, Interaction, Item, ItemKind, Key};
use proptest::prelude::*;

fn options(texts: &[&str], right: &[usize]) -> Vec<DraftOption> {
    let fraction = |index| if right.contains(&index) { Fraction::FULL } else { Fraction::NONE };
    let option = |(index, text): (usize, &&str)| DraftOption {
        text: DraftText::plain(*text),
        fraction: fraction(index),
        feedback: None,
    };
    texts.iter().enumerate().map(option).collect()
}

fn choice(multiple: bool, texts: &[&str], right: &[usize]) -> DraftBody {
    DraftBody::Choice { multiple: Some(multiple), fixed_order: false, options: options(texts, right), weighted: false }
}

fn weighted(multiple: bool, percents: &[f64]) -> DraftBody {
    let names: Vec<String> = (0..percents.len()).map(|index| format!("第{index}")).collect();
    let mut options = options(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    for (option, percent) in options.iter_mut().zip(percents) {
        option.fraction = Fraction::from_percent(*percent);
    }
    DraftBody::Choice { multiple: Some(multiple), fixed_order: false, options, weighted: true }
}

fn numeric(numbers: &[(f64, f64, f64)]) -> DraftBody {
    let number = |&(value, tolerance, percent): &(f64, f64, f64)| DraftNumber {
        value,
        tolerance,
        fraction: Fraction::from_percent(percent),
        feedback: None,
    };
    DraftBody::Numeric { accepted: numbers.iter().map(number).collect() }
}

fn short_text(texts: &[&str]) -> DraftBody {
    let answer = |text: &&str| DraftAnswer { text: (*text).to_owned(), fraction: Fraction::FULL, feedback: None };
    DraftBody::ShortText { accepted: texts.iter().map(answer).collect(), case_sensitive: false, wildcards: false }
}

fn ordering(texts: &[&str]) -> DraftBody {
    DraftBody::Ordering { entries: texts.iter().map(|text| DraftText::plain(*text)).collect() }
}

fn matching(pairs: &[(&str, &str)], distractors: &[&str]) -> DraftBody {
    DraftBody::Matching {
        pairs: pairs.iter().map(|(left, right)| (DraftText::plain(*left), DraftText::plain(*right))).collect(),
        distractors: distractors.iter().map(|text| DraftText::plain(*text)).collect(),
    }
}

fn draft(body: DraftBody) -> ItemDraft {
    ItemDraft::new(DraftText::plain("题干"), body)
}

/// The item and the codes of its warnings, or the codes of its refusals.
fn outcome(draft: &ItemDraft) -> Result<(Item, Vec<FindingCode>), Vec<FindingCode>> {
    let codes = |findings: Vec<crate::formats::Finding>| findings.iter().map(|finding| finding.code).collect();
    match validate(draft) {
        Ok((item, warnings)) => Ok((item, codes(warnings))),
        Err(refusals) => Err(codes(refusals)),
    }
}

#[test]
fn what_cannot_be_marked_is_refused() {
    let many: Vec<String> = (0..=OPTIONS_MAX).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (body, code) in [
        (choice(false, &["甲"], &[0]), OptionsTooFew),
        (choice(false, &[], &[]), OptionsTooFew),
        (choice(false, &many, &[0]), OptionsTooMany),
        (choice(false, &["甲", "乙"], &[]), KeyMissing),
        (choice(false, &["甲", "", "丙"], &[0]), EntryBlank),
        (choice(false, &["甲", "乙", ""], &[2]), EntryBlank),
        (choice(false, &["甲", "乙", "甲"], &[0]), OptionAmbiguous),
        (choice(false, &["Ａ", "乙", "A "], &[2]), OptionAmbiguous),
        (weighted(false, &[50.0, 0.0]), FullMarksMissing),
        (numeric(&[]), KeyMissing),
        (numeric(&[(f64::NAN, 0.0, 100.0)]), NumberInvalid),
        (numeric(&[(f64::INFINITY, 0.0, 100.0)]), NumberInvalid),
        (numeric(&[(1.0, -0.1, 100.0)]), NumberInvalid),
        (numeric(&[(1.0, f64::NAN, 100.0)]), NumberInvalid),
        (numeric(&[(1.0, 0.0, 0.0)]), KeyMissing),
        (numeric(&[(1.0, 0.0, 100.0); 65]), AcceptedTooMany),
        (short_text(&[]), KeyMissing),
        (short_text(&[" ", "\u{0}"]), KeyMissing),
        (short_text(&["长".repeat(2001).as_str()]), TextTooLong),
        (ordering(&["一"]), EntriesTooFew),
        (ordering(&["一", "二", "一"]), EntryRepeated),
        (ordering(&["一", ""]), EntryBlank),
        (ordering(&many), EntriesTooMany),
        (matching(&[], &["右"]), PairsTooFew),
        (matching(&[("甲", "右")], &[]), PairsTooFew),
        (matching(&[("甲", "右"), ("乙", "右")], &["右"]), PairsTooFew),
        (matching(&[("甲", "右"), ("甲", "左")], &[]), EntryRepeated),
        (matching(&[("甲", "右"), ("乙", "")], &["左"]), EntryBlank),
    ] {
        assert_eq!(outcome(&draft(body)).unwrap_err()[0], code);
    }
}

#[test]
fn all_reasons_are_told_at_once() {
    let mut draft = draft(choice(false, &["甲", "甲", ""], &[2]));
    draft.stem = DraftText::html("<p>&nbsp;</p><script>x</script>");
    draft.topic = "一/二/三/四/五/六/七/八/九".into();
    draft.tags = (0..33).map(|number| number.to_string()).collect();
    draft.explanation = Some(DraftText::plain("长".repeat(RICH_TEXT_CHARS_MAX + 1)));
    assert_eq!(outcome(&draft).unwrap_err(), [StemMissing, TopicInvalid, LabelInvalid, TextTooLong, EntryBlank]);
}

#[test]
fn what_can_be_mended_is_mended_with_a_warning() {
    for (body, warnings, kind) in [
        (choice(false, &["甲", "乙"], &[0]), vec![], ItemKind::SingleChoice),
        (choice(false, &["甲", "乙", "", ""], &[0]), vec![], ItemKind::SingleChoice),
        (choice(false, &["甲", "乙", "丙"], &[0, 1]), vec![SeveralRight], ItemKind::MultipleChoice),
        (choice(true, &["甲", "乙"], &[0]), vec![OneRight], ItemKind::MultipleChoice),
        (choice(false, &["甲", "乙", "乙"], &[0]), vec![OptionRepeated], ItemKind::SingleChoice),
        (weighted(false, &[100.0, 100.0, 50.0]), vec![SeveralRight, PartDropped], ItemKind::MultipleChoice),
        (weighted(false, &[100.0, 50.0]), vec![], ItemKind::SingleChoice),
        (weighted(true, &[60.0, 40.0, -100.0]), vec![], ItemKind::MultipleChoice),
        (numeric(&[(1.0, 0.0, 50.0)]), vec![FullMarksMissing], ItemKind::Numeric),
        (short_text(&["齐桓公", "齐 桓公", "小白"]), vec![AnswerRepeated], ItemKind::ShortText),
    ] {
        let (item, found) = outcome(&draft(body)).unwrap();
        assert_eq!((found, item.kind()), (warnings, kind));
    }
    let mut odd = draft(choice(false, &["甲", "乙"], &[0]));
    odd.difficulty = Some("特难".into());
    odd.points = Some("-3".into());
    odd.code = Some("a\u{202e}b".into());
    odd.stem = DraftText::html("看图<img src=http://x.example/y.png><a href=x>此处</a>");
    let (item, found) = outcome(&odd).unwrap();
    assert_eq!(found, [MarkupRemoved, ImageRemoved, DifficultyUnknown, PointsIgnored, CodeReplaced]);
    assert_eq!((item.difficulty.level(), item.points, item.code.len()), (3, None, 14));
}

#[test]
fn keys_and_heads_are_canonical() {
    let mut first = draft(matching(&[("甲", "右"), ("乙", "左"), ("", "下"), ("丙", " 右 ")], &["上", "左"]));
    first.tags = vec![" b".into(), "a".into(), "b".into(), " ".into()];
    first.points = Some("2.5分".into());
    let (item, warnings) = outcome(&first).unwrap();
    assert_eq!((item.tags.clone(), warnings), (vec!["a".to_owned(), "b".to_owned()], vec![]));
    assert_eq!(item.points.map(crate::Points::hundredths), Some(250));
    let Interaction::Matching { right, .. } = &item.prompt.interaction else { panic!() };
    assert_eq!(right.iter().map(ToString::to_string).collect::<Vec<_>>(), ["右", "左", "上", "下"]);
    assert_eq!(item.solution.key, Key::Matching { targets: vec![0, 1, 0] });
    let (item, _) = outcome(&draft(weighted(true, &[60.0, -10.0, 40.0]))).unwrap();
    let Key::Choice { correct, weights: Some(weights) } = item.solution.key else { panic!() };
    assert_eq!((correct, weights[1]), (vec![0, 2], Fraction(-1_000_000)));
}

#[test]
fn codes_come_from_the_content_when_none_is_given() {
    let code = |texts: &[&str]| outcome(&draft(choice(false, texts, &[0]))).unwrap().0.code;
    let first = code(&["甲", "乙"]);
    assert!(first.starts_with("c-") && first.len() == 14, "{first}");
    assert_eq!(code(&[" 甲", "乙 "]), first);
    assert_ne!(code(&["甲", "丙"]), first);
}

#[test]
fn options_that_name_others_keep_their_order() {
    let fixed = |texts: &[&str]| {
        let item = outcome(&draft(choice(false, texts, &[0]))).unwrap().0;
        matches!(item.prompt.interaction, Interaction::Choice { fixed_order: true, .. })
    };
    assert!(fixed(&["甲", "乙", "A和B"]));
    assert!(!fixed(&["甲", "乙", "丙"]));
}

proptest! {
    #[test]
    fn valid_items_fit_a_snapshot(draft in samples::draft()) {
        if let Ok((item, _)) = validate(&draft) {
            prop_assert!(crate::Snapshot::new(vec![item]).is_ok());
        }
    }
}
