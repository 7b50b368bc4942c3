//! Courses, exams, exceptions.

use super::kit::{YEAR, act, at, bank, course, exam, new_exam, new_id, new_learner};
use crate::{CourseRow, OverrideRow, Page, Store, StoreError};
use exam_core::exam::{Exam, ExamState, Override};
use exam_core::{CourseId, ExamId};
use std::sync::Arc;

pub(super) async fn courses_and_exams_are_kept(store: &Arc<dyn Store>) {
    let one = course("story-b");
    let two = CourseRow { credit_year: YEAR - 1, ..course("story-a") };
    for course in [&one, &two] {
        store.create_course(course.clone(), act("course.create")).await.unwrap();
    }
    let twice = store.create_course(course("story-a"), act("course.create")).await;
    assert_eq!(twice, Err(StoreError::Taken { field: "code" }));
    assert_eq!(store.course(one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.course(CourseId(new_id())).await.unwrap(), None);
    assert_eq!(store.courses(Some(YEAR - 1)).await.unwrap(), std::slice::from_ref(&two));
    let all = store.courses(None).await.unwrap();
    assert!(all.is_sorted_by(|left, right| left.code < right.code) && all.contains(&one) && all.contains(&two));

    let bank = bank("story-exams");
    store.create_bank(bank.clone(), act("bank.create")).await.unwrap();
    let kept = exam("story", one.id, bank.id);
    store.create_exam(kept.clone(), [9; 32], act("exam.create")).await.unwrap();
    let twice = store.create_exam(exam("story", one.id, bank.id), [9; 32], act("exam.create")).await;
    assert_eq!(twice, Err(StoreError::Taken { field: "code" }));
    assert_eq!(store.exam(kept.id).await.unwrap(), Some(kept.clone()));
    assert_eq!(store.exam_by_code("story").await.unwrap(), Some(kept.clone()));
    assert_eq!(store.exam_secret(kept.id).await.unwrap(), Some([9; 32]));
    assert_eq!(store.exam_secret(ExamId(new_id())).await.unwrap(), None);
    let all = store.exams().await.unwrap();
    assert!(all.is_sorted_by(|left, right| left.code < right.code) && all.contains(&kept));
}

pub(super) async fn a_published_exam_stands(store: &Arc<dyn Store>) {
    let draft = new_exam(store).await;
    assert_eq!(store.set_results_at(draft.id, None, act("results")).await, Err(StoreError::NotFound));
    let edited = Exam { title: "改".to_owned(), ..draft };
    store.update_draft(edited.clone(), act("exam.edit")).await.unwrap();
    let state = ExamState::Published { at: at(5), bank_revision: 3, bank_version: "v".to_owned() };
    let published = Exam { state, ..edited };
    store.update_draft(published.clone(), act("exam.publish")).await.unwrap();
    assert_eq!(store.exam(published.id).await.unwrap(), Some(published.clone()));
    let again = store.update_draft(Exam { title: "再改".to_owned(), ..published.clone() }, act("exam.edit")).await;
    assert_eq!(again, Err(StoreError::NotFound), "fixed once published");

    store.set_results_at(published.id, Some(at(9)), act("results")).await.unwrap();
    let read = store.exam(published.id).await.unwrap().unwrap();
    assert_eq!(read.rules.results_at, Some(at(9)));
    assert_eq!(read.state, published.state);
    exceptions_add_up(store, published.id).await;
}

async fn exceptions_add_up(store: &Arc<dyn Store>, exam: ExamId) {
    let (person, by) = (new_learner(store).await, new_learner(store).await);
    let row = |extra_ms, ms| OverrideRow {
        exam,
        person,
        exception: Override { extra_ms: Some(extra_ms), closes_at: Some(at(7)), ..Override::default() },
        reason: "视力".to_owned(),
        by,
        at: at(ms),
    };
    // Granted by a clock that went back: the order is the one they were granted in.
    let rows = [row(1, 20), row(2, 10)];
    for row in rows.clone() {
        store.add_override(row, act("override")).await.unwrap();
    }
    assert_eq!(store.overrides(exam, person).await.unwrap(), rows);
    assert_eq!(store.before_start(person, exam).await.unwrap().overrides, rows);
    assert_eq!(store.overrides(exam, by).await.unwrap(), []);
    let numbered = store.overrides_at(exam, Page { after: None, limit: 10 }).await.unwrap();
    let all: Vec<_> = numbered.iter().map(|(_, row)| row.clone()).collect();
    assert_eq!(all, [rows[1].clone(), rows[0].clone()], "the latest first");
    let after = store.overrides_at(exam, Page { after: Some(numbered[0].0), limit: 10 }).await.unwrap();
    assert_eq!(after, numbered[1..]);
    assert_eq!(store.overrides_at(exam, Page { after: None, limit: 1 }).await.unwrap(), numbered[..1]);
}
