//! What went wrong elsewhere, as tests by name: keys, owners, roles, sessions, imports, overload. All of
//! them over the real program, byte for byte, because what is tested is what a stranger can send.
#![expect(clippy::unwrap_used, reason = "tests")]

mod archives;
mod doors;
mod exports;
mod forged;
mod fuzz;
mod keys;
mod logs;
mod markup;
mod matrix;
mod origins;
mod ownership;
mod saving;
mod sessions;
mod sign_in;
mod slow;
pub(crate) mod support;
mod tokens;
pub(crate) mod wire;
mod xml;
