//! Sanitized rich text: the only kind of text that items hold.

use serde::{Deserialize, Serialize};
use std::fmt;

/// HTML that a page may show as it is: made only by [`RichText::sanitize`] and
/// [`RichText::from_plain`]. Formulas stay as the author wrote them, between `\(…\)`, `\[…\]`
/// or `$$…$$`. Images are `data:` URIs of PNG, JPEG, GIF or WebP; nothing is ever fetched.
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
        let mut html = String::with_capacity(text.len() + 8);
        for character in text.trim().replace("\r\n", "\n").chars() {
            match character {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '\n' | '\r' => html.push_str("<br>"),
                other => html.push(other),
            }
        }
        Self(html)
    }

    /// The HTML.
    #[must_use]
    pub fn as_html(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RichText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
