//! Regrading an exam: every closed attempt by the corrected keys, one after the other.

use super::attempt::{AttemptJob, From, Outcome, Work};
use super::{Job, JobId, Node};
use crate::sim::client::{Reply, Request};
use crate::sim::env::Env;
use crate::sim::schedule::Envelope;
use exam_core::access::{self, Act, Verdict};
use exam_core::attempt::Command;
use exam_core::attempt::command::Actor;
use exam_store::AttemptRow;
use question_bank::Pool;
use std::sync::Arc;

pub(super) struct RegradeJob {
    envelope: Envelope,
    pool: Arc<Pool>,
    rows: Vec<AttemptRow>,
}

impl Node {
    pub(super) fn begin_regrade(&mut self, env: &mut Env, envelope: Envelope) {
        let Request::Regrade { exam, correction } = &*envelope.request else { return };
        if access::decide(&envelope.caller, Act::RunExams) != Verdict::Allow {
            return Self::send(env, &envelope, Reply::NotFound);
        }
        let pool = env.world.exam_index(*exam).and_then(|index| env.world.corrections[index].get(*correction)).cloned();
        match (env.store.attempts_at(*exam), pool) {
            (Ok(mut rows), Some(pool)) => {
                rows.retain(|row| !row.state.is_live());
                let id = self.begin(Job::Regrade(Box::new(RegradeJob { envelope, pool, rows })));
                self.regrade_next(env, id);
            }
            _ => Self::send(env, &envelope, Reply::Failed),
        }
    }

    fn regrade_next(&mut self, env: &mut Env, id: JobId) {
        let Some(Job::Regrade(job)) = self.jobs.get_mut(&id) else { return };
        let Some(row) = job.rows.pop() else { return self.end_regrade(env, id, Reply::Done) };
        let command = Command::Regrade { reason: "the key was wrong".into() };
        let work = Work::Command { command, pool: Some(Arc::clone(&job.pool)) };
        let actor = Actor::Person(job.envelope.caller.person);
        self.begin_attempt(env, AttemptJob::of_server(From::Job(id), &row, actor, work));
    }

    pub(super) fn regrade_child_done(&mut self, env: &mut Env, id: JobId, outcome: Outcome) {
        match outcome {
            Outcome::Decided(_) => self.regrade_next(env, id),
            _ => self.end_regrade(env, id, Reply::Failed),
        }
    }

    fn end_regrade(&mut self, env: &mut Env, id: JobId, reply: Reply) {
        if let Some(Job::Regrade(job)) = self.jobs.remove(&id) {
            Self::send(env, &job.envelope, reply);
        }
    }
}
