//! Options that stand in one cell, in the stem, or behind letters of their own.

/// Texts with their own letters (`A. 甲`, `B. 乙`) without them, when all have one; others as they are.
pub(super) fn without_labels(options: &[String]) -> Vec<String> {
    // Twice, for “A.A.甲”.
    let bare = |(letter, option): (char, &String)| {
        let text = without_label(option, letter)?;
        Some(without_label(text, letter).unwrap_or(text).to_owned())
    };
    let bare: Option<Vec<String>> = ('A'..='Z').zip(options).map(bare).collect();
    let keep = || options.iter().map(|option| option.trim().to_owned()).collect();
    bare.filter(|bare| bare.len() == options.len() && bare.iter().all(|text| !text.is_empty())).unwrap_or_else(keep)
}

/// The options of one cell: behind letters, else on lines of their own, else between `|` or `；`.
pub(super) fn from_cell(cell: &str, least: usize) -> Vec<String> {
    let cell = cell.trim();
    let strict = split_at_letters(cell, 0, Spacing::Before);
    let labelled =
        if strict.len() >= least.max(2) { strict } else { longer(strict, split_at_letters(cell, 0, Spacing::Any)) };
    if labelled.len() >= 2 {
        return labelled;
    }
    for separators in [['\n', '\n'], ['|', '｜'], ['；', ';']] {
        let parts: Vec<String> =
            cell.split(separators).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
        if parts.len() >= 2 {
            return parts;
        }
    }
    Vec::new()
}

/// A stem that ends in its options: the stem alone, and at least `least` options.
pub(super) fn from_stem(stem: &str, least: usize) -> Option<(String, Vec<String>)> {
    const TRIES_MAX: usize = 50;
    const STEM_BYTES_MAX: usize = 100_000;
    if stem.len() > STEM_BYTES_MAX {
        return None;
    }
    let starts = |spacing| {
        let labels = stem.char_indices().filter(move |&(at, c)| half_width(c) == 'A' && is_label(stem, at, spacing));
        labels.map(|(at, _)| at).collect::<Vec<_>>()
    };
    for spacing in [Spacing::Before, Spacing::Any] {
        for at in starts(spacing).into_iter().rev().take(TRIES_MAX) {
            for inner in [spacing, Spacing::Any] {
                let options = split_at_letters(stem, at, inner);
                if options.len() >= least.max(2) && options.iter().all(|option| !option.is_empty()) {
                    let before = stem.get(..at).unwrap_or_default().trim_end().trim_end_matches(['(', '（']).trim_end();
                    return Some((before.to_owned(), options));
                }
            }
        }
    }
    None
}

/// Options of which one holds others too: `甲`, `乙C.丙`.
pub(super) fn split_again(texts: &[String], least: usize) -> Vec<String> {
    let joined: Vec<String> = ('A'..='Z').zip(texts).map(|(letter, text)| format!("{letter}. {text}")).collect();
    from_cell(&joined.join("\n"), least)
}

/// How many blanks to fill in: runs of underlines, and empty brackets.
pub(super) fn blanks(stem: &str) -> usize {
    let folded: String = stem.chars().filter(|c| !c.is_whitespace() && *c != '\u{a0}').map(half_width).collect();
    let folded = folded.replace("&nbsp;", "").replace('＿', "_");
    let mut runs = 0;
    let mut in_run = false;
    for character in folded.chars() {
        runs += usize::from(character == '_' && !in_run);
        in_run = character == '_';
    }
    runs + folded.matches("()").count()
}

/// The beginning of a text, for use in a finding.
pub(super) fn beginning(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let text = text.trim();
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn longer(a: Vec<String>, b: Vec<String>) -> Vec<String> {
    if b.len() > a.len() { b } else { a }
}

/// What must stand before the letter of an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    /// A blank or a bracket.
    Before,
    /// Anything but a Latin letter.
    Any,
}

/// The texts behind `A.`, `B.`, … in this order, from byte `start` on, where the first must stand.
/// Empty when it does not.
fn split_at_letters(text: &str, start: usize, spacing: Spacing) -> Vec<String> {
    let mut bounds = Vec::new();
    let mut letter = 'A';
    let mut at = start;
    while let Some(found) = find_label(text, at, letter, spacing) {
        if letter == 'A' && !text.get(start..found).unwrap_or_default().trim().trim_matches(['(', '（']).is_empty() {
            return Vec::new();
        }
        let behind = label_end(text, found);
        bounds.push((found, behind));
        at = behind;
        letter = match letter {
            'Z' => break,
            other => char::from(other as u8 + 1),
        };
    }
    let ends = bounds.iter().skip(1).map(|(found, _)| *found).chain([text.len()]);
    let pieces = ('A'..='Z').zip(bounds.iter().zip(ends)).map(|(letter, ((_, behind), end))| {
        let piece = text.get(*behind..end).unwrap_or_default().trim();
        let piece = if end < text.len() { piece.trim_end_matches(['(', '（']).trim_end() } else { piece };
        // “C. C.丙”: written twice.
        without_label(piece, letter).unwrap_or(piece).to_owned()
    });
    pieces.collect()
}

fn find_label(text: &str, from: usize, letter: char, spacing: Spacing) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.char_indices()
        .map(|(at, c)| (at + from, c))
        .find(|&(at, c)| half_width(c) == letter && is_label(text, at, spacing))
        .map(|(at, _)| at)
}

/// Whether the letter at byte `at` stands before a stop and behind nothing it belongs to.
fn is_label(text: &str, at: usize, spacing: Spacing) -> bool {
    let before = text.get(..at).unwrap_or_default().chars().next_back().map(half_width);
    let is_free = before.is_none_or(|c| match spacing {
        Spacing::Before => c.is_whitespace() || matches!(c, '(' | '['),
        Spacing::Any => !c.is_ascii_alphabetic(),
    });
    is_free && label_end(text, at) > at
}

/// Where the label at byte `at` ends; `at` itself when there is none.
fn label_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let mut characters = rest.char_indices();
    characters.next();
    let stop = characters.find(|(_, c)| !c.is_whitespace());
    match stop {
        Some((offset, c)) if matches!(half_width(c), '.' | ')' | ':' | ']' | '、' | '。' | '】') => {
            at + offset + c.len_utf8()
        }
        _ => at,
    }
}

/// The text behind its own letter, if it has it.
fn without_label(text: &str, letter: char) -> Option<&str> {
    let text = text.trim();
    let text = text.strip_prefix(['(', '（']).unwrap_or(text);
    (text.chars().next().map(half_width) == Some(letter) && label_end(text, 0) > 0)
        .then(|| text.get(label_end(text, 0)..).unwrap_or_default().trim())
}

fn half_width(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0).unwrap_or(character),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cell_splits_into_options() {
        for (cell, options) in [
            ("A. 甲 B. 乙 C. C.丙 D. D.丁", vec!["甲", "乙", "丙", "丁"]),
            ("A、对\nB、错", vec!["对", "错"]),
            ("(A) 甲 (B) 乙", vec!["甲", "乙"]),
            ("Ａ．甲Ｂ．乙Ｃ．丙", vec!["甲", "乙", "丙"]),
            ("A. 维生素A B. 维生素B C. 两者", vec!["维生素A", "维生素B", "两者"]),
            ("甲\n乙\n丙", vec!["甲", "乙", "丙"]),
            ("甲|乙", vec!["甲", "乙"]),
            ("甲；乙", vec!["甲", "乙"]),
            ("甲", vec![]),
            ("", vec![]),
            ("见 A. 甲 B. 乙", vec![]),
        ] {
            assert_eq!(from_cell(cell, 2), options, "{cell}");
        }
        assert_eq!(split_again(&["甲".into(), "乙C.丙".into()], 3), ["甲", "乙", "丙"]);
        assert_eq!(split_again(&["甲B、乙、和C、丙D.丁".into()], 4), ["甲", "乙、和", "丙", "丁"]);
    }

    #[test]
    fn a_stem_gives_up_its_options() {
        let (stem, options) =
            from_stem("下列（　　） \nA．80，84 B．84，80 C．84.64  D．84，100\n", 2).unwrap_or_default();
        assert_eq!(
            (stem.as_str(), options),
            ("下列（　　）", vec!["80，84".into(), "84，80".into(), "84.64".into(), "84，100".into()])
        );
        assert_eq!(
            from_stem("A. 一 B. 二 的说法 A. 三 B. 四", 2).map(|(stem, _)| stem).as_deref(),
            Some("A. 一 B. 二 的说法")
        );
        assert_eq!(from_stem("没有选项的题", 2), None);
        assert_eq!(from_stem("A. 一 B. 二", 3), None);
    }

    #[test]
    fn labels_go_only_when_all_have_them() {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(without_labels(&list(&["A. 甲", "B．乙"])), ["甲", "乙"]);
        assert_eq!(without_labels(&list(&["A.A.甲", "B．乙"])), ["甲", "乙"]);
        assert_eq!(without_labels(&list(&["A. 甲", "乙 "])), ["A. 甲", "乙"]);
        assert_eq!(without_labels(&list(&["B. 甲", "A. 乙"])), ["B. 甲", "A. 乙"]);
    }

    #[test]
    fn blanks_are_counted() {
        for (stem, count) in [("（ ）和（）", 2), ("____是____", 2), ("没有", 0), ("（见下）是(  )", 1), ("共___。", 1)]
        {
            assert_eq!(blanks(stem), count, "{stem}");
        }
    }
}
