//! The integration tests: one binary, a module per feature.

mod bank;
mod exam;
mod security;
mod sim;
mod stream;
mod tidy;
