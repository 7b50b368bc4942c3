//! What the server promised to one learner, and what was found not to hold.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What can be wrong; the names are those of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// An acknowledged answer is not there, or not as it was acknowledged.
    AnswerLost,
    /// An attempt that was started is not there.
    AttemptLost,
    /// An acknowledged submission did not close the attempt.
    SubmissionLost,
    /// A paper does not meet its blueprint, or shows what it must not.
    PaperFaulty,
    /// A paper is another one when it is read again.
    PaperChanged,
    /// Two learners have the same paper.
    PapersEqual,
    /// The score is not that of the acknowledged answers.
    ScoreWrong,
    /// Hours without a pass, none with one, or twice.
    HoursWrong,
    /// A key was among the bytes a learner received.
    KeyReceived,
    /// An attack was not turned away.
    AttackSucceeded,
    /// A lesson credits more than was played, or less than was acknowledged.
    CreditWrong,
    /// A verdict that was told is not kept, or is another one.
    VerdictLost,
    /// A numbered message of a stream never came.
    MessageLost,
    /// It could not be checked.
    NotChecked,
}

impl Wrong {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub wrong: Wrong,
    /// Whose: the number in the plan.
    pub learner: usize,
    /// The attempt or lesson, where there is one.
    pub subject: String,
    /// In words.
    pub detail: String,
}

/// A response that was sent, and whether it is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// As it was sent; `null` clears.
    pub response: Value,
    /// By the solver.
    pub right: bool,
}

/// What is known of one slot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slot {
    /// The last acknowledged response, with its number.
    pub acknowledged: Option<(Said, u64)>,
    /// Sent later, outcome unknown: each may have been kept.
    pub unknown: Vec<Said>,
}

/// What is known of one learner's attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The number in the plan.
    pub learner: usize,
    /// The attempt's id, once started.
    pub attempt: Option<String>,
    /// Of its paper.
    pub digest: u64,
    /// By slot.
    pub slots: BTreeMap<u32, Slot>,
    /// The acknowledged result of the submission.
    pub result: Option<Value>,
    /// A submission was sent and not answered.
    pub submission_unknown: bool,
    /// Of a lesson.
    pub studied: Option<crate::lesson::Studied>,
    /// What was noticed on the way.
    pub findings: Vec<Finding>,
}

impl Record {
    /// Of the learner of this number.
    #[must_use]
    pub fn new(learner: usize) -> Self {
        Self { learner, ..Self::default() }
    }

    /// Something is wrong.
    pub fn find(&mut self, wrong: Wrong, detail: impl Into<String>) {
        let subject = self.attempt.clone().unwrap_or_default();
        self.findings.push(Finding { wrong, learner: self.learner, subject, detail: detail.into() });
    }

    /// Before a response is sent: from now on it may have been kept.
    pub fn sends(&mut self, slot: u32, said: Said) {
        self.slots.entry(slot).or_default().unknown.push(said);
    }

    /// The last response sent was acknowledged under this number.
    pub fn acknowledged(&mut self, slot: u32, seq: u64) {
        let slot = self.slots.entry(slot).or_default();
        if let Some(said) = slot.unknown.pop() {
            slot.unknown.clear();
            slot.acknowledged = Some((said, seq));
        }
    }

    /// The last response sent was refused for good: it was not kept.
    pub fn refused(&mut self, slot: u32) {
        self.slots.entry(slot).or_default().unknown.pop();
    }

    /// Answers that were acknowledged and stand.
    #[must_use]
    pub fn acknowledged_count(&self) -> usize {
        self.slots.values().filter(|slot| slot.acknowledged.is_some()).count()
    }

    /// How many right answers the server may have marked: at least and at most.
    #[must_use]
    pub fn right(&self) -> (u32, u32) {
        self.slots.values().fold((0, 0), |(least, most), slot| {
            let known = slot.acknowledged.as_ref().map(|(said, _)| said.right);
            let possible = || known.into_iter().chain(slot.unknown.iter().map(|said| said.right));
            let nothing = known.is_none();
            let surely = !nothing && possible().all(|right| right);
            let perhaps = possible().any(|right| right);
            (least + u32::from(surely), most + u32::from(perhaps))
        })
    }

    /// Compares the attempt as the server shows it with what it acknowledged.
    pub fn compare(&mut self, attempt: &Value, digest: u64) {
        if digest != self.digest {
            self.find(Wrong::PaperChanged, "the paper is not the one that was delivered at the start");
        }
        let mut wrong = Vec::new();
        for (number, slot) in &self.slots {
            let shown = &attempt["answers"][number.to_string()];
            let is = |said: &Said| same(&said.response, &shown["response"]);
            let Some((said, seq)) = &slot.acknowledged else { continue };
            if slot.unknown.iter().any(is) {
                continue;
            }
            if shown.is_null() {
                wrong.push(format!("slot {number}: acknowledged as number {seq}, and not there"));
            } else if !is(said) {
                wrong.push(format!("slot {number}: acknowledged {} but holds {}", said.response, shown["response"]));
            } else if slot.unknown.is_empty() && shown["seq"].as_u64() != Some(*seq) {
                wrong.push(format!("slot {number}: acknowledged as number {seq}, and is number {}", shown["seq"]));
            }
        }
        for detail in wrong {
            self.find(Wrong::AnswerLost, detail);
        }
    }
}

/// Whether two responses say the same: numbers as numbers, choices as sets.
#[must_use]
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            let sorted = |list: &[Value]| {
                let mut list: Vec<String> = list.iter().map(Value::to_string).collect();
                list.sort_unstable();
                list
            };
            sorted(one) == sorted(other)
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(choice: &str, right: bool) -> Said {
        Said { response: json!({"choices": [choice]}), right }
    }

    fn shown(choice: &str, seq: u64) -> Value {
        json!({"answers": {"1": {"response": {"choices": [choice]}, "seq": seq}}})
    }

    fn record() -> Record {
        let mut record = Record::new(0);
        record.sends(1, said("o1", true));
        record.acknowledged(1, 3);
        record
    }

    fn found(mut record: Record, attempt: &Value) -> Vec<Wrong> {
        let digest = record.digest;
        record.compare(attempt, digest);
        record.findings.into_iter().map(|finding| finding.wrong).collect()
    }

    #[test]
    fn what_was_acknowledged_has_to_be_there() {
        assert!(found(record(), &shown("o1", 3)).is_empty());
        for wrong in [shown("o2", 3), shown("o1", 4), json!({"answers": {}})] {
            assert_eq!(found(record(), &wrong), [Wrong::AnswerLost], "{wrong}");
        }
        let mut changed = record();
        changed.compare(&shown("o1", 3), 99);
        assert_eq!(changed.findings[0].wrong, Wrong::PaperChanged);
    }

    #[test]
    fn what_was_never_answered_may_be_there_or_not() {
        let mut record = record();
        record.sends(1, said("o2", false));
        record.sends(2, said("o1", true));
        assert_eq!(record.right(), (0, 2));
        assert!(found(record.clone(), &shown("o1", 3)).is_empty());
        assert!(found(record.clone(), &shown("o2", 4)).is_empty());
        assert_eq!(found(record.clone(), &shown("o3", 4)), [Wrong::AnswerLost]);
        // Acknowledged in the end: then it has to be there.
        record.acknowledged(1, 4);
        assert_eq!(found(record, &shown("o1", 3)), [Wrong::AnswerLost]);
    }

    #[test]
    fn what_was_refused_was_not_kept() {
        let mut record = record();
        record.sends(1, said("o2", false));
        record.refused(1);
        assert_eq!(found(record.clone(), &shown("o2", 4)), [Wrong::AnswerLost]);
        assert_eq!(record.right(), (1, 1));
    }

    #[test]
    fn the_same_is_said_in_another_spelling() {
        assert!(same(&json!({"number": 5}), &json!({"number": 5.0})));
        assert!(same(&json!({"choices": ["o2", "o1"]}), &json!({"choices": ["o1", "o2"]})));
        assert!(!same(&json!({"choices": ["o1"]}), &json!({"choices": ["o1", "o2"]})));
        assert!(!same(&json!(null), &json!({"choices": []})));
    }
}
