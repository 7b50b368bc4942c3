//! Reads both dialects, line by line.

use super::lines::{Dialect, KindHint, Line, numbered_option};
use super::question::{Part, Question, append};
use crate::formats::moodle::{Entries, Found, shorten};
use crate::formats::{Finding, FindingCode, Parsed};

/// Reads an Aiken file or one in the numbered dialect. Every block that looks like a question
/// gives an entry at the line it begins; the code is left to be made from the content.
#[must_use]
pub fn read(text: &str) -> Parsed {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::new(Dialect::of(text));
    for (line, number) in text.lines().zip(1_u32..) {
        reader.line(line, number);
        if reader.full {
            break;
        }
    }
    reader.finish();
    reader.give_up_preface();
    reader.entries.finish()
}

struct Reader {
    dialect: Dialect,
    entries: Entries,
    /// Whether the import limit is reached.
    full: bool,
    current: Option<Question>,
    /// Whether a blank line came after the last text.
    gap: bool,
    /// The headings above, by level.
    headings: Vec<(u8, String)>,
    hint: Option<KindHint>,
    /// Text before a question that belongs to none, and its line.
    preface: Option<(u32, String)>,
}

impl Reader {
    fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            entries: Entries::default(),
            full: false,
            current: None,
            gap: false,
            headings: Vec::new(),
            hint: None,
            preface: None,
        }
    }

    fn line(&mut self, line: &str, number: u32) {
        let line = Line::of(line, self.dialect);
        let gap = std::mem::replace(&mut self.gap, line == Line::Blank);
        match line {
            Line::Blank => {}
            Line::Rule => self.finish(),
            Line::Option { letter, text } => self.option(letter, text, number),
            Line::TruthOption => {
                let hint = Some(KindHint::TrueFalse);
                self.open_question(number).hint = hint;
            }
            Line::Answer(answer) => self.answer(answer, number),
            Line::Explanation(text) => {
                let question = self.any_question(number);
                question.part = Part::Explanation;
                append(&mut question.explanation, text);
            }
            Line::Difficulty(text) => self.any_question(number).difficulty = Some(text.to_owned()),
            Line::Topic(text) => self.any_question(number).topic = Some(text.to_owned()),
            Line::Points(text) => {
                self.any_question(number).points = Some(text.trim_end_matches('分').trim().to_owned());
            }
            Line::Heading { level, text } => self.heading(level, text, number, gap),
            Line::KindHeading { hint, text } => {
                if self.stands_apart(gap) {
                    self.finish();
                    self.hint = Some(hint);
                } else {
                    self.text(text, number, gap);
                }
            }
            Line::Numbered { number: ordinal, text } => self.numbered(ordinal, text, number, gap),
            Line::Text(text) => self.text(text, number, gap),
        }
    }

    /// The question being read, whatever it already has; a new one if there is none.
    fn any_question(&mut self, line: u32) -> &mut Question {
        let hint = self.hint;
        self.current.get_or_insert_with(|| Question { line, hint, ..Question::default() })
    }

    /// The question being read if it still waits for its answer, else a new one.
    fn open_question(&mut self, line: u32) -> &mut Question {
        if self.current.as_ref().is_some_and(|question| question.answer.is_some()) {
            self.finish();
        }
        self.any_question(line)
    }

    fn option(&mut self, letter: char, text: &str, line: u32) {
        if let Some(question) = &mut self.current
            && question.part == Part::Explanation
        {
            question.go_on(&format!("{letter}. {text}"));
            return;
        }
        let dialect = self.dialect;
        let question = self.open_question(line);
        let (mut letter, mut text) = (letter, text);
        while dialect == Dialect::Numbered
            && let Some((before, next, after)) = option_beside(text, letter)
        {
            question.add_option(letter, before);
            (letter, text) = (next, after);
        }
        question.add_option(letter, text);
    }

    fn answer(&mut self, answer: &str, line: u32) {
        let dialect = self.dialect;
        let question = self.open_question(line);
        question.answer = Some(answer.to_owned());
        question.part = Part::Answer;
        if dialect == Dialect::Aiken {
            self.finish();
        }
    }

    /// A heading stands between questions, or after a blank line.
    fn stands_apart(&self, gap: bool) -> bool {
        gap || self.current.as_ref().is_none_or(|question| question.answer.is_some() || question.is_bare())
    }

    fn heading(&mut self, level: u8, text: &str, line: u32, gap: bool) {
        if !self.stands_apart(gap) {
            return self.text(text, line, gap);
        }
        self.finish();
        self.hint = None;
        self.headings.retain(|(above, _)| *above < level);
        // A slash would part the name in two.
        self.headings.push((level, text.replace('/', "／")));
    }

    /// A number begins a question, unless it is out of turn within a stem or an explanation.
    fn numbered(&mut self, ordinal: u32, text: &str, line: u32, gap: bool) {
        if let Some(question) = &mut self.current {
            let is_next = question.number.is_none_or(|number| ordinal == number.saturating_add(1));
            if !gap && !is_next && matches!(question.part, Part::Stem | Part::Explanation) {
                question.go_on(&format!("{ordinal}. {text}"));
                return;
            }
        }
        self.finish();
        let question = self.any_question(line);
        question.number = Some(ordinal);
        text.clone_into(&mut question.stem);
    }

    fn text(&mut self, text: &str, line: u32, gap: bool) {
        if let Some(question) = &self.current {
            let goes_on = match question.part {
                Part::Stem => !gap || question.number.is_some(),
                Part::Option => !gap,
                Part::Answer => question.number.is_some() && !gap,
                Part::Explanation => !gap || question.number.is_some(),
            };
            if !goes_on {
                self.finish();
            }
        }
        self.any_question(line).go_on(text);
    }

    /// Makes an entry of the question being read.
    fn finish(&mut self) {
        let Some(question) = self.current.take() else { return };
        if self.dialect == Dialect::Numbered && question.is_bare() {
            self.give_up_preface();
            self.preface = Some((question.line, shorten(&question.stem)));
            return;
        }
        let topic = self.headings.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join("/");
        let line = question.line;
        let outcome = question.into_draft(self.dialect, &topic);
        let preface = self.preface.take();
        let warnings =
            preface.into_iter().map(|(_, text)| Finding::new(FindingCode::PartDropped, format!("“{text}”"))).collect();
        self.push(Found { line, title: None, outcome, warnings });
    }

    /// A preface that no question follows is reported by itself.
    fn give_up_preface(&mut self) {
        if let Some((line, text)) = self.preface.take() {
            let what = format!("不成题目的文字 (text that makes no question): {text}");
            self.push(Found::refused(line, Finding::new(FindingCode::Syntax, what)));
        }
    }

    fn push(&mut self, found: Found) {
        // Once full, one entry has said so.
        self.full = self.full || !self.entries.push(found);
    }
}

/// A further option on the same line: what is before it, its letter, its text.
fn option_beside(text: &str, letter: char) -> Option<(&str, char, &str)> {
    let next = char::from_u32(u32::from(letter) + 1).filter(char::is_ascii_uppercase)?;
    text.match_indices(next).find_map(|(at, _)| {
        let (before, from) = text.split_at_checked(at)?;
        match numbered_option(from) {
            Some(Line::Option { text, .. }) if before.ends_with(char::is_whitespace) => Some((before, next, text)),
            _ => None,
        }
    })
}
