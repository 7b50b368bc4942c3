//! Stories of lessons.

#![expect(clippy::unwrap_used, reason = "tests")]

mod attacks;
mod challenges;
mod completion;
mod coverage;
mod credit;
mod folding;
mod moments;
mod player;
mod rules;
