//! From any HTML to HTML that is safe to show.

use super::formula::{protect_formulas, starts_with_entity};
use super::markup::{Piece, attributes, pieces, plain_text};
use crate::limits::{RICH_TEXT_TAG_ATTRIBUTES_MAX, RICH_TEXT_TAGS_MAX};
use ammonia::{Builder, UrlRelative};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What sanitizing took out, beyond mere looks (styles, classes, fonts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Elements or attributes that are not allowed.
    pub markup: bool,
    /// Images that are not held in the text itself, or are of another type.
    pub images: u32,
}

/// Elements that stay.
pub(super) const TAGS: [&str; 36] = [
    "p",
    "br",
    "b",
    "i",
    "u",
    "s",
    "em",
    "strong",
    "sub",
    "sup",
    "span",
    "div",
    "ul",
    "ol",
    "li",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "td",
    "th",
    "code",
    "pre",
    "blockquote",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "img",
    "del",
    "ins",
];

/// Elements that go and keep their content, which nobody misses: they carry looks or nothing.
pub(super) const HARMLESS_TAGS: [&str; 16] = [
    "font", "center", "big", "small", "html", "head", "body", "o:p", "section", "article", "header", "footer", "wbr",
    "nobr", "colgroup", "col",
];

/// Attributes that go without a word.
const HARMLESS_ATTRIBUTES: [&str; 18] = [
    "style",
    "class",
    "id",
    "dir",
    "lang",
    "align",
    "valign",
    "width",
    "height",
    "border",
    "cellpadding",
    "cellspacing",
    "bgcolor",
    "color",
    "size",
    "face",
    "title",
    "role",
];

/// Elements that go with all they hold: none of it is meant to be read.
const CONTENT_GOES: [&str; 14] = [
    "script", "style", "svg", "iframe", "object", "embed", "noscript", "template", "title", "textarea", "xmp",
    "noembed", "noframes", "select",
];

pub(super) const IMAGE_ATTRIBUTES: [&str; 4] = ["src", "alt", "width", "height"];
const CELL_ATTRIBUTES: [&str; 2] = ["colspan", "rowspan"];

static BUILDER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into())
        .clean_content_tags(CONTENT_GOES.into())
        .tag_attributes(HashMap::from([
            ("img", HashSet::from(IMAGE_ATTRIBUTES)),
            ("td", CELL_ATTRIBUTES.into()),
            ("th", CELL_ATTRIBUTES.into()),
            ("ol", HashSet::from(["start"])),
        ]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["data"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(None)
        .attribute_filter(|_, attribute, value| match attribute {
            "src" => image_data(value),
            "alt" => Some(Cow::Borrowed(value)),
            _ => is_small_number(value).then_some(Cow::Borrowed(value)),
        });
    builder
});

/// Sanitized HTML, trimmed, and what went.
pub(super) fn sanitize(html: &str) -> (String, Removed) {
    let html = without_controls(html);
    let html = html.trim();
    if !html.contains(['<', '&']) {
        return (html.replace('>', "&gt;"), Removed::default());
    }
    if is_excessive(html) {
        let escaped = super::RichText::from_plain(&plain_text(html)).0;
        return (escaped, Removed { markup: true, images: 0 });
    }
    let protected = protect_formulas(html);
    let clean = until_stable(&protected);
    let images = image_count(&protected).saturating_sub(image_count(&clean));
    (clean, Removed { markup: holds_more_than_allowed(&protected), images })
}

/// Whether parsing would cost too much: it grows with the square of the nesting, and of the
/// attributes of a tag. Nobody writes this by hand.
fn is_excessive(html: &str) -> bool {
    html.matches('<').count() > RICH_TEXT_TAGS_MAX
        || pieces(html).any(|piece| match piece {
            Piece::Open { attributes: list, .. } => attributes(list).len() > RICH_TEXT_TAG_ATTRIBUTES_MAX,
            _ => false,
        })
}

/// Whether a text of unsaid format is HTML: it holds a tag or an entity that HTML knows.
pub(crate) fn looks_like_html(text: &str) -> bool {
    let known_tag = |name: &str| {
        let name = name.to_ascii_lowercase();
        name == "a" || [TAGS.as_slice(), &HARMLESS_TAGS, &CONTENT_GOES].iter().any(|tags| tags.contains(&name.as_str()))
    };
    let tag = text.contains('<')
        && pieces(text).any(|piece| match piece {
            Piece::Open { name, .. } | Piece::Close(name) => known_tag(name),
            _ => false,
        });
    tag || text.split('&').skip(1).any(starts_with_entity)
}

/// Line ends as `\n`, and no other control characters than tabs: they mean nothing in HTML, and
/// XML, spreadsheets and terminals each do something else with them.
pub(super) fn without_controls(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}');
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace(is_bad, ""))
}

/// Cleans until nothing changes: what was taken out can bring what stands around it together.
fn until_stable(html: &str) -> String {
    const PASSES_MAX: usize = 6;
    let mut clean = pass(html);
    for _ in 0..PASSES_MAX {
        let again = pass(&clean);
        if again == clean {
            return clean;
        }
        clean = again;
    }
    super::RichText::from_plain(&plain_text(&clean)).0
}

fn pass(html: &str) -> String {
    let clean = BUILDER.clean(html).to_string();
    // Text made from plain text holds this character as it is; both ways must give the same.
    let clean = without_sourceless_images(&clean).replace("&nbsp;", "\u{a0}");
    let clean = without_controls(&clean);
    clean.trim().to_owned()
}

/// The filter takes sources away; an image without one is nothing.
fn without_sourceless_images(html: &str) -> Cow<'_, str> {
    let has_source = |tag: &str| attributes(tag).iter().any(|(name, value)| name == "src" && !value.is_empty());
    let mut kept = String::new();
    let mut rest = html;
    let mut cut_any = false;
    while let Some((before, from)) = rest.split_once("<img") {
        kept.push_str(before);
        // Sanitized: `>` inside a value is the only one that does not close, and values are quoted.
        let mut length = from.len();
        if let Some(Piece::Open { attributes: inside, .. }) = pieces(&rest[before.len()..]).next() {
            length = (inside.len() + 1).min(from.len());
            if has_source(inside) {
                kept.push_str("<img");
                kept.push_str(inside);
                kept.push('>');
            } else {
                cut_any = true;
            }
        }
        rest = from.get(length..).unwrap_or_default();
    }
    if !cut_any {
        return Cow::Borrowed(html);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// `data:image/png;base64,…` and its three siblings, with nothing but base64 behind; lines joined.
fn image_data(value: &str) -> Option<Cow<'_, str>> {
    let (kind, data) = value.trim().split_once(";base64,")?;
    let kind = match kind {
        "data:image/jpg" => "data:image/jpeg",
        "data:image/png" | "data:image/jpeg" | "data:image/gif" | "data:image/webp" => kind,
        _ => return None,
    };
    let mut source = format!("{kind};base64,");
    let head = source.len();
    source.extend(data.chars().filter(|c| !c.is_ascii_whitespace()));
    let data = source.get(head..).unwrap_or_default();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    (!data.is_empty() && data.bytes().all(is_base64)).then_some(Cow::Owned(source))
}

fn is_small_number(value: &str) -> bool {
    (1..=5).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

fn image_count(html: &str) -> u32 {
    let images =
        pieces(html).filter(|piece| matches!(piece, Piece::Open { name, .. } if name.eq_ignore_ascii_case("img")));
    u32::try_from(images.count()).unwrap_or(u32::MAX)
}

/// Whether some element or attribute goes that is more than looks; images are counted apart.
fn holds_more_than_allowed(html: &str) -> bool {
    pieces(html).any(|piece| {
        let Piece::Open { name, attributes: list } = piece else { return false };
        let name = name.to_ascii_lowercase();
        if !TAGS.contains(&name.as_str()) && !HARMLESS_TAGS.contains(&name.as_str()) {
            return true;
        }
        attributes(list).iter().any(|(attribute, _)| {
            let attribute = attribute.as_str();
            let allowed = match name.as_str() {
                "img" => IMAGE_ATTRIBUTES.contains(&attribute),
                "td" | "th" => CELL_ATTRIBUTES.contains(&attribute),
                "ol" => attribute == "start",
                _ => false,
            };
            let harmless = HARMLESS_ATTRIBUTES.contains(&attribute)
                || ["data-", "aria-", "xml"].iter().any(|prefix| attribute.starts_with(prefix));
            !allowed && !harmless
        })
    })
}
