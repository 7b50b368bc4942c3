//! The same run with and without the integrity layer: P11.

use super::evidence::{Contents, Observed};
use super::{Promise, Violation};
use exam_core::AttemptId;
use exam_core::attempt::StepBody;
use std::collections::BTreeMap;

/// P11: the same answers are taken and refused, and the same grades given, whether or not the integrity
/// layer watches.
#[must_use]
pub fn same_answers(watched: (&[Observed], &Contents), unwatched: (&[Observed], &Contents)) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut differ = |what: &str, one: Option<String>, two: Option<String>| {
        if one != two {
            let detail = format!("{what}: watched {one:?}, unwatched {two:?}");
            found.push(Violation { promise: Promise::P11, detail });
        }
    };
    let (with, without) = (outcomes(watched.0), outcomes(unwatched.0));
    let split = with.iter().zip(&without).position(|(one, two)| one != two).unwrap_or(with.len().min(without.len()));
    differ("an answer", with.get(split).cloned(), without.get(split).cloned());
    let (with, without) = (grades(watched.1), grades(unwatched.1));
    for attempt in with.keys().chain(without.keys()) {
        differ("a grade", with.get(attempt).cloned(), without.get(attempt).cloned());
    }
    found
}

/// What became of each answer, in the order it was told.
fn outcomes(observed: &[Observed]) -> Vec<String> {
    let outcome = |observed: &Observed| match observed {
        Observed::Answered { call, attempt, slot, .. } => {
            Some(format!("{attempt} {:?} slot {slot} taken", call.command))
        }
        Observed::Refused { call, attempt, answer: Some(_), why } => {
            Some(format!("{attempt:?} {:?} refused: {why}", call.command))
        }
        _ => None,
    };
    observed.iter().filter_map(outcome).collect()
}

fn grades(contents: &Contents) -> BTreeMap<AttemptId, String> {
    let mut grades: BTreeMap<AttemptId, String> = BTreeMap::new();
    for stored in &contents.attempts {
        // Most steps are no grades and need not be read.
        let marked = stored.steps.iter().filter(|step| step.row.body.contains("graded"));
        for step in marked.filter_map(|step| step.row.read().ok()) {
            if let StepBody::Graded(grade) | StepBody::Regraded { grade, .. } = step.body {
                grades.entry(stored.row.id).or_default().push_str(&format!("{:?} {};", grade.marks, grade.passed));
            }
        }
    }
    grades
}
