//! After the load: everything that was acknowledged is read back, by the learner's own session.

use crate::api::Caller;
use crate::learner::result_faults;
use crate::limits::READ_BACK_AT_ONCE;
use crate::paper;
use crate::progress::Bar;
use crate::promises::{Finding, Record, Wrong};
use crate::run::Context;
use crate::setup::{HOURS, YEAR};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How much was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Attempts that were read back.
    pub attempts: u64,
    /// Acknowledged answers among them.
    pub answers: u64,
    /// Results and scores.
    pub results: u64,
    /// Learners' hours.
    pub hours: u64,
    /// Lessons.
    pub lessons: u64,
    /// Verdicts of their challenges.
    #[serde(default)]
    pub verdicts: u64,
}

impl Checked {
    /// Adds another process's part.
    pub fn add(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.answers += other.answers;
        self.results += other.results;
        self.hours += other.hours;
        self.lessons += other.lessons;
        self.verdicts += other.verdicts;
    }
}

/// Reads everything back; what was found on the way is among the findings.
pub async fn read_back(context: &Arc<Context>, records: Vec<Record>) -> (Checked, Vec<Finding>) {
    let bar = Bar::new("reading back / 核对", records.len() as u64);
    let (mut checked, mut findings) = (Checked::default(), Vec::new());
    let mut waiting = records.into_iter();
    let (mut working, mut owners) = (JoinSet::new(), HashMap::new());
    loop {
        while working.len() < READ_BACK_AT_ONCE {
            let Some(record) = waiting.next() else { break };
            let (context, learner) = (Arc::clone(context), record.learner);
            let task = working.spawn(async move { one(&context, record).await });
            owners.insert(task.id(), learner);
        }
        match working.join_next_with_id().await {
            Some(Ok((id, (part, mut found)))) => {
                owners.remove(&id);
                checked.add(&part);
                findings.append(&mut found);
            }
            // A fault of this program; what was not looked at is not called whole.
            Some(Err(error)) => {
                let learner = owners.remove(&error.id()).unwrap_or_default();
                let (wrong, detail) = (Wrong::NotChecked, error.to_string());
                findings.push(Finding { wrong, learner, subject: String::new(), detail });
            }
            None => break,
        }
        bar.one();
    }
    (checked, findings)
}

/// Papers that more than one learner has; `papers` is learners with the digests of theirs.
#[must_use]
pub fn equal_papers(papers: &[(usize, u64)]) -> Vec<Finding> {
    let mut owners: HashMap<u64, usize> = HashMap::new();
    let mut findings = Vec::new();
    for (learner, digest) in papers {
        if let Some(first) = owners.insert(*digest, *learner) {
            let detail = format!("the same paper as learner {first}");
            findings.push(Finding { wrong: Wrong::PapersEqual, learner: *learner, subject: String::new(), detail });
        }
    }
    findings
}

async fn one(context: &Context, mut record: Record) -> (Checked, Vec<Finding>) {
    let mut checked = Checked::default();
    let person = &context.ground.people[record.learner];
    let mut caller = Caller::with_token(&context.target, record.learner, "keju-load-tests", &person.token);
    if let Some(attempt) = record.attempt.clone() {
        let read = if context.scenario.lesson.is_some() {
            crate::lesson::read_back(context, &mut record, &mut caller, &mut checked).await
        } else {
            attempt_back(context, &mut record, &attempt, &mut caller, &mut checked).await
        };
        if let Err(error) = read {
            record.find(Wrong::NotChecked, format!("{error:#}"));
        }
    }
    (checked, record.findings)
}

async fn attempt_back(
    context: &Context,
    record: &mut Record,
    attempt: &str,
    caller: &mut Caller,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let shown = caller.get(&format!("/attempts/{attempt}")).await?;
    let (paper, _) = paper::read(&shown, &context.scenario.exam, &context.bank);
    record.compare(&shown, paper.digest);
    checked.attempts += 1;
    checked.answers += record.acknowledged_count() as u64;
    let state = shown["state"].as_str().unwrap_or_default();
    if record.result.is_some() && state != "submitted" {
        record.find(Wrong::SubmissionLost, format!("the submission was acknowledged and the attempt is {state:?}"));
    }
    let mut passed = false;
    if matches!(state, "submitted" | "expired") {
        let result = caller.get(&format!("/attempts/{attempt}/result")).await?;
        let points = 10_000 / i64::from(context.scenario.exam.slots().max(1));
        for (wrong, detail) in result_faults(record, &result, context.ground.pass_score, points) {
            record.find(wrong, detail);
        }
        passed = result["passed"] == true;
        checked.results += 1;
    }
    hours_back(context, record, caller, passed, checked).await
}

/// Once, and only with a pass.
async fn hours_back(
    context: &Context,
    record: &mut Record,
    caller: &mut Caller,
    earned: bool,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let year = caller.get(&format!("/me/hours?year={YEAR}")).await?;
    let entries = year["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours: Vec<&Value> = entries.iter().filter(|entry| entry["course"] == context.ground.course.as_str()).collect();
    let hours: f64 = ours.iter().filter_map(|entry| entry["hours"].as_f64()).sum();
    let expected = if earned { HOURS } else { 0.0 };
    if ours.len() != usize::from(earned) || (hours - expected).abs() > 1e-9 {
        record.find(
            Wrong::HoursWrong,
            format!("{} entries of {hours} hours in all, where {expected} are earned", ours.len()),
        );
    }
    checked.hours += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_papers_are_found() {
        assert!(equal_papers(&[(0, 5), (1, 6)]).is_empty());
        let found = equal_papers(&[(0, 5), (1, 6), (2, 5)]);
        assert_eq!((found.len(), found[0].learner, found[0].wrong), (1, 2, Wrong::PapersEqual));
    }
}
