//! JSON as other people's banks come: lists of objects with fields such as 题目, 选项, 答案, perhaps
//! inside chapters and sections, whose names become topics.

use super::json_walk::{elements, fields};
use super::record::{Column, Record};
use super::{Finding, FindingCode, Parsed, ParsedEntry, Place};
use crate::limits::{IMPORT_ITEM_BYTES_MAX, IMPORT_ITEMS_MAX, IMPORT_JSON_DEPTH_MAX};
use serde_json::Value;
use serde_json::value::RawValue;

/// Whether JSON is not our own, which names its format on top.
pub(super) fn is_foreign(text: &str) -> bool {
    const FIELDS_MAX: usize = 100;
    if text.trim_start().starts_with('[') {
        return true;
    }
    match fields(text, FIELDS_MAX) {
        Ok(Some(fields)) => !fields.iter().any(|(name, raw)| name == "format" && raw.contains("keju-bank")),
        // Several values on lines of their own are never ours; broken JSON is for our own reader to tell.
        _ => serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().take(2).flatten().count() > 1,
    }
}

/// Reads every object that has a stem and an answer or options, wherever it stands; values one
/// after the other (JSON Lines) are read like a list.
pub(super) fn read(text: &str) -> Parsed {
    let mut walker = Walker { entries: Vec::new(), is_full: false };
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().peekable();
    let mut index = 0_u32;
    while let Some(value) = values.next() {
        let pointer = if index == 0 && values.peek().is_none() { String::new() } else { format!("/{index}") };
        match value {
            Ok(raw) => walker.walk(raw.get(), &pointer, "", 0),
            Err(error) => {
                let finding = Finding::new(FindingCode::Syntax, error.to_string());
                walker.entries.push(ParsedEntry::refused(Place::File, finding));
                break;
            }
        }
        index = index.saturating_add(1);
    }
    Parsed { entries: walker.entries }
}

struct Walker {
    entries: Vec<ParsedEntry>,
    is_full: bool,
}

impl Walker {
    /// `raw` is well formed: it was found by a parser.
    fn walk(&mut self, raw: &str, pointer: &str, topic: &str, depth: usize) {
        const FIELDS_MAX: usize = 100_000;
        if depth > IMPORT_JSON_DEPTH_MAX || self.is_full {
            return;
        }
        let _ = elements(raw, |index, element| {
            self.walk(element, &format!("{pointer}/{index}"), topic, depth + 1);
            !self.is_full
        });
        let Ok(Some(fields)) = fields(raw, FIELDS_MAX) else { return };
        if is_item(&fields) {
            return self.item(raw, pointer, topic);
        }
        let topic = joined(topic, own_name(&fields));
        for (name, inside) in &fields {
            let name = name.replace('~', "~0").replace('/', "~1");
            self.walk(inside, &format!("{pointer}/{name}"), &topic, depth + 1);
        }
    }

    fn item(&mut self, raw: &str, pointer: &str, topic: &str) {
        let place = Place::Pointer(pointer.to_owned());
        let too_large = |what: String| Finding::new(FindingCode::FileTooLarge, what);
        if self.entries.len() >= IMPORT_ITEMS_MAX {
            self.is_full = true;
            let finding = too_large(format!("{IMPORT_ITEMS_MAX} 题 items"));
            return self.entries.push(ParsedEntry::refused(place, finding));
        }
        if raw.len() > IMPORT_ITEM_BYTES_MAX {
            let finding = too_large(format!("每题 {IMPORT_ITEM_BYTES_MAX} 字节 bytes per item"));
            return self.entries.push(ParsedEntry::refused(place, finding));
        }
        match serde_json::from_str(raw) {
            Ok(Value::Object(object)) => {
                let read = record(&object, topic).read();
                self.entries.push(ParsedEntry { place, outcome: read.outcome, warnings: read.warnings });
            }
            Ok(_) => {}
            Err(error) => {
                let finding = Finding::new(FindingCode::Syntax, error.to_string());
                self.entries.push(ParsedEntry::refused(place, finding));
            }
        }
    }
}

/// A stem that is text, beside an answer or options.
fn is_item(fields: &[(String, &str)]) -> bool {
    let is = |wanted: fn(Column) -> bool| fields.iter().any(|(name, _)| Column::parse(name).is_some_and(wanted));
    let has_stem = fields.iter().any(|(name, raw)| Column::parse(name) == Some(Column::Stem) && raw.starts_with('"'));
    has_stem
        && is(|column| matches!(column, Column::Answer | Column::AnswerLetters | Column::Options | Column::Option(_)))
}

/// The name of a chapter or section.
fn own_name<'a>(fields: &[(String, &'a str)]) -> &'a str {
    const NAMES: [&str; 10] = ["chapter", "section", "章节", "章", "节", "title", "name", "名称", "标题", "topic"];
    let named = |name: &&str| fields.iter().find(|(field, raw)| field == name && raw.starts_with('"'));
    NAMES.iter().find_map(named).map_or("", |(_, raw)| raw)
}

/// `raw` is a JSON string, or nothing. A slash in a name would make two of it.
fn joined(topic: &str, raw: &str) -> String {
    let name = serde_json::from_str::<String>(raw).unwrap_or_default().trim().replace('/', "／");
    match (topic.is_empty(), name.is_empty()) {
        (_, true) => topic.to_owned(),
        (true, false) => name,
        (false, false) => format!("{topic}/{name}"),
    }
}

/// The fields of an object by their names; of two with the same meaning the first counts, but one
/// that names letters counts more.
fn record(object: &serde_json::Map<String, Value>, topic: &str) -> Record {
    let mut record = Record { topic: topic.to_owned(), ..Record::default() };
    let mut letters = String::new();
    for (name, value) in object {
        let Some(column) = Column::parse(name) else { continue };
        let slot = match column {
            Column::Option(index) => {
                let index = usize::from(index);
                if record.options.len() <= index {
                    record.options.resize(index + 1, String::new());
                }
                match record.options.get_mut(index) {
                    Some(slot) => slot,
                    None => continue,
                }
            }
            Column::Options => {
                options(value, &mut record);
                continue;
            }
            Column::AnswerLetters => &mut letters,
            Column::Code => &mut record.code,
            Column::Kind => &mut record.kind,
            Column::Stem => &mut record.stem,
            Column::Answer => &mut record.answer,
            Column::Explanation => &mut record.explanation,
            Column::Topic if topic.is_empty() => &mut record.topic,
            Column::Difficulty => &mut record.difficulty,
            Column::Points => &mut record.points,
            Column::Tags => &mut record.tags,
            Column::Enemies => &mut record.enemies,
            Column::Settings => &mut record.settings,
            Column::Topic | Column::Group | Column::IsRight | Column::OptionText | Column::OptionFeedback => continue,
        };
        if slot.is_empty() {
            *slot = text(value);
        }
    }
    if !letters.trim().is_empty() {
        record.answer = letters;
    }
    record
}

/// A list of texts, a list of objects with a letter and a text, an object by letter, or one text.
fn options(value: &Value, record: &mut Record) {
    match value {
        Value::Array(list) => {
            let mut found: Vec<(String, String)> = list.iter().map(option).collect();
            if found.iter().all(|(letter, _)| !letter.is_empty()) {
                found.sort();
            }
            record.options = found.into_iter().map(|(_, text)| text).collect();
        }
        Value::Object(by_letter) => record.options = by_letter.values().map(text).collect(),
        other => record.options_cell = text(other),
    }
}

/// Its letter, if it has one, and its text.
fn option(value: &Value) -> (String, String) {
    let Value::Object(fields) = value else { return (String::new(), text(value)) };
    let first = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)).map(text).unwrap_or_default();
    (
        first(&["label", "key", "letter", "option", "id", "标号", "序号", "选项"]),
        first(&["text", "content", "value", "内容", "选项内容", "title"]),
    )
}

/// A value as a cell would show it; lists with bars between.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join("|"),
        Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::draft::validate;
    use crate::{Item, ItemKind, Key};

    fn items(text: &str) -> Vec<(String, Item)> {
        let read = |entry: ParsedEntry| (entry.place.to_string(), validate(&entry.outcome.unwrap()).unwrap().0);
        read_entries(text).into_iter().map(read).collect()
    }

    fn read_entries(text: &str) -> Vec<ParsedEntry> {
        assert!(is_foreign(text));
        read(text).entries
    }

    #[test]
    fn options_come_in_many_shapes() {
        for options in [
            r#""选项": ["甲", "乙", "丙"]"#,
            r#""选项": ["A. 甲", "B. 乙", "C. 丙"]"#,
            r#""选项": "A. 甲 B. 乙 C. 丙""#,
            r#""options": [{"label": "A", "text": "甲"}, {"label": "C", "text": "丙"}, {"label": "B", "text": "乙"}]"#,
            r#""options": {"A": "甲", "B": "乙", "C": "丙"}"#,
            r#""A": "甲", "B": "乙", "C": "丙""#,
            r#""option_c": "丙", "option_a": "甲", "option_b": "乙""#,
        ] {
            let found = items(&format!("[{{\"题目\": \"谁\", {options}, \"答案\": \"B\"}}]"));
            assert_eq!(found.len(), 1, "{options}");
            assert_eq!(found[0].0, "/0");
            let crate::Interaction::Choice { options, .. } = &found[0].1.prompt.interaction else { panic!() };
            assert_eq!(options.iter().map(ToString::to_string).collect::<Vec<_>>(), ["甲", "乙", "丙"]);
            assert_eq!(found[0].1.solution.key, Key::Choice { correct: vec![1], weights: None });
        }
    }

    #[test]
    fn chapters_become_topics_and_answers_may_be_lists() {
        let text = r#"[{"chapter": "第一章", "sections": [{"type": "测验", "title": "甲/乙", "questions": [
            {"type": "多选题", "content": "选", "options": ["一", "二", "三"], "answer": ["A", "C"]},
            {"type": "判断题", "content": "** 对吗", "options": [], "answer": true},
            {"type": "填空题", "content": "（）", "answer": "夏"}]}]}]"#;
        let found = items(text);
        assert_eq!(found[1].0, "/0/sections/0/questions/1");
        assert_eq!(found[1].1.prompt.stem.as_html(), "对吗");
        assert!(found.iter().all(|(_, item)| item.topic.as_str() == "第一章/甲／乙"));
        let kinds: Vec<ItemKind> = found.iter().map(|(_, item)| item.kind()).collect();
        assert_eq!(kinds, [ItemKind::MultipleChoice, ItemKind::TrueFalse, ItemKind::ShortText]);
    }

    #[test]
    fn lines_of_json_are_a_list() {
        let line = r#"{"question": "1+1?", "A": "1", "B": "2", "answer": "B"}"#;
        let found = items(&format!("{line}\n{}\n", line.replace("1+1", "0+2")));
        assert_eq!((found[0].0.as_str(), found[1].0.as_str()), ("/0", "/1"));
        let broken = read(&format!("{line}\n{{"));
        assert_eq!(broken.entries.len(), 2);
    }

    #[test]
    fn hostile_json_is_walked_to_its_end() {
        for text in [
            format!("{}{}", "[".repeat(5_000_000), "]".repeat(5_000_000)),
            format!("[{}0]", "0,".repeat(5_000_000)),
            format!("{}1{}", "{\"a\":".repeat(1_000_000), "}".repeat(1_000_000)),
            format!("[{{\"题目\":\"x\",\"答案\":{}1{}}}]", "[".repeat(1000), "]".repeat(1000)),
            format!("[{{\"题目\":\"{}\",\"答案\":1}}]", "x".repeat(IMPORT_ITEM_BYTES_MAX)),
        ] {
            assert!(read_entries(&text).iter().all(|entry| entry.outcome.is_err()), "{text:.20}");
        }
    }
}
