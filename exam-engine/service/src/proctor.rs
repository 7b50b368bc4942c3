//! Watching exams and acting on attempts. Every act names a person.

use crate::events::AttemptEvent;
use crate::rows::{attempt_row, fold};
use crate::{Engine, EngineError, Identity};
use exam_core::access::Act;
use exam_core::attempt::{Attempt, Command, CommandId, ProctorAction, StepRow, command::Actor};
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_core::person::Person;
use exam_core::unit::Scope;
use exam_store::attempts::AttemptFilter;
use exam_store::{AttemptRow, Page};
use std::collections::HashMap;

/// One line of an exam's sessions.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// The attempt.
    pub row: AttemptRow,
    /// The learner's name.
    pub learner_name: String,
    /// Client signals so far, where the attempt is in this node's memory.
    pub signals: Option<u32>,
    /// Losses of focus, likewise.
    pub focus_losses: Option<u32>,
    /// When anything last happened, likewise.
    pub last_at: Option<exam_core::Timestamp>,
}

/// The row of an attempt, for showing it.
fn index_row(attempt: &Attempt) -> AttemptRow {
    attempt_row(attempt, CommandId::nil(), [0; 16])
}

/// A log as it was once a command had been taken: up to its last step.
fn upto(rows: &[StepRow], command: CommandId) -> &[StepRow] {
    let Some(taken) = rows.iter().position(|row| row.command.is_some_and(|(id, _)| id == command)) else { return rows };
    let first = &rows[taken];
    // What follows from a command stands behind it without one of its own: the grade of a termination.
    let follows = |row: &&StepRow| row.command.is_none() && (row.actor, row.at) == (first.actor, first.at);
    let more = rows[taken + 1..].iter().take_while(follows).count();
    &rows[..=taken + more]
}

/// What an act came to.
#[derive(Clone, Debug)]
pub struct ActOutcome {
    /// The attempt as it was then.
    pub attempt: Attempt,
    /// Whether the same command acted before.
    pub replayed: bool,
}

/// Everything that happened to an attempt.
#[derive(Clone, Debug)]
pub struct TimelineView {
    /// Folded.
    pub attempt: Attempt,
    /// The log.
    pub rows: Vec<StepRow>,
    /// The learner's name.
    pub learner_name: String,
    /// Names of the people who acted, by id.
    pub names: HashMap<PersonId, String>,
}

impl Engine {
    /// The attempts at an exam, newest first; of the people whom the caller oversees, unless a proctor asks.
    ///
    /// # Errors
    /// The caller neither watches nor oversees, or there is no such exam.
    pub async fn exam_sessions(
        &self,
        identity: &Identity,
        exam: ExamId,
        filter: AttemptFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<SessionView>, EngineError> {
        let scope = match identity.may(Act::Proctor) {
            Ok(()) => Scope::Everybody,
            Err(_) => self.scope(identity).await?,
        };
        self.store.exam(exam).await?.ok_or(EngineError::NotFound)?;
        let rows = self.attempts_within(&scope, exam, filter, page).await?;
        let names = self.names(rows.iter().map(|row| row.learner)).await?;
        Ok(rows.into_iter().map(|row| self.session_view(row, &names)).collect())
    }

    /// Some attempts at an exam, as they are now: from memory where it has them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn sessions_of(
        &self,
        exam: ExamId,
        attempts: impl IntoIterator<Item = AttemptId>,
    ) -> Result<Vec<SessionView>, EngineError> {
        let mut rows = Vec::new();
        for id in attempts {
            let known = self.slots.peek(id).and_then(|slot| slot.read_current(index_row));
            let row = match known {
                Some(row) => Some(row),
                None => self.store.attempt(id).await?,
            };
            rows.extend(row.filter(|row| row.exam == exam));
        }
        let names = self.names(rows.iter().map(|row| row.learner)).await?;
        Ok(rows.into_iter().map(|row| self.session_view(row, &names)).collect())
    }

    pub(crate) async fn attempts_within(
        &self,
        scope: &Scope,
        exam: ExamId,
        filter: AttemptFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<AttemptRow>, EngineError> {
        match scope {
            Scope::Everybody => Ok(self.store.attempts_at(exam, filter, page).await?),
            Scope::Units(codes) => Ok(self.store.attempts_of_units(exam, codes.clone(), filter, page).await?),
        }
    }

    /// What happened to the caller's own attempt after a step, as far as screens show it.
    ///
    /// # Errors
    /// It is not the caller's, or the store does not answer.
    pub async fn attempt_events(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        after: u32,
    ) -> Result<Vec<AttemptEvent>, EngineError> {
        let learner = identity.id();
        identity.may(Act::TakeAttempt { owner: learner })?;
        let rows = self.store.steps(learner, attempt).await?;
        let mut events = Vec::new();
        for row in rows.iter().filter(|row| row.seq > after) {
            let step = row.read().map_err(|error| EngineError::Internal(error.to_string()))?;
            events.extend(AttemptEvent::of(learner, attempt, &step));
        }
        Ok(events)
    }

    /// What rows know is as of their last change; what this node's memory knows is newer.
    fn session_view(&self, mut row: AttemptRow, names: &HashMap<PersonId, String>) -> SessionView {
        let learner_name = names.get(&row.learner).cloned().unwrap_or_default();
        let slot = self.slots.peek(row.id);
        let live = slot.as_ref().and_then(|slot| {
            slot.read_current(|attempt| {
                let observer = &attempt.observer;
                (
                    attempt.answered() as u32,
                    observer.score(),
                    observer.flag_count(),
                    observer.signals(),
                    observer.focus_losses(),
                    attempt.last_at,
                )
            })
        });
        if let Some((answered, score, flags, ..)) = live {
            (row.answered, row.integrity_score, row.flags) = (answered, score, flags);
        }
        SessionView {
            row,
            learner_name,
            signals: live.map(|live| live.3),
            focus_losses: live.map(|live| live.4),
            last_at: live.map(|live| live.5),
        }
    }

    /// An attempt's whole log, for proctors, and for reviewers where there is a case.
    ///
    /// # Errors
    /// The caller may not see it, or there is no such attempt.
    pub async fn timeline(&self, identity: &Identity, attempt: AttemptId) -> Result<TimelineView, EngineError> {
        let watches = identity.may(Act::Proctor);
        if watches.is_err() {
            identity.may(Act::ReviewCases)?;
        }
        let row = self.store.attempt(attempt).await?.ok_or(EngineError::NotFound)?;
        if row.case.is_none() {
            watches?;
        }
        self.log_of(row).await
    }

    pub(crate) async fn log_of(&self, row: AttemptRow) -> Result<TimelineView, EngineError> {
        let attempt = row.id;
        let rows = self.store.steps(row.learner, attempt).await?;
        let folded = fold(row.learner, attempt, &rows)?;
        let actors = rows.iter().filter_map(|row| row.actor).chain([row.learner]);
        let names = self.names(actors).await?;
        let learner_name = names.get(&row.learner).cloned().unwrap_or_default();
        Ok(TimelineView { attempt: folded, rows, learner_name, names })
    }

    /// Acts on an attempt. A repeat gets what the act came to, whatever happened since.
    ///
    /// # Errors
    /// The caller is no proctor, there is no such attempt, or the rules forbid the act.
    pub async fn act(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        command: CommandId,
        action: ProctorAction,
        reason: String,
    ) -> Result<ActOutcome, EngineError> {
        identity.may(Act::Proctor)?;
        let row = self.store.attempt(attempt).await?.ok_or(EngineError::NotFound)?;
        let asked = Command::Proctor { command, action, reason };
        let done = self.command(row.learner, attempt, &asked, Actor::Person(identity.id()), None).await?;
        let rows = self.store.steps(row.learner, attempt).await?;
        let attempt = fold(row.learner, attempt, upto(&rows, command))?;
        Ok(ActOutcome { attempt, replayed: done.decided.replayed })
    }

    pub(crate) async fn names(
        &self,
        ids: impl IntoIterator<Item = PersonId>,
    ) -> Result<HashMap<PersonId, String>, EngineError> {
        let people = self.people_named(ids).await?;
        Ok(people.into_iter().map(|(id, person)| (id, person.name)).collect())
    }

    /// Several people at once, for whoever shows something of theirs.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn people_named(
        &self,
        ids: impl IntoIterator<Item = PersonId>,
    ) -> Result<HashMap<PersonId, Person>, EngineError> {
        let mut ids: Vec<PersonId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let people = self.store.people_by_ids(ids).await?;
        Ok(people.into_iter().map(|person| (person.id, person)).collect())
    }
}
