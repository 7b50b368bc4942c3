//! The server program: HTTP, limits, metrics, the command line.

pub mod admission;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod http;
pub mod limits;
pub mod messages;
pub mod metrics;
pub mod rates;
pub mod server;
pub mod site;
