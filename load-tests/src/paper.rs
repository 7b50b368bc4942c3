//! Papers, as learners receive them: does one meet its blueprint, does it hold anything it must not?

use crate::bank::{Bank, Shown};
use crate::scenario::ExamSpec;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Names that no field of a paper may have before release.
const FORBIDDEN: [&str; 8] = ["key", "correct", "fraction", "explanation", "feedback", "accepted", "code", "item"];

/// The sections of the blueprint: title, kind, count, and points in hundredths; 100 points in all.
#[must_use]
pub fn sections(exam: &ExamSpec) -> Vec<(&'static str, &'static str, u32, i64)> {
    let counts = [
        ("判断题", "true_false", exam.true_false),
        ("单选题", "single_choice", exam.single_choice),
        ("多选题", "multiple_choice", exam.multiple_choice),
        ("数值题", "numeric", exam.numeric),
        ("填空题", "short_text", exam.short_text),
    ];
    let points = 10_000 / i64::from(exam.slots().max(1));
    counts
        .into_iter()
        .filter(|(_, _, count)| *count > 0)
        .map(|(title, kind, count)| (title, kind, count, points))
        .collect()
}

/// The blueprint as it is posted.
#[must_use]
pub fn blueprint(exam: &ExamSpec) -> Value {
    let section = |(title, kind, count, points): (&str, &str, u32, i64)| {
        json!({"title": title, "kind": kind, "count": count, "points": points as f64 / 100.0,
               "quotas": [{"topic": "压测", "count": count}]})
    };
    let sections: Vec<Value> = sections(exam).into_iter().map(section).collect();
    json!({"sections": sections, "shuffle_options": true})
}

/// A paper that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// In the order shown.
    pub questions: Vec<Shown>,
    /// Of all that is shown, in its order: two learners' papers differ.
    pub digest: u64,
}

/// Reads the paper of an attempt and finds what is wrong with it.
#[must_use]
pub fn read(attempt: &Value, exam: &ExamSpec, bank: &Bank) -> (Paper, Vec<String>) {
    let mut faults = Vec::new();
    let paper = &attempt["paper"];
    forbidden(paper, &mut faults);
    let mut questions = Vec::new();
    let expected = sections(exam);
    let shown: Vec<&Value> = paper["sections"].as_array().into_iter().flatten().collect();
    if shown.len() != expected.len() {
        faults.push(format!("{} sections instead of {}", shown.len(), expected.len()));
    }
    for (section, (title, kind, count, points)) in shown.into_iter().zip(expected) {
        let slots = section["slots"].as_array().map(Vec::as_slice).unwrap_or_default();
        if section["title"] != title || slots.len() != count as usize {
            faults.push(format!(
                "section {} has {} questions; expected {title} with {count}",
                section["title"],
                slots.len()
            ));
        }
        for slot in slots {
            match Shown::read(slot) {
                Some(question) => {
                    if question.kind != kind || question.points != points || question.number >= bank.len() {
                        faults.push(format!("slot {} does not belong in {title}", question.slot));
                    }
                    questions.push(question);
                }
                None => faults.push(format!("a slot of {title} is none of the bank's")),
            }
        }
    }
    if !questions.iter().map(|question| question.slot).eq(1..=exam.slots()) {
        faults.push("slots are not numbered from one on".to_owned());
    }
    let numbers: HashSet<u32> = questions.iter().map(|question| question.number).collect();
    if numbers.len() != questions.len() {
        faults.push("an item stands twice in the paper".to_owned());
    }
    let mut hasher = DefaultHasher::new();
    for question in &questions {
        (question.number, &question.options).hash(&mut hasher);
    }
    (Paper { questions, digest: hasher.finish() }, faults)
}

fn forbidden(value: &Value, faults: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                if FORBIDDEN.contains(&name.as_str()) {
                    faults.push(format!("the paper has a field {name:?}"));
                }
                forbidden(inner, faults);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| forbidden(entry, faults)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exam() -> ExamSpec {
        ExamSpec {
            true_false: 2,
            single_choice: 1,
            multiple_choice: 0,
            numeric: 0,
            short_text: 0,
            ..ExamSpec::default()
        }
    }

    fn attempt() -> Value {
        let truth = json!([{"id": "o1", "text": "正确"}, {"id": "o2", "text": "错误"}]);
        let choice: Vec<Value> = ["子", "丑", "寅", "卯"]
            .iter()
            .enumerate()
            .map(|(i, s)| json!({"id": format!("o{i}"), "text": format!("〔6〕的说法{s}")}))
            .collect();
        let slot = |slot: u32, number: u32, kind: &str, options: &Value| json!({"slot": slot, "kind": kind, "points": 33.33, "stem": format!("〔{number}〕题"), "options": options});
        json!({"paper": {"sections": [
            {"title": "判断题", "slots": [slot(1, 0, "true_false", &truth), slot(2, 5, "true_false", &truth)]},
            {"title": "单选题", "slots": [slot(3, 6, "single_choice", &json!(choice))]},
        ]}})
    }

    #[test]
    fn a_paper_that_meets_its_blueprint_has_no_faults() {
        let (paper, faults) = read(&attempt(), &exam(), &Bank::new("c", 10));
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(paper.questions.len(), 3);
        let mut other = attempt();
        other["paper"]["sections"][0]["slots"][0]["stem"] = json!("〔10〕题");
        assert_ne!(read(&other, &exam(), &Bank::new("c", 10)).0.digest, paper.digest);
    }

    #[test]
    fn every_deviation_is_found() {
        let bank = Bank::new("c", 10);
        type Change = fn(&mut Value);
        let changes: [Change; 7] = [
            |paper| paper["sections"][0]["slots"][0]["key"] = json!("o1"),
            |paper| paper["sections"][1]["slots"][0]["options"][0]["correct"] = json!(true),
            |paper| paper["sections"][0]["slots"][1]["stem"] = json!("〔0〕题"),
            |paper| paper["sections"][0]["slots"][1]["slot"] = json!(9),
            |paper| paper["sections"][1]["title"] = json!("别的"),
            |paper| paper["sections"][1]["slots"][0]["kind"] = json!("true_false"),
            |paper| paper["sections"] = json!([]),
        ];
        for change in changes {
            let mut changed = attempt();
            change(&mut changed["paper"]);
            assert!(!read(&changed, &exam(), &bank).1.is_empty(), "{changed}");
        }
    }
}
