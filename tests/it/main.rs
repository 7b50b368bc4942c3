//! The integration tests: one binary, a module per feature.

mod bank;
mod exam;
mod lesson;
mod load;
mod nodes;
mod security;
mod sim;
mod stream;
mod tidy;
