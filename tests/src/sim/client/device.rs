//! A learner and their devices: honest answers, lies about the time, offline batches, last moments,
//! repeats, and tries at what belongs to others.

use super::{Op, Reply, Request, Seen};
use crate::sim::bank::SECRET_NUMBER;
use crate::sim::env::Env;
use crate::sim::rng::Rng;
use crate::sim::schedule::{ClientIndex, Event};
use crate::sim::world::EPOCH;
use exam_core::attempt::{AnswerInput, ClientSignal, Mode, SignalKind};
use exam_core::{AttemptId, ExamId, Refusal, Timestamp};
use question_bank::marking::released_key;
use question_bank::{ItemKind, OptionId, Paper, Pool, Response, Slot, TargetId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What all devices of a learner know.
#[derive(Default)]
pub(crate) struct Learner {
    pub(crate) known: BTreeMap<AttemptId, Known>,
}

/// An attempt as its learner knows it.
pub(crate) struct Known {
    exam: ExamId,
    paper: Arc<Paper>,
    pub(crate) closed: bool,
}

pub(crate) struct Device {
    pub(super) learner: usize,
    /// Percent of questions answered right.
    skill: u64,
    /// Whether it lies about when answers were given.
    lies: bool,
}

impl Learner {
    fn pick(&self, rng: &mut Rng, closed: bool) -> Option<(AttemptId, &Known)> {
        let of_kind: Vec<_> = self.known.iter().filter(|(_, known)| known.closed == closed).collect();
        rng.pick(&of_kind).map(|(id, known)| (**id, *known))
    }
}

impl Device {
    pub(super) fn new(learner: usize, skill: u64, rng: &mut Rng) -> Self {
        Self { learner, skill, lies: rng.percent(40) }
    }

    pub(super) fn wake(&mut self, env: &mut Env, learners: &[Learner], ops: &[Op]) -> Vec<Request> {
        if !env.is_rough() {
            return Vec::new();
        }
        let Some(learner) = learners.get(self.learner) else { return Vec::new() };
        let open = learner.pick(&mut env.rng, false);
        let roll = env.rng.below(100);
        let wish = match (open, roll) {
            (None, 0..70) | (Some(_), 96..) => return Self::start(env),
            (None, _) | (_, 92..96) => learner.pick(&mut env.rng, true).map(|(attempt, _)| Request::View { attempt }),
            (Some((attempt, known)), 0..52) => self.answers(env, attempt, known, 1),
            (Some((attempt, known)), 52..60) => self.answers(env, attempt, known, 4),
            (Some((attempt, _)), 60..68) => Some(signal(env, attempt)),
            (Some((attempt, _)), 68..74) => Some(Request::View { attempt }),
            (Some((attempt, _)), 74..77) => Some(Request::Submit { attempt, command: env.rng.uuid() }),
            (Some(_), 77..82) => self.intrude(env, learners),
            (Some(_), _) => return self.repeat(env, learner, ops).into_iter().collect(),
        };
        wish.into_iter().collect()
    }

    /// Mostly one start, sometimes exam and practice at the same time.
    fn start(env: &mut Env) -> Vec<Request> {
        let Some(exam) = env.rng.pick(&env.world.facts.exams).map(|exam| exam.id) else { return Vec::new() };
        let modes: &[Mode] = match env.rng.below(100) {
            0..55 => &[Mode::Exam],
            55..75 => &[Mode::Practice],
            _ => &[Mode::Exam, Mode::Practice],
        };
        modes.iter().map(|mode| Request::Start { exam, command: env.rng.uuid(), mode: *mode }).collect()
    }

    fn answers(&self, env: &mut Env, attempt: AttemptId, known: &Known, most: i64) -> Option<Request> {
        let count = env.rng.between(1, most);
        let answers = (0..count).map(|_| self.answer(env, known)).collect::<Option<_>>()?;
        Some(Request::Answers { attempt, answers, offline: most > 1 })
    }

    fn answer(&self, env: &mut Env, known: &Known) -> Option<AnswerInput> {
        let world = Arc::clone(&env.world);
        let rng = &mut env.rng;
        let slots = known.paper.slot_count() as u64;
        // Now and then a slot that is not there.
        let beyond = u64::from(rng.percent(3));
        let slot = rng.below(slots + beyond) as u32 + 1;
        let honest = EPOCH.plus_ms(env.now_ms);
        let answered_at = match self.lies {
            true => Some(honest.plus_ms(-rng.between(0, 7_200_000))),
            false => rng.percent(50).then_some(honest),
        };
        let pool = &world.facts.exam(known.exam)?.pool;
        let response = known
            .paper
            .slot_numbered(slot)
            .map_or(Some(Response::Number { number: 1.0 }), |slot| respond(rng, pool, slot, self.skill));
        Some(AnswerInput { command: rng.uuid(), slot, response, answered_at })
    }

    /// Tries at another learner's attempt.
    fn intrude(&self, env: &mut Env, learners: &[Learner]) -> Option<Request> {
        let others: Vec<&Learner> =
            learners.iter().enumerate().filter(|(index, _)| *index != self.learner).map(|(_, other)| other).collect();
        let (attempt, known) = env.rng.pick(&others)?.pick(&mut env.rng, false)?;
        match env.rng.below(4) {
            0 => Some(Request::Submit { attempt, command: env.rng.uuid() }),
            1 => Some(Request::View { attempt }),
            2 => Some(signal(env, attempt)),
            _ => self.answers(env, attempt, known, 2),
        }
    }

    /// Sends an old command once more: as it was, or with another content.
    fn repeat(&self, env: &mut Env, learner: &Learner, ops: &[Op]) -> Option<Request> {
        match &*env.rng.pick(ops)?.request {
            Request::Answers { attempt, answers, offline } => {
                let (attempt, offline, mut answers) = (*attempt, *offline, answers.clone());
                if env.rng.percent(20) {
                    let known = learner.known.get(&attempt)?;
                    for answer in &mut answers {
                        answer.slot = answer.slot % known.paper.slot_count() as u32 + 1;
                    }
                }
                Some(Request::Answers { attempt, answers, offline })
            }
            Request::Submit { attempt, command } => Some(Request::Submit { attempt: *attempt, command: *command }),
            Request::Start { exam, command, mode } => {
                Some(Request::Start { exam: *exam, command: *command, mode: *mode })
            }
            _ => None,
        }
    }

    /// An answer or the submission around the deadline.
    pub(super) fn last_moment(&self, env: &mut Env, learners: &[Learner], attempt: AttemptId) -> Option<Request> {
        if !env.is_rough() {
            return None;
        }
        let known = learners.get(self.learner)?.known.get(&attempt)?;
        let request = if env.rng.percent(25) {
            Request::Submit { attempt, command: env.rng.uuid() }
        } else {
            self.answers(env, attempt, known, 2)?
        };
        Some(request)
    }

    pub(super) fn told(
        &mut self,
        env: &mut Env,
        index: ClientIndex,
        learner: &mut Learner,
        request: &Request,
        reply: Reply,
    ) -> Vec<Request> {
        let look = |attempt| vec![Request::View { attempt }];
        match (request, reply) {
            (_, Reply::Started(attempt)) if !learner.known.contains_key(&attempt) => look(attempt),
            (_, Reply::Refused(Refusal::AttemptOpen { attempt })) if !learner.known.contains_key(&attempt) => {
                look(attempt)
            }
            (Request::View { attempt }, Reply::Seen(seen)) => {
                self.seen(env, index, learner, *attempt, &seen);
                Vec::new()
            }
            (Request::Submit { attempt, .. }, Reply::Done | Reply::Refused(_)) => Self::ended(env, learner, *attempt),
            (Request::Answers { attempt, .. }, Reply::Answers(kept)) => {
                let over = |answer: &Result<super::Kept, Refusal>| {
                    matches!(answer, Err(Refusal::AttemptClosed | Refusal::DeadlinePassed))
                };
                if kept.iter().any(over) { Self::ended(env, learner, *attempt) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    /// It seems to be over: mostly one looks.
    fn ended(env: &mut Env, learner: &Learner, attempt: AttemptId) -> Vec<Request> {
        let looks = learner.known.contains_key(&attempt) && env.is_rough() && env.rng.percent(92);
        looks.then_some(Request::View { attempt }).into_iter().collect()
    }

    fn seen(&self, env: &mut Env, index: ClientIndex, learner: &mut Learner, attempt: AttemptId, seen: &Seen) {
        let new = !learner.known.contains_key(&attempt);
        // Somebody else's attempt was shown: the checker has it, one does not live on with it.
        let known = Known { exam: seen.exam, paper: Arc::clone(&seen.paper), closed: seen.closed };
        learner.known.insert(attempt, known);
        if !new || seen.closed {
            return;
        }
        let left_ms = seen.deadline.since(seen.at);
        for _ in 0..env.rng.between(1, 4) {
            let around = env.rng.between(-seen.grace_ms - 3_000, 2 * seen.grace_ms + 3_000);
            env.later((left_ms + around).max(0), Event::Aim(index, attempt));
        }
    }
}

/// What somebody of that skill answers: mostly right or a guess, sometimes nothing, sometimes nonsense.
pub(super) fn respond(rng: &mut Rng, pool: &Pool, slot: Slot<'_>, skill: u64) -> Option<Response> {
    match rng.below(100) {
        0..5 => None,
        5..9 => Some(Response::Order { order: vec![OptionId(0), OptionId(0)] }),
        _ if rng.percent(skill) => Some(in_own_words(released_key(&pool.item(slot.item)?.solution.key, slot)?)),
        _ => guess(rng, pool.kind(slot.item)?, slot),
    }
}

fn signal(env: &mut Env, attempt: AttemptId) -> Request {
    let kinds = [SignalKind::Blur, SignalKind::Focus, SignalKind::Copy, SignalKind::Hidden, SignalKind::Visible];
    let at: Timestamp = EPOCH.plus_ms(env.now_ms);
    let signals = (0..env.rng.between(1, 3))
        .map(|_| ClientSignal { kind: *env.rng.pick(&kinds).unwrap_or(&SignalKind::Focus), at, detail: None })
        .collect();
    Request::Signals { attempt, signals }
}

/// Right, and yet not letter by letter what the key says, so that the checker can tell the two apart.
fn in_own_words(right: Response) -> Response {
    match right {
        Response::Text { text } => Response::Text { text: text.to_lowercase() },
        Response::Number { number } => {
            let number = number + 0.5;
            debug_assert!(!number.to_string().starts_with(SECRET_NUMBER), "the learner's number is not the key's");
            Response::Number { number }
        }
        other => other,
    }
}

fn guess(rng: &mut Rng, kind: ItemKind, slot: Slot<'_>) -> Option<Response> {
    let count = slot.order.len() as u64;
    Some(match kind {
        ItemKind::SingleChoice | ItemKind::TrueFalse => {
            Response::Choices { choices: vec![OptionId(rng.below(count) as u8)] }
        }
        ItemKind::MultipleChoice => {
            Response::Choices { choices: (0..count as u8).filter(|_| rng.percent(50)).map(OptionId).collect() }
        }
        ItemKind::Numeric => Response::Number { number: rng.between(-1_000, 1_000) as f64 / 8.0 },
        ItemKind::ShortText => Response::Text { text: format!("guess {}", rng.below(9)) },
        ItemKind::Ordering => {
            let mut order: Vec<OptionId> = (0..count as u8).map(OptionId).collect();
            order.rotate_left(rng.below(count) as usize);
            Response::Order { order }
        }
        ItemKind::Matching => {
            let targets = slot.targets.len() as u64;
            let pairs = (0..count as u8).map(|left| (OptionId(left), TargetId(rng.below(targets) as u8)));
            Response::Pairs { pairs: pairs.collect() }
        }
    })
}
