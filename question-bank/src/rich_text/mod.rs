//! Sanitized rich text: the only kind of text that items hold.

mod formula;
mod markup;
mod sanitize;
#[cfg(test)]
mod tests;

pub(crate) use markup::{Piece, pieces};
pub use sanitize::Removed;
pub(crate) use sanitize::looks_like_html;

use serde::{Deserialize, Serialize};
use std::fmt;

/// HTML that a page may show as it is: made only by [`RichText::sanitize`] and
/// [`RichText::from_plain`]. Formulas stay as the author wrote them, between `\(…\)`, `\[…\]`
/// or `$$…$$`. Images are `data:` URIs of PNG, JPEG, GIF or WebP; nothing is ever fetched.
/// No control characters but line ends and tabs.
///
/// Deserializing trusts its input: only our own storage is read that way; imports go through
/// [`crate::ItemDraft`], whose texts are plain strings.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RichText(String);

impl RichText {
    /// Plain text, escaped; line ends become `<br>`.
    #[must_use]
    pub fn from_plain(text: &str) -> Self {
        let text = sanitize::without_controls(text);
        let mut html = String::with_capacity(text.len() + 8);
        for character in text.trim().chars() {
            match character {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '\n' => html.push_str("<br>"),
                other => html.push(other),
            }
        }
        Self(html)
    }

    /// HTML brought down to what is safe to show: text structure, tables, sub- and superscript,
    /// images held in the text itself. Everything else goes, links keep their words, and formulas
    /// stay verbatim. Sanitizing twice changes nothing more.
    #[must_use]
    pub fn sanitize(html: &str) -> (Self, Removed) {
        let (html, removed) = sanitize::sanitize(html);
        (Self(html), removed)
    }

    /// The HTML.
    #[must_use]
    pub fn as_html(&self) -> &str {
        &self.0
    }

    /// The words alone: tags gone, entities decoded, blocks and `<br>` as line ends, images as
    /// their `alt` text. Inverse of [`RichText::from_plain`] for texts made by it.
    #[must_use]
    pub fn plain_text(&self) -> String {
        markup::plain_text(&self.0)
    }

    /// Whether there is nothing to see: no words and no image.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        !self.0.contains("<img") && self.plain_text().trim().is_empty()
    }
}

impl fmt::Display for RichText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
