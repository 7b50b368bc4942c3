//! A learner's study of a lesson: beats earn credit, challenges stop it, and what must not be lost is told in order.
//! Everything told here is durable already.

use super::close::Close;
use super::connection::{Connection, Conversation, End, Heard};
use super::mailbox::{Letter, Mark};
use super::wire::{AnyOut, ChallengeHead, LessonIn, LessonOut, OpenChallenge, ResumeIn, challenge_text};
use crate::admission::Class;
use crate::http::problem::Problem;
use exam_core::Timestamp;
use exam_core::ids::{ChallengeId, StudyId};
use exam_core::lesson::{Beat, Told, ToldWhat};
use exam_service::{
    BeatOutcome, ChallengeOutcome, EngineError, OpenedStudy, Pass, Replay, Resume, StudyError, StudyHandle, Welcome,
};
use question_bank::Response as Said;
use question_bank::candidate::write_question;
use std::time::Instant;
use uuid::Uuid;

/// Opens a study, or resumes it, and says where it stands and what was missed.
pub(super) async fn open(connection: &mut Connection, pass: Pass, resume: Option<ResumeIn>) -> Result<Box<Study>, End> {
    let resume = match resume {
        Some(ResumeIn { session, seq }) => {
            // A name that is none of ours is the active study's neither.
            let study = StudyId::parse(&session).ok_or(Close::TAKEN_OVER)?;
            let claim = rand::random();
            connection.entry.peer.make_claim(claim);
            Some(Resume { study, seq, claim })
        }
        None => None,
    };
    let opened = connection.app.engine.open_study(&pass, resume, &connection.arrival.origin).await;
    let OpenedStudy { handle, welcome, replay } = opened.map_err(|error| over(connection, error))?;
    connection.app.hub.claim_study(&connection.entry.peer, handle.epoch());
    let study = Box::new(Study { pass, handle, armed: None });
    match study.greet(connection, &welcome, &replay).await {
        Ok(()) => Ok(study),
        Err(end) => {
            study.close(connection);
            Err(end)
        }
    }
}

/// How a study ends that does not go on.
fn over(connection: &Connection, error: StudyError) -> End {
    match error {
        StudyError::TakenOver => Close::TAKEN_OVER.into(),
        StudyError::NotFound => Close::NOT_ALLOWED.into(),
        StudyError::Engine(error) => connection.failed(error),
    }
}

/// One study on its socket.
pub(super) struct Study {
    pass: Pass,
    handle: StudyHandle,
    /// For when the wheel is set.
    armed: Option<Timestamp>,
}

impl Study {
    async fn greet(&self, connection: &mut Connection, welcome: &Welcome, replay: &Replay) -> Result<(), End> {
        if *replay == Replay::Resync {
            connection.send(&AnyOut::Resync).await?;
            return Err(End::Resync);
        }
        self.welcome(connection, welcome).await?;
        match replay {
            Replay::Messages(missed) => self.tell(connection, missed).await,
            Replay::None | Replay::Resync => Ok(()),
        }
    }

    /// The connection is over, or the study is.
    pub(super) fn close(&self, connection: &Connection) {
        connection.app.engine.close_study(self.handle.clone());
    }

    /// Accompanies the study to its end.
    pub(super) async fn accompany(&mut self, connection: &mut Connection) -> Conversation {
        loop {
            self.arm(connection);
            match connection.next().await? {
                Heard::Said(said) => match serde_json::from_str(&said) {
                    Ok(LessonIn::Beat { n, position_ms, playing, rate }) => {
                        Box::pin(self.beat(connection, Beat { n, position_ms, playing, rate })).await?;
                    }
                    Ok(LessonIn::Answer { command_id, challenge, response }) => {
                        Box::pin(self.answer(connection, command_id, &challenge, response)).await?;
                    }
                    Err(_) => return Err(Close::MALFORMED.into()),
                },
                Heard::Mark(Mark::Wake) => Box::pin(self.wake(connection)).await?,
                Heard::Mark(Mark::Check) => Box::pin(self.check(connection)).await?,
                Heard::Letter(Letter::Frames(_) | Letter::Attempt(_) | Letter::Resync)
                | Heard::Mark(Mark::Clock | Mark::Ping) => {}
            }
        }
    }

    /// Sets the wheel for what comes due by itself: the end of a cool-down or of a lock.
    fn arm(&mut self, connection: &Connection) {
        let due = self.handle.wake_at();
        if due == self.armed {
            return;
        }
        self.armed = due;
        if let Some(due) = due {
            let left_ms = due.since(connection.app.engine.now()).max(0) as u64;
            connection.app.hub.wake_in(&connection.entry.peer, left_ms);
        }
    }

    async fn welcome(&self, connection: &mut Connection, welcome: &Welcome) -> Result<(), End> {
        let lesson = self.handle.lesson();
        let challenge = match &welcome.challenge {
            Some(asked) => {
                let question = self.question(asked.question.slot())?;
                let answer_within_ms = asked.answer_until.since(welcome.now).max(0);
                Some(OpenChallenge { challenge: asked.challenge.to_string(), question, answer_within_ms }.raw())
            }
            None => None,
        };
        let message = LessonOut::Welcome {
            session: self.handle.study().to_string(),
            lesson: lesson.row.id.to_string(),
            seq: welcome.seq,
            heartbeat_ms: lesson.rules.policy.heartbeat_ms,
            duration_ms: lesson.rules.duration_ms,
            covered_ms: welcome.covered_ms,
            furthest_ms: welcome.furthest_ms,
            max_rate: lesson.rules.policy.max_rate,
            challenge,
            next_in_ms: welcome.wait_until.map(|until| until.since(welcome.now).max(0)),
            completed: welcome.completed,
        };
        connection.send(&message).await
    }

    /// The question's members, spliced from what was serialized when the pool was made.
    fn question(&self, slot: question_bank::Slot<'_>) -> Result<Vec<u8>, End> {
        let mut question = Vec::new();
        write_question(&mut question, slot, &self.handle.lesson().pool).map_err(|error| {
            tracing::error!(%error, "a challenge does not fit its lesson's bank");
            End::Close(Close::INTERNAL)
        })?;
        Ok(question)
    }

    async fn tell(&self, connection: &mut Connection, told: &[Told]) -> Result<(), End> {
        for told in told {
            self.tell_one(connection, told).await?;
        }
        Ok(())
    }

    async fn tell_one(&self, connection: &mut Connection, told: &Told) -> Result<(), End> {
        let left = |until: &Timestamp| until.since(connection.app.engine.now()).max(0);
        let seq = told.seq;
        let message = match &told.what {
            ToldWhat::Challenge { challenge, question, answer_until } => {
                let head = ChallengeHead { seq, challenge: challenge.to_string() };
                let text = challenge_text(&head, &self.question(question.slot())?, left(answer_until));
                return connection.send_frame(text.into()).await;
            }
            ToldWhat::Verdict { challenge, correct, continues, retry_at, rewind_to_ms } => LessonOut::Verdict {
                seq,
                challenge: challenge.to_string(),
                correct: *correct,
                continues: *continues,
                next_in_ms: retry_at.as_ref().map(left),
                rewind_to_ms: *rewind_to_ms,
            },
            ToldWhat::Locked { until } => LessonOut::Notice {
                seq,
                level: "warning",
                text: format!(
                    "本课时的题目已全部用过，{until} 之后可以继续 / all questions were asked, go on after {until}"
                ),
            },
            ToldWhat::Completed { hours } => LessonOut::Complete { seq, hours_granted: *hours },
        };
        connection.send(&message).await
    }

    async fn beat(&self, connection: &mut Connection, beat: Beat) -> Result<(), End> {
        let started = Instant::now();
        connection.authorize_pass(&self.pass).await?;
        let app = std::sync::Arc::clone(&connection.app);
        let taken = match app.admission.enter(Class::Heartbeat) {
            Some(_place) => app.engine.beat(&self.handle, beat).await,
            None => Err(StudyError::Engine(EngineError::Overloaded)),
        };
        let taken = self.judged(connection, taken)?;
        app.metrics.message(Class::Heartbeat, taken.as_ref().err(), started);
        match taken {
            Ok(BeatOutcome { credit, told }) => {
                let (covered_ms, furthest_ms) = (credit.covered_ms, credit.furthest_ms);
                connection.send(&LessonOut::Credit { n: credit.n, covered_ms, furthest_ms }).await?;
                self.tell(connection, &told).await
            }
            Err(problem) => connection.refuse(&problem, None).await,
        }
    }

    async fn answer(
        &self,
        connection: &mut Connection,
        command_id: Uuid,
        challenge: &str,
        response: Said,
    ) -> Result<(), End> {
        let started = Instant::now();
        connection.authorize_pass(&self.pass).await?;
        let answered = self.take_answer(connection, command_id, challenge, response).await;
        let answered = match answered {
            Ok(outcome) => self.judged(connection, outcome)?,
            Err(problem) => Err(problem),
        };
        connection.app.metrics.message(Class::Answer, answered.as_ref().err(), started);
        match answered {
            Ok(ChallengeOutcome { told, refused }) => {
                if let Some(refusal) = refused {
                    connection.refuse(&Problem::from(refusal), Some(command_id)).await?;
                }
                self.tell(connection, &told).await
            }
            Err(problem) => connection.refuse(&problem, Some(command_id)).await,
        }
    }

    async fn take_answer(
        &self,
        connection: &mut Connection,
        command_id: Uuid,
        challenge: &str,
        response: Said,
    ) -> Result<Result<ChallengeOutcome, StudyError>, Problem> {
        let (app, address) = (&connection.app, connection.arrival.address);
        crate::http::attempts::limited(app.rates.answer(self.handle.learner(), address))?;
        let Some(_place) = app.admission.enter(Class::Answer) else {
            return Err(Problem::from(EngineError::Overloaded));
        };
        let challenge = ChallengeId::parse(challenge).ok_or_else(|| Problem::new("challenge_closed"))?;
        Ok(app.engine.answer_challenge(&self.handle, command_id, challenge, response).await)
    }

    async fn wake(&mut self, connection: &mut Connection) -> Result<(), End> {
        // Whatever comes of it, the wheel is set anew.
        self.armed = None;
        let woken = connection.app.engine.wake_study(&self.handle).await;
        match self.judged(connection, woken)? {
            Ok(told) => self.tell(connection, &told).await,
            Err(problem) => connection.refuse(&problem, None).await,
        }
    }

    /// The pass may have ended, or the study been taken over, without this node hearing of it.
    async fn check(&self, connection: &mut Connection) -> Result<(), End> {
        let engine = &connection.app.engine;
        let renewed = match engine.renew_pass(&self.pass).await {
            Ok(()) => engine.check_study(&self.handle).await,
            Err(error) => Err(StudyError::Engine(error)),
        };
        match renewed {
            Err(StudyError::Engine(error)) => connection.rechecked(Err(error)),
            Err(error) => Err(over(connection, error)),
            Ok(()) => Ok(()),
        }
    }

    /// A study that was taken over ends; any other failure is told, and the socket stays.
    fn judged<T>(&self, connection: &Connection, result: Result<T, StudyError>) -> Result<Result<T, Problem>, End> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(StudyError::Engine(error)) => Ok(Err(Problem::from(error))),
            Err(error) => Err(over(connection, error)),
        }
    }
}
