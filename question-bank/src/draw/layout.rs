//! From picked items to a paper: the order of slots within sections, the order of options.

use super::pick::Draft;
use super::plan::DrawPlan;
use super::rng::Stream;
use super::{ALGORITHM, Avoid, DrawError, Drawn, Relaxed, Seed};
use crate::paper::SlotList;
use crate::pool::OptionOrder;
use crate::{ItemIndex, Paper, Pool};

/// Draws with derived seeds before a paper is given up.
const ROUNDS: u8 = 16;

impl DrawPlan {
    /// Draws a paper. The same plan, pool, seed and `avoid` give the same paper, for ever.
    ///
    /// Cost is proportional to the paper, not to the bank.
    ///
    /// # Errors
    /// The pool is not the one the plan was compiled for, or enemies leave no paper.
    pub fn draw(&self, pool: &Pool, seed: &Seed, avoid: &Avoid<'_>) -> Result<Drawn, DrawError> {
        if self.version != *pool.version() {
            return Err(DrawError::OtherPool);
        }
        let mut short = 0;
        for round in 0..ROUNDS {
            let mut draft = Draft::new(self, pool, avoid, &seed.retry(round));
            let relaxed = if draft.fill() { Ok(Vec::new()) } else { draft.repair() };
            match relaxed {
                Ok(relaxed) => return Ok(self.lay_out(draft, relaxed)),
                Err(demand) => short = demand,
            }
        }
        let pointer = self.demands.get(short).map(super::plan::Demand::pointer).unwrap_or_default();
        Err(DrawError::Short { pointer, demand: short })
    }

    fn lay_out(&self, draft: Draft<'_>, relaxed: Vec<Relaxed>) -> Drawn {
        let Draft { pool, mut stream, mut placed, .. } = draft;
        for section in self.sections.iter() {
            let slots = section.first_slot as usize..(section.first_slot + section.count) as usize;
            if let Some(slots) = placed.get_mut(slots) {
                stream.shuffle(slots);
            }
        }
        let mut slots = SlotList::with_capacity(placed.len());
        for item in placed {
            lay_out_slot(&mut slots, item, pool, self.shuffle_options, &mut stream);
        }
        let paper = Paper::new(ALGORITHM, self.version.clone(), self.sections.clone(), slots);
        Drawn { paper, relaxed }
    }
}

/// Appends a slot with its options in order; nothing if the pool has no such item.
#[inline]
pub(super) fn lay_out_slot(slots: &mut SlotList, item: ItemIndex, pool: &Pool, shuffle: bool, stream: &mut Stream) {
    let Some(shape) = pool.shape(item) else { return };
    let (options, targets) = slots.push(item, shape.options, shape.targets);
    match shape.order {
        OptionOrder::Fixed => {}
        OptionOrder::Free | OptionOrder::FreeButLast if !shuffle => {}
        OptionOrder::Free => stream.shuffle(options),
        OptionOrder::FreeButLast => {
            let moving = last_behind(options, pool.keep_last(item));
            stream.shuffle(options.get_mut(..moving).unwrap_or_default());
        }
        OptionOrder::Asked if targets.is_empty() => stream.shuffle(options),
        OptionOrder::Asked => stream.shuffle(targets),
    }
}

/// Puts the options that stay last behind the others, both in the author's order; how many others.
fn last_behind(options: &mut [u8], keep_last: u32) -> usize {
    let stays = |index: u8| keep_last >> index & 1 == 1;
    // Author's order is ascending, and the sort is stable.
    options.sort_by_key(|&index| stays(index));
    options.partition_point(|&index| !stays(index))
}
