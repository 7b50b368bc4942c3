//! Attempts under way: answers, signals, submission, reading.

use crate::engine::Stats;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::slots::Slot;
use crate::{Engine, EngineError, Identity, LoadedExam};
use exam_core::access::Act;
use exam_core::attempt::decide::{Decided, answer_digest};
use exam_core::attempt::{
    AnswerInput, Answered, Attempt, ClientSignal, Command, CommandId, Context, HoursFacts, Mode, Phase, Step, StepBody,
    StepRow, command::Actor, decide,
};
use exam_core::audit::NewAudit;
use exam_core::hours::{GrantSource, LedgerEntry};
use exam_core::ids::{AttemptId, EntryId, PersonId};
use exam_core::integrity::Origin;
use exam_core::{Refusal, Timestamp};
use exam_store::{AttemptRow, AttemptState, Commit, CommitError, RowChange};
use question_bank::pool::Pool;
use question_bank::{Points, Response, ScoringRule, marking};
use std::sync::Arc;

/// What became of one answer.
#[derive(Clone, Debug)]
pub struct AnswerOutcome {
    /// The kept answer.
    pub answered: Answered,
    /// The service's word for it.
    pub receipt: String,
    /// In practice: right or wrong, and why.
    pub feedback: Option<Feedback>,
}

/// What became of a batch of answers, each in its place.
#[derive(Clone, Debug)]
pub struct BatchOutcome {
    /// One per answer sent.
    pub answers: Vec<Result<AnswerOutcome, Refusal>>,
}

/// What practice says about an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// Whether it earned all its points.
    pub correct: bool,
    /// The key, in the ids of this attempt.
    pub key: Response,
    /// Why.
    pub explanation: Option<String>,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Whether it was submitted by the same command before.
    pub replayed: bool,
}

/// What a receipt turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiptCheck {
    /// What it says.
    pub receipt: exam_core::receipt::Receipt,
    /// Whether the step it names is kept and holds that answer.
    pub kept: bool,
    /// Whether a response handed in beside it is the one it was given for.
    pub response_matches: Option<bool>,
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) decided: Decided,
}

impl Engine {
    /// Keeps one answer. Returns after it is durable.
    ///
    /// # Errors
    /// The rule that refuses it; the earlier answer stands then.
    pub async fn answer(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        answer: AnswerInput,
        origin: &Origin,
    ) -> Result<AnswerOutcome, EngineError> {
        let outcome = self.answers(identity, attempt, vec![answer], false, origin).await?;
        match outcome.answers.into_iter().next() {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(refusal)) => Err(refusal.into()),
            None => Err(EngineError::Internal("an answer without an outcome".into())),
        }
    }

    /// Keeps answers in one commit. Returns after they are durable; what is refused does not stop the rest.
    ///
    /// # Errors
    /// The attempt is not the caller's, or the store does not keep it.
    pub async fn answers(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        answers: Vec<AnswerInput>,
        offline: bool,
        origin: &Origin,
    ) -> Result<BatchOutcome, EngineError> {
        let command = Command::Answer { answers, offline };
        let done = self.own_command(identity, attempt, &command, origin).await?;
        let kept = done.decided.answers.iter().flatten().filter(|answered| !answered.replayed).count();
        let refused = done.decided.answers.iter().filter(|outcome| outcome.is_err()).count();
        Stats::add(&self.stats().answers, kept as u64);
        Stats::add(&self.stats().answers_refused, refused as u64);
        let Command::Answer { answers, .. } = &command else { return Ok(BatchOutcome { answers: Vec::new() }) };
        let feedbacks = self.feedbacks(attempt, answers).await?;
        let receipt = |(answered, feedback): (Result<Answered, Refusal>, Option<Feedback>)| {
            answered.map(|answered| AnswerOutcome {
                receipt: self.receipts.sign(attempt, &answered),
                answered,
                feedback,
            })
        };
        Ok(BatchOutcome { answers: done.decided.answers.into_iter().zip(feedbacks).map(receipt).collect() })
    }

    /// Keeps what the client observed.
    ///
    /// # Errors
    /// The attempt is not the caller's or closed, or the store does not keep it.
    pub async fn signals(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        signals: Vec<ClientSignal>,
        origin: &Origin,
    ) -> Result<(), EngineError> {
        self.own_command(identity, attempt, &Command::Signal { signals }, origin).await.map(drop)
    }

    /// Hands the attempt in: it is closed, marked and, if it passes, credited in one transaction.
    ///
    /// # Errors
    /// The attempt is not the caller's or closed, or the store does not keep it.
    pub async fn submit(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        command: CommandId,
        origin: &Origin,
    ) -> Result<Submission, EngineError> {
        let done = self.own_command(identity, attempt, &Command::Submit { command }, origin).await?;
        if !done.decided.replayed {
            Stats::add(&self.stats().submissions, 1);
        }
        Ok(Submission { replayed: done.decided.replayed })
    }

    /// Reads the caller's own attempt.
    ///
    /// # Errors
    /// It is not the caller's, or there is none.
    pub async fn read_attempt<R>(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        read: impl FnOnce(&Attempt, &LoadedExam) -> R,
    ) -> Result<R, EngineError> {
        let (slot, exam) = self.slot_of(identity.id(), attempt).await?;
        let (owner, value) = slot
            .read(|attempt| (attempt.learner, read(attempt, &exam)))
            .ok_or_else(|| EngineError::Internal("an attempt was forgotten while it was read".into()))?;
        identity.may(Act::TakeAttempt { owner })?;
        Ok(value)
    }

    /// Checks a receipt against its signature and against the log.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for anything this service did not sign.
    pub async fn check_receipt(
        &self,
        receipt: &str,
        response: Option<&Option<Response>>,
    ) -> Result<ReceiptCheck, EngineError> {
        let receipt = self.receipts.verify(receipt).ok_or(EngineError::NotFound)?;
        let row = self.store.attempt(receipt.attempt).await?;
        let kept = match row {
            Some(row) => self.store.steps(row.learner, row.id).await?.iter().any(|step| {
                step.seq == receipt.seq
                    && step.at == receipt.saved_at
                    && step.command.is_some_and(|(_, digest)| digest == receipt.digest)
            }),
            None => false,
        };
        let response_matches =
            response.map(|response| answer_digest(receipt.slot, response.as_ref()) == receipt.digest);
        Ok(ReceiptCheck { receipt, kept, response_matches })
    }

    async fn own_command(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        command: &Command,
        origin: &Origin,
    ) -> Result<Done, EngineError> {
        // Attempts are looked up by their owner: another's is not found (see `reload`).
        identity.may(Act::TakeAttempt { owner: identity.id() })?;
        self.command(identity.id(), attempt, command, Actor::Person(identity.id()), Some(origin)).await
    }

    pub(crate) async fn command(
        &self,
        learner: PersonId,
        attempt: AttemptId,
        command: &Command,
        actor: Actor,
        origin: Option<&Origin>,
    ) -> Result<Done, EngineError> {
        self.command_with(learner, attempt, command, actor, origin, None).await
    }

    /// The one way a command takes: turn, decide, commit, apply. A regrade brings the pool to mark by.
    pub(crate) async fn command_with(
        &self,
        learner: PersonId,
        attempt: AttemptId,
        command: &Command,
        actor: Actor,
        origin: Option<&Origin>,
        pool: Option<&Pool>,
    ) -> Result<Done, EngineError> {
        let (slot, exam) = self.slot_of(learner, attempt).await?;
        let _turn = slot.turn().await.ok_or(EngineError::Overloaded)?;
        let mut granted = self.granted_before(learner, command, &exam).await?;
        let mut fresh = false;
        for _ in 0..CONFLICT_RETRIES_MAX {
            if slot.read(|state| state.learner == learner) != Some(true) {
                self.reload(&slot, learner, attempt).await?;
                fresh = true;
            }
            let facts = hours_facts(&exam, attempt, granted);
            let judged = self.judge(&slot, &exam, pool, &facts, command, origin)?;
            let decided = match judged {
                Ok(decided) => decided,
                // Judged from a cache that another node may have overtaken: look once more.
                Err(_) if self.options.shared_store && !fresh => {
                    slot.set(None);
                    continue;
                }
                Err(refusal) => return Err(refusal.into()),
            };
            if decided.steps.is_empty() {
                return Ok(Done { decided });
            }
            let prepared = self.seal(&slot, &decided, actor, learner, &facts)?;
            match self.store.commit(prepared.commit).await {
                Ok(()) => {
                    self.apply(&slot, &exam, &prepared.steps)?;
                    return Ok(Done { decided });
                }
                Err(CommitError::Store(error)) => {
                    slot.set(None);
                    Stats::add(&self.stats().failures, 1);
                    return Err(error.into());
                }
                Err(conflict) => {
                    granted |= conflict == CommitError::AlreadyGranted;
                    slot.set(None);
                    Stats::add(&self.stats().conflicts, 1);
                }
            }
        }
        Err(EngineError::Overloaded)
    }

    /// The slot with its state loaded, and the exam.
    pub(crate) async fn slot_of(
        &self,
        learner: PersonId,
        attempt: AttemptId,
    ) -> Result<(Arc<Slot>, Arc<LoadedExam>), EngineError> {
        let slot = self.slots.get(attempt);
        let known = slot.read(|state| (state.learner, state.exam));
        let exam = match known {
            Some((owner, exam)) if owner == learner => exam,
            Some(_) => return Err(EngineError::NotFound),
            None => self.reload(&slot, learner, attempt).await?,
        };
        Ok((slot, self.loaded(exam).await?))
    }

    /// Folds the attempt from its steps, looked up by its learner.
    async fn reload(
        &self,
        slot: &Slot,
        learner: PersonId,
        attempt: AttemptId,
    ) -> Result<exam_core::ExamId, EngineError> {
        let rows = self.store.steps(learner, attempt).await?;
        if rows.is_empty() {
            return Err(EngineError::NotFound);
        }
        let state = fold(learner, attempt, &rows)?;
        let exam = state.exam;
        // A reader may fold while a command commits: never go back behind what is known.
        let newer = slot.read(|known| known.seq >= state.seq).unwrap_or(false);
        if !newer {
            slot.set(Some(state));
        }
        Ok(exam)
    }

    async fn granted_before(
        &self,
        learner: PersonId,
        command: &Command,
        exam: &LoadedExam,
    ) -> Result<bool, EngineError> {
        match command {
            Command::Submit { .. } | Command::Expire | Command::Regrade { .. } => {
                Ok(self.store.is_granted(learner, exam.course.id, exam.course.credit_year).await?)
            }
            _ => Ok(false),
        }
    }

    fn judge(
        &self,
        slot: &Slot,
        exam: &LoadedExam,
        pool: Option<&Pool>,
        hours: &HoursFacts,
        command: &Command,
        origin: Option<&Origin>,
    ) -> Result<Result<Decided, Refusal>, EngineError> {
        let timing = |item| exam.timing.get(item);
        let context = Context {
            now: self.now(),
            rules: &exam.exam.rules,
            pool: pool.unwrap_or(&exam.pool),
            hours,
            origin,
            timing: &timing,
            heuristics: self.options.heuristics,
        };
        slot.read(|attempt| decide(attempt, command, &context))
            .ok_or_else(|| EngineError::Internal("an attempt was forgotten in its own turn".into()))
    }

    fn seal(
        &self,
        slot: &Slot,
        decided: &Decided,
        actor: Actor,
        learner: PersonId,
        facts: &HoursFacts,
    ) -> Result<Prepared, EngineError> {
        let now = self.now();
        slot.read(|attempt| prepare(attempt, decided, now, actor, self.options.node, learner, facts))
            .ok_or_else(|| EngineError::Internal("an attempt was forgotten in its own turn".into()))?
    }

    /// After the commit: the cache says what the store says.
    fn apply(&self, slot: &Slot, exam: &LoadedExam, steps: &[Step]) -> Result<(), EngineError> {
        let applied = slot.change(|attempt| {
            for step in steps {
                self.note(attempt, exam, step);
                attempt.apply(step)?;
            }
            Ok::<(), exam_core::attempt::FoldError>(())
        });
        match applied {
            Some(Ok(())) | None => Ok(()),
            Some(Err(error)) => {
                slot.set(None);
                Err(EngineError::Internal(error.to_string()))
            }
        }
    }

    fn note(&self, attempt: &Attempt, exam: &LoadedExam, step: &Step) {
        match &step.body {
            StepBody::Flagged(_) => Stats::add(&self.stats().flags, 1),
            StepBody::HoursGranted { .. } => Stats::add(&self.stats().grants, 1),
            StepBody::Expired => Stats::add(&self.stats().expiries, 1),
            StepBody::Answered { slot, offline: false, .. } if attempt.mode == Mode::Exam => {
                let index = *slot as usize - 1;
                let first = attempt.answers.get(index).is_some_and(Option::is_none);
                if let Some(paper_slot) = attempt.paper.slot(index).filter(|_| first) {
                    exam.timing.add(paper_slot.item, step.at.since(attempt.observer.last_answer_at()));
                }
            }
            StepBody::Resumed { .. } | StepBody::Extended { .. } => self.due.notify_one(),
            _ => {}
        }
    }

    async fn feedbacks(&self, attempt: AttemptId, answers: &[AnswerInput]) -> Result<Vec<Option<Feedback>>, EngineError> {
        let slot = self.slots.get(attempt);
        let practice = slot.read(|state| (state.mode == Mode::Practice).then(|| (state.exam, Arc::clone(&state.paper))));
        let Some(Some((exam, paper))) = practice else { return Ok(vec![None; answers.len()]) };
        let exam = self.loaded(exam).await?;
        Ok(answers.iter().map(|answer| feedback(&exam, &paper, answer)).collect())
    }
}

/// What practice says about an answer; nothing about a cleared one.
fn feedback(exam: &LoadedExam, paper: &question_bank::paper::Paper, answer: &AnswerInput) -> Option<Feedback> {
    let slot = paper.slot_numbered(answer.slot)?;
    let said = marking::check_response(&exam.pool, slot, answer.response.as_ref()?).ok()?;
    let solution = &exam.pool.item(slot.item)?.solution;
    let key = exam.pool.key(slot.item)?;
    Some(Feedback {
        correct: marking::mark(key, Some(&said), ScoringRule::AllOrNothing, Points::whole(1)).correct,
        key: marking::released_key(&solution.key, slot)?,
        explanation: solution.explanation.as_ref().map(|text| text.as_html().to_owned()),
    })
}

/// A commit and the steps in it, ready to be applied after it.
pub(crate) struct Prepared {
    commit: Commit,
    steps: Vec<Step>,
}

fn prepare(
    attempt: &Attempt,
    decided: &Decided,
    now: Timestamp,
    actor: Actor,
    node: u16,
    learner: PersonId,
    facts: &HoursFacts,
) -> Result<Prepared, EngineError> {
    let at = now.max(attempt.last_at);
    let internal = |error: &dyn std::fmt::Display| EngineError::Internal(error.to_string());
    let (mut head, mut seq) = (attempt.head, attempt.seq);
    let mut rows = Vec::with_capacity(decided.steps.len());
    let mut steps = Vec::with_capacity(decided.steps.len());
    for new in &decided.steps {
        seq += 1;
        let row = StepRow::seal(learner, attempt.id, seq, &head, at, actor, node, new).map_err(|e| internal(&e))?;
        head = row.hash;
        steps.push(Step { seq, at, actor, command: new.command, body: new.body.clone(), hash: row.hash });
        rows.push(row);
    }
    let changes_row = decided.steps.iter().any(|new| !matches!(new.body, StepBody::Answered { .. } | StepBody::Signalled(_) | StepBody::Origin(_)));
    let row = if changes_row {
        let mut next = attempt.clone();
        for step in &steps {
            next.apply(step).map_err(|e| internal(&e))?;
        }
        RowChange::Update(Box::new(attempt_row(&next, CommandId::nil(), [0; 16])))
    } else {
        RowChange::Keep
    };
    let grant = decided.steps.iter().find_map(|new| ledger_entry(&new.body, learner, facts, at));
    let audit = act_of_a_person(actor, attempt.id, decided, at);
    Ok(Prepared { commit: Commit { steps: rows, row, grant, audit }, steps })
}

fn ledger_entry(body: &StepBody, learner: PersonId, facts: &HoursFacts, at: Timestamp) -> Option<LedgerEntry> {
    let StepBody::HoursGranted { entry, course, credit_year, bucket, hours } = body else { return None };
    Some(LedgerEntry {
        id: *entry,
        learner,
        course: *course,
        credit_year: *credit_year,
        bucket: *bucket,
        hours: *hours,
        source: facts.source,
        at,
    })
}

/// Acts of proctors and regrades stand in the site's audit log too.
fn act_of_a_person(actor: Actor, attempt: AttemptId, decided: &Decided, at: Timestamp) -> Option<NewAudit> {
    let Actor::Person(person) = actor else { return None };
    let act = decided.steps.iter().find_map(|new| match &new.body {
        StepBody::Warned { .. } => Some("attempt.warn"),
        StepBody::Paused { .. } => Some("attempt.pause"),
        StepBody::Resumed { .. } => Some("attempt.resume"),
        StepBody::Extended { .. } => Some("attempt.extend"),
        StepBody::Terminated { .. } => Some("attempt.terminate"),
        StepBody::Regraded { .. } => Some("attempt.regrade"),
        _ => None,
    })?;
    Some(NewAudit { at, actor: Some(person), act, subject: attempt.to_string(), detail: "{}".to_owned() })
}

/// The row of an attempt as its state tells it. The start command's columns are written once, by the insert.
pub(crate) fn attempt_row(attempt: &Attempt, start_command: CommandId, start_digest: [u8; 16]) -> AttemptRow {
    let state = match attempt.phase {
        Phase::Open => AttemptState::Open,
        Phase::Paused { .. } => AttemptState::Paused,
        Phase::Submitted { .. } => AttemptState::Submitted,
        Phase::Expired { .. } => AttemptState::Expired,
        Phase::Terminated { .. } => AttemptState::Terminated,
    };
    AttemptRow {
        id: attempt.id,
        learner: attempt.learner,
        exam: attempt.exam,
        mode: attempt.mode,
        number: attempt.number,
        state,
        started_at: attempt.started_at,
        deadline: attempt.deadline,
        due_at: (state == AttemptState::Open).then(|| attempt.answers_until()),
        closed_at: attempt.phase.closed_at(),
        answered: attempt.answered() as u32,
        score: attempt.grade().map(|grade| grade.score),
        passed: attempt.grade().map(|grade| grade.passed),
        hours: attempt.hours_granted,
        integrity_score: attempt.observer.score(),
        flags: attempt.observer.flag_count(),
        start_command,
        start_digest,
    }
}

pub(crate) fn fold(learner: PersonId, attempt: AttemptId, rows: &[StepRow]) -> Result<Attempt, EngineError> {
    let steps: Result<Vec<Step>, _> = rows.iter().map(StepRow::read).collect();
    let steps = steps.map_err(|error| EngineError::Internal(error.to_string()))?;
    Attempt::fold(learner, attempt, &steps).map_err(|error| EngineError::Internal(error.to_string()))
}

fn hours_facts(exam: &LoadedExam, attempt: AttemptId, already_granted: bool) -> HoursFacts {
    HoursFacts {
        // One attempt grants at most once, so its own id names the entry.
        entry: EntryId(attempt.0),
        course: exam.course.id,
        credit_year: exam.course.credit_year,
        bucket: exam.course.bucket,
        hours: exam.course.hours,
        already_granted,
        source: GrantSource::Exam { attempt },
    }
}
