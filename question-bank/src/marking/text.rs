//! Short texts: normalization and wildcards.

use crate::{Fraction, TextAnswer};
use unicode_normalization::UnicodeNormalization as _;

/// Accepted texts, normalized once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextKey {
    accepted: Box<[(Pattern, Fraction)]>,
    case_sensitive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    /// What stands before, between and after the `*`s: at least two.
    Pieces(Box<[String]>),
}

impl TextKey {
    pub(super) fn new(accepted: &[TextAnswer], case_sensitive: bool, wildcards: bool) -> Self {
        let pattern = |answer: &TextAnswer| {
            let pattern = if wildcards {
                Pattern::parse(&answer.text, case_sensitive)
            } else {
                Pattern::Exact(normalize(&answer.text, case_sensitive))
            };
            (pattern, answer.fraction)
        };
        Self { accepted: accepted.iter().map(pattern).collect(), case_sensitive }
    }

    /// The best fraction among the accepted texts that fit; none if none does. Blank fits nothing.
    pub(super) fn best_fraction(&self, text: &str) -> Fraction {
        let text = normalize(text, self.case_sensitive);
        if text.is_empty() {
            return Fraction::NONE;
        }
        let fitting = self.accepted.iter().filter(|(pattern, _)| pattern.fits(&text));
        fitting.map(|&(_, fraction)| fraction).max().unwrap_or(Fraction::NONE)
    }
}

impl Pattern {
    /// `*` is any run of characters, also none; `\*` is the asterisk itself.
    fn parse(text: &str, case_sensitive: bool) -> Self {
        let mut pieces = vec![String::new()];
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            match (character, pieces.last_mut()) {
                ('*', _) => pieces.push(String::new()),
                ('\\', Some(piece)) => piece.push(rest.next_if_eq(&'*').unwrap_or('\\')),
                (other, Some(piece)) => piece.push(other),
                (_, None) => {}
            }
        }
        let mut pieces: Vec<String> = pieces.iter().map(|piece| fold(piece, case_sensitive)).collect();
        if let Some(first) = pieces.first_mut() {
            *first = first.trim_start().to_owned();
        }
        if let Some(last) = pieces.last_mut() {
            *last = last.trim_end().to_owned();
        }
        match pieces.as_mut_slice() {
            [only] => Self::Exact(std::mem::take(only)),
            _ => Self::Pieces(pieces.into()),
        }
    }

    /// Both ends are fixed, and the leftmost place is right for every piece between them: linear,
    /// there is nothing to go back for.
    fn fits(&self, text: &str) -> bool {
        let pieces = match self {
            Self::Exact(exact) => return text == exact,
            Self::Pieces(pieces) => pieces,
        };
        let [first, middle @ .., last] = &pieces[..] else { return false };
        let Some(rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        let mut rest = rest;
        for piece in middle {
            let Some((_, after)) = rest.split_once(piece.as_str()) else { return false };
            rest = after;
        }
        true
    }
}

/// As responses are compared: compatibility forms and full-width characters unified (NFKC), Chinese
/// punctuation that NFKC leaves alone made equal to its ASCII form, runs of blanks made one, no
/// blanks at the ends, and in lower case unless case matters.
fn normalize(text: &str, case_sensitive: bool) -> String {
    let folded = fold(text, case_sensitive);
    let trimmed = folded.trim();
    if trimmed.len() == folded.len() { folded } else { trimmed.to_owned() }
}

/// [`normalize`] without trimming the ends.
fn fold(text: &str, case_sensitive: bool) -> String {
    let unified = text.nfkc().map(punctuation);
    if case_sensitive {
        one_blank(unified)
    } else {
        // Lower-casing can take characters out of NFKC, so it is made once more.
        one_blank(unified.flat_map(char::to_lowercase).nfkc())
    }
}

fn one_blank(characters: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for character in characters {
        if !character.is_whitespace() {
            text.push(character);
        } else if !text.ends_with(' ') {
            text.push(' ');
        }
    }
    text
}

/// What NFKC does not unify: `。` `、` quotation marks, brackets, dashes.
const fn punctuation(character: char) -> char {
    match character {
        '。' => '.',
        '、' => ',',
        '“' | '”' | '„' | '″' => '"',
        '‘' | '’' | '′' => '\'',
        '【' | '〔' | '〖' => '[',
        '】' | '〕' | '〗' => ']',
        '—' | '–' | '‐' | '−' => '-',
        '·' | '•' | '・' => '·',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        let answer = TextAnswer { text: pattern.into(), fraction: Fraction::FULL };
        TextKey::new(&[answer], false, true).best_fraction(text) == Fraction::FULL
    }

    #[test]
    fn texts_are_compared_as_people_mean_them() {
        for (accepted, said) in [
            ("ABC", " ａｂｃ "),
            ("全国人民代表大会", "全国人民代表大会　"),
            ("a  b", "a\t\n b"),
            ("x，y", "x,y"),
            ("（一）", "(一)"),
            ("一、二。", "一,二."),
            ("“法”", "\"法\""),
            ("１００％", "100%"),
            ("ﬁn", "FIN"),
            ("２０２３—２０２４", "2023-2024"),
        ] {
            assert_eq!(normalize(accepted, false), normalize(said, false), "{accepted} {said}");
        }
        assert_ne!(normalize("Abc", true), normalize("abc", true));
        assert_ne!(normalize("a b", false), normalize("ab", false));
    }

    #[test]
    fn wildcards_stand_for_any_run() {
        for (pattern, text) in [
            ("*", "x"),
            ("a*", "a"),
            ("*民主*集中*", "坚持民主和集中制"),
            ("a*b*c", "aXbYbZc"),
            ("ab*ba", "abba"),
            ("a\\*b", "a*b"),
            ("a\\*b", "A＊B"),
            ("a **b", "a b"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a*", "ba"), ("ab*ba", "aba"), ("a*b*c", "acb"), ("a\\*b", "axb"), ("*", " "), ("x", "")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn without_wildcards_an_asterisk_is_one() {
        let answer = TextAnswer { text: "2*3".into(), fraction: Fraction::FULL };
        let key = TextKey::new(&[answer], true, false);
        assert_eq!(key.best_fraction("2*3"), Fraction::FULL);
        assert_eq!(key.best_fraction("2×3"), Fraction::NONE);
    }

    #[test]
    fn hostile_patterns_take_linear_time() {
        let pattern = "a*".repeat(1_000) + "b";
        assert!(!fits(&pattern, &"a".repeat(2_000)));
    }
}
