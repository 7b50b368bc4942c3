//! The first pass: where the questions are, and whether the file is safe to look into.

use crate::formats::{Finding, FindingCode};
use crate::limits::{IMPORT_ITEMS_MAX, IMPORT_XML_DEPTH_MAX};
use quick_xml::Reader;
use quick_xml::errors::Error;
use quick_xml::events::{BytesStart, Event};

/// Attributes of one tag, and the bytes they may take. Moodle writes at most four short ones.
const ATTRIBUTES_MAX: usize = 16;
const ATTRIBUTES_BYTES_MAX: usize = 8 * 1024;
/// How often reading starts again behind something that is not well formed.
const RESTARTS_MAX: u32 = 1_000;
/// Questions and categories.
const PIECES_MAX: usize = 2 * IMPORT_ITEMS_MAX;

/// A part of a file, in its order.
pub(super) enum Piece<'a> {
    /// `<question …>…</question>` and the line it begins in.
    Question {
        /// Counted from one.
        line: u32,
        /// From `<` to `>`, well formed as far as tags go.
        xml: &'a str,
    },
    /// Something that is not well formed.
    Broken {
        /// The line of the question it is in, else its own.
        line: u32,
        /// Why.
        finding: Finding,
    },
}

/// Finds the questions.
///
/// # Errors
/// The line and the reason when the file holds what is not read at all.
pub(super) fn scan(text: &str) -> Result<Vec<Piece<'_>>, (u32, Finding)> {
    let mut scanner = Scanner { text, counted: (0, 1), pieces: Vec::new() };
    let mut from = 0;
    for _ in 0..RESTARTS_MAX {
        match scanner.run(from)? {
            Some(next) => from = next,
            None => break,
        }
    }
    Ok(scanner.pieces)
}

struct Scanner<'a> {
    text: &'a str,
    /// A place, and the number of its line; places are asked for in rising order, or nearly so.
    counted: (usize, u32),
    pieces: Vec<Piece<'a>>,
}

/// A question that has begun.
#[derive(Clone, Copy)]
struct Begun {
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    /// Reads on from a place. Where to begin anew after something broken, or nothing at the end.
    fn run(&mut self, from: usize) -> Result<Option<usize>, (u32, Finding)> {
        let mut reader = Reader::from_str(self.text.get(from..).unwrap_or_default());
        reader.config_mut().allow_unmatched_ends = true;
        reader.config_mut().allow_dangling_amp = true;
        let mut depth = 0_usize;
        let mut begun: Option<Begun> = None;
        loop {
            let at = from + position(reader.buffer_position());
            match reader.read_event() {
                Ok(Event::DocType(_)) => return Err(self.forbidden(at, "文档类型声明 DOCTYPE")),
                Ok(Event::Start(tag)) => {
                    depth += 1;
                    self.check(&tag, depth, at)?;
                    if begun.is_none() && tag.name().as_ref() == "question" {
                        begun = Some(Begun { at, depth });
                    }
                }
                Ok(Event::Empty(tag)) => self.check(&tag, depth, at)?,
                Ok(Event::End(_)) => {
                    if let Some(question) = begun.take_if(|question| question.depth >= depth) {
                        self.question(question.at, from + position(reader.buffer_position()));
                    }
                    depth = depth.saturating_sub(1);
                }
                Ok(Event::Eof) => {
                    if let Some(question) = begun {
                        self.broken(
                            question.at,
                            Finding::new(FindingCode::Syntax, "<question> 没有结束 (is not closed)"),
                        );
                    }
                    return Ok(None);
                }
                Ok(_) => {}
                Err(error) => {
                    let error_at = from + position(reader.error_position());
                    return Ok(self.restart(&error, begun, error_at.max(at)));
                }
            }
            if self.pieces.len() >= PIECES_MAX {
                self.broken(at, Finding::new(FindingCode::FileTooLarge, format!("{IMPORT_ITEMS_MAX} 题 items")));
                return Ok(None);
            }
        }
    }

    fn check(&mut self, tag: &BytesStart<'_>, depth: usize, at: usize) -> Result<(), (u32, Finding)> {
        if depth > IMPORT_XML_DEPTH_MAX {
            return Err(self.forbidden(at, "嵌套过深 nesting too deep"));
        }
        let too_many = tag.attributes_raw().len() > ATTRIBUTES_BYTES_MAX
            || tag.attributes().with_checks(false).take(ATTRIBUTES_MAX + 1).count() > ATTRIBUTES_MAX;
        if too_many { Err(self.forbidden(at, "属性过多 too many attributes")) } else { Ok(()) }
    }

    fn question(&mut self, from: usize, to: usize) {
        let line = self.line(from);
        if let Some(xml) = self.text.get(from..to) {
            self.pieces.push(Piece::Question { line, xml });
        }
    }

    fn broken(&mut self, at: usize, finding: Finding) {
        let line = self.line(at);
        self.pieces.push(Piece::Broken { line, finding });
    }

    /// Notes what is broken and finds the next question, unless the rest of the file is inside
    /// something that is never closed.
    fn restart(&mut self, error: &Error, begun: Option<Begun>, error_at: usize) -> Option<usize> {
        self.broken(
            begun.map_or(error_at, |question| question.at),
            Finding::new(FindingCode::Syntax, error.to_string()),
        );
        if matches!(error, Error::Syntax(_)) {
            return None;
        }
        let mut after = error_at + 1;
        while !self.text.is_char_boundary(after) {
            after += 1;
        }
        self.text.get(after..)?.find("<question").map(|found| after + found)
    }

    fn forbidden(&mut self, at: usize, what: &str) -> (u32, Finding) {
        (self.line(at), Finding::new(FindingCode::XmlForbidden, what))
    }

    fn line(&mut self, at: usize) -> u32 {
        let (place, line) = if at >= self.counted.0 { self.counted } else { (0, 1) };
        let between = self.text.as_bytes().get(place..at).unwrap_or_default();
        let ends = between.iter().filter(|byte| **byte == b'\n').count();
        self.counted = (at, line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX)));
        self.counted.1
    }
}

fn position(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
