//! What a learner is shown: the candidate's paper, the answers it holds, and of the result what its
//! release allows.

use crate::sim::client::Seen;
use crate::sim::env::Env;
use crate::sim::planted::Bug;
use exam_core::Timestamp;
use exam_core::attempt::{AnswerInput, Attempt, Mode};
use exam_core::release::{Visibility, visibility};
use question_bank::candidate::write_sections;
use question_bank::draw::Seed;
use question_bank::marking::released_key;
use question_bank::{Pool, Response};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn write(env: &Env, state: &Attempt, now: Timestamp) -> Seen {
    let mut sections = Vec::new();
    let mut shown = json!({
        "id": state.id,
        "state": state.phase.name(),
        "deadline": state.deadline,
        "answers": state.answers.iter().map(|answer| answer.as_ref()?.response.clone()).collect::<Vec<_>>(),
    });
    if let Some(exam) = env.world.facts.exam(state.exam) {
        // The exam's own pool drew the paper.
        let _ = write_sections(&mut sections, &state.paper, &exam.pool);
        let mut may = visibility(&exam.rules, state, now);
        if env.is(Bug::EarlyReview) && state.phase.closed_at().is_some() {
            may = Visibility { released: true, released_at: None, score: true, marks: true, keys: true };
        }
        may.keys |= env.is(Bug::KeyInPaper);
        if may.released {
            shown["seed"] = json!(Seed::derive(&exam.secret, &state.id.bytes()).to_hex());
            shown["passed"] = json!(state.passed());
        }
        if may.score {
            shown["score"] = json!(state.grade().map(|grade| grade.score));
        }
        if may.marks {
            shown["marks"] = json!(state.grade().map(|grade| grade.marks.clone()));
        }
        if may.keys {
            shown["review"] = review(&exam.pool, state);
        }
    }
    // The candidate's bytes are spliced in as they are.
    let mut text = shown.to_string();
    text.pop();
    text.push_str(",\"sections\":");
    text.push_str(&String::from_utf8_lossy(&sections));
    text.push('}');
    Seen {
        json: text,
        at: now,
        exam: state.exam,
        deadline: state.deadline,
        grace_ms: state.grace_ms,
        paper: Arc::clone(&state.paper),
        closed: state.phase.closed_at().is_some(),
    }
}

fn review(pool: &Pool, state: &Attempt) -> Value {
    let slots = state.paper.slots().map(|slot| {
        let solution = &pool.item(slot.item)?.solution;
        Some(json!({ "key": released_key(&solution.key, slot), "explanation": solution.explanation }))
    });
    slots.collect()
}

/// What practice says about an answer at once; nothing about a cleared one, and nothing in an exam.
pub(super) fn feedback(env: &Env, state: &Attempt, answer: &AnswerInput) -> Option<String> {
    let _said: &Response = answer.response.as_ref().filter(|_| state.mode == Mode::Practice)?;
    let slot = state.paper.slot_numbered(answer.slot)?;
    let solution = &env.world.facts.exam(state.exam)?.pool.item(slot.item)?.solution;
    Some(json!({ "key": released_key(&solution.key, slot), "explanation": solution.explanation }).to_string())
}
