//! Our own format, which holds everything: `docs/bank-json.md`.

mod fields;
mod reader;
mod writer;

pub use reader::read;
pub use writer::write;

/// What `format` says in files of this version.
pub const FORMAT: &str = "keju-bank/1";

#[cfg(test)]
mod tests;
