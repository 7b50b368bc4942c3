//! What the integration tests share: the kit around the real server, and the seeded simulator with
//! the checker of the promises.

pub mod kit;
pub mod sim;
