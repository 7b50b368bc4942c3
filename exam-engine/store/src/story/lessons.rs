//! Lessons: what is committed reads back; one study of a learner earns at a time.

use super::kit::{
    LessonLog, YEAR, act, at, at_once, bank, completion, course, is_chain, lesson, lesson_grant, new_id, new_learner,
    new_lesson, outbox_row, partner,
};
use crate::lessons::{Checkpoint, Fence, LessonCommit};
use crate::{CommitError, LessonRow, Page, Store, StoreError};
use exam_core::hours::GrantSource;
use exam_core::lesson::Coverage;
use exam_core::{CourseId, LessonId, PersonId, StudyId};
use question_bank::Points;
use std::sync::Arc;

const RACERS: u16 = 50;

pub(super) async fn lessons_are_made_and_listed(store: &Arc<dyn Store>) {
    let (course, bank) = (course("lessons"), bank("lessons"));
    let other = super::kit::course("package");
    for row in [&course, &other] {
        store.create_course(row.clone(), act("course.create")).await.unwrap();
    }
    store.create_bank(bank.clone(), act("bank.create")).await.unwrap();
    let lessons: Vec<LessonRow> =
        ["l-b", "l-a", "l-c"].into_iter().map(|code| lesson(code, course.id, bank.id)).collect();
    for row in &lessons {
        store.create_lesson(row.clone(), act("lesson.create")).await.unwrap();
    }
    let twice = store.create_lesson(lesson("l-a", course.id, bank.id), act("lesson.create")).await;
    assert_eq!(twice, Err(StoreError::Taken { field: "code" }));
    let nowhere = store.create_lesson(lesson("l-x", CourseId(new_id()), bank.id), act("lesson.create")).await;
    assert_eq!(nowhere, Err(StoreError::NotFound));

    let by_code = [lessons[1].clone(), lessons[0].clone(), lessons[2].clone()];
    assert_eq!(store.lesson(lessons[2].id).await.unwrap().as_ref(), Some(&lessons[2]));
    assert_eq!(store.lesson(LessonId(new_id())).await.unwrap(), None);
    assert_eq!(store.lesson_by_code("l-b").await.unwrap().as_ref(), Some(&lessons[0]));
    assert_eq!(store.lesson_by_code("l-x").await.unwrap(), None);
    assert_eq!(store.lessons(Some(course.id)).await.unwrap(), by_code);
    assert_eq!(store.lessons(Some(other.id)).await.unwrap(), []);
    courses_list_lessons_of_others(store, other.id, &lessons).await;
}

async fn courses_list_lessons_of_others(store: &Arc<dyn Store>, package: CourseId, lessons: &[LessonRow]) {
    let ids = |places: &[usize]| places.iter().map(|place| lessons[*place].id).collect::<Vec<_>>();
    let list = |places: &[usize]| store.set_course_lessons(package, ids(places), act("course.lessons"));
    list(&[2, 0]).await.unwrap();
    assert_eq!(store.lessons(Some(package)).await.unwrap(), [lessons[0].clone(), lessons[2].clone()]);
    let listed = |all: Vec<(CourseId, LessonId)>| {
        all.into_iter().filter(|(course, _)| *course == package).map(|(_, lesson)| lesson).collect::<Vec<_>>()
    };
    assert_eq!(listed(store.course_lessons().await.unwrap()), ids(&[2, 0]), "in the order given");
    list(&[1]).await.unwrap();
    assert_eq!(listed(store.course_lessons().await.unwrap()), ids(&[1]));
    // What fails leaves the list as it was.
    assert_eq!(list(&[0, 0]).await, Err(StoreError::Taken { field: "lessons" }));
    let unknown = store.set_course_lessons(package, vec![LessonId(new_id())], act("course.lessons")).await;
    assert_eq!(unknown, Err(StoreError::NotFound));
    let nowhere = store.set_course_lessons(CourseId(new_id()), Vec::new(), act("course.lessons")).await;
    assert_eq!(nowhere, Err(StoreError::NotFound));
    assert_eq!(listed(store.course_lessons().await.unwrap()), ids(&[1]));
    assert_eq!(store.lessons(Some(lessons[0].course)).await.unwrap().len(), 3, "a lesson's own course is not touched");
}

pub(super) async fn a_lesson_reads_back(store: &Arc<dyn Store>) {
    let (learner, lesson) = (new_learner(store).await, new_lesson(store).await);
    assert_eq!(store.study(learner).await.unwrap(), None);
    assert_eq!(store.progress(learner, lesson.id).await.unwrap(), None);
    let mut log = LessonLog::new(learner, lesson.id);
    let open = log.open(None, 1);
    let Fence::Take { to: study, .. } = open.fence.clone() else { panic!("opening takes the fence") };
    let mut steps = open.steps.clone();
    store.commit_lesson(open.clone()).await.unwrap();
    assert_eq!(store.study(learner).await.unwrap(), Some(study));
    assert_eq!(store.progress(learner, lesson.id).await.unwrap(), Some(open.row));

    // Two steps in one commit; the second has no command of its own.
    let mut two = log.hold(Some(new_id()), 5_000);
    two.steps.push(log.step(None, 6_000));
    two.row = log.row(6_000);
    two.row.covered.add(0, 4_000);
    steps.extend(two.steps.clone());
    store.commit_lesson(two.clone()).await.unwrap();
    assert_eq!(store.progress(learner, lesson.id).await.unwrap().as_ref(), Some(&two.row));
    let elsewhere = new_lesson(store).await;
    let mut other = LessonLog::new(learner, elsewhere.id);
    let over = other.open(Some(1), 2);
    store.commit_lesson(over.clone()).await.unwrap();
    let mut both = vec![two.row.clone(), over.row.clone()];
    both.sort_by_key(|row| row.lesson);
    assert_eq!(store.progress_of(learner).await.unwrap(), both);
    assert_eq!(store.progress_of(PersonId(new_id())).await.unwrap(), []);

    let read = store.lesson_steps(learner, lesson.id).await.unwrap();
    assert_eq!(read, steps);
    assert!(is_chain(&read));
    assert_eq!(store.lesson_steps(PersonId(new_id()), lesson.id).await.unwrap(), []);
    assert!(store.latest_time().await.unwrap().map(|latest| latest.at) >= Some(at(6_000)));
    logs_come_in_pages(store, &[(learner, lesson.id), (learner, elsewhere.id)]).await;
    what_does_not_fit_is_refused(store, other).await;
}

async fn logs_come_in_pages(store: &Arc<dyn Store>, some: &[(PersonId, LessonId)]) {
    let (mut found, mut page) = (Vec::new(), Page { after: None, limit: 1 });
    loop {
        let logs = store.lesson_logs(page.clone()).await.unwrap();
        let Some(last) = logs.last() else { break };
        page.after = Some(*last);
        found.extend(logs);
    }
    assert!(found.is_sorted_by(|one, next| one < next), "by learner and lesson, each once");
    assert!(some.iter().all(|log| found.contains(log)));
}

async fn what_does_not_fit_is_refused(store: &Arc<dyn Store>, mut log: LessonLog) {
    let before = store.progress(log.learner, log.lesson).await.unwrap();
    let next = log.hold(None, 9_000);
    let wrong = [
        LessonCommit { steps: Vec::new(), ..next.clone() },
        LessonCommit { row: crate::ProgressRow { seq: 9, ..next.row.clone() }, ..next.clone() },
        LessonCommit { row: crate::ProgressRow { epoch: 9, ..next.row.clone() }, ..next.clone() },
        LessonCommit { row: crate::ProgressRow { lesson: LessonId(new_id()), ..next.row.clone() }, ..next.clone() },
        LessonCommit { steps: vec![next.steps[0].clone(), log.clone().step_at(9, 9_000)], ..next.clone() },
    ];
    for commit in wrong {
        let outcome = store.commit_lesson(commit.clone()).await;
        assert!(matches!(outcome, Err(CommitError::Store(StoreError::Corrupt(_)))), "{outcome:?}: {commit:?}");
    }
    let mut nowhere = LessonLog::new(log.learner, LessonId(new_id()));
    let outcome = store.commit_lesson(nowhere.open(Some(2), 3)).await;
    assert_eq!(outcome, Err(CommitError::Store(StoreError::NotFound)));
    assert_eq!(store.progress(log.learner, log.lesson).await.unwrap(), before);
    store.commit_lesson(next).await.unwrap();
}

pub(super) async fn one_study_holds_the_fence(store: &Arc<dyn Store>) {
    let (learner, lesson) = (new_learner(store).await, new_lesson(store).await);
    // Nobody studied before: of many that open at once, one does.
    let opens = (0..RACERS).map(|node| LessonLog::new(learner, lesson.id).at_node(node).open(None, 1));
    let outcomes = race(store, opens.collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::StudyTaken)), usize::from(RACERS) - 1);
    let first = store.study(learner).await.unwrap().unwrap();
    let mut held = LessonLog::after(&store.lesson_steps(learner, lesson.id).await.unwrap()[0], first.study, 1);

    // Another lesson, another node: likewise. The held study goes on until one of them is kept.
    store.commit_lesson(held.hold(None, 1_000)).await.unwrap();
    let elsewhere = new_lesson(store).await;
    let takes = (0..RACERS).map(|node| LessonLog::new(learner, elsewhere.id).at_node(node).open(Some(1), 2));
    let outcomes = race(store, takes.collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::StudyTaken)), usize::from(RACERS) - 1);
    let second = store.study(learner).await.unwrap().unwrap();
    assert_eq!((second.epoch, second.lesson), (2, elsewhere.id));
    assert_eq!(store.lesson_steps(learner, elsewhere.id).await.unwrap().len(), 1, "the others left nothing");

    // What was taken over changes nothing any more, nor does who guesses the epoch.
    let late = held.hold(None, 2_000);
    assert_eq!(store.commit_lesson(late.clone()).await, Err(CommitError::StudyTaken));
    let guessed = Fence::Hold { study: StudyId(new_id()), epoch: 2 };
    let row = crate::ProgressRow { epoch: 2, ..late.row.clone() };
    let guess = LessonCommit { fence: guessed, row, ..late };
    assert_eq!(store.commit_lesson(guess).await, Err(CommitError::StudyTaken));
    let again = LessonLog::new(learner, elsewhere.id).open(None, 1);
    assert_eq!(store.commit_lesson(again).await, Err(CommitError::StudyTaken), "an epoch comes once");
    let steps = store.lesson_steps(learner, lesson.id).await.unwrap();
    assert!(steps.len() == 2 && is_chain(&steps));
    // The fence is a learner's own.
    let other = new_learner(store).await;
    store.commit_lesson(LessonLog::new(other, lesson.id).open(None, 1)).await.unwrap();
}

pub(super) async fn nodes_race_for_a_lesson_step(store: &Arc<dyn Store>) {
    let (learner, lesson) = (new_learner(store).await, new_lesson(store).await);
    let mut log = LessonLog::new(learner, lesson.id);
    store.commit_lesson(log.open(None, 1)).await.unwrap();
    let commits = (0..RACERS).map(|node| log.at_node(node).hold(Some(new_id()), 1_000));
    let outcomes = race(store, commits.collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::SeqTaken)), usize::from(RACERS) - 1);
    let steps = store.lesson_steps(learner, lesson.id).await.unwrap();
    assert!(steps.len() == 2 && is_chain(&steps));
    // The same command again, by a node that knows the log.
    let mut log = log.following(&steps[1]);
    let (kept, _) = steps[1].command.unwrap();
    assert_eq!(store.commit_lesson(log.clone().hold(Some(kept), 2_000)).await, Err(CommitError::CommandTaken));
    store.commit_lesson(log.hold(Some(new_id()), 2_000)).await.unwrap();
}

pub(super) async fn checkpoints_fit_their_step_and_study(store: &Arc<dyn Store>) {
    let lesson = new_lesson(store).await;
    let mut logs = Vec::new();
    for _ in 0..4 {
        let mut log = LessonLog::new(new_learner(store).await, lesson.id);
        store.commit_lesson(log.open(None, 1)).await.unwrap();
        logs.push(log);
    }
    let checkpoint = |log: &LessonLog, epoch: u64, seq: u32| {
        let mut covered = Coverage::new();
        covered.add(0, 7_000);
        covered.add(9_000, 9_500);
        let (learner, lesson, at) = (log.learner, log.lesson, at(95_000));
        Checkpoint { learner, lesson, epoch, seq, covered, position_ms: 9_500, at }
    };
    let stale = logs[1].clone();
    // A step came after it; another lesson took over.
    store.commit_lesson(logs[1].hold(None, 1_000)).await.unwrap();
    let elsewhere = new_lesson(store).await;
    store.commit_lesson(LessonLog::new(logs[2].learner, elsewhere.id).open(Some(1), 2)).await.unwrap();
    let batch = vec![
        checkpoint(&logs[0], 1, 1),
        checkpoint(&stale, 1, 1),
        checkpoint(&logs[2], 1, 1),
        checkpoint(&logs[3], 2, 1),
        checkpoint(&logs[1], 1, 2),
    ];
    let saved = store.save_progress(batch.clone()).await.unwrap();
    assert_eq!(saved, [true, false, false, false, true]);
    assert_eq!(store.save_progress(Vec::new()).await.unwrap(), [] as [bool; 0]);
    for (log, kept) in [(&logs[0], true), (&logs[1], true), (&logs[2], false), (&logs[3], false)] {
        let row = store.progress(log.learner, lesson.id).await.unwrap().unwrap();
        assert_eq!(row.covered == batch[0].covered, kept);
        assert_eq!((row.position_ms, row.updated_at) == (9_500, at(95_000)), kept);
        assert_eq!(row.seq, log.seq, "a checkpoint is no step");
    }
    assert!(store.latest_time().await.unwrap().map(|latest| latest.at) >= Some(at(95_000)));
    // The same one again, a newer one over it, and one that another node kept to itself for too long.
    let newer = Checkpoint { covered: Coverage::new(), at: at(96_000), ..batch[0].clone() };
    let late = batch[0].clone();
    assert_eq!(store.save_progress(vec![batch[0].clone(), newer, late]).await.unwrap(), [true, true, false]);
    assert_eq!(store.progress(logs[0].learner, lesson.id).await.unwrap().unwrap().covered, Coverage::new());
}

pub(super) async fn hours_of_lessons_come_once(store: &Arc<dyn Store>) {
    let (learner, lesson) = (new_learner(store).await, new_lesson(store).await);
    let own = GrantSource::Lesson { lesson: lesson.id };
    let mut log = LessonLog::new(learner, lesson.id);
    store.commit_lesson(log.open(None, 1)).await.unwrap();
    assert!(!store.is_lesson_granted(learner, lesson.id, YEAR).await.unwrap());
    let done = completion(&mut log, Some(lesson_grant(learner, lesson.course, own)));
    store.commit_lesson(done.clone()).await.unwrap();
    assert_eq!(store.progress(learner, lesson.id).await.unwrap().as_ref(), Some(&done.row));
    assert_eq!(store.entries(learner, YEAR).await.unwrap(), [done.grant.clone().unwrap()]);
    assert!(store.is_lesson_granted(learner, lesson.id, YEAR).await.unwrap());
    assert!(!store.is_lesson_granted(learner, lesson.id, YEAR + 1).await.unwrap());
    assert!(!store.is_granted(learner, lesson.course, YEAR).await.unwrap(), "a lesson's hours are not its course's");

    // The same lesson through another package: not again, and nothing of the commit stays.
    let package = new_lesson(store).await.course;
    let again = completion(&mut log.clone(), Some(lesson_grant(learner, package, own)));
    let again = LessonCommit { outbox: Some(outbox_row(learner, partner_of(store).await, 0)), ..again };
    assert_eq!(store.commit_lesson(again).await, Err(CommitError::AlreadyGranted));
    assert_eq!(store.lesson_steps(learner, lesson.id).await.unwrap().len(), 2);
    assert_eq!(store.claim_due(at(1_000), 10_000, 100).await.unwrap(), []);
    hours_of_a_course_share_its_key(store, learner, log).await;
}

/// Another lesson of the same course, and its exam, may not grant the course's hours a second time; a lesson's
/// own hours stand beside them.
async fn hours_of_a_course_share_its_key(store: &Arc<dyn Store>, learner: PersonId, mut log: LessonLog) {
    let course = store.lesson(log.lesson).await.unwrap().unwrap().course;
    let all = GrantSource::Lessons { lesson: log.lesson };
    let entry = lesson_grant(learner, course, all);
    store.commit_lesson(completion(&mut log, Some(entry))).await.unwrap();
    assert!(store.is_granted(learner, course, YEAR).await.unwrap());
    let again = completion(&mut log.clone(), Some(lesson_grant(learner, course, all)));
    assert_eq!(store.commit_lesson(again).await, Err(CommitError::AlreadyGranted));
    let exam = super::kit::new_exam(store).await;
    let row = super::kit::submitted(&super::kit::attempt(learner, exam.id, 1));
    let passed =
        crate::Commit { grant: Some(super::kit::grant(&row, course)), ..super::kit::Log::new(&row).start(&row) };
    assert_eq!(store.commit(passed).await, Err(CommitError::AlreadyGranted));
    let other = lesson("own", course, new_lesson(store).await.bank);
    store.create_lesson(other.clone(), act("lesson.create")).await.unwrap();
    let own = lesson_grant(learner, course, GrantSource::Lesson { lesson: other.id });
    store.commit_lesson(completion(&mut log, Some(own))).await.unwrap();
    let entries = store.entries(learner, YEAR).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.hours).sum::<Points>(), Points::from_hundredths(750));
}

pub(super) async fn a_poisoned_lesson_commit_fails_alone(store: &Arc<dyn Store>) {
    let lesson = new_lesson(store).await;
    let mut commits = Vec::new();
    for number in 0..60 {
        let mut log = LessonLog::new(new_learner(store).await, lesson.id);
        store.commit_lesson(log.open(None, 1)).await.unwrap();
        let mut commit = log.hold(None, 1_000);
        if number % 20 == 7 {
            // Everything before it is fine; what fails comes last.
            commit.outbox = Some(outbox_row(log.learner, partner("nobody").id, 0));
        }
        commits.push(commit);
    }
    let outcomes = race(store, commits.clone()).await;
    for (number, (commit, outcome)) in commits.iter().zip(&outcomes).enumerate() {
        let poisoned = number % 20 == 7;
        assert_eq!(*outcome, if poisoned { Err(CommitError::Store(StoreError::NotFound)) } else { Ok(()) });
        let steps = store.lesson_steps(commit.row.learner, lesson.id).await.unwrap();
        assert_eq!(steps.len(), if poisoned { 1 } else { 2 });
    }
}

async fn partner_of(store: &Arc<dyn Store>) -> exam_core::PartnerId {
    let row = partner(&new_id().to_string());
    store.create_partner(row.clone(), act("partner.create")).await.unwrap();
    row.id
}

async fn race(store: &Arc<dyn Store>, commits: Vec<LessonCommit>) -> Vec<Result<(), CommitError>> {
    let work = commits.into_iter().map(|commit| {
        let store = Arc::clone(store);
        async move { store.commit_lesson(commit).await }
    });
    at_once(work.collect()).await
}

fn count(outcomes: &[Result<(), CommitError>], like: &Result<(), CommitError>) -> usize {
    outcomes.iter().filter(|outcome| *outcome == like).count()
}
