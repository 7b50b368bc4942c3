//! Practice of one's own choice: topics instead of the blueprint.

use crate::limits::CONFLICT_RETRIES_MAX;
use crate::loaded::blocking;
use crate::{Engine, EngineError, FieldFault, Identity, LoadedExam};
use exam_core::access::Act;
use exam_core::attempt::Mode;
use exam_core::exam::PracticePolicy;
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_core::limits::{PRACTICE_SLOTS_MAX, PRACTICE_TOPICS_MAX};
use exam_core::release::exam_visibility;
use exam_core::{Refusal, Timestamp};
use exam_store::AttemptRow;
use question_bank::TopicPath;
use question_bank::draw::{Among, Choice, DrawPlan};
use question_bank::paper::Paper;
use question_bank::snapshot::ItemIndex;
use serde::Serialize;
use std::sync::Arc;

/// What is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Exam or practice.
    pub mode: Mode,
    /// What to practise; `None`: what the blueprint says.
    pub practice: Option<PracticeOf>,
}

/// What a learner wants to practise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PracticeOf {
    /// Items within any of these topics; none named: all that the blueprint may draw.
    Topics {
        /// The topics.
        topics: Vec<TopicPath>,
        /// How many items.
        count: u32,
    },
    /// What stands in the learner's notebook of wrong answers.
    Notebook {
        /// How many items.
        count: u32,
    },
}

impl From<Mode> for Wanted {
    fn from(mode: Mode) -> Self {
        Self { mode, practice: None }
    }
}

impl Wanted {
    /// What can be said of it without looking at the exam.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let (topics, count) = match &self.practice {
            None => return Ok(()),
            Some(PracticeOf::Topics { topics, count }) => (topics.len(), count),
            Some(PracticeOf::Notebook { count }) => (0, count),
        };
        let mut faults = Vec::new();
        if self.mode != Mode::Practice {
            let detail = "只有练习可以选择知识点和题数 / topics and a count are for practice only";
            faults.push(FieldFault::new("/mode", detail));
        }
        if !(1..=PRACTICE_SLOTS_MAX).contains(count) {
            let detail =
                format!("请填写 1 至 {PRACTICE_SLOTS_MAX} 题 / give between 1 and {PRACTICE_SLOTS_MAX} questions");
            faults.push(FieldFault::new("/count", detail));
        }
        if topics > PRACTICE_TOPICS_MAX {
            let detail =
                format!("最多选择 {PRACTICE_TOPICS_MAX} 个知识点 / choose at most {PRACTICE_TOPICS_MAX} topics");
            faults.push(FieldFault::new("/topics", detail));
        }
        if faults.is_empty() { Ok(()) } else { Err(EngineError::Invalid(faults)) }
    }
}

impl Engine {
    /// The topics a learner may practise for an exam, with how many items each has, by topic.
    ///
    /// # Errors
    /// The exam is not open to the caller, or offers no practice.
    pub async fn practice_topics(
        &self,
        identity: &Identity,
        exam: ExamId,
    ) -> Result<Vec<(TopicPath, u32)>, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let exam = self.open_exam(identity, exam).await?;
        if exam.exam.rules.practice == PracticePolicy::Off {
            return Err(Refusal::PracticeOff.into());
        }
        blocking(move || exam.plan.topics(&exam.pool)).await
    }

    /// Works out what to draw a practice from, and the plan of it.
    pub(crate) async fn choose(
        &self,
        exam: &Arc<LoadedExam>,
        practice: &PracticeOf,
        learner: PersonId,
        all: &[AttemptRow],
        now: Timestamp,
    ) -> Result<(Choice, DrawPlan), EngineError> {
        let (title, among, count) = match practice {
            PracticeOf::Topics { topics, count } => {
                known_topics(exam, topics).await?;
                ("专项练习", Among::Topics(topics.clone()), *count)
            }
            PracticeOf::Notebook { count } => {
                let entries = self.notebook_of(learner, all, now).await?.entries;
                let own = entries.iter().filter(|entry| entry.exam.exam.bank == exam.exam.bank);
                let mut items: Vec<ItemIndex> =
                    own.filter_map(|entry| exam.pool.snapshot().find(&entry.code)).collect();
                items.sort_unstable();
                ("错题练习", Among::Items(items), *count)
            }
        };
        let without = self.withheld(exam, all, now).await?;
        let choice = Choice { title: title.to_owned(), among, without, count };
        let exam = Arc::clone(exam);
        let (choice, plan) = blocking(move || {
            let plan = exam.plan.of_choice(&exam.pool, &choice);
            (choice, plan)
        })
        .await?;
        let nothing = "所选范围内暂无可练习的题 / nothing of that can be practised now";
        Ok((choice, plan.ok_or(EngineError::WrongState(nothing))?))
    }

    /// Items of the learner's exam papers from the same bank whose results are not out: practice tells keys at
    /// once, and theirs are not for this learner yet. Ascending.
    pub(crate) async fn withheld(
        &self,
        exam: &LoadedExam,
        all: &[AttemptRow],
        now: Timestamp,
    ) -> Result<Vec<ItemIndex>, EngineError> {
        let mut withheld = Vec::new();
        for row in all.iter().filter(|row| row.mode == Mode::Exam) {
            let other = self.loaded(row.exam).await?;
            let released = !row.state.is_live() && exam_visibility(&other.exam.rules, now).released;
            if released || other.exam.bank != exam.exam.bank {
                continue;
            }
            let paper = self.paper_of(row.learner, row.id).await?;
            // The other exam may have pinned another revision, where the same item has another position.
            let codes = paper.items().filter_map(|item| other.pool.item(item));
            withheld.extend(codes.filter_map(|item| exam.pool.snapshot().find(&item.code)));
        }
        withheld.sort_unstable();
        withheld.dedup();
        Ok(withheld)
    }

    /// An attempt's paper, which never changes.
    pub(crate) async fn paper_of(&self, learner: PersonId, attempt: AttemptId) -> Result<Arc<Paper>, EngineError> {
        for _ in 0..CONFLICT_RETRIES_MAX {
            let (slot, _) = self.slot_of(learner, attempt).await?;
            if let Some(paper) = slot.read(|attempt| Arc::clone(&attempt.paper)) {
                return Ok(paper);
            }
        }
        Err(EngineError::Overloaded)
    }
}

/// A topic that holds nothing is named in its place.
async fn known_topics(exam: &Arc<LoadedExam>, topics: &[TopicPath]) -> Result<(), EngineError> {
    let (exam, topics) = (Arc::clone(exam), topics.to_vec());
    let faults: Vec<FieldFault> = blocking(move || {
        let known = exam.plan.topics(&exam.pool);
        let unknown = |(index, topic): (usize, &TopicPath)| {
            let holds = known.iter().any(|(known, _)| known.is_within(topic));
            let detail = "没有这个知识点的题 / there are no questions of this topic";
            (!holds).then(|| FieldFault::new(format!("/topics/{index}"), detail))
        };
        topics.iter().enumerate().filter_map(unknown).collect()
    })
    .await?;
    if faults.is_empty() { Ok(()) } else { Err(EngineError::Invalid(faults)) }
}
