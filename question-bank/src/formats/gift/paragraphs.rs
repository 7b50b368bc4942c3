//! Cuts a file into the paragraphs that hold one question each.

use super::escape::live_bytes;

/// Lines without a blank one between them (blank lines within braces do not count).
#[derive(Clone, Copy, Debug)]
pub(super) struct Paragraph<'a> {
    /// The number of its first line, counted from one.
    pub(super) line: u32,
    /// Its lines, comments included.
    pub(super) text: &'a str,
}

/// How far the braces of a paragraph have come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braces {
    NotYet,
    Open,
    Closed,
}

/// The paragraphs of a file, found one by one.
#[derive(Clone)]
pub(super) struct Paragraphs<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Paragraphs<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// The next lines up to a blank one or the start of another question.
    fn next_lines(&mut self) -> Option<(Paragraph<'a>, Braces)> {
        while let Some(line) = first_line(self.rest)
            && line.trim().is_empty()
        {
            self.skip(line.len());
        }
        if self.rest.is_empty() {
            return None;
        }
        let (start, line) = (self.rest, self.line);
        let mut braces = Braces::NotYet;
        let mut length = 0;
        while let Some(next) = first_line(self.rest) {
            let text = next.trim();
            let is_category = text.starts_with(CATEGORY);
            let is_new = length > 0
                && ((is_category && braces != Braces::Open) || (text.starts_with("::") && braces == Braces::Closed));
            if text.is_empty() || is_new {
                break;
            }
            if !is_comment(text) {
                braces = braces.after(next);
            }
            length += next.len();
            self.skip(next.len());
            if is_category && length == next.len() {
                braces = Braces::NotYet;
                break;
            }
        }
        Some((Paragraph { line, text: start.get(..length)? }, braces))
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        self.line = self.line.saturating_add(1);
    }

    /// Where the brace left open by the paragraphs before is closed, unless another question
    /// begins first. The work is not repeated: paragraphs passed over in vain open no brace.
    fn closing(mut self) -> Option<Self> {
        while let Some((paragraph, _)) = self.next_lines() {
            let lines = paragraph.text.split_inclusive('\n').filter(|line| !is_comment(line.trim()));
            match lines.flat_map(live_bytes).find(|(_, byte)| matches!(byte, b'{' | b'}')) {
                Some((_, b'}')) => return Some(self),
                Some(_) => return None,
                None => {}
            }
        }
        None
    }
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Paragraph<'a>;

    fn next(&mut self) -> Option<Paragraph<'a>> {
        let start = self.clone();
        let (mut paragraph, braces) = self.next_lines()?;
        if braces == Braces::Open
            && let Some(closed) = self.clone().closing()
        {
            let from = start.rest.len() - paragraph.text.len() - self.rest.len();
            paragraph.text = start.rest.get(from..start.rest.len() - closed.rest.len())?;
            *self = closed;
        }
        Some(paragraph)
    }
}

impl Braces {
    fn after(self, line: &str) -> Self {
        live_bytes(line).fold(self, |braces, (_, byte)| match (braces, byte) {
            (Self::NotYet, b'{') => Self::Open,
            (Self::Open | Self::NotYet, b'}') => Self::Closed,
            _ => braces,
        })
    }
}

/// What begins a line that sets the category.
pub(super) const CATEGORY: &str = "$CATEGORY:";

/// Whether a trimmed line is a comment.
pub(super) fn is_comment(line: &str) -> bool {
    line.starts_with("//")
}

fn first_line(text: &str) -> Option<&str> {
    text.split_inclusive('\n').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(u32, &str)> {
        Paragraphs::new(text).map(|paragraph| (paragraph.line, paragraph.text.trim())).collect()
    }

    #[test]
    fn blank_lines_part_questions_but_not_within_braces() {
        assert_eq!(cut("a\nb{T}\n\n\nc{\n=x\n\n=y\n}\nd"), [(1, "a\nb{T}"), (5, "c{\n=x\n\n=y\n}\nd")]);
    }

    #[test]
    fn an_open_brace_swallows_no_other_question() {
        assert_eq!(cut("a{=x\n\nb{T}\n\nc{F}"), [(1, "a{=x"), (3, "b{T}"), (5, "c{F}")]);
        assert_eq!(cut("a{=x\n\nb\n\nc"), [(1, "a{=x"), (3, "b"), (5, "c")]);
    }

    #[test]
    fn titles_and_categories_begin_anew() {
        assert_eq!(
            cut("::a::x{T}\n::b::y{F}\n$CATEGORY: c\nz{T}"),
            [(1, "::a::x{T}"), (2, "::b::y{F}"), (3, "$CATEGORY: c"), (4, "z{T}")]
        );
    }

    #[test]
    fn braces_in_comments_mean_nothing() {
        assert_eq!(cut("// { \nq{T}\n\n// }\nr{F}").len(), 2);
    }
}
