//! The simulator: the real rules in a world made from a seed, in which everything goes wrong that can.
//!
//! One thread, a virtual clock, a queue of events. Nodes cache attempts and decide by `exam-core`;
//! a store in memory keeps what was committed under the real unique keys; clients repeat what nobody
//! answered. Nodes and the store crash, commits fail or end nobody knows how, messages are lost,
//! doubled and late, wall clocks jump. When all is quiet, [`checker`] looks whether P1 to P12 held.
//!
//! A seed is a whole run: the same seed gives the same run, byte for byte. A bug planted on purpose
//! ([`planted`]) has to be found, or a run without findings would prove nothing.
//!
//! How to add the next thing that can happen: a request or a fault in `schedule`, who asks for it in
//! `client`, what a node does with it in `node`, and what has to hold in `checker`.

mod bank;
pub mod checker;
mod client;
mod clock;
mod env;
mod lessons;
mod node;
pub mod planted;
mod rng;
mod run;
mod schedule;
mod socket;
mod store;
mod sweep;
mod world;

pub use run::{Options, Report, Sums, run};
pub use sweep::{explain, find, sweep};
