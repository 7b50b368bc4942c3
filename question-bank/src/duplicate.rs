//! Which items are the same item: equal in what is asked and what is right, whatever their code,
//! topic, order of options, spacing or width of characters.

use crate::rich_text::{Piece, pieces};
use crate::{Interaction, Item, Key, RichText};
use sha2::{Digest, Sha256};
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;

/// SHA-256 over the normalized content of an item: see [`content_hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The same for two items exactly when kind, stem, options (in any order) and key are the same
/// after [`comparable`]; explanation, feedback, topic, difficulty, tags and points do not count.
#[must_use]
pub fn content_hash(item: &Item) -> ContentHash {
    hash(item, true)
}

/// The same without the key: items that ask the same and differ in what is right contradict each
/// other.
#[must_use]
pub fn question_hash(item: &Item) -> ContentHash {
    hash(item, false)
}

fn hash(item: &Item, with_key: bool) -> ContentHash {
    let mut feed = Feed(Sha256::new());
    feed.text(item.kind().name());
    feed.text(without_end(&comparable(&item.prompt.stem)));
    match (&item.prompt.interaction, &item.solution.key) {
        (Interaction::Choice { options, .. }, Key::Choice { correct, weights }) => {
            let weight = |index: usize| weights.as_ref().and_then(|weights| weights.get(index)).map(|weight| weight.0);
            let is_right = |index: usize| correct.iter().any(|right| usize::from(*right) == index);
            let option =
                |(index, text)| (comparable(text), with_key && is_right(index), weight(index).filter(|_| with_key));
            let mut options: Vec<_> = options.iter().enumerate().map(option).collect();
            options.sort();
            for (text, is_right, weight) in options {
                feed.text(&text);
                feed.bytes(&[u8::from(is_right)]);
                feed.bytes(&weight.map(i32::to_be_bytes).unwrap_or_default());
            }
        }
        (Interaction::Ordering { entries }, Key::Ordering { order }) => {
            let mut entries: Vec<_> =
                order.iter().filter_map(|index| entries.get(usize::from(*index))).map(comparable).collect();
            if !with_key {
                entries.sort();
            }
            entries.iter().for_each(|entry| feed.text(entry));
        }
        (Interaction::Matching { left, right }, Key::Matching { targets }) => {
            let target =
                |index: &u8| right.get(usize::from(*index)).filter(|_| with_key).map(comparable).unwrap_or_default();
            let mut pairs: Vec<_> = left.iter().map(comparable).zip(targets.iter().map(target)).collect();
            pairs.sort();
            let mut right: Vec<_> = right.iter().map(comparable).collect();
            right.sort();
            pairs.iter().flat_map(|(left, right)| [left, right]).chain(&right).for_each(|text| feed.text(text));
        }
        (_, key) if with_key => feed.open_key(key),
        _ => {}
    }
    ContentHash(feed.0.finalize().into())
}

/// A stem without the blank and the stops at its end: “……是（）。” asks what “……是” asks.
fn without_end(stem: &str) -> &str {
    const STOPS: [char; 9] = ['。', '.', '?', '!', ':', ';', ',', '、', '_'];
    let mut stem = stem;
    loop {
        let shorter = stem.trim_end_matches(STOPS);
        let shorter = shorter.strip_suffix("()").unwrap_or(shorter);
        if shorter.len() == stem.len() {
            return stem;
        }
        stem = shorter;
    }
}

/// What of a text counts when texts are compared: Unicode composed, full-width characters and CJK
/// look-alikes (Kangxi radicals from PDF copies) unified, blanks only where they part words, images
/// by their data, and sub- and superscript told apart.
///
/// Not NFKC of everything: `x²` and `x2` are different options.
#[must_use]
pub fn comparable(text: &RichText) -> String {
    let mut marked = String::with_capacity(text.as_html().len());
    for piece in pieces(text.as_html()) {
        match piece {
            Piece::Text(words) => marked.push_str(words),
            Piece::Open { name: name @ ("sub" | "sup"), .. } | Piece::Close(name @ ("sub" | "sup")) => {
                marked.push_str(if name == "sub" { "\u{1}" } else { "\u{2}" });
            }
            Piece::Open { name: "img", attributes } => marked.push_str(attributes),
            Piece::Open { name: "br" | "p" | "div" | "li" | "td" | "th", .. } => marked.push(' '),
            _ => {}
        }
    }
    comparable_plain(&marked)
}

/// [`comparable`] for plain text (or HTML without tags).
pub(crate) fn comparable_plain(text: &str) -> String {
    let unified = text
        .chars()
        .map(whole)
        .flat_map(|c| if is_look_alike(c) { Unified::Many(c.nfkc()) } else { Unified::One(Some(c)) });
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for character in unified.nfc() {
        if character.is_whitespace() {
            blank = true;
            continue;
        }
        // "a b" and "ab" differ, "（ ）" and "（）" do not.
        if std::mem::take(&mut blank)
            && character.is_ascii_alphanumeric()
            && out.ends_with(|c: char| c.is_ascii_alphanumeric())
        {
            out.push(' ');
        }
        out.push(character);
    }
    out
}

/// The character for a radical that Unicode's own normalization leaves alone, although PDF copies are
/// full of them: 风险 with U+2EDB.
fn whole(character: char) -> char {
    const RADICALS: [(char, char); 26] = [
        ('\u{2ea0}', '民'),
        ('\u{2ec1}', '虎'),
        ('\u{2ec4}', '西'),
        ('\u{2ec5}', '见'),
        ('\u{2ec6}', '角'),
        ('\u{2ec9}', '贝'),
        ('\u{2ecb}', '车'),
        ('\u{2ed1}', '長'),
        ('\u{2ed3}', '长'),
        ('\u{2ed4}', '门'),
        ('\u{2ed8}', '青'),
        ('\u{2ed9}', '韦'),
        ('\u{2eda}', '页'),
        ('\u{2edb}', '风'),
        ('\u{2edc}', '飞'),
        ('\u{2edd}', '食'),
        ('\u{2ee2}', '马'),
        ('\u{2ee3}', '骨'),
        ('\u{2ee4}', '鬼'),
        ('\u{2ee5}', '鱼'),
        ('\u{2ee6}', '鸟'),
        ('\u{2ee8}', '麦'),
        ('\u{2ee9}', '黄'),
        ('\u{2eec}', '齐'),
        ('\u{2eee}', '齿'),
        ('\u{2ef0}', '龙'),
    ];
    if !matches!(character, '\u{2e80}'..='\u{2eff}') {
        return character;
    }
    RADICALS.iter().find(|(radical, _)| *radical == character).map_or(character, |(_, whole)| *whole)
}

enum Unified<I> {
    One(Option<char>),
    Many(I),
}

impl<I: Iterator<Item = char>> Iterator for Unified<I> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Self::One(character) => character.take(),
            Self::Many(characters) => characters.next(),
        }
    }
}

/// Radicals, compatibility ideographs, full- and half-width forms, the ideographic space.
fn is_look_alike(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{2fdf}' | '\u{3000}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

struct Feed(Sha256);

impl Feed {
    /// With its length, so that no two sequences of fields give the same bytes.
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Keys that do not refer to anything shown.
    fn open_key(&mut self, key: &Key) {
        match key {
            Key::TrueFalse { correct } => self.bytes(&[u8::from(*correct)]),
            Key::Numeric { accepted } => {
                let mut accepted: Vec<_> = accepted
                    .iter()
                    .map(|number| (number.value.to_bits(), number.tolerance.to_bits(), number.fraction.0))
                    .collect();
                accepted.sort_unstable();
                for (value, tolerance, fraction) in accepted {
                    self.bytes(&value.to_be_bytes());
                    self.bytes(&tolerance.to_be_bytes());
                    self.bytes(&fraction.to_be_bytes());
                }
            }
            Key::ShortText { accepted, case_sensitive, wildcards } => {
                self.bytes(&[u8::from(*case_sensitive), u8::from(*wildcards)]);
                let mut accepted: Vec<_> =
                    accepted.iter().map(|answer| (comparable_plain(&answer.text), answer.fraction.0)).collect();
                accepted.sort();
                for (text, fraction) in accepted {
                    self.text(&text);
                    self.bytes(&fraction.to_be_bytes());
                }
            }
            // Their interactions are matched with them above; validation makes no other pairing.
            Key::Choice { .. } | Key::Ordering { .. } | Key::Matching { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::draft::{DraftBody, DraftOption, DraftText, validate};
    use crate::{Fraction, ItemDraft};

    fn same(a: &str, b: &str) -> bool {
        comparable(&RichText::sanitize(a).0) == comparable(&RichText::sanitize(b).0)
    }

    #[test]
    fn texts_are_compared_by_what_they_say() {
        for (a, b) in [
            ("科举（　　）制", "科举( )制"),
            ("第⼆次世界⼤战", "第二次世界大战"),
            ("\u{2ec6}度与\u{2edb}险", "角度与风险"),
            ("<p>甲&nbsp;乙</p>", "甲乙"),
            ("Ａ　ｂ", "A b"),
            ("a  b", "a<br>b"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("x²", "x2"),
            ("x<sup>2</sup>", "x<sub>2</sub>"),
            ("a b", "ab"),
            ("<img src=\"data:image/png;base64,AAAA\">", "<img src=\"data:image/png;base64,BBBB\">"),
            ("Mg", "mg"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn order_of_options_and_last_punctuation_do_not_count_but_the_key_does() {
        let hash = |stem: &str, options: &[(&str, bool)]| {
            let option = |(text, right): &(&str, bool)| DraftOption {
                text: DraftText::plain(*text),
                fraction: if *right { Fraction::FULL } else { Fraction::NONE },
                feedback: None,
            };
            let options = options.iter().map(option).collect();
            let body = DraftBody::Choice { multiple: Some(false), fixed_order: false, options, weighted: false };
            content_hash(&validate(&ItemDraft::new(DraftText::plain(stem), body)).unwrap().0)
        };
        let first = hash("谁？", &[("甲", true), ("乙", false)]);
        assert_eq!(first, hash("谁", &[("乙", false), ("甲", true)]));
        assert_eq!(first, hash("谁（　）。", &[("乙", false), ("甲", true)]));
        assert_ne!(first, hash("谁", &[("乙", true), ("甲", false)]));
        assert_ne!(first, hash("谁", &[("乙", false), ("甲", true), ("丙", false)]));
        assert_eq!(first.to_string().len(), 64);
    }
}
