//! A person's year, as they see it and as those who oversee them do.

use crate::{Engine, EngineError, Identity};
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::attempt::StepBody;
use exam_core::exam::ExamState;
use exam_core::hours::{GrantSource, LedgerEntry, YearQuota, YearSummary, summarize};
use exam_core::ids::{AttemptId, CourseId, PersonId};
use exam_core::person::{Person, Role};
use exam_core::release::exam_visibility;
use exam_store::{AttemptRow, Page, PeopleFilter};
use std::collections::HashMap;

/// A ledger entry with what it came from.
#[derive(Clone, Debug)]
pub struct EntryView {
    /// The entry.
    pub entry: LedgerEntry,
    /// The course's title.
    pub course_title: String,
}

/// A year with its entries.
#[derive(Clone, Debug)]
pub struct YearView {
    /// Required and earned.
    pub summary: YearSummary,
    /// Entries, oldest first.
    pub entries: Vec<EntryView>,
}

/// What an entry came from.
#[derive(Clone, Debug, Default)]
pub struct SourceView {
    /// The exam's or the lesson's title.
    pub title: String,
    /// Which attempt of the learner at it.
    pub number: Option<u32>,
    /// When the attempt was closed.
    pub closed_at: Option<Timestamp>,
    /// Who brought it about, where that was not the learner: whoever marked the attempt again.
    pub by: Option<String>,
}

/// An entry with all that is known of where it came from.
#[derive(Clone, Debug)]
pub struct SourcedEntry {
    /// The entry.
    pub view: EntryView,
    /// Its source.
    pub source: SourceView,
    /// Whether the learner sees it: the results of its exam are released.
    pub released: bool,
}

/// The year of somebody the caller oversees.
#[derive(Clone, Debug)]
pub struct PersonYear {
    /// Whose.
    pub person: Person,
    /// The name of their unit, if it is in the tree.
    pub unit_name: Option<String>,
    /// Required and earned.
    pub summary: YearSummary,
    /// Entries, oldest first.
    pub entries: Vec<SourcedEntry>,
}

/// The sums of one learner's year.
#[derive(Clone, Debug)]
pub struct PersonHours {
    /// Whose.
    pub person: Person,
    /// Required and earned.
    pub summary: YearSummary,
}

/// Whether exams of a course have released their results.
#[derive(Clone, Copy, Default)]
struct Releases {
    some: bool,
    not_all: bool,
}

impl Engine {
    /// The year of a person whom the caller oversees. Administrators see every entry, and of each whether it is
    /// released; the others see what is released.
    ///
    /// # Errors
    /// There is no such person within what the caller oversees.
    pub async fn person_year(
        &self,
        identity: &Identity,
        person: PersonId,
        credit_year: i16,
    ) -> Result<PersonYear, EngineError> {
        let person = self.overseen(identity, person).await?;
        let sees_all = identity.may(Act::ManagePeople).is_ok();
        let attempts: HashMap<AttemptId, AttemptRow> =
            self.store.attempts_of(person.id, None).await?.into_iter().map(|row| (row.id, row)).collect();
        let now = self.now();
        let mut entries = Vec::new();
        for entry in self.store.entries(person.id, credit_year).await? {
            let released = self.is_released(entry.source, now).await?;
            if !released && !sees_all {
                continue;
            }
            let source = self.source_of(&entry, &attempts).await?;
            let course = self.store.course(entry.course).await?;
            let view = EntryView { course_title: course.map(|course| course.title).unwrap_or_default(), entry };
            entries.push(SourcedEntry { view, source, released });
        }
        let summary = summarize(&YearQuota::default(), entries.iter().map(|entry| &entry.view.entry));
        let unit_name = self.unit_names(person.unit.as_deref()).await?.into_values().next();
        Ok(PersonYear { person, unit_name, summary, entries })
    }

    async fn source_of(
        &self,
        entry: &LedgerEntry,
        attempts: &HashMap<AttemptId, AttemptRow>,
    ) -> Result<SourceView, EngineError> {
        match entry.source {
            GrantSource::Exam { attempt } | GrantSource::Review { attempt, .. } => {
                let Some(row) = attempts.get(&attempt) else { return Ok(SourceView::default()) };
                let title = self.store.exam(row.exam).await?.map(|exam| exam.title).unwrap_or_default();
                let by = match entry.source {
                    GrantSource::Review { by, .. } => self.names([by]).await?.into_values().next(),
                    _ => self.granted_by(entry.learner, attempt).await?,
                };
                Ok(SourceView { title, number: Some(row.number), closed_at: row.closed_at, by })
            }
            GrantSource::Lesson { lesson } | GrantSource::Lessons { lesson } => {
                let title = self.store.lesson(lesson).await?.map(|lesson| lesson.title).unwrap_or_default();
                Ok(SourceView { title, ..SourceView::default() })
            }
        }
    }

    /// The name of whoever's act granted the hours of an attempt, if that was not its learner or the server.
    async fn granted_by(&self, learner: PersonId, attempt: AttemptId) -> Result<Option<String>, EngineError> {
        for row in self.store.steps(learner, attempt).await?.iter().rev() {
            let step = row.read().map_err(|error| EngineError::Internal(error.to_string()))?;
            if matches!(step.body, StepBody::HoursGranted { .. }) {
                let other = row.actor.filter(|actor| *actor != learner);
                return Ok(self.names(other).await?.into_values().next());
            }
        }
        Ok(None)
    }

    /// The sums of a year of every learner whom the caller oversees, by username.
    ///
    /// # Errors
    /// The caller oversees nobody.
    pub async fn hours_of_all(&self, identity: &Identity, credit_year: i16) -> Result<Vec<PersonHours>, EngineError> {
        let scope = self.scope(identity).await?;
        let hidden = match identity.may(Act::ManagePeople) {
            Ok(()) => HashMap::new(),
            Err(_) => self.releases().await?,
        };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let filter = PeopleFilter { units: scope.codes().map(<[_]>::to_vec), text: None };
            let people = self.store.people(filter, Page { after, limit: 500 }).await?;
            let Some(last) = people.last() else { return Ok(found) };
            after = Some(last.username.clone());
            let learners: Vec<Person> = people.into_iter().filter(|person| person.roles.has(Role::Learner)).collect();
            let ids = learners.iter().map(|person| person.id).collect();
            let mut entries: HashMap<PersonId, Vec<LedgerEntry>> = HashMap::new();
            for entry in self.store.entries_of(ids, credit_year).await? {
                if self.is_told(&entry, &hidden).await? {
                    entries.entry(entry.learner).or_default().push(entry);
                }
            }
            found.extend(learners.into_iter().map(|person| {
                let own = entries.get(&person.id).map_or(&[][..], Vec::as_slice);
                PersonHours { summary: summarize(&YearQuota::default(), own), person }
            }));
        }
    }

    /// Of every course with a published exam whose results are not released yet.
    async fn releases(&self) -> Result<HashMap<CourseId, Releases>, EngineError> {
        let now = self.now();
        let mut courses: HashMap<CourseId, Releases> = HashMap::new();
        for exam in self.store.exams().await? {
            if matches!(exam.state, ExamState::Published { .. }) {
                let releases = courses.entry(exam.course).or_default();
                let released = exam_visibility(&exam.rules, now).released;
                releases.some |= released;
                releases.not_all |= !released;
            }
        }
        courses.retain(|_, releases| releases.not_all);
        Ok(courses)
    }

    /// Whether an entry may be told. The attempt is looked up only where exams of one course differ.
    async fn is_told(&self, entry: &LedgerEntry, hidden: &HashMap<CourseId, Releases>) -> Result<bool, EngineError> {
        match (entry.source, hidden.get(&entry.course)) {
            (GrantSource::Exam { .. } | GrantSource::Review { .. }, Some(Releases { some: false, .. })) => Ok(false),
            (GrantSource::Exam { .. } | GrantSource::Review { .. }, Some(_)) => {
                self.is_released(entry.source, self.now()).await
            }
            _ => Ok(true),
        }
    }

    /// The caller's year. Entries of results that are not released yet do not show: they would tell
    /// the grade by another door.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn year(&self, identity: &Identity, credit_year: i16) -> Result<YearView, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let now = self.now();
        let mut entries = Vec::new();
        for entry in self.store.entries(identity.id(), credit_year).await? {
            if self.is_released(entry.source, now).await? {
                let course = self.store.course(entry.course).await?;
                entries.push(EntryView { course_title: course.map(|course| course.title).unwrap_or_default(), entry });
            }
        }
        let summary = summarize(&YearQuota::default(), entries.iter().map(|view| &view.entry));
        Ok(YearView { summary, entries })
    }

    /// Whether an entry may show: one by an exam tells its grade, and so does what takes it back; one by a lesson
    /// tells nothing new.
    async fn is_released(&self, source: GrantSource, now: Timestamp) -> Result<bool, EngineError> {
        let (GrantSource::Exam { attempt } | GrantSource::Review { attempt, .. }) = source else { return Ok(true) };
        match self.store.attempt(attempt).await? {
            Some(row) => Ok(exam_visibility(&self.loaded(row.exam).await?.exam.rules, now).released),
            None => Ok(true),
        }
    }
}
