//! The store's part for lessons: logs, the row of each, the fence of studies, and every change of coverage
//! in the order it became durable.

use super::{Kept, Read, SimStore};
use crate::sim::checker::{Saved, StoredEntry, StoredLesson, StoredLessonStep};
use crate::sim::planted::Bug;
use exam_core::lesson::LessonStepRow;
use exam_core::log::CommandId;
use exam_core::planted::RuleBug;
use exam_core::{LessonId, PersonId};
use exam_store::{Checkpoint, CommitError, Fence, LessonCommit, ProgressRow, ProgressState, StudyRow};
use std::collections::{BTreeMap, BTreeSet};

type Key = (PersonId, LessonId);

/// What is durable of lessons.
#[derive(Clone, Default)]
pub(super) struct KeptLessons {
    studies: BTreeMap<PersonId, StudyRow>,
    rows: BTreeMap<Key, ProgressRow>,
    steps: BTreeMap<Key, BTreeMap<u32, StoredLessonStep>>,
    commands: BTreeSet<(PersonId, LessonId, CommandId)>,
    saves: Vec<Saved>,
}

/// What opening a study has to know.
#[derive(Clone, Debug)]
pub(crate) struct StudyFacts {
    pub(crate) study: Option<StudyRow>,
    pub(crate) steps: Vec<LessonStepRow>,
    pub(crate) row: Option<ProgressRow>,
}

impl SimStore {
    pub(crate) fn study_facts(&self, learner: PersonId, lesson: LessonId) -> Read<StudyFacts> {
        let lessons = &self.reading()?.lessons;
        let steps = lessons.steps.get(&(learner, lesson));
        Ok(StudyFacts {
            study: lessons.studies.get(&learner).cloned(),
            steps: steps.map(|steps| steps.values().map(|step| step.row.clone()).collect()).unwrap_or_default(),
            row: lessons.rows.get(&(learner, lesson)).cloned(),
        })
    }

    /// The lessons a learner has completed.
    pub(crate) fn completed_lessons(&self, learner: PersonId) -> Read<BTreeSet<LessonId>> {
        let rows = self.reading()?.lessons.rows.values();
        Ok(rows
            .filter(|row| row.learner == learner && row.state == ProgressState::Completed)
            .map(|row| row.lesson)
            .collect())
    }

    /// Whether a lesson's own hours of that year are granted.
    pub(crate) fn is_lesson_granted(&self, learner: PersonId, lesson: LessonId, credit_year: i16) -> Read<bool> {
        let mut entries = self.reading()?.ledger.iter().map(|stored| &stored.entry);
        Ok(entries
            .any(|entry| (entry.learner, entry.lesson(), entry.credit_year) == (learner, Some(lesson), credit_year)))
    }

    pub(super) fn lesson_contents(&self) -> (Vec<StoredLesson>, Vec<Saved>) {
        let lessons = &self.kept.lessons;
        let stored = |row: &ProgressRow| StoredLesson {
            row: row.clone(),
            steps: lessons
                .steps
                .get(&(row.learner, row.lesson))
                .map(|steps| steps.values().cloned().collect())
                .unwrap_or_default(),
        };
        (lessons.rows.values().map(stored).collect(), lessons.saves.clone())
    }
}

impl Kept {
    /// All of a lesson's commit or nothing of it.
    pub(super) fn keep_lesson(
        &mut self,
        commit: LessonCommit,
        real_ms: i64,
        bug: Option<Bug>,
    ) -> Result<(), CommitError> {
        let key = (commit.row.learner, commit.row.lesson);
        self.check_fence(&commit, bug)?;
        let lessons = &self.lessons;
        for row in &commit.steps {
            if lessons.steps.get(&key).is_some_and(|steps| steps.contains_key(&row.seq)) {
                return Err(CommitError::SeqTaken);
            }
            if row.command.is_some_and(|(command, _)| lessons.commands.contains(&(key.0, key.1, command))) {
                return Err(CommitError::CommandTaken);
            }
        }
        if let Some(entry) = &commit.grant
            && self.is_granted(entry)
            && bug != Some(Bug::Rule(RuleBug::LessonGrantTwice))
        {
            return Err(CommitError::AlreadyGranted);
        }
        self.commits += 1;
        let number = self.commits;
        let lessons = &mut self.lessons;
        for row in commit.steps {
            self.latest = self.latest.max(Some(row.at));
            lessons.commands.extend(row.command.map(|(command, _)| (key.0, key.1, command)));
            lessons.steps.entry(key).or_default().insert(row.seq, StoredLessonStep { row, commit: number, real_ms });
        }
        let takes = matches!(commit.fence, Fence::Take { .. });
        if let Fence::Take { to, .. } = commit.fence {
            lessons.studies.insert(to.learner, to);
        }
        lessons.saves.push(Saved::new(number, real_ms, &commit.row, takes));
        lessons.rows.insert(key, commit.row);
        self.ledger.extend(commit.grant.map(|entry| StoredEntry { entry, commit: Some(number) }));
        Ok(())
    }

    fn check_fence(&self, commit: &LessonCommit, bug: Option<Bug>) -> Result<(), CommitError> {
        let active = self.lessons.studies.get(&commit.row.learner);
        let holds = match &commit.fence {
            Fence::Take { from, .. } => active.map(|study| study.epoch) == *from,
            Fence::Hold { study, epoch } => {
                active.is_some_and(|active| (active.study, active.epoch) == (*study, *epoch))
                    || bug == Some(Bug::StaleStudy)
            }
        };
        // Whoever loses the fence reloads, as whoever loses a number.
        if holds { Ok(()) } else { Err(CommitError::SeqTaken) }
    }

    /// Keeps soft coverage, if nothing came in between.
    pub(super) fn keep_checkpoint(
        &mut self,
        checkpoint: Checkpoint,
        real_ms: i64,
        bug: Option<Bug>,
    ) -> Result<(), CommitError> {
        let active = self.lessons.studies.get(&checkpoint.learner).map(|study| (study.epoch, study.lesson));
        let is_active = active == Some((checkpoint.epoch, checkpoint.lesson)) || bug == Some(Bug::StaleStudy);
        let row = self.lessons.rows.get_mut(&(checkpoint.learner, checkpoint.lesson));
        let Some(row) = row.filter(|row| {
            is_active && row.epoch == checkpoint.epoch && (row.seq == checkpoint.seq || bug == Some(Bug::OldCheckpoint))
        }) else {
            return Err(CommitError::SeqTaken);
        };
        row.covered = checkpoint.covered;
        self.commits += 1;
        self.lessons.saves.push(Saved::new(self.commits, real_ms, row, false));
        Ok(())
    }
}
