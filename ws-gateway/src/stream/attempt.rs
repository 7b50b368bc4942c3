//! A learner's own attempt: its clock, what proctors do to it, and answers with the same receipts as by HTTP.

use super::close::Close;
use super::connection::{Connection, Conversation, End, Heard};
use super::mailbox::{Letter, Mark};
use super::wire::{AnyOut, AttemptIn, AttemptOut, ReceiptOut, ResumeIn};
use crate::admission::Class;
use crate::http::attempts::receipt_view;
use crate::http::problem::Problem;
use crate::http::views::remaining_ms;
use crate::limits::REPLAY_MAX;
use exam_core::Timestamp;
use exam_core::attempt::{AnswerInput, Attempt};
use exam_core::ids::AttemptId;
use exam_service::events::{AttemptChange, AttemptEvent};
use exam_service::{AnswerOutcome, EngineError, Identity};
use std::time::Instant;

/// What a screen shows of an attempt.
#[derive(Clone, Copy)]
struct Standing {
    state: &'static str,
    seq: u32,
    deadline: Timestamp,
    now: Timestamp,
    remaining_ms: i64,
}

impl Standing {
    fn of(attempt: &Attempt, now: Timestamp) -> Self {
        Self {
            state: attempt.phase.name(),
            seq: attempt.seq,
            deadline: attempt.deadline,
            now,
            remaining_ms: remaining_ms(attempt, now),
        }
    }

    const fn clock(&self) -> AttemptOut<'static> {
        AttemptOut::Clock {
            server_time: self.now,
            deadline: self.deadline,
            remaining_ms: self.remaining_ms,
            state: self.state,
        }
    }
}

/// Accompanies an attempt.
pub(super) async fn converse(
    connection: &mut Connection,
    identity: Identity,
    id: AttemptId,
    resume: Option<ResumeIn>,
) -> Conversation {
    let mut told = Box::pin(welcome(connection, &identity, id, resume)).await?;
    connection.app.hub.tell_time(&connection.entry.peer);
    loop {
        match connection.next().await? {
            Heard::Said(said) => match serde_json::from_str(&said) {
                Ok(AttemptIn::Answer { command_id, slot, response }) => {
                    let input = AnswerInput { command: command_id, slot, response, answered_at: None };
                    Box::pin(answer(connection, &identity, id, input)).await?;
                }
                Err(_) => return Err(Close::MALFORMED.into()),
            },
            Heard::Letter(Letter::Attempt(event)) if event.seq > told => {
                told = event.seq;
                Box::pin(tell(connection, &identity, &event)).await?;
            }
            Heard::Mark(Mark::Clock) => Box::pin(tell_time(connection, &identity, id)).await?,
            Heard::Mark(Mark::Check) => {
                let renewed = Box::pin(connection.app.engine.identify_session(identity.session)).await;
                connection.rechecked(renewed.map(drop))?;
            }
            // What was told before, and what is not for this socket.
            Heard::Letter(_) | Heard::Mark(_) => {}
        }
    }
}

async fn tell_time(connection: &mut Connection, identity: &Identity, id: AttemptId) -> Result<(), End> {
    let standing = standing(connection, identity, id).await?;
    connection.send(&standing.clock()).await
}

async fn standing(connection: &mut Connection, identity: &Identity, id: AttemptId) -> Result<Standing, End> {
    let engine = &connection.app.engine;
    let now = engine.now();
    let read = Box::pin(engine.read_attempt(identity, id, |attempt, _| Standing::of(attempt, now))).await;
    read.map_err(|error| connection.failed(error))
}

/// Says where the attempt stands and what was missed; gives the number of the last step that was told.
async fn welcome(
    connection: &mut Connection,
    identity: &Identity,
    id: AttemptId,
    resume: Option<ResumeIn>,
) -> Result<u32, End> {
    let standing = standing(connection, identity, id).await?;
    let missed = match resume {
        Some(resume) => Some(missed(connection, identity, id, &standing, resume.seq).await?),
        None => None,
    };
    let session = connection.entry.peer.id.to_string();
    let welcome = AttemptOut::Welcome {
        session: &session,
        attempt: id.to_string(),
        state: standing.state,
        seq: standing.seq,
        deadline: standing.deadline,
        server_time: standing.now,
        remaining_ms: standing.remaining_ms,
    };
    connection.send(&welcome).await?;
    let missed = missed.unwrap_or_default();
    let told = missed.last().map_or(standing.seq, |event| event.seq.max(standing.seq));
    for event in missed {
        tell(connection, identity, &event).await?;
    }
    Ok(told)
}

/// What happened since the client's last message; more than is told again, or what never was, ends in a resync. Which
/// session the client's last message came in does not matter, nor whether it came by a stream: a page that begins says
/// what it knows.
async fn missed(
    connection: &mut Connection,
    identity: &Identity,
    id: AttemptId,
    standing: &Standing,
    seq: u32,
) -> Result<Vec<AttemptEvent>, End> {
    if seq == standing.seq {
        return Ok(Vec::new());
    }
    let missed = Box::pin(connection.app.engine.attempt_events(identity, id, seq)).await;
    let missed = missed.map_err(|error| connection.failed(error))?;
    if seq > standing.seq || missed.len() > REPLAY_MAX {
        connection.send(&AnyOut::Resync).await?;
        return Err(End::Resync);
    }
    Ok(missed)
}

async fn tell(connection: &mut Connection, identity: &Identity, event: &AttemptEvent) -> Result<(), End> {
    let standing = standing(connection, identity, event.attempt).await?;
    let left = |deadline: Timestamp| deadline.since(standing.now).max(0);
    let seq = event.seq;
    let message = match &event.change {
        AttemptChange::Warned { reason } => AttemptOut::Notice { seq, level: "warning", text: reason },
        AttemptChange::Paused { reason } => {
            AttemptOut::Paused { seq, reason, remaining_ms: standing.deadline.since(event.at).max(0) }
        }
        AttemptChange::Resumed { deadline, .. } => {
            AttemptOut::Resumed { seq, deadline: *deadline, remaining_ms: left(*deadline) }
        }
        AttemptChange::Extended { deadline, .. } if standing.state == "paused" => {
            AttemptOut::Extended { seq, deadline: *deadline, remaining_ms: standing.remaining_ms }
        }
        AttemptChange::Extended { deadline, .. } => {
            AttemptOut::Extended { seq, deadline: *deadline, remaining_ms: left(*deadline) }
        }
        AttemptChange::Terminated { reason } => AttemptOut::Terminated { seq, reason },
        AttemptChange::Submitted => AttemptOut::Closed { seq, state: "submitted" },
        AttemptChange::Expired => AttemptOut::Closed { seq, state: "expired" },
    };
    connection.send(&message).await
}

async fn answer(
    connection: &mut Connection,
    identity: &Identity,
    id: AttemptId,
    input: AnswerInput,
) -> Result<(), End> {
    let started = Instant::now();
    let command_id = input.command;
    let identity = connection.authorize(identity).await?;
    let kept = keep(connection, &identity, id, input).await;
    connection.app.metrics.message(Class::Answer, kept.as_ref().err(), started);
    match kept {
        Ok(outcome) => {
            let replayed = outcome.answered.replayed;
            connection.send(&ReceiptOut::Receipt { command_id, replayed, receipt: receipt_view(outcome) }).await
        }
        Err(problem) => connection.refuse(&problem, Some(command_id)).await,
    }
}

/// The same limits, the same class and the same call as by HTTP.
async fn keep(
    connection: &mut Connection,
    identity: &Identity,
    id: AttemptId,
    input: AnswerInput,
) -> Result<AnswerOutcome, Problem> {
    let (app, arrival) = (&connection.app, &connection.arrival);
    crate::http::attempts::limited(app.rates.answer(identity.id(), arrival.address))?;
    let Some(_place) = app.admission.enter(Class::Answer) else {
        return Err(Problem::from(EngineError::Overloaded));
    };
    let outcome = app.engine.answer(identity, id, input, &arrival.origin).await?;
    app.queue.room().seen(identity.id(), outcome.answered.at);
    Ok(outcome)
}
