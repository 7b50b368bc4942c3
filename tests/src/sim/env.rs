//! What every part of a run shares: the time, the queue, randomness, the store, and what was observed.

use super::checker::{LessonRecord, Observed};
use super::planted::Bug;
use super::rng::Rng;
use super::schedule::{Event, Queue, Ticket, Write};
use super::socket::Sockets;
use super::store::{Ending, SimStore};
use super::world::World;
use exam_store::CommitError;
use std::sync::Arc;

pub(crate) struct Env {
    /// Rig time, which no fault touches.
    pub(crate) now_ms: i64,
    pub(crate) queue: Queue,
    pub(crate) rng: Rng,
    pub(crate) world: Arc<World>,
    pub(crate) store: SimStore,
    pub(crate) bug: Option<Bug>,
    pub(crate) heuristics: bool,
    /// Whether cases are reviewed. What reviewers do depends on flags, so twins that are compared go without.
    pub(crate) reviews: bool,
    pub(crate) observed: Vec<Observed>,
    pub(crate) lessons: LessonRecord,
    pub(crate) sockets: Sockets,
    /// Counts studies in nodes' memories.
    pub(crate) instances: u64,
    pub(crate) trace: Vec<String>,
    pub(crate) tracing: bool,
    flush_planned: bool,
}

impl Env {
    pub(crate) fn new(world: Arc<World>, rng: Rng, bug: Option<Bug>, heuristics: bool, tracing: bool) -> Self {
        Self {
            now_ms: 0,
            queue: Queue::default(),
            rng,
            world,
            store: SimStore::new(bug),
            bug,
            heuristics,
            reviews: true,
            observed: Vec::new(),
            lessons: LessonRecord::default(),
            sockets: Sockets::default(),
            instances: 0,
            trace: Vec::new(),
            tracing,
            flush_planned: false,
        }
    }

    pub(crate) fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Whether things may still go wrong.
    pub(crate) fn is_rough(&self) -> bool {
        self.now_ms < self.world.ends_ms
    }

    /// Notes an event for whoever has to understand a failing run.
    pub(crate) fn note(&mut self, event: impl FnOnce() -> String) {
        if self.tracing {
            self.trace.push(format!("{:>9} {}", self.now_ms, event()));
        }
    }

    pub(crate) fn later(&mut self, delay_ms: i64, event: Event) {
        self.queue.at(self.now_ms + delay_ms, event);
    }

    /// A moment of computing or of reading a table; now and then a long one.
    pub(crate) fn moment(&mut self) -> i64 {
        let longest = if self.rng.percent(10) { 60 } else { 3 };
        self.rng.between(0, longest)
    }

    /// The way of a message between a client and a node: mostly quick, sometimes very slow, and sometimes
    /// it never arrives (`None`).
    pub(crate) fn travel(&mut self) -> Option<i64> {
        let rough = self.world.roughness;
        let (lost, slow) = (self.rng.percent(rough.lost), self.rng.percent(rough.slow));
        let (quick, long) = (self.rng.between(1, 80), self.rng.between(100, 25_000));
        if !self.is_rough() {
            return Some(quick);
        }
        (!lost).then_some(if slow { long } else { quick })
    }

    pub(crate) fn send(&mut self, ticket: Ticket, write: Write) {
        let delay = self.moment();
        self.later(delay, Event::Arrive(ticket, write));
    }

    pub(crate) fn arrive(&mut self, ticket: Ticket, write: Write) {
        self.store.now_ms = self.now_ms;
        if let Some(outcome) = self.store.buffer(ticket, write) {
            if outcome.is_err() {
                self.lessons.trouble_ms.push(self.now_ms);
            }
            self.tell(ticket, outcome);
        }
        if self.store.has_buffered() && !self.flush_planned {
            self.flush_planned = true;
            let pretends = self.is(Bug::BufferedIsDurable);
            let delay = if pretends { 5_000 } else { self.rng.between(0, 6) };
            self.later(delay, Event::Flush);
        }
    }

    pub(crate) fn flush(&mut self) {
        self.flush_planned = false;
        self.store.now_ms = self.now_ms;
        let ending = self.ending();
        let mut rng = self.rng.fork();
        let poison = if self.is_rough() && ending == Ending::Kept { self.world.roughness.failed / 2 } else { 0 };
        let outcomes = self.store.flush(ending, || rng.percent(poison));
        if ending != Ending::Kept {
            self.note(|| format!("transaction of {}: {ending:?}", outcomes.len()));
        }
        for (ticket, outcome) in outcomes {
            if matches!(outcome, Err(CommitError::Store(_))) {
                self.lessons.trouble_ms.push(self.now_ms);
            }
            self.tell(ticket, outcome);
        }
    }

    fn ending(&mut self) -> Ending {
        let rough = self.world.roughness;
        let (failed, unknown) = (self.rng.percent(rough.failed), self.rng.percent(rough.unknown));
        let kept = self.rng.percent(60);
        match (self.is_rough(), failed, unknown) {
            (true, true, _) => Ending::Failed,
            (true, _, true) if kept => Ending::KeptUnknown,
            (true, _, true) => Ending::LostUnknown,
            _ => Ending::Kept,
        }
    }

    /// Tells a node what became of a commit.
    pub(crate) fn tell(&mut self, ticket: Ticket, outcome: Result<(), CommitError>) {
        let delay = self.moment();
        self.later(delay, Event::Job(ticket, super::node::Input::Committed(outcome)));
    }
}
