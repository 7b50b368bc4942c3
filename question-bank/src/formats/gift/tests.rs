//! Reading and writing GIFT.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::{read, write};
use crate::draft::{DraftBody, DraftText};
use crate::formats::sample::{draft_of, html, items};
use crate::formats::{FindingCode, Parsed, ParsedEntry, Place};
use crate::{Fraction, Item, ItemDraft, ItemKind};
use proptest::prelude::*;

fn only(text: &str) -> ParsedEntry {
    let mut entries = read(text).entries;
    assert_eq!(entries.len(), 1, "{text}");
    entries.remove(0)
}

fn draft(text: &str) -> ItemDraft {
    only(text).outcome.unwrap_or_else(|finding| panic!("{text}: {finding:?}"))
}

fn refusal(text: &str) -> FindingCode {
    only(text).outcome.unwrap_err().code
}

/// Text and fraction of every option.
fn options(draft: &ItemDraft) -> Vec<(&str, f64)> {
    match &draft.body {
        DraftBody::Choice { options, .. } => {
            options.iter().map(|option| (option.text.text.as_str(), option.fraction.percent())).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn choices_read_with_weights_and_feedback() {
    let single = draft("Grant is {~buried#no =entombed ~living} in Grant's tomb.");
    assert_eq!(single.stem, DraftText::plain("Grant is _____ in Grant's tomb."));
    assert_eq!(single.kind(), ItemKind::SingleChoice);
    assert_eq!(options(&single), [("buried", 0.0), ("entombed", 100.0), ("living", 0.0)]);
    let DraftBody::Choice { options: read, weighted, .. } = &single.body else { panic!() };
    assert_eq!(read[0].feedback, Some(DraftText::plain("no")));
    assert!(!weighted);

    let multiple = draft("Which?{~%50%a ~%50%b ~%-100%c}");
    assert!(matches!(multiple.body, DraftBody::Choice { multiple: Some(true), weighted: true, .. }));
    assert_eq!(options(&multiple), [("a", 50.0), ("b", 50.0), ("c", -100.0)]);
    let even = draft("Which?{~%50%a ~%50%b ~c}");
    assert!(matches!(even.body, DraftBody::Choice { multiple: Some(true), weighted: false, .. }));

    let several = only("Which?{=a =b ~c}");
    assert_eq!(several.warnings.first().map(|finding| finding.code), Some(FindingCode::SeveralRight));
    assert_eq!(several.outcome.unwrap().kind(), ItemKind::MultipleChoice);
}

#[test]
fn true_false_feedback_is_for_wrong_then_right() {
    for (text, correct, [for_true, for_false]) in [
        ("x{T}", true, [None, None]),
        ("x{FALSE#wrong#right}", false, [Some("wrong"), Some("right")]),
        ("x{TRUE#wrong#right####why}", true, [Some("right"), Some("wrong")]),
        ("x{true##right}", true, [Some("right"), None]),
    ] {
        let said = |text: Option<&str>| text.map(DraftText::plain);
        let body = DraftBody::TrueFalse { correct, feedback: [said(for_true), said(for_false)] };
        assert_eq!(draft(text).body, body, "{text}");
    }
    assert_eq!(draft("x{T####why}").explanation, Some(DraftText::plain("why")));
}

#[test]
fn numbers_read_with_tolerances_and_ranges() {
    for (text, expected) in [
        ("x{#1822}", vec![(1822.0, 0.0, 100.0)]),
        ("x{#2.7185:0.0005}", vec![(2.7185, 0.0005, 100.0)]),
        ("x{#2.718..2.719}", vec![(2.7185, 0.0005, 100.0)]),
        ("x{#-2.719..-2.718}", vec![(-2.7185, 0.0005, 100.0)]),
        ("x{#\n=1822:0 #all\n=%50%1822\\:2 #half\n}", vec![(1822.0, 0.0, 100.0), (1822.0, 2.0, 50.0)]),
    ] {
        let DraftBody::Numeric { accepted } = draft(text).body else { panic!("{text}") };
        let read: Vec<_> = accepted.iter().map(|n| (n.value, n.tolerance, n.fraction.percent())).collect();
        assert_eq!(read, expected, "{text}");
    }
    assert_eq!(refusal("x{#}"), FindingCode::KeyMissing);
    assert_eq!(refusal("x{#=two}"), FindingCode::Syntax);
    assert_eq!(refusal("x{#inf}"), FindingCode::Syntax);
}

#[test]
fn short_texts_matching_and_ordering_read() {
    let DraftBody::ShortText { accepted, wildcards, .. } = draft("x{=Nazareth#yes =%75%Naz*}").body else { panic!() };
    assert!(wildcards);
    assert_eq!(accepted[1].fraction, Fraction::from_percent(75.0));
    assert_eq!(accepted[0].feedback, Some(DraftText::plain("yes")));
    let DraftBody::ShortText { accepted, wildcards, .. } = draft(r"x{a \\* b}").body else { panic!() };
    assert_eq!((accepted[0].text.as_str(), wildcards), ("a * b", false));

    let matching = draft("[html]<b>x</b>{=[plain]a -> 1 =<i>b</i> -> 2 = -> 3}");
    let plain = DraftText::plain;
    assert_eq!(
        matching.body,
        DraftBody::Matching {
            pairs: vec![(plain("a"), plain("1")), (DraftText::html("<i>b</i>"), plain("2"))],
            distractors: vec![plain("3")],
        }
    );
    assert_eq!(refusal("x{=a -> b =c}"), FindingCode::Syntax);

    let ordering = draft("x{>3 ALL VERTICAL ABSOLUTE_POSITION SHOW none\none\ntwo\n\nthree\n}");
    assert_eq!(ordering.body, DraftBody::Ordering { entries: vec![plain("one"), plain("two"), plain("three")] });
}

#[test]
fn heads_comments_and_categories_read() {
    let text = "$CATEGORY: $course$/top/法规//政策/诚信\n\n// question: 1\n// [id:q\\]1] [tag:a] [tags:b, c]\n::T\\:1::x{T}\n\n::T2::y{F}\n\n::T2::z{F}";
    let entries = read(text).entries;
    let first = entries[0].outcome.as_ref().unwrap();
    assert_eq!(entries[0].place, Place::Line(5));
    assert_eq!(first.code.as_deref(), Some("q]1"));
    assert_eq!(first.tags, ["a", "b", "c"]);
    assert_eq!(first.topic, "法规／政策/诚信");
    assert_eq!(entries[1].outcome.as_ref().unwrap().code, None);
    assert_eq!(entries[1].warnings[0].code, FindingCode::TitleDropped);
    assert_eq!(draft("::T\\:1::x{T}").code.as_deref(), Some("T:1"));
}

#[test]
fn formats_and_line_breaks_read() {
    assert_eq!(draft("one\ntwo\\nthree{T}").stem, DraftText::plain("one two\nthree"));
    assert_eq!(draft("中文\n换行{T}").stem, DraftText::plain("中文换行"));
    assert_eq!(draft("[html]a\nb{T}").stem, DraftText::html("a\nb"));
    assert_eq!(draft("[plain]<b>a</b>{T}").stem, DraftText::plain("<b>a</b>"));
    assert_eq!(draft("[markdown]**a**{T}").stem, DraftText::html("<p><strong>a</strong></p>"));
    assert_eq!(draft("[moodle]a<br>b{T}").stem, DraftText::html("a<br>b"));
    assert_eq!(draft("the <head> tag{T}").stem, DraftText::plain("the <head> tag"));
    assert_eq!(draft(r"\(\frac\{1\}\{2\}\){T}").stem, DraftText::plain(r"\(\frac{1}{2}\)"));
    let table = only("[markdown]a|b\n---|---{T}");
    assert_eq!(table.warnings[0].code, FindingCode::MarkdownKept);
    let elsewhere = only("[html]<img src\\=\"@@PLUGINFILE@@/a.jpg\">{T}");
    assert_eq!(
        (elsewhere.warnings[0].code, elsewhere.warnings[0].subject.as_str()),
        (FindingCode::ImageDropped, "a.jpg")
    );
}

#[test]
fn what_cannot_be_read_is_refused_and_the_rest_goes_on() {
    for (text, code) in [
        ("an essay{}", FindingCode::KindUnsupported),
        ("a description", FindingCode::KindUnsupported),
        ("fruit {1:MULTICHOICE:=apple#yes}", FindingCode::KindUnsupported),
        ("fruit {apple =pear}", FindingCode::Syntax),
        ("open{=a", FindingCode::Syntax),
        ("close}", FindingCode::Syntax),
        (r"two {=1} and {=2}", FindingCode::Syntax),
        ("colours{=#ff0000 ~#00ff00}", FindingCode::Syntax),
    ] {
        let entries = read(&format!("{text}\n\ngood{{T}}")).entries;
        assert_eq!(entries.len(), 2, "{text}");
        assert_eq!(entries[0].outcome.as_ref().unwrap_err().code, code, "{text}");
        assert!(entries[1].outcome.is_ok(), "{text}");
        assert_eq!(entries[1].place, Place::Line(3));
    }
}

fn sole(item: &Item) -> (String, Vec<FindingCode>) {
    let (text, findings) = write(&[item]);
    (text, findings.into_iter().map(|(_, finding)| finding.code).collect())
}

#[test]
fn what_gift_cannot_hold_is_said() {
    let mut item: Item = serde_json::from_value(serde_json::json!({
        "code": "a", "topic": "", "difficulty": 5, "tags": [], "enemies": [], "points": null,
        "prompt": {"stem": "x", "interaction": {"type": "short_text"}},
        "solution": {"key": {"type": "short_text", "accepted": [{"text": "b", "fraction": 10_000_000}],
            "case_sensitive": true, "wildcards": false}, "explanation": null, "feedback": []}
    }))
    .unwrap();
    assert_eq!(sole(&item).1, [FindingCode::PartDropped]);
    assert_eq!(read(&sole(&item).0).entries.len(), 1);
    item.code = "a\nb".to_owned();
    assert_eq!(sole(&item), (String::new(), vec![FindingCode::NotHeld]));
    item.code = "a".to_owned();
    item.prompt.stem = html("y");
    item.solution.key = serde_json::from_value(serde_json::json!({"type": "short_text",
        "accepted": [{"text": "b->c", "fraction": 1}], "case_sensitive": false, "wildcards": false}))
    .unwrap();
    assert_eq!(sole(&item).1, [FindingCode::NotHeld]);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(mut items in items()) {
        for item in &mut items {
            item.points = None;
            if let crate::Interaction::Choice { fixed_order, .. } = &mut item.prompt.interaction {
                *fixed_order = false;
            }
        }
        let (text, findings) = write(&items.iter().collect::<Vec<_>>());
        prop_assert_eq!(findings, vec![]);
        let Parsed { entries } = read(&text);
        prop_assert_eq!(entries.len(), items.len(), "{}", text);
        for (entry, item) in entries.into_iter().zip(&items) {
            prop_assert_eq!(entry.outcome.unwrap(), draft_of(item), "{}", text);
            prop_assert_eq!(entry.warnings, vec![]);
        }
    }

    #[test]
    fn nothing_makes_it_panic(text in "[a=~#{}:/\\\\\n%>*$ \\[\\]\u{0}题]{0,60}") {
        prop_assert!(read(&text).entries.len() <= text.len() + 1);
    }
}
