//! Sockets between players and nodes: what is said over them, in order, until one is cut.

use super::env::Env;
use super::schedule::{Event, NodeIndex};
use exam_core::lesson::{Beat, Told};
use exam_core::log::CommandId;
use exam_core::{ChallengeId, LessonId, PersonId, Refusal, StudyId};
use question_bank::Response;
use std::collections::{BTreeMap, BTreeSet};

/// A connection.
pub(crate) type ConnId = u64;
/// A player by its place.
pub(crate) type PlayerIndex = usize;

/// Something a player says.
#[derive(Clone, Debug)]
pub(crate) struct Saying {
    pub(crate) conn: ConnId,
    pub(crate) player: PlayerIndex,
    pub(crate) learner: PersonId,
    pub(crate) says: Says,
}

/// What a player says.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    Hello { lesson: LessonId, resume: Option<(StudyId, u32)> },
    Beat(Beat),
    Answer { command: CommandId, challenge: ChallengeId, response: Response },
}

/// What a player is told.
#[derive(Clone, Debug)]
pub(crate) enum Push {
    Welcome(Box<Welcome>),
    Credit { covered_ms: i64, furthest_ms: i64 },
    Told { told: Told, json: Option<String>, command: Option<CommandId>, again: bool },
    Resync { told: u32 },
    Refused { command: Option<CommandId>, refusal: Refusal },
    Closed { taken_over: bool },
}

/// The first thing that is told.
#[derive(Clone, Debug)]
pub(crate) struct Welcome {
    pub(crate) lesson: LessonId,
    pub(crate) study: StudyId,
    pub(crate) told: u32,
    pub(crate) covered_ms: i64,
    pub(crate) furthest_ms: i64,
    pub(crate) challenge: Option<Told>,
}

/// All connections.
#[derive(Default)]
pub(crate) struct Sockets {
    opened: ConnId,
    cut: BTreeSet<ConnId>,
    /// When the last message of each direction arrives: none overtakes another.
    last: BTreeMap<(ConnId, bool), i64>,
}

impl Env {
    pub(crate) fn open_conn(&mut self) -> ConnId {
        self.sockets.opened += 1;
        self.sockets.opened
    }

    /// Nothing gets through any more.
    pub(crate) fn cut(&mut self, conn: ConnId) {
        self.sockets.cut.insert(conn);
    }

    pub(crate) fn is_cut(&self, conn: ConnId) -> bool {
        self.sockets.cut.contains(&conn)
    }

    /// A player says something to a node.
    pub(crate) fn say(&mut self, node: NodeIndex, saying: Saying) {
        let Some(delay) = self.travel_in_order(saying.conn, false) else {
            let delay = self.rng.between(50, 15_000);
            return self.later(delay, Event::Lost(node, saying.learner, saying.conn));
        };
        self.later(delay, Event::Say(node, Box::new(saying)));
    }

    /// A node tells a player something.
    pub(crate) fn push(&mut self, (conn, player): (ConnId, PlayerIndex), push: Push) {
        if let Some(delay) = self.travel_in_order(conn, true) {
            self.later(delay, Event::Push(player, conn, Box::new(push)));
        }
    }

    /// How long a message is on its way; `None` where the connection broke instead.
    fn travel_in_order(&mut self, conn: ConnId, to_player: bool) -> Option<i64> {
        if self.is_cut(conn) {
            return None;
        }
        // A lost packet is sent again by the transport; only now and then the connection breaks.
        let breaks = self.is_rough() && self.rng.percent(self.world.roughness.lost) && self.rng.percent(15);
        if breaks {
            self.cut(conn);
            return None;
        }
        let arrives = self.now_ms + self.travel().unwrap_or(1_500);
        let last = self.sockets.last.entry((conn, to_player)).or_default();
        *last = arrives.max(*last);
        Some(*last - self.now_ms)
    }
}
