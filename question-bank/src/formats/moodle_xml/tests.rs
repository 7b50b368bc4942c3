//! Reading and writing Moodle XML.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::{read, write};
use crate::draft::{DraftBody, DraftText};
use crate::formats::sample::{draft_of, items};
use crate::formats::{FindingCode, ParsedEntry, Place};
use crate::{ItemDraft, ItemKind};
use proptest::prelude::*;

fn quiz(inside: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<quiz>\n{inside}\n</quiz>")
}

fn only(inside: &str) -> ParsedEntry {
    let mut entries = read(&quiz(inside)).entries;
    assert_eq!(entries.len(), 1, "{inside}");
    entries.remove(0)
}

fn draft(inside: &str) -> ItemDraft {
    only(inside).outcome.unwrap_or_else(|finding| panic!("{inside}: {finding:?}"))
}

/// A multiple choice with the rest of the elements given.
fn choice(rest: &str) -> String {
    format!(
        "<question type=\"multichoice\"><questiontext format=\"html\"><text>x</text></questiontext>{rest}</question>"
    )
}

const A: &str = "<answer fraction=\"100\"><text>a</text></answer>";
const B: &str = "<answer fraction=\"0\"><text>b</text></answer>";

#[test]
fn choices_read_old_and_new() {
    let old = draft(&choice(&format!("<single>1</single><shuffleanswers>0</shuffleanswers>{A}{B}")));
    assert!(matches!(old.body, DraftBody::Choice { multiple: Some(false), fixed_order: true, weighted: false, .. }));
    let new = draft(&choice(&format!(
        "<single>false</single><shuffleanswers>true</shuffleanswers>{A}<answer fraction=\"-50\"><text>b</text></answer>"
    )));
    assert!(matches!(new.body, DraftBody::Choice { multiple: Some(true), fixed_order: false, weighted: true, .. }));
    assert_eq!(draft(&choice(&format!("{A}{B}"))).kind(), ItemKind::SingleChoice);
    let bad = only(&choice("<answer fraction=\"x\"><text>a</text></answer>"));
    assert_eq!(bad.outcome.unwrap_err().code, FindingCode::Syntax);
}

#[test]
fn heads_read() {
    let text = quiz(&format!(
        "<question type=\"category\"><category><text>$course$/top/A/B//C</text></category></question>\n{}\n{}\n{}",
        choice(&format!(
            "<idnumber>i1</idnumber><name><text>n</text></name><defaultgrade>2.5000000</defaultgrade>\
             <tags><tag><text>t</text></tag></tags><generalfeedback><text>why</text></generalfeedback>{A}{B}"
        )),
        choice(&format!("<name><text>twice</text></name>{A}{B}")),
        choice(&format!("<name><text>twice</text></name>{A}{B}")),
    ));
    let entries = read(&text).entries;
    assert_eq!(entries[0].place, Place::Line(4));
    let first = entries[0].outcome.as_ref().unwrap();
    assert_eq!((first.code.as_deref(), first.topic.as_str()), (Some("i1"), "A/B／C"));
    assert_eq!((first.points.as_deref(), first.tags.as_slice()), (Some("2.5"), &["t".to_owned()][..]));
    assert_eq!(first.explanation, Some(DraftText::plain("why")));
    assert_eq!(entries[1].warnings[0].code, FindingCode::TitleDropped);
}

#[test]
fn losses_are_said() {
    let warned = |rest: &str| {
        only(&choice(&format!("{rest}{A}{B}"))).warnings.into_iter().map(|w| w.subject).collect::<Vec<_>>()
    };
    assert_eq!(warned("<hint><text>look</text></hint>"), ["提示 hints"]);
    assert_eq!(warned("<hint><text></text></hint><penalty>0.3</penalty>"), [""; 0]);
    assert_eq!(warned("<correctfeedback><text>See page 3</text></correctfeedback>"), ["总体反馈 combined feedback"]);
    assert_eq!(
        warned("<correctfeedback><text>&lt;p&gt;Your answer is correct.&lt;/p&gt;</text></correctfeedback>"),
        [""; 0]
    );
    assert_eq!(warned("<defaultgrade>0.3333333</defaultgrade>").len(), 1);
}

#[test]
fn images_come_along_when_they_are_images() {
    let with = |file: &str, reference: &str| {
        only(&format!(
            "<question type=\"truefalse\"><questiontext format=\"html\"><text><![CDATA[<img src=\"@@PLUGINFILE@@/{reference}\">]]></text>{file}</questiontext>{A}</question>"
        ))
    };
    let png = "<file name=\"a b.png\" path=\"/\" encoding=\"base64\">iVBOR\nw0KGgo=</file>";
    let kept = with(png, "a%20b.png");
    assert_eq!(kept.outcome.unwrap().stem.text, "<img src=\"data:image/png;base64,iVBORw0KGgo=\">");
    assert!(kept.warnings.is_empty());
    let svg = "<file name=\"a.svg\" encoding=\"base64\">PHN2Zz48L3N2Zz4=</file>";
    for dropped in [with(svg, "a.svg"), with(png, "other.png"), with("<file name=\"a.png\">!</file>", "a.png")] {
        assert_eq!(dropped.warnings[0].code, FindingCode::ImageDropped);
    }
}

#[test]
fn one_broken_question_spoils_no_other() {
    let good = choice(&format!("{A}{B}"));
    for broken in [
        "<question type=\"multichoice\"><name></question>",
        "<question type=\"multichoice\"><name>&nbsp;&unknown;</name></question>",
        "<question type=\"multichoice\" type=\"x\"></question>",
        "<question type=\"multichoice\"><name>\u{1}</name></question>",
    ] {
        let entries = read(&quiz(&format!("{good}\n{broken}\n{good}"))).entries;
        let outcomes: Vec<bool> = entries.iter().map(|entry| entry.outcome.is_ok()).collect();
        assert_eq!(outcomes, [true, false, true], "{broken}");
        assert_eq!(entries[1].place, Place::Line(4), "{broken}");
        assert_eq!(entries[1].outcome.as_ref().unwrap_err().code, FindingCode::Syntax, "{broken}");
    }
    for cut in ["<question type=\"multichoice\"><name>", "<question type=\"multichoice\"><![CDATA[", "<question <"] {
        let entries = read(&format!("<quiz>{good}{cut}")).entries;
        assert_eq!((entries[0].outcome.is_ok(), entries[1].outcome.is_ok()), (true, false), "{cut}");
    }
}

#[test]
fn other_kinds_are_refused_by_name() {
    for kind in ["essay", "description", "cloze", "calculated", "ddmarker", "stack", "formulas", "gapselect", ""] {
        let refused = only(&format!("<question type=\"{kind}\"><name><text>x</text></name></question>"));
        let finding = refused.outcome.unwrap_err();
        assert_eq!((finding.code, finding.subject.as_str()), (FindingCode::KindUnsupported, kind));
    }
}

#[test]
fn hostile_files_are_refused_as_a_whole() {
    let laughs = "<!DOCTYPE quiz [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><quiz><question>&b;</question></quiz>";
    let deep = "<quiz>".repeat(100_000);
    let attributes = format!("<quiz {}/>", "a=\"\" ".repeat(1_000_000));
    let few_attributes = format!("<quiz {}/>", "a=\"\" ".repeat(17));
    for text in [laughs, &deep, &attributes, &few_attributes] {
        let entries = read(text).entries;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].outcome.as_ref().unwrap_err().code, FindingCode::XmlForbidden);
    }
    let wide = quiz(&format!("<question type=\"essay\">{}</question>", "<a/>".repeat(100_000)));
    assert_eq!(read(&wide).entries[0].outcome.as_ref().unwrap_err().code, FindingCode::Syntax);
    let broken = read(&"<question></a>".repeat(100_000)).entries;
    assert!(broken.iter().all(|entry| entry.outcome.is_err()));
    for text in ["", "no xml", "<MOODLE_BACKUP><INFO/></MOODLE_BACKUP>"] {
        assert_eq!(read(text).entries[0].outcome.as_ref().unwrap_err().code, FindingCode::Syntax, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(items in items()) {
        let (text, findings) = write(&items.iter().collect::<Vec<_>>());
        prop_assert_eq!(findings, vec![]);
        let entries = read(&text).entries;
        prop_assert_eq!(entries.len(), items.len(), "{}", text);
        for (entry, item) in entries.into_iter().zip(&items) {
            let mut expected = draft_of(item);
            expected.points = item.points.map(|points| points.to_string());
            prop_assert_eq!(entry.outcome.unwrap(), expected, "{}", text);
            prop_assert_eq!(entry.warnings, vec![]);
        }
    }

    #[test]
    fn nothing_makes_it_panic(text in "(<question|<answer|<text>|</text>|<quiz>|</question>|&|<!\\[CDATA\\[|]]>|<!--|[a= \"/<>題\u{0}]){0,40}") {
        prop_assert!(read(&text).entries.len() <= text.len() + 1);
    }
}
