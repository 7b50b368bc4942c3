//! Options that speak of the others: “以上都对”, “none of the above”. They stay last when the rest is
//! shuffled; options that name others by letter (“A和C”) keep the whole item in the author's order.

use crate::RichText;
use unicode_normalization::UnicodeNormalization as _;

/// How options depend on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dependence {
    /// In any order.
    None,
    /// These stay last, as a set of author's indexes.
    KeepLast(u32),
    /// In the author's order only.
    NameEachOther,
}

impl Dependence {
    pub(super) fn of(options: &[RichText]) -> Self {
        let mut keep_last = 0;
        for (index, text) in (0_u32..32).zip(options).filter_map(|(index, option)| Some((index, bare(option)?))) {
            if names_letters(&text) {
                return Self::NameEachOther;
            }
            keep_last |= u32::from(speaks_of_all(&text)) << index;
        }
        if keep_last == 0 { Self::None } else { Self::KeepLast(keep_last) }
    }
}

/// Longer texts say something of their own.
const CHARS_MAX: usize = 40;

/// Lower-case letters, digits and ideographs only: no tags, blanks or punctuation. `None` if there
/// are more than [`CHARS_MAX`].
fn bare(option: &RichText) -> Option<String> {
    let mut bare = String::new();
    let mut in_tag = false;
    let mut count = 0;
    for character in option.as_html().chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if in_tag => {}
            // The usual cases, which NFKC leaves alone.
            '一'..='\u{9fff}' => {
                bare.push(character);
                count += 1;
            }
            '\0'..='\x7f' => {
                if character.is_ascii_alphanumeric() {
                    bare.push(character.to_ascii_lowercase());
                    count += 1;
                }
            }
            other => {
                let unified = std::iter::once(other).nfkc().flat_map(char::to_lowercase);
                bare.extend(unified.filter(|unified| unified.is_alphanumeric()));
                count += 1;
            }
        }
        if count > CHARS_MAX {
            return None;
        }
    }
    Some(bare)
}

fn speaks_of_all(text: &str) -> bool {
    if ENGLISH.iter().any(|phrase| text.starts_with(phrase)) {
        return true;
    }
    let head = HEADS.iter().find_map(|head| text.strip_prefix(head));
    let rest = head.unwrap_or(text);
    let rest = NOUNS.iter().fold(rest, |rest, noun| rest.strip_prefix(noun).unwrap_or(rest));
    let Some(rest) = QUANTIFIERS.iter().find_map(|quantifier| rest.strip_prefix(quantifier)) else {
        return false;
    };
    // “全部正确” stands alone; “均可” could be about anything unless it points at “以上”.
    let rest = NOUNS.iter().fold(rest, |rest, noun| rest.strip_prefix(noun).unwrap_or(rest));
    VERDICTS.contains(&rest) || (head.is_some() && POINTED_VERDICTS.contains(&rest))
}

const ENGLISH: &[&str] = &[
    "alloftheabove",
    "alltheabove",
    "alloftheseare",
    "noneoftheabove",
    "noneoftheseare",
    "anyoftheabove",
    "bothoftheabove",
    "neitheroftheabove",
    "aboveall",
    "alloptions",
];
const HEADS: &[&str] = &["以上各", "以上", "上述各", "上述", "上面", "前述", "前面"];
const NOUNS: &[&str] = &[
    "选项", "各项", "说法", "答案", "内容", "情形", "情况", "观点", "表述", "三项", "四项", "几项", "两项", "三者",
    "四者", "两者", "项", "几种", "几个", "的",
];
const QUANTIFIERS: &[&str] =
    &["全部都", "全部", "全都", "全", "都", "均", "皆", "所有", "没有一个", "没有一项", "没有", "无一", "无"];
const VERDICTS: &[&str] = &["对", "是", "正确", "不对", "不是", "不正确", "错", "错误", "有误", "非", "不选", "选"];
const POINTED_VERDICTS: &[&str] = &[
    "",
    "可",
    "可以",
    "不可",
    "不可以",
    "包括",
    "不包括",
    "属于",
    "不属于",
    "符合",
    "不符合",
    "需要",
    "不需要",
    "有",
    "没有",
    "必须",
    "能",
    "不能",
    "应该",
    "适用",
    "不适用",
];

/// `A和C`, `A、B都对`, `both A and B`, `ABC`.
fn names_letters(text: &str) -> bool {
    let mut rest = text.strip_prefix("both").or_else(|| text.strip_prefix("仅")).unwrap_or(text);
    let mut letters = 0;
    loop {
        if let Some(after) = ["and", "or", "和", "与", "及", "或"].iter().find_map(|word| rest.strip_prefix(word)) {
            rest = after;
        } else if let Some(after) = rest.strip_prefix(|letter: char| ('a'..='h').contains(&letter)) {
            (rest, letters) = (after, letters + 1);
        } else {
            break;
        }
    }
    let rest = QUANTIFIERS.iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
    letters >= 2 && (rest.is_empty() || VERDICTS.contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_all(text: &str) -> bool {
        bare(&RichText::from_plain(text)).is_some_and(|text| speaks_of_all(&text))
    }

    #[test]
    fn options_about_all_others_are_found() {
        for text in [
            "以上都对",
            "以上都不对",
            "以上皆是",
            "以上均正确",
            "以上选项均不正确",
            "以上说法都正确。",
            "以上全部",
            "上述各项都是",
            "全部正确",
            "都不对",
            "以上都 不是",
            "以上都包括",
            "以上三项均可",
            "以上皆非",
            "All of the above",
            "None of the above.",
            "all of the above are correct",
        ] {
            assert!(of_all(text), "{text}");
        }
    }

    #[test]
    fn options_with_something_of_their_own_to_say_are_not() {
        for text in
            ["以上级文件为准", "都市圈", "全面", "正确", "无", "全国人民代表大会", "均衡", "above", "18岁以上", "对"]
        {
            assert!(!of_all(text), "{text}");
        }
    }

    #[test]
    fn options_naming_letters_are_found() {
        let names = |text: &str| names_letters(&bare(&RichText::from_plain(text)).unwrap_or_default());
        for text in ["A和C", "A、B都对", "both A and B", "A,B,C", "A与B均正确", "仅A、B"] {
            assert!(names(text), "{text}");
        }
        for text in ["A", "维生素A和C", "bad idea", "a cat", "人和人"] {
            assert!(!names(text), "{text}");
        }
    }

    #[test]
    fn tags_and_width_do_not_hide_them() {
        let options = |texts: [&str; 3]| texts.map(RichText::from_plain);
        assert_eq!(Dependence::of(&options(["甲", "以上都对", "乙"])), Dependence::KeepLast(0b010));
        assert_eq!(Dependence::of(&options(["甲", "乙", "Ａ和Ｂ"])), Dependence::NameEachOther);
        assert_eq!(Dependence::of(&options(["甲", "乙", "丙"])), Dependence::None);
        assert_eq!(bare(&RichText::from_plain("Ｎ\n①, 丙！")).as_deref(), Some("n1丙"));
        assert_eq!(bare(&RichText::from_plain(&"长".repeat(41))), None);
    }
}
