//! Courses and exams: making, publishing, listing them.

use crate::limits::NAME_CHARS_MAX;
use crate::loaded::blocking;
use crate::{Engine, EngineError, FieldFault, Identity, LoadedExam};
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::audit::NewAudit;
use exam_core::exam::{Exam, ExamRules, ExamState, Override, PersonalRules};
use exam_core::hours::Bucket;
use exam_core::ids::{BankId, CourseId, ExamId, PersonId};
use exam_core::person::Person;
use exam_store::{AttemptRow, CourseRow, OverrideRow, Page};
use question_bank::Points;
use question_bank::draw::DrawPlan;
use question_bank::limits::{PAPER_SLOTS_MAX, SECTIONS_MAX};
use std::collections::HashMap;
use std::sync::Arc;

/// An exam as its author sends it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExamDraft {
    /// Unique.
    pub code: String,
    /// Shown to learners.
    pub title: String,
    /// The course whose hours it grants.
    pub course: CourseId,
    /// The bank it draws from.
    pub bank: BankId,
    /// Its rules.
    pub rules: ExamRules,
    /// Who may take it; absent: every learner.
    pub audience: Option<Vec<PersonId>>,
}

/// An exam as a learner meets it.
#[derive(Clone)]
pub struct LearnerExam {
    /// The exam.
    pub exam: Arc<LoadedExam>,
    /// Its rules for this learner.
    pub personal: PersonalRules,
    /// The learner's attempts at it, oldest first.
    pub attempts: Vec<AttemptRow>,
}

impl Engine {
    /// Makes a course.
    ///
    /// # Errors
    /// The caller is no author, or something is wrong with the course.
    pub async fn create_course(
        &self,
        identity: &Identity,
        code: String,
        title: String,
        bucket: Bucket,
        credit_year: i16,
        hours: Points,
    ) -> Result<CourseRow, EngineError> {
        identity.may(Act::WriteExams)?;
        let mut faults = name_faults(&code, &title);
        if !(2000..=2100).contains(&credit_year) {
            faults.push(FieldFault::new(
                "/credit_year",
                "请填写 2000 至 2100 之间的年份 / give a year from 2000 to 2100",
            ));
        }
        if hours <= Points::ZERO || hours > Points::whole(1_000) {
            faults.push(FieldFault::new(
                "/hours",
                "学时应大于 0 且不超过 1000 / give more than 0 and at most 1000 hours",
            ));
        }
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let course = CourseRow { id: CourseId(uuid::Uuid::now_v7()), code, title, bucket, credit_year, hours };
        let audit = self.audit(Some(identity.id()), "course.create", course.id.to_string());
        self.store.create_course(course.clone(), audit).await?;
        Ok(course)
    }

    /// The courses, of one year when it is given.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn courses(&self, identity: &Identity, credit_year: Option<i16>) -> Result<Vec<CourseRow>, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        Ok(self.store.courses(credit_year).await?)
    }

    /// Makes a draft of an exam.
    ///
    /// # Errors
    /// The caller is no author, or something is wrong with it; all faults at once.
    pub async fn create_exam(&self, identity: &Identity, draft: ExamDraft) -> Result<Exam, EngineError> {
        identity.may(Act::WriteExams)?;
        self.check_draft(&draft).await?;
        let exam = drafted(ExamId(uuid::Uuid::now_v7()), draft);
        let audit = self.audit(Some(identity.id()), "exam.create", exam.id.to_string());
        self.store.create_exam(exam.clone(), rand::random(), audit).await?;
        Ok(exam)
    }

    /// Changes a draft as a whole.
    ///
    /// # Errors
    /// The caller is no author, it is published already, or something is wrong with it; all faults at once.
    pub async fn change_exam(&self, identity: &Identity, id: ExamId, draft: ExamDraft) -> Result<Exam, EngineError> {
        identity.may(Act::WriteExams)?;
        let before = self.store.exam(id).await?.ok_or(EngineError::NotFound)?;
        if before.state != ExamState::Draft {
            return Err(PUBLISHED);
        }
        self.check_draft(&draft).await?;
        let exam = drafted(id, draft);
        let audit = self.audit(Some(identity.id()), "exam.change", id.to_string());
        self.update_draft(exam.clone(), audit).await?;
        Ok(exam)
    }

    /// All exams by code, drafts too.
    ///
    /// # Errors
    /// The caller is no author.
    pub async fn authored_exams(&self, identity: &Identity) -> Result<Vec<Exam>, EngineError> {
        identity.may(Act::WriteExams)?;
        let mut exams = self.store.exams().await?;
        exams.sort_by(|one, two| one.code.cmp(&two.code));
        Ok(exams)
    }

    /// One exam with all its rules, a draft too.
    ///
    /// # Errors
    /// The caller is no author, or there is no such exam.
    pub async fn authored_exam(&self, identity: &Identity, id: ExamId) -> Result<Exam, EngineError> {
        identity.may(Act::WriteExams)?;
        self.store.exam(id).await?.ok_or(EngineError::NotFound)
    }

    /// A draft that was published meanwhile is not found among the drafts.
    async fn update_draft(&self, exam: Exam, audit: NewAudit) -> Result<(), EngineError> {
        match self.store.update_draft(exam, audit).await {
            Err(exam_store::StoreError::NotFound) => Err(PUBLISHED),
            other => Ok(other?),
        }
    }

    async fn check_draft(&self, draft: &ExamDraft) -> Result<(), EngineError> {
        let mut faults = name_faults(&draft.code, &draft.title);
        // First of all: sums over a blueprint beyond these bounds would overflow.
        let sections = &draft.rules.blueprint.sections;
        if sections.len() > SECTIONS_MAX || sections.iter().any(|section| section.count as usize > PAPER_SLOTS_MAX) {
            let detail = format!(
                "最多 {SECTIONS_MAX} 个大题，每个最多 {PAPER_SLOTS_MAX} 题 / give at most {SECTIONS_MAX} sections of at most {PAPER_SLOTS_MAX} questions"
            );
            return Err(EngineError::invalid("/blueprint/sections", detail));
        }
        faults.extend(draft.rules.faults().into_iter().map(|(pointer, detail)| FieldFault::new(pointer, detail)));
        if self.store.course(draft.course).await?.is_none() {
            faults.push(FieldFault::new("/course", "没有这门课程 / there is no such course"));
        } else if self.has_lesson_hours(draft.course).await? {
            let detail = "该课程的课时各有学时，不能再设考试 / the lessons of this course have hours of their own: it cannot have an exam";
            faults.push(FieldFault::new("/course", detail));
        }
        if self.store.bank(draft.bank).await?.is_none() {
            faults.push(FieldFault::new("/bank", "没有这个题库 / there is no such bank"));
        }
        if faults.is_empty() { Ok(()) } else { Err(EngineError::Invalid(faults)) }
    }

    /// Publishes a draft: pins the bank's present revision and proves that papers can be drawn from it.
    ///
    /// # Errors
    /// The caller is no author, it is published already, or the blueprint cannot be drawn: one fault
    /// per short stratum.
    pub async fn publish_exam(&self, identity: &Identity, id: ExamId) -> Result<Exam, EngineError> {
        identity.may(Act::RunExams)?;
        self.publish(Some(identity.id()), id).await
    }

    /// Publishes on behalf of `by`; the command line has nobody.
    ///
    /// # Errors
    /// As [`Engine::publish_exam`].
    pub async fn publish(&self, by: Option<PersonId>, id: ExamId) -> Result<Exam, EngineError> {
        let mut exam = self.store.exam(id).await?.ok_or(EngineError::NotFound)?;
        if exam.state != ExamState::Draft {
            return Err(PUBLISHED);
        }
        let bank = self.store.bank(exam.bank).await?.ok_or(EngineError::NotFound)?;
        let pool = self.exams.pool(self.store.as_ref(), bank.id, bank.revision).await?;
        let (blueprint, attempts_max) = (exam.rules.blueprint.clone(), exam.rules.attempts_max);
        let trying = Arc::clone(&pool);
        blocking(move || DrawPlan::compile(&trying, &blueprint)?.trial(&trying, attempts_max))
            .await?
            .map_err(EngineError::Infeasible)?;
        exam.state = ExamState::Published {
            at: self.now(),
            bank_revision: bank.revision,
            bank_version: pool.version().to_string(),
        };
        let audit = self.audit(by, "exam.publish", id.to_string());
        self.update_draft(exam.clone(), audit).await?;
        Ok(exam)
    }

    /// Sets when results are released; `None` releases them at once.
    ///
    /// # Errors
    /// The caller is no author, or there is no such published exam.
    pub async fn release_results(
        &self,
        by: Option<PersonId>,
        id: ExamId,
        at: Option<Timestamp>,
    ) -> Result<(), EngineError> {
        self.store.exam(id).await?.ok_or(EngineError::NotFound)?;
        self.store.set_results_at(id, at, self.audit(by, "exam.results", id.to_string())).await?;
        self.exams.forget(id);
        Ok(())
    }

    /// Grants a personal exception.
    ///
    /// # Errors
    /// The caller is no author, the person or exam does not exist, or the exception says nothing.
    pub async fn add_override(
        &self,
        identity: &Identity,
        exam: ExamId,
        person: PersonId,
        exception: Override,
        reason: String,
    ) -> Result<OverrideRow, EngineError> {
        identity.may(Act::RunExams)?;
        self.store.exam(exam).await?.ok_or(EngineError::NotFound)?;
        let mut faults = Vec::new();
        if self.store.person(person).await?.is_none() {
            faults.push(FieldFault::new("/person", "没有这个人员 / there is no such person"));
        }
        if exception == Override::default() {
            faults
                .push(FieldFault::new("/extra_ms", "请至少填写 extra_ms、attempts_max、opens_at、closes_at 之一 / give at least one of extra_ms, attempts_max, opens_at, closes_at"));
        }
        if exception.extra_ms.is_some_and(|extra| !(0..=exam_core::limits::ATTEMPT_DURATION_MS_MAX).contains(&extra)) {
            faults.push(FieldFault::new(
                "/extra_ms",
                "请填写 0 至一天的毫秒数 / give between 0 and a day in milliseconds",
            ));
        }
        if reason.trim().is_empty() || reason.chars().count() > exam_core::limits::REASON_CHARS_MAX {
            faults.push(FieldFault::new("/reason", "请填写理由 / give a reason"));
        }
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let row = OverrideRow { exam, person, exception, reason, by: identity.id(), at: self.now() };
        let audit = self.audit(Some(identity.id()), "exam.override", exam.to_string());
        self.store.add_override(row.clone(), audit).await?;
        Ok(row)
    }

    /// All exceptions at an exam with their numbers, the latest first, and the people in them.
    ///
    /// # Errors
    /// The caller is no author, or there is no such exam.
    pub async fn overrides_at(
        &self,
        identity: &Identity,
        exam: ExamId,
        page: Page<i64>,
    ) -> Result<(Vec<(i64, OverrideRow)>, HashMap<PersonId, Person>), EngineError> {
        identity.may(Act::RunExams)?;
        self.store.exam(exam).await?.ok_or(EngineError::NotFound)?;
        let rows = self.store.overrides_at(exam, page).await?;
        let people = self.people_named(rows.iter().flat_map(|(_, row)| [row.person, row.by])).await?;
        Ok((rows, people))
    }

    /// The published exams open to this learner, of one course or year when it is given.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn learner_exams(
        &self,
        identity: &Identity,
        course: Option<CourseId>,
        credit_year: Option<i16>,
    ) -> Result<Vec<LearnerExam>, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let mut found = Vec::new();
        for exam in self.store.exams().await? {
            let published = matches!(exam.state, ExamState::Published { .. });
            if !published || course.is_some_and(|course| course != exam.course) || !in_audience(&exam, identity) {
                continue;
            }
            let view = self.learner_exam(identity, exam.id).await?;
            if credit_year.is_none_or(|year| year == view.exam.course.credit_year) {
                found.push(view);
            }
        }
        Ok(found)
    }

    /// One published exam as this learner meets it.
    ///
    /// # Errors
    /// There is none, or it is not open to them.
    pub async fn learner_exam(&self, identity: &Identity, id: ExamId) -> Result<LearnerExam, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let exam = self.open_exam(identity, id).await?;
        let overrides = self.store.overrides(id, identity.id()).await?;
        let personal = PersonalRules::new(&exam.exam.rules, overrides.iter().map(|row| &row.exception));
        let attempts = self.store.attempts_of(identity.id(), Some(id)).await?;
        Ok(LearnerExam { exam, personal, attempts })
    }

    /// A published exam, if it is open to this person.
    pub(crate) async fn open_exam(&self, identity: &Identity, id: ExamId) -> Result<Arc<LoadedExam>, EngineError> {
        let exam = self.loaded(id).await?;
        if in_audience(&exam.exam, identity) { Ok(exam) } else { Err(EngineError::NotFound) }
    }
}

/// What is published stays as it is.
const PUBLISHED: EngineError = EngineError::WrongState("考试已经发布 / the exam is published already");

fn drafted(id: ExamId, draft: ExamDraft) -> Exam {
    let ExamDraft { code, title, course, bank, rules, audience } = draft;
    Exam { id, code, title, course, bank, rules, audience, state: ExamState::Draft }
}

/// Staff see every exam; learners those they may take.
fn in_audience(exam: &Exam, identity: &Identity) -> bool {
    let staff = identity.may(Act::Proctor).or(identity.may(Act::WriteExams)).or(identity.may(Act::Oversee));
    staff.is_ok() || exam.audience.as_ref().is_none_or(|audience| audience.contains(&identity.id()))
}

pub(crate) fn name_faults(code: &str, title: &str) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let fits = |text: &str| !text.trim().is_empty() && text.chars().count() <= NAME_CHARS_MAX;
    if !fits(code) || code.chars().any(char::is_control) {
        faults.push(FieldFault::new(
            "/code",
            format!("请填写 1 至 {NAME_CHARS_MAX} 个字 / give 1 to {NAME_CHARS_MAX} characters"),
        ));
    }
    if !fits(title) {
        faults.push(FieldFault::new(
            "/title",
            format!("请填写 1 至 {NAME_CHARS_MAX} 个字 / give 1 to {NAME_CHARS_MAX} characters"),
        ));
    }
    faults
}
