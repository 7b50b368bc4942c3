//! Trial draws before an exam is published.

use super::fault::{BlueprintFault, Cause};
use super::plan::DrawPlan;
use super::{Avoid, Bound, DrawError, Drawn, Seed};
use crate::{ItemIndex, Pool};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Virtual learners.
const LEARNERS: u32 = 16;
/// Papers of one virtual learner, however many attempts the exam allows.
const PAPERS_MAX: u32 = 20;
/// Papers of one virtual learner where attempts have no limit: no bank lasts for ever.
const PAPERS_UNLIMITED: u32 = 2;

impl DrawPlan {
    /// Draws papers for virtual learners, one after the other under the overlap bound, with fixed
    /// seeds: what counts alone cannot tell about enemies and repeated attempts. `attempts_max` 0 is
    /// without limit.
    ///
    /// # Errors
    /// The quotas that came out short, in order of the blueprint.
    pub fn trial(&self, pool: &Pool, attempts_max: u32) -> Result<(), Vec<BlueprintFault>> {
        let papers = if attempts_max == 0 { PAPERS_UNLIMITED } else { attempts_max.min(PAPERS_MAX) };
        let mut short: BTreeMap<usize, BlueprintFault> = BTreeMap::new();
        for learner in 0..LEARNERS {
            let mut earlier: Vec<ItemIndex> = Vec::new();
            for paper in 0..papers {
                let avoid = Avoid { earlier: &earlier, capped: &[] };
                match self.draw(pool, &trial_seed(learner, paper), &avoid) {
                    Ok(drawn) => {
                        self.note_overlap(&drawn, &earlier, &mut short);
                        earlier.extend(drawn.paper.items());
                        earlier.sort_unstable();
                        earlier.dedup();
                    }
                    Err(DrawError::Short { demand, .. }) => {
                        self.note(demand, Cause::Enemies, &[], &mut short);
                        break;
                    }
                    Err(DrawError::OtherPool) => {
                        return Err(vec![BlueprintFault::new(String::new(), "other_pool", 0, 0)]);
                    }
                }
            }
        }
        if short.is_empty() { Ok(()) } else { Err(short.into_values().collect()) }
    }

    fn note_overlap(&self, drawn: &Drawn, earlier: &[ItemIndex], short: &mut BTreeMap<usize, BlueprintFault>) {
        for relaxed in drawn.relaxed.iter().filter(|relaxed| relaxed.bound == Bound::Overlap) {
            let demand = self
                .demands
                .iter()
                .position(|demand| (demand.section, demand.quota) == (relaxed.section, relaxed.quota));
            if let Some(demand) = demand {
                self.note(demand, Cause::Overlap, earlier, short);
            }
        }
    }

    fn note(&self, demand: usize, cause: Cause, earlier: &[ItemIndex], short: &mut BTreeMap<usize, BlueprintFault>) {
        let Some(found) = self.demands.get(demand) else { return };
        short.entry(demand).or_insert_with(|| {
            let fresh = self.list(found).iter().filter(|entry| earlier.binary_search(&entry.item()).is_err()).count();
            let needed = u64::from(found.count);
            BlueprintFault::infeasible(found.pointer(), cause, needed, fresh as u64, found.filter.words())
        });
    }
}

fn trial_seed(learner: u32, paper: u32) -> Seed {
    let hash = Sha256::new()
        .chain_update(b"keju/trial/1")
        .chain_update(learner.to_le_bytes())
        .chain_update(paper.to_le_bytes());
    Seed::from_bytes(hash.finalize().into())
}
