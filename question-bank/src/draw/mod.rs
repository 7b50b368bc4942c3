//! Drawing: blueprint + pool + seed → paper. The algorithm is `docs/draw.md`, word for word, so that
//! anybody can re-derive a paper once its seed is revealed.
//!
//! ```text
//! Blueprint ─DrawPlan::compile(pool)─▶ DrawPlan ─trial(attempts_max)─▶ publish
//! DrawPlan ─draw(pool, seed, avoid)─▶ Drawn { paper, relaxed }
//! ```

use crate::{ItemIndex, Paper};

mod choice;
mod fault;
mod feasible;
mod layout;
mod near;
mod pick;
mod plan;
mod question;
mod repair;
mod rng;
mod seed;
mod table;
#[cfg(test)]
mod tests;
mod trial;

pub use choice::{Among, Choice};
pub use fault::{BlueprintFault, Cause};
pub use plan::DrawPlan;
pub use question::{DrawnQuestion, fresh_item, number_below, question};
pub use seed::Seed;

/// The name of the algorithm, stored with every paper. A change of any drawn paper is a new name.
pub const ALGORITHM: &str = "draw/1";

/// What a draw keeps away from, as far as it can.
#[derive(Clone, Copy, Debug, Default)]
pub struct Avoid<'a> {
    /// Items of the learner's earlier papers of the exam, ascending, unique.
    pub earlier: &'a [ItemIndex],
    /// Items that reached the exposure cap, ascending, unique.
    pub capped: &'a [ItemIndex],
}

/// A drawn paper, and which bounds could not be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The paper.
    pub paper: Paper,
    /// Empty when every bound was kept.
    pub relaxed: Vec<Relaxed>,
}

/// A bound that the paper could not keep, for each quota with items that break it. The paper is good
/// all the same: a learner's start does not fail for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relaxed {
    /// Which bound.
    pub bound: Bound,
    /// Position of the section in the blueprint.
    pub section: u32,
    /// Position of the quota in the section; `None`: the slots that quotas leave over.
    pub quota: Option<u32>,
    /// How many of its items are over the cap, or from earlier papers.
    pub items: u32,
}

/// A bound that gives way before a start fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// `exposure_max`: items over the cap were drawn.
    Exposure,
    /// `overlap_max`: more items of earlier papers were drawn than it allows.
    Overlap,
}

/// Why there is no paper.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// The plan was compiled for another snapshot than the pool's.
    #[error("the plan belongs to another version of the bank")]
    OtherPool,
    /// No choice of items was found that keeps enemies apart; `trial` at publishing makes this unlikely.
    #[error("no items were found for {pointer}: too many of them are enemies")]
    Short {
        /// Where in the blueprint, as a JSON pointer.
        pointer: String,
        /// Position among the plan's demands.
        demand: usize,
    },
}
