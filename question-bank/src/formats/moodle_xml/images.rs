//! Embedded files: `@@PLUGINFILE@@/name` in a text and `<file name="name">` beside it become
//! `data:` URIs, and the other way round.

use super::element::{children, text};
use crate::formats::moodle::warn;
use crate::formats::{Finding, FindingCode};
use crate::limits::RICH_TEXT_CHARS_MAX;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;
use std::fmt::Write as _;

const REFERENCE: &str = "@@PLUGINFILE@@/";

/// The images that belong to one text: name, `data:` URI where the file is one we keep.
pub(super) struct Images(Vec<(String, Option<String>)>);

impl Images {
    /// The `<file>` children of an element.
    pub(super) fn of(node: Node<'_, '_>) -> Self {
        let file = |file: Node<'_, '_>| {
            let folder = file.attribute("path").unwrap_or_default().trim_matches('/');
            let name = file.attribute("name").unwrap_or_default();
            let name = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            (name, data_uri(&text(file)))
        };
        Self(children(node, "file").map(file).collect())
    }

    /// The text with every reference replaced; what cannot be is left, with a warning.
    pub(super) fn embed(&self, source: &str, warnings: &mut Vec<Finding>) -> String {
        let mut out = String::with_capacity(source.len());
        let mut rest = source;
        while let Some((before, from)) = rest.split_once(REFERENCE) {
            out.push_str(before);
            let end = from.find(['"', '\'', '<', '>', ' ', '?', ')', '\n']).unwrap_or(from.len());
            let (reference, after) = from.split_at(end);
            let name = percent_decode(reference);
            let uri = self.0.iter().find(|(file, _)| *file == name).and_then(|(_, uri)| uri.as_deref());
            match uri.filter(|uri| out.len() + uri.len() + after.len() <= RICH_TEXT_CHARS_MAX) {
                Some(uri) => out.push_str(uri),
                None => {
                    warn(warnings, FindingCode::ImageDropped, &name);
                    out.push_str(REFERENCE);
                    out.push_str(reference);
                }
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// The `data:` URI of an image in base64, if it is of a kind and size we keep.
pub(super) fn data_uri(base64: &str) -> Option<String> {
    if base64.len() > RICH_TEXT_CHARS_MAX {
        return None;
    }
    let packed: String = base64.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(packed.as_bytes()).ok()?;
    Some(format!("data:image/{};base64,{}", kind(&bytes)?, STANDARD.encode(&bytes)))
}

/// Told by the first bytes, not by the name.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("jpeg")
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some("gif")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("webp")
    } else {
        None
    }
}

/// `%20` and the like; what is not UTF-8 afterwards stays as it was.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The HTML with its `data:` images turned into references, and the `<file>` elements they need.
pub(super) fn detach(html: &str) -> (String, String) {
    const START: &str = "src=\"data:image/";
    let (mut text, mut files, mut count) = (String::with_capacity(html.len()), String::new(), 0);
    let mut rest = html;
    while let Some((before, from)) = rest.split_once(START) {
        text.push_str(before);
        let kept = from.split_once('"').and_then(|(value, after)| {
            let (kind, base64) = value.split_once(";base64,")?;
            // Only what reads back as it stands.
            let whole = data_uri(base64)? == format!("data:image/{value}");
            whole.then_some((kind, base64, after))
        });
        match kept {
            Some((kind, base64, after)) => {
                count += 1;
                let name = format!("image-{count}.{kind}");
                let _ = write!(text, "src=\"{REFERENCE}{name}\"");
                let _ = write!(files, "<file name=\"{name}\" path=\"/\" encoding=\"base64\">{base64}</file>");
                rest = after;
            }
            None => {
                text.push_str(START);
                rest = from;
            }
        }
    }
    text.push_str(rest);
    (text, files)
}
