//! Reading and writing Aiken.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::{read, write};
use crate::draft::{DraftBody, DraftText};
use crate::formats::sample::{draft_of, item};
use crate::formats::{FindingCode, Place};
use crate::{Interaction, Item, ItemDraft, ItemKind, Key};
use proptest::prelude::*;

/// Line, and the code of the refusal if there is one.
fn outcomes(text: &str) -> Vec<(u32, Option<FindingCode>)> {
    let line = |place: &Place| match place {
        Place::Line(line) => *line,
        other => panic!("{other:?}"),
    };
    read(text).entries.iter().map(|entry| (line(&entry.place), entry.outcome.as_ref().err().map(|f| f.code))).collect()
}

fn drafts(text: &str) -> Vec<ItemDraft> {
    read(text).entries.into_iter().map(|entry| entry.outcome.unwrap()).collect()
}

/// The letters of the right options.
fn right(draft: &ItemDraft) -> String {
    let DraftBody::Choice { options, .. } = &draft.body else { panic!("{draft:?}") };
    options.iter().zip('A'..).filter(|(option, _)| option.fraction.0 > 0).map(|(_, letter)| letter).collect()
}

#[test]
fn aiken_reads_with_mistakes_by_line() {
    let text = "One option\nA) x\nANSWER: A\n\nGood\ngoes on\nA) x\nB. y\n  goes on\nANSWER: B\nNo answer\nA) x\nB) y\n\nA stray answer\nA) x\nB) y\nANSWER: C\n\nA) no stem\nB) y\nANSWER: A\nNo options\nANSWER: A\n\nends here";
    use FindingCode::{KeyMissing, KeyOutOfRange, OptionsTooFew, StemMissing};
    assert_eq!(
        outcomes(text),
        [
            (1, Some(OptionsTooFew)),
            (5, None),
            (11, Some(KeyMissing)),
            (15, Some(KeyOutOfRange)),
            (20, Some(StemMissing)),
            (23, Some(OptionsTooFew)),
            (26, Some(KeyMissing)),
        ]
    );
    let good = read(text).entries.remove(1).outcome.unwrap();
    assert_eq!(good.stem, DraftText::plain("Good\ngoes on"));
    assert_eq!(right(&good), "B");
    let DraftBody::Choice { options, .. } = good.body else { panic!() };
    assert_eq!(options[1].text, DraftText::plain("y\ngoes on"));
}

const BANK: &str = "工程伦理题库

第01讲 工程伦理概论
1. 哪一项正确( )
   A. 甲
   B. 乙
参考答案：B
----------------------------------------

2. 哪些正确
续行
   A、甲  B、乙  C、丙
参考答案：A, C
解析：因为
1. 其一
难度：难

3. 地球是圆的。( )
   true. 正确
   false. 错误
参考答案：✔

第02讲 方法
一、判断题
1. 天是绿的
答案：错
2. 水是湿的
A. 对
B. 错
答案：Ａ
二、填空题
3. 一加一等于____
答案：二
三、简答题
4. 为什么
答案：略
";

#[test]
fn the_numbered_dialect_reads() {
    use FindingCode::{KindUnsupported, PartDropped};
    let entries = read(BANK).entries;
    assert_eq!(entries[0].warnings[0].code, PartDropped);
    assert_eq!(entries[6].outcome.as_ref().unwrap_err().code, KindUnsupported);
    let drafts: Vec<ItemDraft> = entries.into_iter().filter_map(|entry| entry.outcome.ok()).collect();
    let kinds: Vec<ItemKind> = drafts.iter().map(ItemDraft::kind).collect();
    use ItemKind::{MultipleChoice, ShortText, SingleChoice, TrueFalse};
    assert_eq!(kinds, [SingleChoice, MultipleChoice, TrueFalse, TrueFalse, TrueFalse, ShortText]);
    assert_eq!((right(&drafts[0]), right(&drafts[1])), ("B".to_owned(), "AC".to_owned()));
    assert_eq!(drafts[0].topic, "第01讲 工程伦理概论");
    assert_eq!(drafts[1].stem, DraftText::plain("哪些正确\n续行"));
    assert_eq!(drafts[1].explanation, Some(DraftText::plain("因为\n1. 其一")));
    assert_eq!(drafts[1].difficulty.as_deref(), Some("难"));
    assert_eq!(drafts[3].topic, "第02讲 方法");
    let truths: Vec<bool> = drafts
        .iter()
        .filter_map(|draft| if let DraftBody::TrueFalse { correct, .. } = draft.body { Some(correct) } else { None })
        .collect();
    assert_eq!(truths, [true, false, true]);
}

#[test]
fn the_numbered_dialect_refuses_by_line() {
    use FindingCode::{KeyMissing, KeyOutOfRange, Syntax};
    let text = "1. 无答案\nA. 甲\nB. 乙\n2. 越界\nA. 甲\nB. 乙\n答案：AD\n3. 空\nA. 甲\nB. 乙\n答案：\n4. 重复\nA. 甲\nA. 乙\n答案：A\n---------\n尾注";
    assert_eq!(
        outcomes(text),
        [
            (1, Some(KeyMissing)),
            (4, Some(KeyOutOfRange)),
            (8, Some(KeyMissing)),
            (12, Some(Syntax)),
            (17, Some(Syntax))
        ]
    );
}

#[test]
fn several_letters_make_a_multiple_choice_in_either_dialect() {
    for (answer, expected) in [("ABD", "ABD"), ("A,B,D", "ABD"), ("a、d", "AD"), ("Ａ和Ｃ", "AC"), ("B", "B")] {
        for label in ["答案：", "ANSWER: "] {
            let text = format!("题干\nA. 1\nB. 2\nC. 3\nD. 4\n{label}{answer}\n");
            assert_eq!(right(&drafts(&text)[0]), expected, "{text}");
        }
    }
}

/// What of an item Aiken holds.
fn held(mut item: Item) -> Item {
    item.solution.feedback.clear();
    if let Key::Choice { weights, .. } = &mut item.solution.key {
        *weights = None;
    }
    item
}

proptest! {
    #[test]
    fn what_is_written_reads_back(item in item()) {
        let item = held(item);
        let (text, findings) = write(&[&item]);
        prop_assert_eq!(findings.len(), 1);
        if findings[0].1.code == FindingCode::NotHeld {
            prop_assert_eq!(text, "");
            return Ok(());
        }
        prop_assert_eq!(item.kind(), ItemKind::SingleChoice);
        let read = drafts(&text);
        prop_assert_eq!(read.len(), 1, "{}", text);
        prop_assert_eq!(&right(&read[0]), &right(&draft_of(&item)));
        let Interaction::Choice { options, .. } = &item.prompt.interaction else { panic!() };
        let DraftBody::Choice { options: read_options, .. } = &read[0].body else { panic!() };
        let html = |draft: &DraftText| crate::RichText::from_plain(&draft.text);
        if !findings[0].1.subject.contains("格式") {
            prop_assert_eq!(&html(&read[0].stem), &item.prompt.stem, "{}", text);
            let read: Vec<_> = read_options.iter().map(|option| html(&option.text)).collect();
            prop_assert_eq!(&read, options, "{}", text);
        }
    }

    #[test]
    fn nothing_makes_it_panic(text in "([A-C][.)]|ANSWER:|答案：|1\\.|第一章|---+|解析：|[a 题\n\u{0}]){0,40}") {
        prop_assert!(read(&text).entries.len() <= text.len() + 1);
    }
}
