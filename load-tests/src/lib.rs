//! The operators' load generator.
//!
//! It speaks the public protocol and nothing else, sets up learners, bank, course and exam of its own,
//! loads the server as a scenario says, and checks while it loads that what the server promised holds.
//!
//! The way of one run: [`scenario`] (data) → [`plan`] (who arrives when and behaves how; the same from
//! the same seed, in every process) → [`setup`] (through the public interface) → [`run`] (open loop:
//! every request has a time at which it is due, and its latency counts from there) → [`learner`],
//! [`lesson`] (what a person does) with [`attacks`] → [`promises`] (what was acknowledged, read back at
//! the end) → [`measure`] (histograms) → [`report`] (JSON and HTML), [`thresholds`] (the exit code).
//!
//! How to add the next scenario: a file in `scenarios/`, a line in [`scenario::LIBRARY`].

pub mod api;
pub mod attacks;
pub mod backoff;
pub mod bank;
pub mod capacity;
pub mod cli;
pub mod guard;
pub mod http;
pub mod learner;
pub mod lesson;
pub mod limits;
pub mod measure;
pub mod paper;
pub mod plan;
pub mod processes;
pub mod progress;
pub mod promises;
pub mod report;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod scrape;
pub mod setup;
pub mod thresholds;
pub mod verify;
