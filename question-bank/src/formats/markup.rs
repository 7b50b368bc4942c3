//! Text as Moodle's formats mark it, and plain text back out of sanitized HTML.

use super::moodle::warn;
use super::{Finding, FindingCode, markdown};
use crate::draft::DraftText;

/// What a text says it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFormat {
    /// Nothing said, or Moodle's own: HTML when it holds markup, plain text otherwise.
    Auto,
    /// HTML.
    Html,
    /// Plain text.
    Plain,
    /// Markdown.
    Markdown,
}

impl TextFormat {
    /// From the name GIFT (`[html]`) or Moodle XML (`format="plain_text"`) gives.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "html" => Some(Self::Html),
            "plain" | "plain_text" => Some(Self::Plain),
            "markdown" => Some(Self::Markdown),
            "moodle" | "moodle_auto_format" => Some(Self::Auto),
            _ => None,
        }
    }

    /// The text as a draft holds it. Markdown beyond the convertible subset stays as written,
    /// with a warning naming `part`.
    pub(super) fn draft(self, text: &str, part: &str, warnings: &mut Vec<Finding>) -> DraftText {
        let text = text.trim();
        match self {
            Self::Html => DraftText::html(text),
            Self::Plain => DraftText::plain(text),
            Self::Auto if holds_markup(text) => DraftText::html(text),
            Self::Auto => DraftText::plain(text),
            Self::Markdown => markdown::to_draft(text).unwrap_or_else(|| {
                warn(warnings, FindingCode::MarkdownKept, part);
                DraftText::plain(text)
            }),
        }
    }

    /// The same, or nothing when the text is blank.
    pub(super) fn draft_if_any(self, text: &str, part: &str, warnings: &mut Vec<Finding>) -> Option<DraftText> {
        (!text.trim().is_empty()).then(|| self.draft(text, part, warnings))
    }
}

/// Whether a text of unsaid format is HTML: it closes an element, breaks a line or shows an image.
/// A lone `<html>` is something a question speaks about.
pub(super) fn holds_markup(text: &str) -> bool {
    const CLOSED: [&str; 24] = [
        "p", "b", "i", "u", "em", "strong", "sub", "sup", "pre", "code", "span", "div", "ul", "ol", "li", "table",
        "td", "tr", "h1", "h2", "h3", "h4", "a", "font",
    ];
    if !text.contains('<') {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    lower.split('<').skip(1).any(|piece| match piece.strip_prefix('/') {
        Some(end) => end.split_once('>').is_some_and(|(name, _)| CLOSED.contains(&name.trim())),
        None => ["br>", "br/>", "br />", "img "].iter().any(|start| piece.starts_with(start)),
    })
}

/// Plain text of sanitized HTML.
pub(super) struct PlainText {
    /// Line breaks kept, entities decoded, tags gone.
    pub(super) text: String,
    /// Whether nothing but line breaks was marked up.
    pub(super) whole: bool,
}

/// Takes the markup off sanitized HTML.
pub(super) fn to_plain(html: &str) -> PlainText {
    let mut plain = PlainText { text: String::with_capacity(html.len()), whole: true };
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&', '\n']) {
        let (before, from) = rest.split_at(at);
        plain.text.push_str(before);
        rest = match from.as_bytes().first() {
            Some(b'<') => plain.take_tag(from),
            Some(b'&') => plain.take_entity(from),
            _ => plain.take_line_end(from),
        };
    }
    plain.text.push_str(rest);
    plain
}

impl PlainText {
    fn take_tag<'a>(&mut self, from: &'a str) -> &'a str {
        let Some((tag, rest)) = from.split_once('>') else {
            self.text.push_str(from);
            return "";
        };
        match tag.trim_end_matches(['/', ' ']) {
            "<br" => self.text.push('\n'),
            "</p" | "</div" | "</li" => {
                self.whole = false;
                self.text.push('\n');
            }
            _ => self.whole = false,
        }
        rest
    }

    fn take_entity<'a>(&mut self, from: &'a str) -> &'a str {
        const ENTITIES: [(&str, char); 6] =
            [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\''), ("&nbsp;", '\u{a0}')];
        for (name, character) in ENTITIES {
            if let Some(rest) = from.strip_prefix(name) {
                self.text.push(character);
                return rest;
            }
        }
        self.text.push('&');
        from.strip_prefix('&').unwrap_or_default()
    }

    /// A line end in HTML is a space.
    fn take_line_end<'a>(&mut self, from: &'a str) -> &'a str {
        self.text.push(' ');
        from.strip_prefix('\n').unwrap_or_default()
    }
}

/// Whether a line break next to this character is no space: Chinese is not written with spaces.
pub(super) fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RichText;

    #[test]
    fn unsaid_text_is_html_only_when_it_holds_markup() {
        for html in ["<p>x</p>", "a<br>b", "H<SUB>2</SUB>O", "<img src=x>", "a <b>c</b>"] {
            assert!(holds_markup(html), "{html}");
        }
        for plain in ["the <head> section", "a < b", "<html>", "1 </ 2", "<", "x > y", "</made up>"] {
            assert!(!holds_markup(plain), "{plain}");
        }
    }

    #[test]
    fn plain_text_comes_back_out_of_html() {
        for text in ["a < b & c > \"d\"", "第一行\n第二行", "&amp; &nbsp;", "<", ""] {
            let plain = to_plain(RichText::from_plain(text).as_html());
            assert_eq!(plain.text, text);
            assert!(plain.whole);
        }
        let plain = to_plain("<p>a <b>b</b></p>c&#39;s <unclosed");
        assert_eq!(plain.text, "a b\nc's <unclosed");
        assert!(!plain.whole);
    }
}
