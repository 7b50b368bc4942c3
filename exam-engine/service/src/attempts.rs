//! Attempts under way: answers, signals, submission, reading.

use crate::commands::Done;
use crate::engine::Stats;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::{Engine, EngineError, Identity, LoadedExam};
use exam_core::Refusal;
use exam_core::access::Act;
use exam_core::attempt::decide::answer_digest;
use exam_core::attempt::{AnswerInput, Answered, Attempt, ClientSignal, Command, CommandId, Mode, command::Actor};
use exam_core::ids::AttemptId;
use exam_core::integrity::Origin;
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
        let feedbacks = feedbacks(&done, answers);
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
        let mut read = Some(read);
        if self.options.shared_store
            && let Some(last) = self.store.last_seq(identity.id(), attempt).await?
        {
            // Plain answers at other nodes are not announced: there are too many of them.
            self.slots.get(attempt).hear(last);
        }
        for _ in 0..CONFLICT_RETRIES_MAX {
            let (slot, exam) = self.slot_of(identity.id(), attempt).await?;
            // Given up meanwhile by a commit that failed: looked up once more.
            let found = slot.read(|attempt| (attempt.learner, read.take().map(|read| read(attempt, &exam))));
            if let Some((owner, Some(value))) = found {
                identity.may(Act::TakeAttempt { owner })?;
                return Ok(value);
            }
        }
        Err(EngineError::Overloaded)
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
}

/// What practice says about each answer; an exam says nothing.
fn feedbacks(done: &Done, answers: &[AnswerInput]) -> Vec<Option<Feedback>> {
    let practice = done.slot.read(|state| (state.mode == Mode::Practice).then(|| Arc::clone(&state.paper))).flatten();
    let feedback = |answer| practice.as_ref().and_then(|paper| feedback(&done.exam, paper, answer));
    answers.iter().map(feedback).collect()
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
