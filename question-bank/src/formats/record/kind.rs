//! What kinds of items are called.

use crate::formats::{Finding, FindingCode};

/// A kind as a record names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Whether several may be chosen, if the name says so.
    Choice(Option<bool>),
    TrueFalse,
    Numeric,
    ShortText,
    Ordering,
    Matching,
}

/// The kind named; nothing when there is no name, or a bare number as other systems use.
///
/// # Errors
/// The name of a kind that is none of ours, such as 简答题.
pub(super) fn parse(name: &str) -> Result<Option<Wanted>, Finding> {
    let name = name.trim().to_lowercase();
    if name.is_empty() || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let both = has(&["单/多", "单、多", "单选/多选", "单多选"]);
    let wanted = if both || ["选择题", "选择", "choice", "mcq", "multiple choice", "objective"].contains(&name.as_str())
    {
        Wanted::Choice(None)
    } else if has(&["多选", "多项选择", "不定项", "multiple_choice", "multi", "checkbox"]) {
        Wanted::Choice(Some(true))
    } else if has(&["单选", "单项选择", "single", "radio"]) {
        Wanted::Choice(Some(false))
    } else if has(&["判断", "是非", "对错", "true_false", "true/false", "truefalse", "judge"]) {
        Wanted::TrueFalse
    } else if has(&["数值", "numeric"]) {
        Wanted::Numeric
    } else if has(&["填空", "short_text", "fill", "blank"]) {
        Wanted::ShortText
    } else if has(&["排序", "ordering"]) {
        Wanted::Ordering
    } else if has(&["匹配", "配对", "连线", "matching"]) {
        Wanted::Matching
    } else {
        return Err(Finding::new(FindingCode::KindUnsupported, super::options::beginning(&name)));
    };
    Ok(Some(wanted))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::ItemKind;

    #[test]
    fn kinds_are_known_by_their_names() {
        for kind in ItemKind::ALL {
            assert_eq!(parse(kind.name()).unwrap(), parse(kind.name_zh()).unwrap(), "{kind}");
            assert!(parse(kind.name()).unwrap().is_some());
        }
        assert_eq!(parse("单项选择题").unwrap(), Some(Wanted::Choice(Some(false))));
        assert_eq!(parse("单/多选").unwrap(), Some(Wanted::Choice(None)));
        assert_eq!(parse(" 2 ").unwrap(), None);
        assert_eq!(parse("").unwrap(), None);
        for other in ["简答题", "论述题", "名词解释", "essay"] {
            assert_eq!(parse(other).unwrap_err().code, FindingCode::KindUnsupported);
        }
    }
}
