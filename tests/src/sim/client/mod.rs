//! Clients: learners' devices, a proctor, an author. Each keeps asking with the same command until it is
//! told something final, and writes down what it was told.

mod device;
mod message;
mod player;
mod staff;

pub(crate) use device::{Device, Learner};
pub(crate) use message::{Kept, OpId, Reply, Request, Seen};
pub(crate) use player::Players;
pub(crate) use staff::{Author, Proctor, Reviewer};

use super::checker::{Call, Observed};
use super::env::Env;
use super::schedule::{ClientIndex, Envelope, Event};
use exam_core::access::Subject;
use exam_core::attempt::decide::answer_digest;
use exam_core::attempt::{AnswerInput, CommandId};
use exam_core::integrity::Origin;
use exam_core::{PersonId, Refusal};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All clients, and what learners know.
pub(crate) struct Clients {
    pub(crate) learners: Vec<Learner>,
    all: Vec<Client>,
    /// When each command was sent for the first time.
    first_sent: BTreeMap<(PersonId, CommandId), i64>,
}

struct Client {
    subject: Subject,
    origin: Option<Origin>,
    role: Role,
    ops: Vec<Op>,
}

enum Role {
    Device(Device),
    Proctor(Proctor),
    Author(Author),
    Reviewer(Reviewer),
}

/// Something a client wants done.
struct Op {
    request: Arc<Request>,
    sent_ms: i64,
    tries: i64,
    done: bool,
}

impl Clients {
    pub(crate) fn new(env: &mut Env) -> Self {
        let world = Arc::clone(&env.world);
        let learners = world.learners.iter().map(|_| Learner::default()).collect();
        let mut clients = Self { learners, all: Vec::new(), first_sent: BTreeMap::new() };
        for (index, learner) in world.learners.iter().enumerate() {
            let skill = env.rng.between(20, 100) as u64;
            for device in 0..env.rng.between(1, 3) {
                let origin = Origin {
                    address: format!("10.0.{index}.{}", env.rng.below(2)),
                    agent: format!("agent {}", env.rng.below(2)),
                    device: format!("{index}/{device}"),
                };
                let role = Role::Device(Device::new(index, skill, &mut env.rng));
                clients.add(env, *learner, Some(origin), role);
            }
        }
        clients.add(env, world.proctor, None, Role::Proctor(Proctor::default()));
        clients.add(env, world.author, None, Role::Author(Author));
        if env.reviews {
            for (subject, may_reopen) in [(world.proctor, false), (world.reviewer, true)] {
                let role = Role::Reviewer(Reviewer { person: subject.person, may_reopen });
                clients.add(env, subject, None, role);
            }
        }
        clients
    }

    fn add(&mut self, env: &mut Env, subject: Subject, origin: Option<Origin>, role: Role) {
        let delay = env.rng.between(0, 20_000);
        env.later(delay, Event::Wake(self.all.len()));
        self.all.push(Client { subject, origin, role, ops: Vec::new() });
    }

    /// How many wait for an answer.
    pub(crate) fn unanswered(&self) -> usize {
        self.all.iter().flat_map(|client| &client.ops).filter(|op| !op.done).count()
    }

    /// A client looks for something to do.
    pub(crate) fn wake(&mut self, env: &mut Env, index: ClientIndex) {
        let Some(client) = self.all.get_mut(index) else { return };
        let wishes = match &mut client.role {
            Role::Device(device) => device.wake(env, &self.learners, &client.ops),
            Role::Proctor(proctor) => proctor.wake(env, &self.learners, &client.ops),
            Role::Author(author) => author.wake(env),
            Role::Reviewer(reviewer) => reviewer.wake(env, &self.learners, &client.ops),
        };
        for wish in wishes {
            self.ask(env, index, wish);
        }
        if env.is_rough() || self.all.get(index).is_some_and(|client| client.role.has_more_to_do()) {
            let pause = self.all.get(index).map_or(1_000, |client| client.role.pause_ms(env));
            env.later(pause, Event::Wake(index));
        }
    }

    /// A device does what it planned for the last moment.
    pub(crate) fn aim(&mut self, env: &mut Env, index: ClientIndex, attempt: exam_core::AttemptId) {
        let Some(Client { role: Role::Device(device), .. }) = self.all.get_mut(index) else { return };
        if let Some(wish) = device.last_moment(env, &self.learners, attempt) {
            self.ask(env, index, wish);
        }
    }

    fn ask(&mut self, env: &mut Env, index: ClientIndex, wish: Request) {
        let Some(client) = self.all.get_mut(index) else { return };
        for command in wish.command_ids() {
            self.first_sent.entry((client.subject.person, command)).or_insert(env.now_ms);
        }
        let op = client.ops.len();
        env.note(|| format!("client {index} asks #{op}: {wish:?}"));
        client.ops.push(Op { request: Arc::new(wish), sent_ms: env.now_ms, tries: 0, done: false });
        self.send(env, index, op);
    }

    /// Sends it, again if need be, to any node.
    pub(crate) fn send(&mut self, env: &mut Env, index: ClientIndex, op: OpId) {
        let Some(client) = self.all.get_mut(index) else { return };
        let (caller, origin) = (client.subject, client.origin.clone());
        let Some(asked) = client.ops.get_mut(op).filter(|asked| !asked.done) else { return };
        asked.tries += 1;
        // Some hang up and never ask again.
        asked.done = env.is_rough() && env.rng.percent(3);
        let (hung_up, request) = (asked.done, Arc::clone(&asked.request));
        let envelope = Envelope { client: index, op, caller, origin, request, hung_up };
        let patience = env.rng.between(800, 3_000) * asked.tries.min(5);
        let copies = if env.is_rough() && env.rng.percent(env.world.roughness.twice) { 2 } else { 1 };
        for _ in 0..copies {
            let node = env.rng.below(u64::from(env.world.nodes)) as usize;
            if let Some(delay) = env.travel() {
                env.later(delay, Event::Deliver(node, Box::new(envelope.clone())));
            }
        }
        env.later(patience, Event::Retry(index, op));
    }

    /// An answer arrives: the first one or another one to a request that was sent or delivered twice.
    pub(crate) fn told(&mut self, env: &mut Env, index: ClientIndex, op: OpId, reply: Reply) {
        if matches!(reply, Reply::Failed) {
            return;
        }
        let Some(client) = self.all.get_mut(index) else { return };
        let Some(asked) = client.ops.get_mut(op) else { return };
        asked.done = true;
        let about = asked.request.ids();
        env.note(|| format!("client {index} told #{op} {about}: {reply:?}"));
        let teller = Teller {
            caller: client.subject.person,
            sent_ms: asked.sent_ms,
            told_ms: env.now_ms,
            first_sent: &self.first_sent,
        };
        teller.write_down(&asked.request, &reply, &mut env.observed);
        let request = Arc::clone(&asked.request);
        let wishes = match &mut client.role {
            Role::Device(device) => match self.learners.get_mut(device.learner) {
                Some(learner) => device.told(env, index, learner, &request, reply),
                None => Vec::new(),
            },
            Role::Proctor(proctor) => {
                proctor.told(&request, &reply);
                Vec::new()
            }
            Role::Author(_) | Role::Reviewer(_) => Vec::new(),
        };
        for wish in wishes {
            self.ask(env, index, wish);
        }
    }
}

impl Role {
    fn pause_ms(&self, env: &mut Env) -> i64 {
        match self {
            Self::Device(_) if env.rng.percent(15) => env.rng.between(10, 400),
            Self::Device(_) => env.rng.between(1_000, 25_000),
            Self::Proctor(_) => env.rng.between(4_000, 50_000),
            Self::Reviewer(_) => env.rng.between(2_000, 30_000),
            Self::Author(_) => env.rng.between(30_000, 240_000),
        }
    }

    fn has_more_to_do(&self) -> bool {
        matches!(self, Self::Proctor(proctor) if proctor.has_paused())
    }
}

/// Writes down what a call was told.
struct Teller<'a> {
    caller: PersonId,
    sent_ms: i64,
    told_ms: i64,
    first_sent: &'a BTreeMap<(PersonId, CommandId), i64>,
}

impl Teller<'_> {
    fn call(&self, command: Option<CommandId>) -> Call {
        let first = command.and_then(|command| self.first_sent.get(&(self.caller, command)).copied());
        Call {
            caller: self.caller,
            command,
            first_sent_ms: first.unwrap_or(self.sent_ms),
            sent_ms: self.sent_ms,
            told_ms: self.told_ms,
        }
    }

    fn write_down(&self, request: &Request, reply: &Reply, observed: &mut Vec<Observed>) {
        match (request, reply) {
            (Request::Start { exam, command, mode }, Reply::Started(attempt)) => observed.push(Observed::Started {
                call: self.call(Some(*command)),
                exam: *exam,
                mode: *mode,
                attempt: *attempt,
            }),
            (Request::Answers { attempt, answers, .. }, Reply::Answers(kept)) => {
                observed.extend(answers.iter().zip(kept).map(|(answer, kept)| self.answer(*attempt, answer, kept)));
            }
            (Request::Answers { attempt, answers, .. }, Reply::Refused(refusal)) => {
                let all = answers.iter().map(|answer| self.answer(*attempt, answer, &Err(refusal.clone())));
                observed.extend(all);
            }
            (Request::View { attempt }, Reply::Seen(seen)) => observed.push(Observed::Seen {
                call: self.call(None),
                attempt: *attempt,
                at: seen.at,
                json: seen.json.clone(),
            }),
            (
                Request::Submit { attempt, command }
                | Request::Act { attempt, command, .. }
                | Request::OpenCase { attempt, command, .. }
                | Request::Decide { attempt, command, .. },
                Reply::Done,
            ) => {
                observed.push(Observed::Done { call: self.call(Some(*command)), attempt: *attempt });
            }
            (request, Reply::Refused(refusal)) => observed.push(Observed::Refused {
                call: self.call(request.command_id()),
                attempt: request.attempt(),
                answer: None,
                why: refusal.to_string(),
            }),
            _ => {}
        }
    }

    fn answer(&self, attempt: exam_core::AttemptId, answer: &AnswerInput, kept: &Result<Kept, Refusal>) -> Observed {
        let call = self.call(Some(answer.command));
        match kept {
            Ok(kept) => Observed::Answered {
                call,
                attempt,
                slot: answer.slot,
                response: answer.response.clone(),
                receipt: kept.receipt.clone(),
                feedback: kept.feedback.clone(),
            },
            Err(refusal) => Observed::Refused {
                call,
                attempt: Some(attempt),
                answer: Some(answer_digest(answer.slot, answer.response.as_ref())),
                why: refusal.to_string(),
            },
        }
    }
}
