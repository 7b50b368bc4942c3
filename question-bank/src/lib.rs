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
//! many marked papers ─analysis─▶ facility, discrimination, distractors, reliability
//! ```
//!
//! How to add the next item kind: a variant in [`ItemKind`], [`Interaction`], [`Key`] and
//! [`Response`]; the compiler then names every place that has to know about it.

pub mod analysis;
pub mod blueprint;
pub mod candidate;
pub mod draft;
pub mod draw;
pub mod duplicate;
pub mod formats;
pub mod item;
pub mod key;
pub mod limits;
pub mod marking;
pub mod paper;
pub mod points;
pub mod pool;
pub mod response;
pub mod rich_text;
pub mod scoring;
pub mod snapshot;

pub use blueprint::{Blueprint, Quota, Section};
pub use draft::ItemDraft;
pub use draw::{Avoid, BlueprintFault, DrawError, DrawPlan, Drawn, Seed};
pub use duplicate::{ContentHash, content_hash, question_hash};
pub use item::{Difficulty, Interaction, Item, ItemKind, Prompt, TopicPath};
pub use key::{Fraction, Key, NumericAnswer, Solution, TextAnswer};
pub use marking::{MarkedSlot, ResponseFault, Said};
pub use paper::{Paper, PaperSection, Slot};
pub use points::Points;
pub use pool::Pool;
pub use response::{OptionId, Response, TargetId};
pub use rich_text::RichText;
pub use scoring::ScoringRule;
pub use snapshot::{BankVersion, ItemIndex, Snapshot, SnapshotError};
