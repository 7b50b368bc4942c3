//! Keys in the order a learner saw, for review and practice feedback.

use crate::{Fraction, Key, OptionId, Response, Slot};

/// The right response in the shown order of a slot, shaped like the response it would have been: of
/// several accepted numbers or texts the first with the best fraction. `None` when the key does not
/// fit the slot.
///
/// Only after release: this is the one way from a [`Key`] to something a learner receives.
#[must_use]
pub fn released_key(key: &Key, slot: Slot<'_>) -> Option<Response> {
    Some(match key {
        Key::Choice { correct, .. } => Response::Choices { choices: shown_sorted(correct, slot)? },
        Key::TrueFalse { correct } => {
            Response::Choices { choices: vec![slot.shown_option(if *correct { 0 } else { 1 })?] }
        }
        Key::Numeric { accepted } => {
            Response::Number { number: best(accepted, |answer| answer.fraction).map(|answer| answer.value)? }
        }
        Key::ShortText { accepted, .. } => {
            Response::Text { text: best(accepted, |answer| answer.fraction).map(|answer| answer.text.clone())? }
        }
        Key::Ordering { order } => {
            Response::Order { order: order.iter().map(|&entry| slot.shown_option(entry)).collect::<Option<_>>()? }
        }
        Key::Matching { targets } => {
            let by_left = slot.order.iter().map(|&left| {
                let target = *targets.get(usize::from(left))?;
                Some((slot.shown_option(left)?, slot.shown_target(target)?))
            });
            Response::Pairs { pairs: by_left.collect::<Option<_>>()? }
        }
    })
}

fn shown_sorted(correct: &[u8], slot: Slot<'_>) -> Option<Vec<OptionId>> {
    let mut choices = correct.iter().map(|&author| slot.shown_option(author)).collect::<Option<Vec<_>>>()?;
    choices.sort_unstable();
    Some(choices)
}

/// The first with the highest fraction.
fn best<T>(accepted: &[T], fraction: impl Fn(&T) -> Fraction) -> Option<&T> {
    accepted.iter().rev().max_by_key(|answer| fraction(answer))
}
