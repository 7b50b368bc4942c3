#![expect(clippy::unwrap_used, reason = "tests")]

use super::{read, write};
use crate::draft::{samples, validate};
use crate::formats::{FindingCode, Place};
use crate::limits::{IMPORT_ITEM_BYTES_MAX, OPTIONS_MAX};
use crate::{Item, ItemKind};
use proptest::prelude::*;

fn items(text: &str) -> Vec<Item> {
    read(text).entries.into_iter().map(|entry| validate(&entry.outcome.unwrap()).unwrap().0).collect()
}

fn bank(items: &str) -> String {
    format!("{{\"format\":\"keju-bank/1\",\"code\":\"b\",\"title\":\"题库\",\"items\":[{items}]}}")
}

fn refusals(text: &str) -> Vec<(Place, FindingCode, String)> {
    let entries = read(text).entries.into_iter();
    entries
        .filter_map(|entry| entry.outcome.err().map(|finding| (entry.place, finding.code, finding.subject)))
        .collect()
}

proptest! {
    #[test]
    fn every_item_comes_back_as_it_was(items_in in prop::collection::vec(samples::item(), 0..4)) {
        let written = write(&items_in.iter().collect::<Vec<_>>());
        prop_assert_eq!(items(&written), items_in);
    }
}

#[test]
fn samples_hold_every_kind() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut kinds: Vec<ItemKind> = (0..200)
        .map(|_| samples::item().new_tree(&mut runner).unwrap())
        .map(|tree| proptest::strategy::ValueTree::current(&tree).kind())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, ItemKind::ALL);
}

#[test]
fn the_documented_example_reads_whole() {
    let document = include_str!("../../../../docs/bank-json.md");
    let example = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let items = items(example);
    let mut kinds: Vec<ItemKind> = items.iter().map(Item::kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ItemKind::ALL);
    let schema: serde_json::Value =
        serde_json::from_str(document.split("```json\n").nth(2).unwrap().split("```").next().unwrap()).unwrap();
    assert_eq!(schema["properties"]["format"]["const"], super::FORMAT);
}

#[test]
fn one_bad_item_spoils_no_other() {
    let good = r#"{"kind":"true_false","stem":"对吗","correct":true}"#;
    let text = bank(&format!(
        r#"{good},{{"kind":"true_false","stem":"x","correct":true,"colour":1,"a/b":2}},3,{{"kind":"essay","stem":"x"}},
        {{"kind":"single_choice","stem":"x","options":[{{"text":"a","corect":true}}]}},
        {{"kind":"numeric","stem":"x","accepted":[{{"value":"9"}}]}},
        {{"kind":"multiple_choice","stem":"x","options":[{{"text":"a","fraction":101}}]}},
        {{"kind":"multiple_choice","stem":"x","options":[{{"text":"a","fraction":50,"correct":false}}]}},
        {{"kind":"true_false","stem":"x"}},{good}"#
    ));
    assert_eq!(read(&text).entries.iter().filter(|entry| entry.outcome.is_ok()).count(), 2);
    let at = |index: usize, code, subject: &str| (Place::Pointer(format!("/items/{index}")), code, subject.to_owned());
    assert_eq!(
        refusals(&text),
        [
            at(1, FindingCode::UnknownField, "/a~1b /colour"),
            at(2, FindingCode::FieldInvalid, "/"),
            at(3, FindingCode::KindUnsupported, "/kind"),
            at(4, FindingCode::UnknownField, "/options/0/corect"),
            at(5, FindingCode::FieldInvalid, "/accepted/0/value"),
            at(6, FindingCode::FractionInvalid, "101"),
            at(7, FindingCode::FractionInvalid, "50"),
            at(8, FindingCode::KeyMissing, ""),
        ]
    );
}

#[test]
fn other_files_are_refused_whole() {
    for (text, code) in [
        ("", FindingCode::Syntax),
        ("{", FindingCode::Syntax),
        ("[]", FindingCode::FieldInvalid),
        ("{\"format\":\"keju-bank/2\",\"items\":[]}", FindingCode::FieldInvalid),
        ("{\"format\":\"keju-bank/1\"}", FindingCode::FieldInvalid),
        ("{\"format\":\"keju-bank/1\",\"items\":{}}", FindingCode::FieldInvalid),
        ("{\"format\":\"keju-bank/1\",\"items\":[]} x", FindingCode::Syntax),
    ] {
        let found = refusals(text);
        assert_eq!((found.len(), found[0].0.clone(), found[0].1), (1, Place::File, code), "{text}");
    }
}

#[test]
fn hostile_json_is_refused() {
    let deep = bank(&"[".repeat(10_000_000));
    assert_eq!(refusals(&deep)[0].0, Place::File);
    let deep = bank(&format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000)));
    assert_eq!(refusals(&deep)[0].1, FindingCode::Syntax);
    let large = bank(&format!("{{\"stem\":\"{}\"}}", "x".repeat(IMPORT_ITEM_BYTES_MAX)));
    assert_eq!(refusals(&large)[0].1, FindingCode::FileTooLarge);
    let many = bank("0,".repeat(5_000_000).trim_end_matches(','));
    let found = refusals(&many);
    assert_eq!(found.last().unwrap().1, FindingCode::FileTooLarge);
    let option = r#"{"text":"a"}"#;
    let options = vec![option; OPTIONS_MAX + 1].join(",");
    let text = bank(&format!(r#"{{"kind":"single_choice","stem":"x","options":[{options}]}}"#));
    let draft = read(&text).entries.remove(0).outcome.unwrap();
    assert_eq!(validate(&draft).unwrap_err()[0].code, FindingCode::OptionsTooMany);
}
