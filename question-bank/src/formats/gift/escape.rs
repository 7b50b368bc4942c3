//! The characters that mean something, and the backslash that takes the meaning away.

use crate::formats::markup::is_wide;

/// The characters a backslash may stand before; before any other it is a backslash.
const ESCAPABLE: [char; 7] = ['~', '=', '#', '{', '}', ':', '\\'];

/// The ASCII bytes that no backslash takes the meaning from, with their places.
pub(super) fn live_bytes(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut bytes = text.bytes().enumerate();
    std::iter::from_fn(move || {
        loop {
            let (at, byte) = bytes.next()?;
            match byte {
                // A backslash takes the next byte along; of a longer character only bytes that
                // are no ASCII remain, and those are never looked for.
                b'\\' => {
                    bytes.next();
                }
                _ if byte.is_ascii() => return Some((at, byte)),
                _ => {}
            }
        }
    })
}

/// Where `byte` stands with its meaning.
pub(super) fn find(text: &str, byte: u8) -> Option<usize> {
    live_bytes(text).find(|(_, found)| *found == byte).map(|(at, _)| at)
}

/// Where `mark`, made of one ASCII byte repeated, stands with its meaning.
pub(super) fn find_run(text: &str, byte: u8, length: usize) -> Option<usize> {
    let mut run = 0;
    let mut last = None;
    for (at, found) in live_bytes(text) {
        run = if found != byte {
            0
        } else if last == at.checked_sub(1) {
            run + 1
        } else {
            1
        };
        last = Some(at);
        if run == length {
            return Some(at + 1 - length);
        }
    }
    None
}

/// The text before and after the first `byte` that has its meaning.
pub(super) fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = find(text, byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// How line breaks of the file are taken; those written `\n` always stay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineBreaks {
    /// Kept.
    Keep,
    /// The lines are joined, with a space unless Chinese stands on either side.
    Join,
}

/// Takes the backslashes away.
pub(super) fn unescape(text: &str, breaks: LineBreaks) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next_if(|next| ESCAPABLE.contains(next) || *next == 'n') {
                Some('n') => out.push('\n'),
                Some(escaped) => out.push(escaped),
                None => out.push('\\'),
            },
            '\r' => {}
            '\n' if breaks == LineBreaks::Join => {
                while characters.next_if(|next| next.is_whitespace()).is_some() {}
                join_lines(&mut out, characters.peek().copied());
            }
            other => out.push(other),
        }
    }
    out
}

fn join_lines(out: &mut String, next: Option<char>) {
    out.truncate(out.trim_end_matches([' ', '\t']).len());
    let narrow = |character: Option<char>| character.is_some_and(|character| !is_wide(character));
    if !out.ends_with('\n') && narrow(out.chars().next_back()) && narrow(next) {
        out.push(' ');
    }
}

/// Puts the backslashes in.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => {}
            other => {
                if ESCAPABLE.contains(&other) {
                    out.push('\\');
                }
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_only_where_they_mean_something() {
        assert_eq!(find(r"a\{b{c", b'{'), Some(4));
        assert_eq!(find(r"\\{", b'{'), Some(2));
        assert_eq!(find("题\\题{", b'{'), Some("题\\题".len()));
        assert_eq!(find(r"a\", b'{'), None);
        assert_eq!(find_run(r"a#\####b", b'#', 4), None);
        assert_eq!(find_run(r"a#\#####b", b'#', 4), Some(4));
    }

    #[test]
    fn backslashes_come_and_go() {
        assert_eq!(unescape(r"\~\=\#\{\}\:\\n\n\(x\)", LineBreaks::Keep), "~=#{}:\\n\n\\(x\\)");
        assert_eq!(unescape("one  \n  two\n三\n四\\n five", LineBreaks::Join), "one two三四\n five");
        for text in ["a\\nb", "x\ny", "~=#{}:\\", "\\(\\frac{1}{2}\\)", "100%"] {
            assert_eq!(unescape(&escape(text), LineBreaks::Join), text);
        }
    }
}
