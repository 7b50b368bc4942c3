//! A proctor who pauses, resumes, extends, warns and terminates; an author who corrects keys and makes
//! exceptions; reviewers who open cases and decide them.

use super::{Learner, Op, Reply, Request};
use crate::sim::env::Env;
use crate::sim::world::EPOCH;
use exam_core::attempt::{Decision, ProctorAction};
use exam_core::exam::Override;
use exam_core::{AttemptId, PersonId};
use std::collections::BTreeSet;

#[derive(Default)]
pub(crate) struct Proctor {
    /// What it paused and has to resume.
    paused: BTreeSet<AttemptId>,
}

pub(crate) struct Author;

pub(crate) struct Reviewer {
    pub(super) person: PersonId,
    pub(super) may_reopen: bool,
}

impl Proctor {
    pub(super) fn has_paused(&self) -> bool {
        !self.paused.is_empty()
    }

    pub(super) fn wake(&mut self, env: &mut Env, learners: &[Learner], ops: &[Op]) -> Vec<Request> {
        if env.is_rough() && env.rng.percent(10) {
            return Self::repeat(env, ops).into_iter().collect();
        }
        let paused: Vec<AttemptId> = self.paused.iter().copied().collect();
        let resumes = !env.is_rough() || env.rng.percent(50);
        if let Some(attempt) = env.rng.pick(&paused).copied().filter(|_| resumes) {
            return vec![act(env, attempt, ProctorAction::Resume)];
        }
        let all: Vec<AttemptId> = learners
            .iter()
            .flat_map(|learner| &learner.known)
            .filter(|(_, known)| !known.closed)
            .map(|(id, _)| *id)
            .collect();
        let Some(attempt) = env.rng.pick(&all).copied().filter(|_| env.is_rough()) else { return Vec::new() };
        let action = match env.rng.below(100) {
            0..20 => ProctorAction::Warn,
            20..60 => ProctorAction::Pause,
            60..82 => ProctorAction::Extend { minutes: env.rng.below(4) as u32 },
            82..90 => ProctorAction::Terminate,
            _ => ProctorAction::Resume,
        };
        vec![act(env, attempt, action)]
    }

    fn repeat(env: &mut Env, ops: &[Op]) -> Option<Request> {
        match &*env.rng.pick(ops)?.request {
            Request::Act { attempt, command, action } => {
                Some(Request::Act { attempt: *attempt, command: *command, action: *action })
            }
            _ => None,
        }
    }

    pub(super) fn told(&mut self, request: &Request, reply: &Reply) {
        let Request::Act { attempt, action, .. } = request else { return };
        match (action, reply) {
            (ProctorAction::Pause, Reply::Done) => {
                self.paused.insert(*attempt);
            }
            (ProctorAction::Resume, _) => {
                self.paused.remove(attempt);
            }
            _ => {}
        }
    }
}

fn act(env: &mut Env, attempt: AttemptId, action: ProctorAction) -> Request {
    Request::Act { attempt, command: env.rng.uuid(), action }
}

impl Author {
    pub(super) fn wake(&self, env: &mut Env) -> Vec<Request> {
        if !env.is_rough() {
            return Vec::new();
        }
        let Some(exam) = env.rng.pick(&env.world.facts.exams).map(|exam| exam.id) else { return Vec::new() };
        if env.rng.percent(60) {
            let correction = env.rng.below(2) as usize;
            return vec![Request::Regrade { exam, correction }];
        }
        let learner = env.rng.pick(&env.world.learners).map(|learner| learner.person);
        let exception = Override {
            extra_ms: env.rng.percent(50).then(|| env.rng.between(0, 120) * 1_000),
            attempts_max: env.rng.percent(50).then(|| env.rng.below(5) as u32),
            opens_at: None,
            closes_at: env.rng.percent(30).then(|| EPOCH.plus_ms(env.world.ends_ms)),
        };
        if let Some(learner) = learner.filter(|_| env.store.up) {
            env.store.add_override(exam, learner, exception);
        }
        Vec::new()
    }
}

impl Reviewer {
    /// Whatever it is told, and however often: what a case allows is for the rules to say.
    pub(super) fn wake(&self, env: &mut Env, learners: &[Learner], ops: &[Op]) -> Vec<Request> {
        if !env.is_rough() {
            return Vec::new();
        }
        if env.rng.percent(10) {
            return Self::repeat(env, ops).into_iter().collect();
        }
        let known = learners.iter().flat_map(|learner| &learner.known);
        let (closed, live): (Vec<_>, Vec<_>) =
            known.map(|(id, known)| (*id, known.closed)).partition(|(_, closed)| *closed);
        let among = if env.rng.percent(85) { closed } else { live };
        let Some((attempt, _)) = env.rng.pick(&among).copied() else { return Vec::new() };
        let command = env.rng.uuid();
        if env.rng.percent(35) {
            return vec![Request::OpenCase { attempt, command, may_reopen: self.may_reopen }];
        }
        let decision = match env.rng.below(100) {
            0..50 => Decision::Confirmed,
            50..75 => Decision::Cleared,
            _ => Decision::SecondReview,
        };
        vec![Request::Decide { attempt, command, by: self.person, decision }]
    }

    fn repeat(env: &mut Env, ops: &[Op]) -> Option<Request> {
        match &*env.rng.pick(ops)?.request {
            Request::OpenCase { attempt, command, may_reopen } => {
                Some(Request::OpenCase { attempt: *attempt, command: *command, may_reopen: *may_reopen })
            }
            Request::Decide { attempt, command, by, decision } => {
                Some(Request::Decide { attempt: *attempt, command: *command, by: *by, decision: *decision })
            }
            _ => None,
        }
    }
}
