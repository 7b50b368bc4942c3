//! Lessons: making them, listing them, and each in memory with the pool its questions come from.

use crate::exams::name_faults;
use crate::limits::{COURSE_LESSONS_MAX, LESSON_ITEMS_MIN, QUESTION_BYTES_MAX};
use crate::loaded::{blocking, missing};
use crate::{Engine, EngineError, FieldFault, Identity};
use exam_core::access::Act;
use exam_core::hours::Subject;
use exam_core::ids::{BankId, CourseId, LessonId, PersonId};
use exam_core::lesson::{Lesson, LessonPolicy, LessonRules, LessonStepRow};
use exam_store::{BankRow, CourseRow, LessonRow, ProgressRow};
use parking_lot::RwLock;
use question_bank::draw::question;
use question_bank::pool::Pool;
use question_bank::snapshot::ItemIndex;
use question_bank::{Points, Seed, candidate};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A lesson as its author sends it.
#[derive(Clone, Debug, PartialEq)]
pub struct LessonDraft {
    /// Unique.
    pub code: String,
    /// The course it is made for.
    pub course: CourseId,
    /// Shown to learners.
    pub title: String,
    /// How long it plays.
    pub duration_ms: i64,
    /// The bank its questions come from; its present revision is pinned.
    pub bank: BankId,
    /// Gaps, rewinds, rates.
    pub policy: LessonPolicy,
    /// Hours of its own; `None` where the course's hours count.
    pub hours: Option<Points>,
}

/// A lesson as a learner meets it.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnerLesson {
    /// The lesson.
    pub lesson: LessonRow,
    /// Where the learner stands; `None`: not begun. The coverage may be a beat interval behind.
    pub progress: Option<ProgressRow>,
}

/// Everything that happened to a learner's lesson.
#[derive(Clone, Debug)]
pub struct LessonTimeline {
    /// Folded.
    pub state: Lesson,
    /// The log. The bodies of its openings hold seeds, which no client may see.
    pub rows: Vec<LessonStepRow>,
    /// The learner's name.
    pub learner_name: String,
    /// Names of the people who acted, by id.
    pub names: HashMap<PersonId, String>,
}

/// A lesson with everything that studying needs.
#[derive(Debug)]
pub struct LoadedLesson {
    /// The lesson.
    pub row: LessonRow,
    /// Its rules.
    pub rules: LessonRules,
    /// The course it was made for.
    pub course: CourseRow,
    /// The pinned bank.
    pub pool: Arc<Pool>,
}

/// Loaded lessons. They are fixed once they are made, so none is ever forgotten.
#[derive(Default)]
pub(crate) struct LessonCache(RwLock<HashMap<LessonId, Arc<LoadedLesson>>>);

impl Engine {
    /// Makes a lesson, which is open to learners at once.
    ///
    /// # Errors
    /// The caller is no author, or something is wrong with it; all faults at once.
    pub async fn create_lesson(&self, identity: &Identity, draft: LessonDraft) -> Result<LessonRow, EngineError> {
        identity.may(Act::WriteExams)?;
        let rules = LessonRules { duration_ms: draft.duration_ms, policy: draft.policy };
        let mut faults = name_faults(&draft.code, &draft.title);
        faults.extend(rules.faults().into_iter().map(|(pointer, detail)| FieldFault::new(pointer, detail)));
        faults.extend(self.course_faults(draft.course, draft.hours).await?);
        let bank = self.store.bank(draft.bank).await?;
        match &bank {
            Some(bank) => faults.extend(self.bank_faults(bank).await?),
            None => faults.push(FieldFault::new("/bank", "没有这个题库 / there is no such bank")),
        }
        let Some(bank) = bank.filter(|_| faults.is_empty()) else { return Err(EngineError::Invalid(faults)) };
        let pool = self.exams.pool(self.store.as_ref(), bank.id, bank.revision).await?;
        let row = LessonRow {
            id: LessonId(uuid::Uuid::now_v7()),
            code: draft.code,
            course: draft.course,
            title: draft.title,
            duration_ms: rules.duration_ms,
            bank: bank.id,
            bank_revision: bank.revision,
            bank_version: pool.version().to_string(),
            policy: rules.policy,
            hours: draft.hours,
            created_at: self.now(),
        };
        let audit = self.audit(Some(identity.id()), "lesson.create", row.id.to_string());
        self.store.create_lesson(row.clone(), audit).await?;
        Ok(row)
    }

    /// Sets which lessons of other courses a course lists, in this order: a package. A lesson that several courses
    /// list credits its own hours once.
    ///
    /// # Errors
    /// The caller is no author, there is no such course, or some of the lessons cannot be listed; all faults at once.
    pub async fn set_course_lessons(
        &self,
        identity: &Identity,
        course: CourseId,
        lessons: Vec<LessonId>,
    ) -> Result<(), EngineError> {
        identity.may(Act::WriteExams)?;
        let course = self.store.course(course).await?.ok_or(EngineError::NotFound)?;
        if lessons.len() > COURSE_LESSONS_MAX {
            let detail = format!("最多 {COURSE_LESSONS_MAX} 个课时 / give at most {COURSE_LESSONS_MAX} lessons");
            return Err(EngineError::invalid("/lessons", detail));
        }
        let known: HashMap<LessonId, LessonRow> =
            self.store.lessons(None).await?.into_iter().map(|row| (row.id, row)).collect();
        let mut seen = HashSet::new();
        let faults = lessons.iter().enumerate().filter_map(|(index, id)| {
            let detail = match known.get(id) {
                None => "没有这个课时 / there is no such lesson",
                Some(_) if !seen.insert(*id) => "重复 / it is listed already",
                Some(row) if row.course == course.id => "本课程自己的课时无需列出 / it is this course's own: leave it out",
                Some(row) if row.hours.is_none() => {
                    "该课时没有自己的学时，不能列入其他课程 / it has no hours of its own and belongs to its course alone"
                }
                Some(_) => return None,
            };
            Some(FieldFault::new(format!("/lessons/{index}"), detail))
        });
        let faults: Vec<FieldFault> = faults.collect();
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let audit = self.audit(Some(identity.id()), "course.lessons", course.id.to_string());
        Ok(self.store.set_course_lessons(course.id, lessons, audit).await?)
    }

    /// The lessons by code, of one course when it is given, each as the caller stands in it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn learner_lessons(
        &self,
        identity: &Identity,
        course: Option<CourseId>,
    ) -> Result<Vec<LearnerLesson>, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let lessons = self.store.lessons(course).await?;
        let mut progress = self.progress_by_lesson(identity.id()).await?;
        let with_progress = |lesson: LessonRow| LearnerLesson { progress: progress.remove(&lesson.id), lesson };
        Ok(lessons.into_iter().map(with_progress).collect())
    }

    /// One lesson as the caller stands in it.
    ///
    /// # Errors
    /// There is none.
    pub async fn learner_lesson(&self, identity: &Identity, id: LessonId) -> Result<LearnerLesson, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let lesson = self.store.lesson(id).await?.ok_or(EngineError::NotFound)?;
        Ok(LearnerLesson { progress: self.store.progress(identity.id(), id).await?, lesson })
    }

    /// A learner's whole log of a lesson.
    ///
    /// # Errors
    /// The caller is no proctor, or the learner never opened the lesson.
    pub async fn lesson_timeline(
        &self,
        identity: &Identity,
        learner: PersonId,
        lesson: LessonId,
    ) -> Result<LessonTimeline, EngineError> {
        identity.may(Act::Proctor)?;
        let rows = self.store.lesson_steps(learner, lesson).await?;
        if rows.is_empty() {
            return Err(EngineError::NotFound);
        }
        let state = crate::study::fold(learner, lesson, &rows)?;
        let names = self.names(rows.iter().filter_map(|row| row.actor).chain([learner])).await?;
        Ok(LessonTimeline { learner_name: names.get(&learner).cloned().unwrap_or_default(), names, state, rows })
    }

    /// Lessons of other courses that courses list, by course and in their order.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn listed_lessons(&self) -> Result<Vec<(CourseId, LessonId)>, EngineError> {
        Ok(self.store.course_lessons().await?)
    }

    pub(crate) async fn progress_by_lesson(
        &self,
        learner: PersonId,
    ) -> Result<HashMap<LessonId, ProgressRow>, EngineError> {
        Ok(self.store.progress_of(learner).await?.into_iter().map(|row| (row.lesson, row)).collect())
    }

    /// A lesson with its pool.
    pub(crate) async fn loaded_lesson(&self, id: LessonId) -> Result<Arc<LoadedLesson>, EngineError> {
        if let Some(loaded) = self.lessons.0.read().get(&id) {
            return Ok(Arc::clone(loaded));
        }
        let row = self.store.lesson(id).await?.ok_or(EngineError::NotFound)?;
        let course = self.store.course(row.course).await?.ok_or_else(|| missing("course"))?;
        let pool = self.exams.pool(self.store.as_ref(), row.bank, row.bank_revision).await?;
        let rules = LessonRules { duration_ms: row.duration_ms, policy: row.policy.clone() };
        let loaded = Arc::new(LoadedLesson { row, rules, course, pool });
        // Of several that load it at once, the first one's stays.
        Ok(Arc::clone(self.lessons.0.write().entry(id).or_insert(loaded)))
    }

    /// Hours come from a course's exam, from the course's lessons together, or from each lesson: never from two.
    async fn course_faults(&self, course: CourseId, hours: Option<Points>) -> Result<Vec<FieldFault>, EngineError> {
        let mut faults = Vec::new();
        let Some(course) = self.store.course(course).await? else {
            return Ok(vec![FieldFault::new("/course", "没有这门课程 / there is no such course")]);
        };
        let mut check = |holds: bool, detail: &str| {
            if !holds {
                faults.push(FieldFault::new("/hours", detail));
            }
        };
        let siblings = self.store.lessons(Some(course.id)).await?;
        let mut siblings = siblings.iter().filter(|lesson| lesson.course == course.id);
        check(
            siblings.all(|lesson| lesson.hours.is_some() == hours.is_some()),
            "同一课程的课时应当都填写学时，或都不填写 / the lessons of a course have hours of their own all of them, or none",
        );
        let Some(hours) = hours else { return Ok(faults) };
        check(
            hours > Points::ZERO && hours <= Points::whole(1_000),
            "请填写大于 0 且不超过 1000 的学时 / give more than 0 and at most 1000 hours",
        );
        check(
            course.bucket.subject != Subject::Public,
            "公需科目的学时只由考试授予，请不要填写 / hours of public subjects come by exam only: leave it out",
        );
        check(
            !self.has_exam(course.id).await?,
            "该课程的学时由考试授予，请不要填写 / this course's hours come by its exam: leave it out",
        );
        Ok(faults)
    }

    /// Whether an exam grants the course's hours.
    pub(crate) async fn has_exam(&self, course: CourseId) -> Result<bool, EngineError> {
        Ok(self.store.exams().await?.iter().any(|exam| exam.course == course))
    }

    /// Whether a lesson made for the course has hours of its own, so that an exam must not grant them again.
    pub(crate) async fn has_lesson_hours(&self, course: CourseId) -> Result<bool, EngineError> {
        let lessons = self.store.lessons(Some(course)).await?;
        Ok(lessons.iter().any(|lesson| lesson.course == course && lesson.hours.is_some()))
    }

    async fn bank_faults(&self, bank: &BankRow) -> Result<Vec<FieldFault>, EngineError> {
        let pool = self.exams.pool(self.store.as_ref(), bank.id, bank.revision).await?;
        if pool.len() < LESSON_ITEMS_MIN {
            let detail = format!(
                "题库至少需要 {LESSON_ITEMS_MIN} 道可用试题：答错后会换一题 / the bank needs at least {LESSON_ITEMS_MIN} ready items: a wrong answer is followed by another question"
            );
            return Ok(vec![FieldFault::new("/bank", detail)]);
        }
        let large = blocking(move || too_large(&pool)).await?;
        if large.is_empty() {
            return Ok(Vec::new());
        }
        let codes = large.join(" ");
        let detail = format!(
            "以下试题超过 {QUESTION_BYTES_MAX} 字节，无法在课时中弹出 / these items are over {QUESTION_BYTES_MAX} bytes, too large to pop up in a lesson: {codes}"
        );
        Ok(vec![FieldFault::new("/bank", detail)])
    }
}

/// The codes of the first items that do not fit into one message.
fn too_large(pool: &Pool) -> Vec<String> {
    let seed = Seed::from_bytes([0; 32]);
    let mut bytes = Vec::new();
    let mut codes = Vec::new();
    for index in (0u32..).take(pool.len()).map(ItemIndex) {
        bytes.clear();
        let fits = question(pool, index, &seed)
            .is_some_and(|drawn| candidate::write_question(&mut bytes, drawn.slot(), pool).is_ok());
        if fits && bytes.len() <= QUESTION_BYTES_MAX {
            continue;
        }
        codes.extend(pool.item(index).map(|item| item.code.clone()));
        if codes.len() == 10 {
            break;
        }
    }
    codes
}
