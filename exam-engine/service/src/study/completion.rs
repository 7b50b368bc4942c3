//! What completing a lesson grants, and what a partner is told of it. Asked of the store only when a command
//! completes: other studies of the learner cannot complete anything while this one holds the fence.

use super::StudyHandle;
use crate::lessons::LoadedLesson;
use crate::{Engine, EngineError};
use exam_core::Timestamp;
use exam_core::hours::Subject;
use exam_core::ids::{CourseId, EntryId, LessonId, PartnerId, PersonId};
use exam_core::lesson::{Lesson, LessonGrant, LessonHours};
use exam_store::{OutboxRow, ProgressState};
use question_bank::Points;
use serde::Serialize;

/// See the module.
pub(super) struct CompletionFacts {
    pub(super) hours: LessonHours,
    partner: Option<PartnerFacts>,
}

/// Of the partner that sent the learner and wants to be told.
struct PartnerFacts {
    partner: PartnerId,
    username: String,
    lesson_code: String,
    course_code: String,
}

/// What a partner is told.
#[derive(Serialize)]
struct Telling<'a> {
    id: uuid::Uuid,
    r#type: &'static str,
    at: Timestamp,
    learner: PersonId,
    username: &'a str,
    lesson: LessonId,
    lesson_code: &'a str,
    course: CourseId,
    course_code: &'a str,
    credit_year: i16,
    hours_granted: Points,
}

impl CompletionFacts {
    /// What a partner is to be told of the completion.
    pub(super) fn telling(&self, completed: &Lesson, at: Timestamp) -> Option<OutboxRow> {
        let partner = self.partner.as_ref()?;
        let id = uuid::Uuid::now_v7();
        let telling = Telling {
            id,
            r#type: "lesson.completed",
            at,
            learner: completed.learner,
            username: &partner.username,
            lesson: completed.lesson,
            lesson_code: &partner.lesson_code,
            course: self.hours.course,
            course_code: &partner.course_code,
            credit_year: self.hours.credit_year,
            hours_granted: completed.hours_granted,
        };
        // Strings and numbers only: this serializes.
        let body = serde_json::to_string(&telling).ok()?;
        let (learner, partner) = (completed.learner, partner.partner);
        Some(OutboxRow { learner, id, partner, body, created_at: at, attempts: 0, due_at: at })
    }
}

/// For commands that complete nothing.
pub(super) fn nothing(lesson: &LoadedLesson) -> LessonHours {
    LessonHours {
        entry: EntryId(uuid::Uuid::nil()),
        grants: LessonGrant::None,
        course: lesson.course.id,
        credit_year: lesson.course.credit_year,
        bucket: lesson.course.bucket,
        already_granted: false,
    }
}

impl Engine {
    /// `granted`: a commit found the entry that the store did not show before.
    pub(super) async fn completion_facts(
        &self,
        handle: &StudyHandle,
        granted: bool,
    ) -> Result<CompletionFacts, EngineError> {
        let (learner, lesson) = (handle.learner, &handle.lesson);
        let (course, year) = (&lesson.course, lesson.course.credit_year);
        let grants = self.lesson_grant(learner, lesson).await?;
        let already_granted = granted
            || match grants {
                LessonGrant::None => false,
                LessonGrant::Lesson { .. } => self.store.is_lesson_granted(learner, lesson.row.id, year).await?,
                LessonGrant::Course { .. } => self.store.is_granted(learner, course.id, year).await?,
            };
        let hours = LessonHours { entry: EntryId(uuid::Uuid::now_v7()), grants, already_granted, ..nothing(lesson) };
        Ok(CompletionFacts { hours, partner: self.partner_facts(handle).await? })
    }

    async fn lesson_grant(&self, learner: PersonId, lesson: &LoadedLesson) -> Result<LessonGrant, EngineError> {
        let course = &lesson.course;
        if let Some(hours) = lesson.row.hours {
            return Ok(LessonGrant::Lesson { hours });
        }
        // Hours of public subjects and of courses with an exam come by passing it.
        if course.bucket.subject == Subject::Public || self.has_exam(course.id).await? {
            return Ok(LessonGrant::None);
        }
        let progress = self.progress_by_lesson(learner).await?;
        let completed = |id: &LessonId| progress.get(id).is_some_and(|row| row.state == ProgressState::Completed);
        let all = self.store.lessons(Some(course.id)).await?;
        let mut others = all.iter().filter(|other| other.course == course.id && other.id != lesson.row.id);
        Ok(if others.all(|other| completed(&other.id)) {
            LessonGrant::Course { hours: course.hours }
        } else {
            LessonGrant::None
        })
    }

    async fn partner_facts(&self, handle: &StudyHandle) -> Result<Option<PartnerFacts>, EngineError> {
        let sent_by = handle.slot.read(|live| live.state.study.as_ref().and_then(|study| study.partner)).flatten();
        let Some(partner) = sent_by else { return Ok(None) };
        let row = self.store.partner(partner).await?;
        if row.is_none_or(|row| row.webhook.is_none() || row.revoked_at.is_some()) {
            return Ok(None);
        }
        let person = self.store.person(handle.learner).await?.ok_or(EngineError::NotFound)?.person;
        let (lesson_code, course_code) = (handle.lesson.row.code.clone(), handle.lesson.course.code.clone());
        Ok(Some(PartnerFacts { partner, username: person.username, lesson_code, course_code }))
    }
}
