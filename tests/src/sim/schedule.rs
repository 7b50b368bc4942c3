//! What happens when: the queue of events, and the plan of faults.

use super::client::{OpId, Reply, Request};
use super::node::{Input, JobId};
use super::rng::Rng;
use super::socket::{ConnId, PlayerIndex, Push, Saying};
use super::world::World;
use exam_core::access::Subject;
use exam_core::integrity::Origin;
use exam_core::{AttemptId, PersonId};
use exam_store::{Checkpoint, Commit, LessonCommit};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node by its place; its number in steps is one more.
pub(crate) type NodeIndex = usize;
/// A client by its place.
pub(crate) type ClientIndex = usize;

/// A request under way.
#[derive(Clone)]
pub(crate) struct Envelope {
    pub(crate) client: ClientIndex,
    pub(crate) op: OpId,
    pub(crate) caller: Subject,
    pub(crate) origin: Option<Origin>,
    pub(crate) request: Arc<Request>,
    /// Nobody waits for the answer any more.
    pub(crate) hung_up: bool,
}

/// Who waits for a commit: a job of one life of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) node: NodeIndex,
    pub(crate) life: u64,
    pub(crate) job: JobId,
}

/// Something that happens.
pub(crate) enum Event {
    /// A client looks for something to do.
    Wake(ClientIndex),
    /// A device does what it kept for the last moment.
    Aim(ClientIndex, AttemptId),
    /// A client has waited long enough for an answer.
    Retry(ClientIndex, OpId),
    /// A request reaches a node.
    Deliver(NodeIndex, Box<Envelope>),
    /// An answer reaches a client.
    Reply(ClientIndex, OpId, Reply),
    /// A job goes on.
    Job(Ticket, Input),
    /// The expiry worker of one life of a node looks around.
    Tick(NodeIndex, u64),
    /// Something to be kept reaches the store.
    Arrive(Ticket, Write),
    /// The store ends its transaction.
    Flush,
    /// A player looks around.
    Play(PlayerIndex, u64),
    /// A player says something to a node.
    Say(NodeIndex, Box<Saying>),
    /// A node tells a player something.
    Push(PlayerIndex, ConnId, Box<Push>),
    /// A node notices that a connection is gone.
    Lost(NodeIndex, PersonId, ConnId),
    /// A study of one life of a node has something to do.
    StudyWake(NodeIndex, u64, PersonId, u64),
    /// A node hears that a newer study has taken over.
    Taken(NodeIndex, PersonId, u64),
    /// One life of a node saves what its studies earned.
    Save(NodeIndex, u64),
    /// Something breaks.
    Fault(Fault),
}

/// Something to be kept, all of it or nothing.
pub(crate) enum Write {
    Attempt(Box<Commit>),
    Lesson(Box<LessonCommit>),
    Checkpoint(Box<Checkpoint>),
}

/// What can break, and be mended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    NodeCrash(NodeIndex),
    NodeStart(NodeIndex),
    StoreCrash,
    StoreStart,
    WallJump(NodeIndex, i64),
}

/// Events in order of time, and of planning where times are equal.
#[derive(Default)]
pub(crate) struct Queue {
    events: BTreeMap<(i64, u64), Event>,
    planned: u64,
}

impl Queue {
    pub(crate) fn at(&mut self, ms: i64, event: Event) {
        self.planned += 1;
        self.events.insert((ms, self.planned), event);
    }

    pub(crate) fn next(&mut self) -> Option<(i64, Event)> {
        self.events.pop_first().map(|((ms, _), event)| (ms, event))
    }
}

/// Plans the faults of a run; all are mended before it ends.
pub(crate) fn plan_faults(world: &World, rng: &mut Rng, queue: &mut Queue) {
    let rough = world.roughness;
    let node = |rng: &mut Rng| rng.below(u64::from(world.nodes)) as NodeIndex;
    for _ in 0..rough.clock_jumps {
        let (node, at) = (node(rng), rng.between(0, world.ends_ms));
        let jump = if rng.percent(50) { 4 * 3_600_000 } else { -4 * 3_600_000 };
        queue.at(at, Event::Fault(Fault::WallJump(node, jump)));
    }
    for _ in 0..rough.node_crashes {
        let (node, at) = (node(rng), rng.between(0, world.ends_ms));
        queue.at(at, Event::Fault(Fault::NodeCrash(node)));
        queue.at(at + rng.between(100, 40_000), Event::Fault(Fault::NodeStart(node)));
    }
    for _ in 0..rough.store_crashes {
        let at = rng.between(0, world.ends_ms);
        queue.at(at, Event::Fault(Fault::StoreCrash));
        queue.at(at + rng.between(100, 30_000), Event::Fault(Fault::StoreStart));
    }
}
