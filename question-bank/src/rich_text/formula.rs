//! Formulas, and entities: what looks like markup and is none, and the other way round.

use super::sanitize::{HARMLESS_TAGS, TAGS};

/// Escapes `<`, `>` and `&` inside formulas, so that `\(a<b\)` is not taken for a tag. Between
/// delimiters that hold real tags there is no formula, and nothing is escaped.
pub(super) fn protect_formulas(html: &str) -> String {
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
pub(super) fn starts_with_entity(behind: &str) -> bool {
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
