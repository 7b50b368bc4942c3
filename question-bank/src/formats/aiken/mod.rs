//! Aiken (<https://docs.moodle.org/en/Aiken_format>) and its Chinese relatives.
//!
//! Aiken proper: a stem, options `A. …` or `A) …`, `ANSWER: C`. A file with a line like
//! `参考答案：C` is in the numbered dialect of Chinese text banks: stems `1. …`, several letters in
//! an answer, 对/错 without options, `解析：`, `难度：`, `知识点：`, `分值：`, topics from headings
//! (`第01讲 …`), kinds from headings (`二、多选题`), rules of dashes between questions.
//! Continuation lines of stems and options are kept in both.

mod lines;
mod question;
mod reader;
mod writer;

pub use reader::read;
pub use writer::write;

#[cfg(test)]
mod tests;
