//! GIFT, Moodle's text format: <https://docs.moodle.org/en/GIFT_format>.
//!
//! Read: comments with `[id:…]` and `[tag:…]`, `$CATEGORY:`, `::titles::`, text formats, escapes,
//! all question types but essay and description, missing words, feedback, general feedback, and
//! the `{>…}` block of Moodle's ordering questions. Differences from Moodle, all to lose less:
//!
//! * a line break inside unmarked text is where the author's editor wrapped: it joins the lines;
//! * unmarked text without markup is plain text, so `<head>` stays readable;
//! * a question whose braces never close does not swallow the ones after it;
//! * a `::title::` at the start of a line begins a question even without a blank line before it.

mod answers;
mod escape;
mod paragraphs;
mod reader;
mod writer;

pub use reader::read;
pub use writer::write;

#[cfg(test)]
mod tests;
