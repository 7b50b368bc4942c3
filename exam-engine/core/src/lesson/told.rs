//! What a client must not lose: numbered without gaps per (learner, lesson), told again on request.

use crate::{ChallengeId, Timestamp};
use question_bank::Points;
use question_bank::draw::DrawnQuestion;

/// One message, in the order of its number. Rebuilt from the steps by folding them.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// From one, without gaps: the `seq` of the protocol.
    pub seq: u32,
    /// When the step was taken that it tells of.
    pub at: Timestamp,
    /// What.
    pub what: ToldWhat,
}

/// What is told. Nothing of a key is in here but whether an answer was right.
#[derive(Clone, Debug, PartialEq)]
pub enum ToldWhat {
    /// A question is asked: the player must pause.
    Challenge {
        /// The challenge.
        challenge: ChallengeId,
        /// The item and its orders; its texts come from the pool.
        question: DrawnQuestion,
        /// The last instant at which it takes an answer.
        answer_until: Timestamp,
    },
    /// What became of an answer.
    Verdict {
        /// The challenge.
        challenge: ChallengeId,
        /// Whether it was right.
        correct: bool,
        /// Whether the player may go on.
        continues: bool,
        /// When the next question comes, after a wrong answer.
        retry_at: Option<Timestamp>,
        /// Where the player has to go back to.
        rewind_to_ms: Option<i64>,
    },
    /// Every item was asked, and the lesson is locked.
    Locked {
        /// Until when.
        until: Timestamp,
    },
    /// The lesson is completed.
    Completed {
        /// What it granted.
        hours: Points,
    },
}
