//! From any HTML to HTML that is safe to show.

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
const TAGS: [&str; 36] = [
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
const HARMLESS_TAGS: [&str; 16] = [
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

const IMAGE_ATTRIBUTES: [&str; 4] = ["src", "alt", "width", "height"];
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
            _ => is_small_number(value).then(|| Cow::Borrowed(value)),
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

/// Escapes `<`, `>` and `&` inside formulas, so that `\(a<b\)` is not taken for a tag. Between
/// delimiters that hold real tags there is no formula, and nothing is escaped.
fn protect_formulas(html: &str) -> String {
    const DELIMITERS: [(&str, &str); 3] = [("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$")];
    let mut out = String::with_capacity(html.len());
    // Where the next closing delimiter of each kind stands: found once per closer, so all is linear.
    let mut closers = [0; DELIMITERS.len()];
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = html.get(at..).and_then(|rest| rest.find(['\\', '$'])) {
        at += found;
        let rest = html.get(at..).unwrap_or_default();
        let Some(kind) = DELIMITERS.iter().position(|(open, _)| rest.starts_with(open)) else {
            at += 1;
            continue;
        };
        let inside = at + 2;
        if closers[kind] < inside {
            let next = html.get(inside..).and_then(|from| from.find(DELIMITERS[kind].1));
            closers[kind] = next.map_or(usize::MAX, |next| inside + next);
        }
        at = inside;
        let formula = html.get(inside..closers[kind]).filter(|formula| !looks_like_tags(formula));
        if let Some(formula) = formula {
            out.push_str(html.get(copied..inside).unwrap_or_default());
            escape_into(formula, &mut out);
            copied = closers[kind];
            at = copied + 2;
        }
    }
    out.push_str(html.get(copied..).unwrap_or_default());
    out
}

/// Whether a supposed formula holds a complete tag of HTML, such as `<br>` or `</p>`.
fn looks_like_tags(formula: &str) -> bool {
    const FORMULA_BYTES_MAX: usize = 4_000;
    formula.len() > FORMULA_BYTES_MAX
        || formula.split('<').skip(1).any(|piece| {
            let Some((tag, _)) = piece.split_once('>') else { return false };
            let name = tag.trim_start_matches('/');
            let name = name.split(|c: char| c.is_ascii_whitespace() || c == '/').next().unwrap_or_default();
            let name = name.to_ascii_lowercase();
            name == "a" || TAGS.contains(&name.as_str()) || HARMLESS_TAGS.contains(&name.as_str())
        })
}

fn escape_into(formula: &str, out: &mut String) {
    for (at, character) in formula.char_indices() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if !starts_with_entity(formula.get(at + 1..).unwrap_or_default()) => out.push_str("&amp;"),
            other => out.push(other),
        }
    }
}

/// Whether `amp;`, `#8220;`, `ldquo;` and the like follow an ampersand.
fn starts_with_entity(behind: &str) -> bool {
    const NAMES: [&str; 30] = [
        "amp", "lt", "gt", "quot", "apos", "nbsp", "ldquo", "rdquo", "lsquo", "rsquo", "mdash", "ndash", "hellip",
        "middot", "times", "divide", "deg", "plusmn", "le", "ge", "ne", "ensp", "emsp", "copy", "reg", "bull", "alpha",
        "beta", "pi", "permil",
    ];
    const ENTITY_BYTES_MAX: usize = 10;
    let end = behind.bytes().take(ENTITY_BYTES_MAX).position(|byte| byte == b';');
    let Some(name) = end.and_then(|end| behind.get(..end)) else { return false };
    match name.strip_prefix('#') {
        Some(number) => {
            let digits = number.strip_prefix(['x', 'X']);
            let digits_ok = |text: &str, radix| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
            digits.map_or_else(|| digits_ok(number, 10), |hex| digits_ok(hex, 16))
        }
        None => NAMES.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use crate::RichText;
    use proptest::prelude::*;

    fn clean(html: &str) -> String {
        RichText::sanitize(html).0.as_html().to_owned()
    }

    #[test]
    fn attacks_come_out_harmless() {
        const PAYLOADS: &[&str] = &[
            "<script>alert(1)</script>x",
            "<ScRiPt src=//evil.example/x.js></sCrIpT>",
            "<script>alert(1)",
            "<<script>script>alert(1)<</script>/script>",
            "<scr<script></script>ipt>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<img src=\"data:image/svg+xml;base64,PHN2Zz4=\">",
            "<img src=\"data:text/html;base64,PHNjcmlwdD4=\">",
            "<img src='data:image/png;base64,AAAA\" onerror=\"alert(1)'>",
            "<img src=\"data:image/png,<svg onload=alert(1)>\">",
            "<img src=javascript:alert(1)>",
            "<img src=https://evil.example/track.png>",
            "<img src=//evil.example/x>",
            "<img/src/onerror=alert(1)>",
            "<img srcset='https://evil.example/x 1x' src=\"data:image/png;base64,AAAA\">",
            "<p onclick=alert(1)>x</p>",
            "<p/onclick=alert(1)>x",
            "<p style=\"background:url(https://evil.example)\">x</p>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
            "<svg><script>alert(1)</script></svg>",
            "<svg onload=alert(1)>",
            "<svg><animate xlink:href=#x attributeName=href values=javascript:alert(1) /><a id=x><text y=20>x</text></a></svg>",
            "<svg><style><img src=x onerror=alert(1)></style></svg>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<math><a xlink:href=javascript:alert(1)>x</a></math>",
            "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
            "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<textarea></textarea><img src=x onerror=alert(1)></textarea>",
            "<title><img src=x onerror=alert(1)></title>",
            "<xmp><img src=x onerror=alert(1)></xmp>",
            "<plaintext><img src=x onerror=alert(1)>",
            "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
            "<object data=\"data:text/html,<script>alert(1)</script>\"></object>",
            "<embed src=javascript:alert(1)>",
            "<base href=//evil.example>",
            "<link rel=stylesheet href=//evil.example>",
            "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
            "<details open ontoggle=alert(1)>x</details>",
            "<video><source onerror=alert(1)></video>",
            "<input autofocus onfocus=alert(1)>",
            "<select><template shadowrootmode=open><img src=x onerror=alert(1)></template></select>",
            "<!--><img src=x onerror=alert(1)>-->",
            "<!-- --!><img src=x onerror=alert(1)> -->",
            "<![CDATA[<img src=x onerror=alert(1)>]]>",
            "<?xml version=\"1.0\"?><script>alert(1)</script>",
            "\\(<img src=x onerror=alert(1)>\\)",
            "$$<script>alert(1)</script>$$",
            "\\[ a<b onmouseover=alert(1) c>d \\]",
            "\0<scr\0ipt>alert(1)</script>",
            "<p><p><p><b><i></p><table><td><script>alert(1)</script>",
            "<table><tr><td><form action=javascript:alert(1)><button>x",
            "<div id=\"cookie\"><a name=getElementById>",
        ];
        for payload in PAYLOADS {
            let clean = clean(payload);
            let lower = clean.to_ascii_lowercase();
            for piece in super::pieces(&clean) {
                if let super::Piece::Open { name, attributes } = piece {
                    assert!(super::TAGS.contains(&name), "{payload} → {clean}");
                    for (attribute, value) in super::attributes(attributes) {
                        assert!(super::IMAGE_ATTRIBUTES.contains(&attribute.as_str()), "{payload} → {clean}");
                        assert!(
                            attribute != "src" || value.starts_with("data:image/png;base64,"),
                            "{payload} → {clean}"
                        );
                    }
                }
            }
            assert!(!lower.contains("<script") && !lower.contains("<svg") && !lower.contains("<math"), "{clean}");
        }
    }

    #[test]
    fn what_is_allowed_stays_and_what_goes_is_told() {
        for kept in [
            "<p>H<sub>2</sub>O 与 x<sup>2</sup></p>",
            "<table><tbody><tr><td colspan=\"2\">甲</td></tr></tbody></table>",
            "<img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=\"图 &gt; 一\" width=\"20\">",
            "若 \\(a &lt; b\\) 且 $$x^2$$",
            "a &amp;lt; b",
        ] {
            let (text, removed) = RichText::sanitize(kept);
            assert_eq!((text.as_html(), removed), (kept, super::Removed::default()));
        }
        let (text, removed) = RichText::sanitize("<p style=\"x\" class=y>一</p><font>二</font>&nbsp;三");
        assert_eq!(text.as_html(), "<p>一</p>二\u{a0}三");
        assert_eq!(removed, super::Removed::default(), "looks go without a word");
        let (text, removed) = RichText::sanitize("见<a href=https://x.example>链接</a>");
        assert_eq!((text.as_html(), removed.markup), ("见链接", true));
        let (text, removed) = RichText::sanitize("图<img src=a.png>示<img alt=b>");
        assert_eq!((text.as_html(), removed.images), ("图示", 2));
        assert_eq!(clean("<img src=\"data:image/jpg;base64,AA\nAA\">"), "<img src=\"data:image/jpeg;base64,AAAA\">");
    }

    #[test]
    fn formulas_stay_verbatim() {
        for (html, clean_html) in [
            ("\\(a<b\\) 和 \\(c>d\\)", "\\(a&lt;b\\) 和 \\(c&gt;d\\)"),
            ("$$x<y & z$$<b>粗</b>", "$$x&lt;y &amp; z$$<b>粗</b>"),
            ("\\[a<b", "\\[a"),
            ("\\(<b>x</b>\\)", "\\(<b>x</b>\\)"),
        ] {
            assert_eq!(clean(html), clean_html);
        }
    }

    #[test]
    fn too_much_markup_becomes_words() {
        let start = std::time::Instant::now();
        for html in ["<div>".repeat(80_000), format!("<b {}>x", "a ".repeat(100_000)), "\\(".repeat(200_000)] {
            assert!(!clean(&html).contains("<div"));
        }
        let nested = "<div>".repeat(crate::limits::RICH_TEXT_TAGS_MAX);
        assert!(RichText::sanitize(&format!("{nested}x")).0.plain_text().contains('x'));
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }

    fn html() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z<>&;\"' \\\\()$\\[\\]一\u{a0}\n]{0,6}",
            prop::sample::select(vec![
                "<p>",
                "</p>",
                "<b>",
                "</b>",
                "<i>",
                "</i>",
                "<pre>\n",
                "</pre>",
                "<table>",
                "<tr>",
                "<td>",
                "</td>",
                "</table>",
                "<ul>",
                "<li>",
                "</ul>",
                "<form>",
                "</form>",
                "<a href=x>",
                "</a>",
                "<svg>",
                "</svg>",
                "<math>",
                "<mtext>",
                "<style>",
                "</style>",
                "<h1>",
                "</h1>",
                "&nbsp;",
                "&lt;",
                "&#60;",
                "<br>",
                "<img src='data:image/png;base64,AAAA' alt='<&quot;>'>",
                "<!--",
                "-->",
                "<select>",
                "<option>",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn sanitizing_twice_changes_nothing(html in html()) {
            let once = clean(&html);
            prop_assert_eq!(clean(&once), once);
        }

        #[test]
        fn plain_text_is_left_alone(text in "[ -~一-三\u{a0}\n<>&]{0,30}") {
            let rich = RichText::from_plain(&text);
            prop_assert_eq!(clean(rich.as_html()), rich.as_html());
            prop_assert_eq!(rich.plain_text(), text.trim());
        }
    }
}
