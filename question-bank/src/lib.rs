//! Question banks: items and their keys, the formats they travel in, the pool that papers are
//! drawn from, the draw itself and the marking of responses.
//!
//! Pure: no clock, no ambient randomness, no I/O. The way of the data:
//!
//! ```text
//! file bytes ─formats─▶ ItemDraft ─validate─▶ Item ─Snapshot::new─▶ Snapshot (hash = bank version)
//! Snapshot ─Pool::new─▶ Pool ─DrawPlan::compile(blueprint)─▶ DrawPlan ─draw(seed, avoid)─▶ Paper
//! Paper + Prompt ─candidate─▶ bytes a learner may see (no field for a key)
//! Paper + Key + Response + ScoringRule ─marking─▶ Points
//! ```
//!
//! How to add the next item kind: a variant in [`ItemKind`], [`Interaction`], [`Key`] and
//! [`Response`]; the compiler then names every place that has to know about it.

pub mod blueprint;
pub mod draft;
pub mod formats;
pub mod item;
pub mod key;
pub mod limits;
pub mod points;
pub mod response;
pub mod rich_text;
pub mod scoring;

pub use blueprint::{Blueprint, Quota, Section};
pub use draft::ItemDraft;
pub use item::{Difficulty, Interaction, Item, ItemKind, Prompt, TopicPath};
pub use key::{Fraction, Key, NumericAnswer, Solution, TextAnswer};
pub use points::Points;
pub use response::{OptionId, Response, TargetId};
pub use rich_text::RichText;
pub use scoring::ScoringRule;
