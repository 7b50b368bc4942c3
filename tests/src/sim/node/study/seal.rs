//! From decided steps to a commit, and from the store's rows to a state; what a lesson grants, and what a
//! learner sees of a question.

use crate::sim::checker::{LessonFacts, LessonPays};
use crate::sim::env::Env;
use crate::sim::planted::Bug;
use crate::sim::socket::{ConnId, PlayerIndex, Push};
use crate::sim::store::StudyFacts;
use exam_core::attempt::command::Actor;
use exam_core::lesson::{Decided, Lesson, LessonGrant, LessonHours, LessonStep, LessonStepBody, Phase, Told, ToldWhat};
use exam_core::log::{CommandId, StepRow};
use exam_core::{EntryId, LessonId, PersonId, Timestamp};
use exam_store::{Fence, LessonCommit, ProgressRow, ProgressState, StoreError};
use question_bank::candidate::write_question;
use std::sync::Arc;

/// One message, with what of a question a learner sees.
pub(super) fn tell(
    env: &mut Env,
    conn: (ConnId, PlayerIndex),
    lesson: LessonId,
    told: Told,
    command: Option<CommandId>,
) {
    let json = match (&told.what, env.world.facts.lesson(lesson)) {
        (ToldWhat::Challenge { question, .. }, Some(facts)) => {
            let mut shown = b"{".to_vec();
            // The lesson's own pool drew the question.
            let _ = write_question(&mut shown, question.slot(), &facts.pool);
            if env.is(Bug::KeyInChallenge) {
                let key = facts.pool.item(question.item).map(|item| serde_json::to_string(&item.solution).ok());
                shown.extend_from_slice(format!(",\"key\":{}", key.flatten().unwrap_or_default()).as_bytes());
            }
            shown.push(b'}');
            String::from_utf8(shown).ok()
        }
        _ => None,
    };
    env.push(conn, Push::Told { told, json, command, again: false });
}

pub(super) fn fold(learner: PersonId, lesson: LessonId, facts: &StudyFacts) -> Option<Lesson> {
    let steps: Vec<LessonStep> = facts.steps.iter().map(StepRow::read).collect::<Result<_, _>>().ok()?;
    let mut state = Lesson::fold(learner, lesson, &steps).ok()?;
    if let Some(row) = &facts.row {
        state.restore(row.seq, row.epoch, &row.covered);
    }
    Some(state)
}

/// From decided steps to a commit; `None` if they do not fold.
pub(super) fn seal(
    env: &Env,
    state: &Lesson,
    decided: &Decided,
    fence: Fence,
    now: Timestamp,
    node: u16,
) -> Option<(LessonCommit, Lesson)> {
    let at = now.max(state.last_at);
    let mut after = state.clone();
    if let Some(credit) = &decided.credit {
        after.earn(credit);
    }
    let (mut steps, mut grant) = (Vec::new(), None);
    for new in &decided.steps {
        let actor = Actor::Person(state.learner);
        let row = StepRow::seal(state.learner, state.lesson, after.seq + 1, &after.head, at, actor, node, new).ok()?;
        after.apply(&row.read().ok()?).ok()?;
        if let LessonStepBody::HoursGranted { entry, .. } = &new.body {
            let facts = env.world.facts.lesson(state.lesson)?;
            grant = LessonHours { entry: *entry, grants: facts.pays.grant(true), ..nothing(facts) }.ledger_entry(
                state.learner,
                state.lesson,
                at,
            );
        }
        steps.push(row);
    }
    let completed_at = match after.phase {
        Phase::Completed { at } => Some(at),
        _ => None,
    };
    let row = ProgressRow {
        learner: state.learner,
        lesson: state.lesson,
        seq: after.seq,
        epoch: after.study.as_ref()?.epoch,
        covered: after.covered.clone(),
        state: if completed_at.is_some() { ProgressState::Completed } else { ProgressState::InProgress },
        position_ms: position_ms(&after),
        asked: after.asked,
        passed: after.passed,
        completed_at,
        hours: after.hours_granted,
        updated_at: at,
    };
    let commit = LessonCommit { steps, row, fence, grant, outbox: None, announcements: Vec::new() };
    Some((commit, after))
}

/// Where the player was last.
pub(super) fn position_ms(state: &Lesson) -> i64 {
    state.study.as_ref().and_then(|study| study.last_beat).map_or(0, |beat| beat.position_ms)
}

/// What completing the lesson now grants.
pub(super) fn hours(
    env: &mut Env,
    lesson: &LessonFacts,
    learner: PersonId,
    granted: bool,
) -> Result<LessonHours, StoreError> {
    let world = Arc::clone(&env.world);
    let (grants, already) = match lesson.pays {
        LessonPays::Nothing => (LessonGrant::None, false),
        LessonPays::ItsOwn { .. } => {
            let already = env.store.is_lesson_granted(learner, lesson.id, lesson.credit_year)?;
            (lesson.pays.grant(true), already)
        }
        LessonPays::AsSet { .. } => {
            let done = env.store.completed_lessons(learner)?;
            let set = world.facts.lessons.iter().filter(|other| other.is_in_set(lesson.course));
            let is_last = set.filter(|other| other.id != lesson.id).all(|other| done.contains(&other.id));
            let already = env.store.is_granted(learner, lesson.course, lesson.credit_year)?;
            (lesson.pays.grant(is_last), already)
        }
    };
    let entry = EntryId(env.rng.uuid());
    Ok(LessonHours { entry, grants, already_granted: granted || already, ..nothing(lesson) })
}

/// A lesson that grants nothing.
pub(super) fn nothing(lesson: &LessonFacts) -> LessonHours {
    LessonHours {
        entry: EntryId(uuid::Uuid::nil()),
        grants: LessonGrant::None,
        course: lesson.course,
        credit_year: lesson.credit_year,
        bucket: lesson.bucket,
        already_granted: false,
    }
}
