//! Reading HTML piece by piece, and the words back out of it.

/// A run of HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Between tags, entities as they are.
    Text(&'a str),
    /// `<name attributes>`, as written.
    Open {
        /// As written, also in upper case.
        name: &'a str,
        /// What stands between the name and `>`.
        attributes: &'a str,
    },
    /// `</name>`.
    Close(&'a str),
    /// A comment, a doctype or a processing instruction.
    Other,
}

/// The pieces of any HTML, in order. What opens as a tag and never closes is a tag to the end.
pub(crate) fn pieces(html: &str) -> Pieces<'_> {
    Pieces { rest: html }
}

/// See [`pieces`].
pub(crate) struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let Some(inside) = self.rest.strip_prefix('<') else { return Some(self.text(0)) };
        let first = inside.as_bytes().first().copied().unwrap_or(b' ');
        if let Some(comment) = inside.strip_prefix("!--") {
            self.rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            return Some(Piece::Other);
        }
        let is_end = first == b'/' && inside.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic);
        if !(first.is_ascii_alphabetic() || is_end || matches!(first, b'!' | b'?')) {
            return Some(self.text(1));
        }
        let (tag, rest) = split_tag(inside);
        self.rest = rest;
        if matches!(first, b'!' | b'?') {
            return Some(Piece::Other);
        }
        let tag = tag.strip_prefix('/').unwrap_or(tag);
        let name_end = tag.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(tag.len());
        let (name, attributes) = tag.split_at(name_end);
        Some(if is_end { Piece::Close(name) } else { Piece::Open { name, attributes } })
    }
}

impl<'a> Pieces<'a> {
    /// Text up to the next `<` behind the first `skip` bytes.
    fn text(&mut self, skip: usize) -> Piece<'a> {
        let after = self.rest.get(skip..).unwrap_or_default();
        let end = after.find('<').map_or(self.rest.len(), |at| at + skip);
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Piece::Text(text)
    }
}

/// What stands before the closing `>`, quoted values respected, and what follows it.
fn split_tag(inside: &str) -> (&str, &str) {
    let mut quote = None;
    let mut behind_equals = false;
    for (at, byte) in inside.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return (inside.split_at(at).0, inside.get(at + 1..).unwrap_or_default()),
            // A quote opens a value only right behind `=`; elsewhere it is part of a name.
            (None, b'"' | b'\'') if behind_equals => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        behind_equals = byte == b'=' || (behind_equals && byte.is_ascii_whitespace());
    }
    (inside, "")
}

/// Names (in lower case) and values (as written, without quotes) of a tag's attributes.
pub(super) fn attributes(text: &str) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return found;
        }
        let end = rest
            .char_indices()
            .skip(1)
            .find(|&(_, c)| c.is_ascii_whitespace() || matches!(c, '=' | '/'))
            .map_or(rest.len(), |(at, _)| at);
        let (name, after) = rest.split_at(end);
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        let value = match value {
            None => {
                rest = after;
                ""
            }
            Some(from) => {
                let (value, after) = attribute_value(from);
                rest = after;
                value
            }
        };
        found.push((name.to_ascii_lowercase(), value));
    }
}

fn attribute_value(from: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = from.strip_prefix(quote) {
            return inside.split_once(quote).unwrap_or((inside, ""));
        }
    }
    from.split_at(from.find(|c: char| c.is_ascii_whitespace()).unwrap_or(from.len()))
}

/// The words of sanitized HTML; see [`super::RichText::plain_text`].
pub(super) fn plain_text(html: &str) -> String {
    let mut plain = String::with_capacity(html.len());
    let mut in_pre = 0_u32;
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) if in_pre > 0 => plain.push_str(&decoded(text)),
            Piece::Text(text) => plain.push_str(&decoded(text).replace('\n', " ")),
            Piece::Open { name: "br" | "hr", .. } => plain.push('\n'),
            Piece::Open { name: "img", attributes: list } => {
                let alt = attributes(list).into_iter().find(|(name, _)| name == "alt");
                plain.push_str(&alt.map(|(_, alt)| decoded(alt)).unwrap_or_default());
            }
            Piece::Open { name: "pre", .. } => in_pre += 1,
            Piece::Close("td" | "th") => plain.push(' '),
            Piece::Close(name) if BLOCKS.contains(&name) => {
                in_pre = in_pre.saturating_sub(u32::from(name == "pre"));
                if !plain.ends_with('\n') {
                    plain.push('\n');
                }
            }
            _ => {}
        }
    }
    let trimmed = plain.trim();
    if trimmed.len() == plain.len() { plain } else { trimmed.to_owned() }
}

const BLOCKS: [&str; 14] =
    ["p", "div", "li", "ul", "ol", "tr", "table", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5"];

/// The entities that sanitized HTML can hold, decoded.
pub(super) fn decoded(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    // `&amp;` last, so that `&amp;lt;` becomes `&lt;` and no more.
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_falls_into_pieces() {
        let html = "a < b<BR/><img alt='x > y' src=\"z\">c</p ><!-- <b> --><!DOCTYPE x>d<i";
        let found: Vec<Piece> = pieces(html).collect();
        assert_eq!(
            found,
            [
                Piece::Text("a "),
                Piece::Text("< b"),
                Piece::Open { name: "BR", attributes: "/" },
                Piece::Open { name: "img", attributes: " alt='x > y' src=\"z\"" },
                Piece::Text("c"),
                Piece::Close("p"),
                Piece::Other,
                Piece::Other,
                Piece::Text("d"),
                Piece::Open { name: "i", attributes: "" },
            ]
        );
    }

    #[test]
    fn attributes_are_read_in_all_their_forms() {
        assert_eq!(
            attributes(" A=1 b='2 3' /c=\"4\"d checked"),
            [("a".into(), "1"), ("b".into(), "2 3"), ("c".into(), "4"), ("d".into(), ""), ("checked".into(), "")]
        );
        assert!(attributes(" / ").is_empty());
        assert_eq!(attributes("=x").len(), 1);
    }

    #[test]
    fn words_come_back_out() {
        for (html, words) in [
            ("<p>一 <b>二</b></p><p>三</p>", "一 二\n三"),
            ("a<br><br>b &amp;lt; &lt;c&gt;", "a\n\nb &lt; <c>"),
            ("<table><tbody><tr><td>1</td><td>2</td></tr></tbody></table>x", "1 2 \nx"),
            ("图<img alt=\"甲 &amp; 乙 > 丙\" src=\"data:\">", "图甲 & 乙 > 丙"),
            ("a\nb<pre>c\nd</pre>", "a bc\nd"),
        ] {
            assert_eq!(plain_text(html), words, "{html}");
        }
    }
}
