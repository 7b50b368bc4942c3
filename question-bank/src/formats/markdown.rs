//! The simple subset of Markdown: paragraphs, hard breaks, headings, flat lists, fenced code,
//! strong, emphasis, inline code. Formulas pass untouched. Whatever goes beyond is not guessed at.

use crate::draft::DraftText;

/// Texts longer than this many bytes are not converted.
const BYTES_MAX: usize = 64 * 1024;
/// Emphasis within emphasis.
const NESTING_MAX: u8 = 3;

/// The text converted, or nothing when it goes beyond the subset. Text without any markup stays plain.
pub(super) fn to_draft(text: &str) -> Option<DraftText> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let mut page = Page::default();
    for line in text.lines() {
        page.line(line)?;
    }
    page.end()?;
    Some(if page.marked { DraftText::html(page.html) } else { DraftText::plain(text) })
}

#[derive(Default)]
struct Page {
    html: String,
    open: Open,
    /// Whether anything but one plain paragraph was found.
    marked: bool,
    paragraphs: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    Paragraph,
    List(&'static str),
    Code,
}

impl Page {
    fn line(&mut self, line: &str) -> Option<()> {
        let trimmed = line.trim_start();
        if self.open == Open::Code {
            self.code_line(line);
            return Some(());
        }
        if trimmed.is_empty() {
            self.close();
            return Some(());
        }
        if trimmed.starts_with("```") {
            self.close();
            self.html.push_str("<pre><code>");
            (self.open, self.marked) = (Open::Code, true);
            return Some(());
        }
        if is_beyond(line, trimmed) {
            return None;
        }
        match (heading(trimmed), bullet(trimmed)) {
            (Some((level, text)), _) => self.heading(level, text),
            (None, Some((list, text))) => self.item(list, text),
            (None, None) => self.text(line),
        }
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        if self.open == Open::Code {
            return None;
        }
        self.close();
        Some(())
    }

    fn close(&mut self) {
        match std::mem::take(&mut self.open) {
            Open::Nothing => {}
            Open::Paragraph => self.html.push_str("</p>"),
            Open::List(list) => self.html.push_str(&format!("</li></{list}>")),
            Open::Code => self.html.push_str("</code></pre>"),
        }
    }

    fn code_line(&mut self, line: &str) {
        if line.trim_start().starts_with("```") {
            self.close();
        } else {
            escape_into(line, &mut self.html);
            self.html.push('\n');
        }
    }

    fn heading(&mut self, level: usize, text: &str) {
        self.close();
        self.marked = true;
        self.html.push_str(&format!("<h{level}>"));
        self.inline(text);
        self.html.push_str(&format!("</h{level}>"));
    }

    fn item(&mut self, list: &'static str, text: &str) {
        self.marked = true;
        if self.open == Open::List(list) {
            self.html.push_str("</li><li>");
        } else {
            self.close();
            self.html.push_str(&format!("<{list}><li>"));
            self.open = Open::List(list);
        }
        self.inline(text);
    }

    fn text(&mut self, line: &str) {
        if self.open == Open::Nothing {
            self.paragraphs += 1;
            self.marked |= self.paragraphs > 1;
            self.html.push_str("<p>");
            self.open = Open::Paragraph;
        } else {
            self.html.push('\n');
        }
        self.inline(line.trim());
        if line.ends_with("  ") {
            self.marked = true;
            self.html.push_str("<br>");
        }
    }

    fn inline(&mut self, text: &str) {
        self.marked |= inline(text, NESTING_MAX, &mut self.html);
    }
}

/// Quotes, tables, images, links, HTML, nested or indented blocks, rules and underlined headings.
fn is_beyond(line: &str, trimmed: &str) -> bool {
    let indent = line.len() - trimmed.len();
    let rule = trimmed.len() >= 3 && trimmed.chars().all(|c| matches!(c, '-' | '=' | '*' | '_' | ' '));
    rule || trimmed.starts_with('>')
        || trimmed.contains("](")
        || trimmed.contains("![")
        || (trimmed.contains('|') && trimmed.contains("---"))
        || super::markup::holds_markup(trimmed)
        || indent >= 4
        || (indent >= 2 && bullet(trimmed).is_some())
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    (matches!(level, 1..=6) && text.starts_with(' ')).then(|| (level, text.trim()))
}

fn bullet(line: &str) -> Option<(&'static str, &str)> {
    for mark in ["- ", "* ", "+ "] {
        if let Some(text) = line.strip_prefix(mark) {
            return Some(("ul", text.trim()));
        }
    }
    let text = line.trim_start_matches(|c: char| c.is_ascii_digit());
    (text.len() < line.len()).then(|| text.strip_prefix(". ")).flatten().map(|text| ("ol", text.trim()))
}

/// Appends the HTML of a run of text; whether it held any markup.
fn inline(text: &str, nesting: u8, html: &mut String) -> bool {
    let mut marked = false;
    // A delimiter that found no end once will find none further on: keeps this linear.
    let mut hopeless = [false; SPANS.len()];
    let (mut rest, mut before) = (text, ' ');
    'text: while let Some(first) = rest.chars().next() {
        for (index, span) in SPANS.iter().enumerate() {
            if hopeless[index] || !rest.starts_with(span.open) || !span.may_open(before, rest) {
                continue;
            }
            let Some((inside, after)) = span.find_end(rest) else {
                hopeless[index] = true;
                continue;
            };
            marked |= span.write(inside, nesting, html);
            before = span.close.chars().next_back().unwrap_or(' ');
            rest = after;
            continue 'text;
        }
        let escaped =
            rest.strip_prefix('\\').and_then(|after| after.chars().next()).filter(|c| "\\`*_#+-.!".contains(*c));
        let shown = escaped.unwrap_or(first);
        marked |= escaped.is_some();
        escape_into(shown.encode_utf8(&mut [0; 4]), html);
        let taken = if escaped.is_some() { first.len_utf8() + shown.len_utf8() } else { first.len_utf8() };
        (before, rest) = (shown, rest.get(taken..).unwrap_or_default());
    }
    marked
}

struct Span {
    open: &'static str,
    close: &'static str,
    /// The element; formulas have none and keep their delimiters.
    element: Option<&'static str>,
}

/// Longer delimiters first.
const SPANS: [Span; 8] = [
    Span { open: "\\(", close: "\\)", element: None },
    Span { open: "\\[", close: "\\]", element: None },
    Span { open: "$$", close: "$$", element: None },
    Span { open: "`", close: "`", element: Some("code") },
    Span { open: "**", close: "**", element: Some("strong") },
    Span { open: "__", close: "__", element: Some("strong") },
    Span { open: "*", close: "*", element: Some("em") },
    Span { open: "_", close: "_", element: Some("em") },
];

impl Span {
    fn is_emphasis(&self) -> bool {
        matches!(self.element, Some("strong" | "em"))
    }

    fn may_open(&self, before: char, rest: &str) -> bool {
        let next = rest.get(self.open.len()..).and_then(|after| after.chars().next()).unwrap_or(' ');
        let within_word = self.open.starts_with('_') && before.is_alphanumeric();
        !self.is_emphasis() || !(next.is_whitespace() || self.open.starts_with(next) || within_word)
    }

    /// What is inside, what comes after.
    fn find_end<'a>(&self, rest: &'a str) -> Option<(&'a str, &'a str)> {
        let body = rest.get(self.open.len()..)?;
        let mut from = 0;
        while let Some(found) = body.get(from..)?.find(self.close) {
            let at = from + found;
            let (inside, after) = (body.get(..at)?, body.get(at + self.close.len()..)?);
            let touches = inside.chars().next_back().is_some_and(|last| !last.is_whitespace());
            let ends_word = !self.open.starts_with('_') || !after.starts_with(char::is_alphanumeric);
            if !inside.is_empty() && (!self.is_emphasis() || (touches && ends_word)) {
                return Some((inside, after));
            }
            from = at + self.close.len();
        }
        None
    }

    fn write(&self, inside: &str, nesting: u8, html: &mut String) -> bool {
        let Some(element) = self.element else {
            escape_into(self.open, html);
            escape_into(inside, html);
            escape_into(self.close, html);
            return false;
        };
        html.push_str(&format!("<{element}>"));
        match nesting.checked_sub(1) {
            Some(nesting) if element != "code" => {
                inline(inside, nesting, html);
            }
            _ => escape_into(inside, html),
        }
        html.push_str(&format!("</{element}>"));
        true
    }
}

fn escape_into(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subset_becomes_html() {
        for (markdown, html) in [
            ("Who's in **Grant's tomb**?", "<p>Who's in <strong>Grant's tomb</strong>?</p>"),
            ("Grant's _tomb_.", "<p>Grant's <em>tomb</em>.</p>"),
            ("`a<b` *and* c", "<p><code>a&lt;b</code> <em>and</em> c</p>"),
            ("line  \nnext", "<p>line<br>\nnext</p>"),
            ("one\n\ntwo", "<p>one</p><p>two</p>"),
            ("## T\n- a\n- b\n1. c", "<h2>T</h2><ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>"),
            ("```\na < b\n```", "<pre><code>a &lt; b\n</code></pre>"),
            ("**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"),
            ("\\(a_1*b*c_1\\) **x**", "<p>\\(a_1*b*c_1\\) <strong>x</strong></p>"),
        ] {
            assert_eq!(to_draft(markdown), Some(DraftText::html(html)), "{markdown}");
        }
    }

    #[test]
    fn text_without_markup_stays_plain() {
        for text in ["3 * 4 * 5", "snake_case_name", "a\nb", "5 < 6", "$$x_1*2*y_1$$"] {
            assert_eq!(to_draft(text), Some(DraftText::plain(text)), "{text}");
        }
    }

    #[test]
    fn beyond_the_subset_nothing_is_guessed() {
        for text in
            ["> quote", "a | b\n--- | ---", "![x](y)", "[x](y)", "- a\n    - b", "```\nopen", "T\n===", "<b>x</b>"]
        {
            assert_eq!(to_draft(text), None, "{text}");
        }
    }

    #[test]
    fn unclosed_delimiters_cost_no_more_than_the_text() {
        let text = "*a _b `c **d ".repeat(4_000);
        assert!(to_draft(text.trim()).is_some());
    }
}
