//! Marking an attempt: score = f(paper, answers, keys).

use super::{Attempt, Grade};
use crate::exam::ExamRules;
use question_bank::Points;
use question_bank::marking::{SCORING_VERSION, check_response, grade_paper};
use question_bank::pool::Pool;

/// Marks the answers the attempt holds by the keys of `pool`.
#[must_use]
pub fn grade(attempt: &Attempt, pool: &Pool, rules: &ExamRules, may_pass: bool) -> Grade {
    let said: Vec<_> = attempt
        .paper
        .slots()
        .zip(&attempt.answers)
        .map(|(slot, answer)| {
            let response = answer.as_ref()?.response.as_ref()?;
            // Only responses that fit were kept, and a regrade's keys belong to the same prompts.
            check_response(pool, slot, response).ok()
        })
        .collect();
    let marked = grade_paper(&attempt.paper, pool, &said);
    let score: Points = marked.iter().map(|slot| slot.points).sum();
    Grade {
        scoring: SCORING_VERSION.to_owned(),
        key_version: pool.version().to_string(),
        marks: marked.iter().map(|slot| slot.points).collect(),
        score,
        max_score: marked.iter().map(|slot| slot.max).sum(),
        pass_score: rules.pass_score,
        passed: may_pass && score >= rules.pass_score,
    }
}
