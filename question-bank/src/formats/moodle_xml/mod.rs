//! Moodle's XML: <https://docs.moodle.org/en/Moodle_XML_format>.
//!
//! A file is first streamed through, which finds the questions and refuses what no honest export
//! holds (document types, and with them entities; deep nesting; tags full of attributes). Then
//! each question becomes a small tree of its own, so that one broken question spoils no other and
//! memory is bounded by the largest question.

mod answers;
mod element;
mod images;
mod reader;
mod scan;
mod writer;

pub use reader::read;
pub use writer::write;

#[cfg(test)]
mod tests;
