//! What an answer cell means.

use super::options::beginning;
use crate::duplicate::comparable_plain;
use crate::formats::{Finding, FindingCode};
use unicode_normalization::UnicodeNormalization as _;

/// `ABD`, `A,B`, `A.B.D.`, `ａ、ｂ` as indexes in their order, each once; nothing when it is anything
/// else. Empty for a blank.
pub(super) fn letters(answer: &str) -> Option<Vec<usize>> {
    const CHARS_MAX: usize = 200;
    let mut found = Vec::new();
    for character in answer.trim().chars().take(CHARS_MAX).nfkc().flat_map(char::to_uppercase) {
        match character {
            'A'..='Z' => {
                let index = usize::from(character as u8 - b'A');
                if !found.contains(&index) {
                    found.push(index);
                }
            }
            '.' | ',' | '、' | ';' | '/' | '|' | '和' | '&' | '+' | '(' | ')' | '[' | ']' | '"' => {}
            blank if blank.is_whitespace() => {}
            _ => return None,
        }
    }
    Some(found)
}

/// The right options of a choice: by letter, by letter and text, or by text; none for a blank.
///
/// # Errors
/// The answer names an option that is not there.
pub(super) fn choices(answer: &str, options: &[String], warnings: &mut Vec<Finding>) -> Result<Vec<usize>, Finding> {
    let answer = without_word(answer);
    let is_within = |right: &Vec<usize>| right.iter().all(|index| *index < options.len());
    if let Some(right) = letters(answer).filter(is_within) {
        return Ok(right);
    }
    let texts: Vec<String> = options.iter().map(|option| comparable_plain(option)).collect();
    let by_text = |text: &str| texts.iter().position(|option| !option.is_empty() && *option == comparable_plain(text));
    if let Some(index) = by_text(answer) {
        return Ok(vec![index]);
    }
    let parts: Option<Vec<usize>> = answer.split(['|', ';', '；', '\n']).map(by_text).collect();
    if let Some(right) = parts {
        return Ok(right);
    }
    let head = answer.lines().next().unwrap_or_default();
    if let Some(right) = letters(head).filter(is_within).filter(|right| !right.is_empty()) {
        trimmed(answer, head, warnings);
        return Ok(right);
    }
    // “D.跨国公司”: the letter, if the text does not say otherwise.
    let label = head.chars().next().and_then(|first| letters(&first.to_string())).filter(is_within);
    if let (Some([index]), Some(text)) = (label.as_deref(), head.split_once(['.', '．', '、']).map(|(_, text)| text))
        && texts.get(*index).is_some_and(|option| *option == comparable_plain(text))
    {
        return Ok(vec![*index]);
    }
    Err(Finding::new(FindingCode::KeyOutOfRange, beginning(answer)))
}

/// Whether a statement holds, and whether the options stand as false, true.
///
/// # Errors
/// There is no answer, or it says neither.
pub(super) fn true_false(
    answer: &str,
    options: &[String],
    warnings: &mut Vec<Finding>,
) -> Result<(bool, bool), Finding> {
    let answer = without_word(answer);
    if answer.is_empty() {
        return Err(Finding::new(FindingCode::KeyMissing, ""));
    }
    let swapped = options.iter().find_map(|option| truth(option)) == Some(false);
    if let Some(correct) = truth(answer) {
        return Ok((correct, swapped));
    }
    let head = answer.lines().next().unwrap_or_default();
    if let Some(correct) = truth(head) {
        trimmed(answer, head, warnings);
        return Ok((correct, swapped));
    }
    let wrong = || Finding::new(FindingCode::KeyOutOfRange, beginning(answer));
    let index = match letters(answer).as_deref() {
        Some([index]) => *index,
        _ => return Err(wrong()),
    };
    if options.iter().any(|option| !option.trim().is_empty()) {
        let correct = options.get(index).and_then(|option| truth(option)).ok_or_else(wrong)?;
        return Ok((correct, swapped));
    }
    if index > 1 {
        return Err(wrong());
    }
    warnings.push(Finding::new(FindingCode::TruthAssumed, beginning(answer)));
    Ok((index == 0, false))
}

/// Some sheets write the text to fill in where options stand, and its letter as the answer.
pub(super) fn named(answer: &str, options: &[String]) -> Option<Vec<String>> {
    let indexes = letters(answer).filter(|indexes| !indexes.is_empty())?;
    let text = |index: usize| options.get(index).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    indexes.into_iter().map(text).collect()
}

/// 对, 错, √, ×, T, F and the like.
pub(super) fn truth(text: &str) -> Option<bool> {
    const CHARS_MAX: usize = 20;
    let word: String = text.trim().chars().take(CHARS_MAX).nfkc().flat_map(char::to_lowercase).collect();
    match word.trim().trim_end_matches(['。', '.', '\u{fe0f}']) {
        "对" | "正确" | "是" | "对的" | "√" | "✓" | "✔" | "☑" | "✅" | "t" | "true" | "y" | "yes" | "right"
        | "correct" | "1" => Some(true),
        "错" | "错误" | "否" | "错的" | "不对" | "不正确" | "×" | "✗" | "✘" | "✕" | "❌" | "x" | "f" | "false"
        | "n" | "no" | "wrong" | "incorrect" | "0" => Some(false),
        _ => None,
    }
}

/// Accepted answers between `|`; `\|` is the bar itself.
pub(super) fn alternatives(answer: &str) -> Vec<String> {
    const BAR: &str = "\u{1}";
    let protected = answer.replace(BAR, "").replace("\\|", BAR);
    let parts = protected.split(['|', '｜']).map(|part| part.replace(BAR, "|").trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// `第一空： 1919` without its beginning, told as a warning.
pub(super) fn without_lead(answer: &str, warnings: &mut Vec<Finding>) -> String {
    let answer = without_word(answer);
    for lead in ["第一空", "第1空", "空1"] {
        if let Some(rest) = answer.strip_prefix(lead).and_then(|rest| rest.trim_start().strip_prefix([':', '：'])) {
            warnings.push(Finding::new(FindingCode::AnswerTrimmed, lead));
            return rest.trim().to_owned();
        }
    }
    answer.to_owned()
}

/// A number with its tolerance: `90`, `3.14±0.01`, `[3.1,3.2]` with both ends.
///
/// # Errors
/// It is no number.
pub(super) fn number(text: &str) -> Result<(f64, f64), Finding> {
    const CHARS_MAX: usize = 400;
    let folded: String = text.trim().chars().take(CHARS_MAX).nfkc().filter(|c| !c.is_whitespace()).collect();
    let invalid = || Finding::new(FindingCode::NumberInvalid, beginning(text));
    let parse = |text: &str| text.replace('−', "-").parse().ok().filter(|n: &f64| n.is_finite()).ok_or_else(invalid);
    let inside = folded.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some((low, high)) = inside.and_then(|inside| inside.split_once([',', ';', '~'])) {
        let (low, high) = (parse(low)?, parse(high)?);
        let middle = low / 2.0 + high / 2.0;
        // The larger of both distances as they round, so that both ends count.
        let tolerance = (high - middle).abs().max((low - middle).abs());
        return if low <= high && tolerance.is_finite() { Ok((middle, tolerance)) } else { Err(invalid()) };
    }
    for sign in ["±", "+/-", "+-"] {
        if let Some((value, tolerance)) = folded.split_once(sign) {
            return Ok((parse(value)?, parse(tolerance)?));
        }
    }
    Ok((parse(&folded)?, 0.0))
}

fn trimmed(answer: &str, head: &str, warnings: &mut Vec<Finding>) {
    let tail = answer.strip_prefix(head).unwrap_or_default();
    warnings.push(Finding::new(FindingCode::AnswerTrimmed, beginning(&tail.replace('\n', " "))));
}

/// Without a leading `答案：`.
fn without_word(answer: &str) -> &str {
    let answer = answer.trim();
    let rest = ["正确答案", "参考答案", "答案"].iter().find_map(|word| answer.strip_prefix(word));
    rest.and_then(|rest| rest.trim_start().strip_prefix([':', '：'])).map_or(answer, str::trim)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn letters_are_read_in_all_their_forms() {
        for (answer, indexes) in [
            ("ABD", Some(vec![0, 1, 3])),
            ("A,B", Some(vec![0, 1])),
            ("A.B.C.D.", Some(vec![0, 1, 2, 3])),
            (" ｂ 、Ａ", Some(vec![1, 0])),
            ("AA", Some(vec![0])),
            ("", Some(vec![])),
            ("对", None),
            ("A1", None),
        ] {
            assert_eq!(letters(answer), indexes, "{answer}");
        }
    }

    #[test]
    fn choices_are_found_by_letter_or_text() {
        let options: Vec<String> = ["股份公司", "跨国公司", "两者"].map(str::to_owned).into();
        let read = |answer: &str| {
            let mut warnings = Vec::new();
            choices(answer, &options, &mut warnings).map(|right| (right, warnings.len())).map_err(|e| e.code)
        };
        assert_eq!(read("C"), Ok((vec![2], 0)));
        assert_eq!(read("答案：B"), Ok((vec![1], 0)));
        assert_eq!(read("跨国公司"), Ok((vec![1], 0)));
        assert_eq!(read("股份公司|两者"), Ok((vec![0, 2], 0)));
        assert_eq!(read("B.跨国公司"), Ok((vec![1], 0)));
        assert_eq!(read("B\n答案解析：\nB"), Ok((vec![1], 1)));
        assert_eq!(read(""), Ok((vec![], 0)));
        for wrong in ["D", "B.股份公司", "?", "1", "AD"] {
            assert_eq!(read(wrong), Err(FindingCode::KeyOutOfRange), "{wrong}");
        }
    }

    #[test]
    fn truths_are_read_with_and_without_options() {
        let read = |answer: &str, options: &[&str]| {
            let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
            let mut warnings = Vec::new();
            true_false(answer, &options, &mut warnings).map(|(truth, _)| (truth, warnings.len())).map_err(|e| e.code)
        };
        for (answer, truth) in
            [("对", true), ("错误。", false), ("√", true), ("×", false), ("Ｔ", true), ("False", false), ("1", true)]
        {
            assert_eq!(read(answer, &[]), Ok((truth, 0)), "{answer}");
        }
        assert_eq!(read("A", &["错", "对"]), Ok((false, 0)));
        assert_eq!(read("C", &["", "", "对", "错"]), Ok((true, 0)));
        assert_eq!(read("B", &[]), Ok((false, 1)));
        assert_eq!(read("对\n章节测验\n已完成", &[]), Ok((true, 1)));
        assert_eq!(read("", &[]), Err(FindingCode::KeyMissing));
        assert_eq!(read("C", &[]), Err(FindingCode::KeyOutOfRange));
        assert_eq!(read("C", &["对", "错"]), Err(FindingCode::KeyOutOfRange));
        assert_eq!(read("也许", &[]), Err(FindingCode::KeyOutOfRange));
    }

    #[test]
    fn numbers_come_with_tolerances() {
        assert_eq!(number("90").unwrap(), (90.0, 0.0));
        assert_eq!(number(" ３.15 ± 0.01").unwrap(), (3.15, 0.01));
        assert_eq!(number("-1e3+/-5").unwrap(), (-1000.0, 5.0));
        let (middle, tolerance) = number("[3.1，3.2]").unwrap();
        assert!((3.1 - middle).abs() <= tolerance && (3.2 - middle).abs() <= tolerance && tolerance < 0.0501);
        for wrong in ["", "九十", "1,000", "[3,2]", "1±x", "inf", "nan", "[1,inf]", "90%"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert_eq!(alternatives("甲| 乙 |\\|丙|"), ["甲", "乙", "|丙"]);
    }
}
