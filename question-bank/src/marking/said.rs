//! Responses translated from the order shown to the author's order.

use crate::{ItemKind, OptionId, Pool, Response, Slot, TargetId, limits};
use serde::{Deserialize, Serialize};

/// A checked response in the author's indexes, ready for marking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The chosen options as a set of author's indexes.
    Choices(u32),
    /// A finite number.
    Number(f64),
    /// A text as it was sent.
    Text(Box<str>),
    /// All entries in author's indexes, first to last.
    Order(Box<[u8]>),
    /// The author's index of the right entry by left entry, `None` where it was left unpaired.
    Pairs(Box<[Option<u8>]>),
}

/// Why a response does not fit its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseFault {
    /// For example a number for a choice.
    #[error("{kind} 题应以 {expected} 作答 / a {kind} question is answered with {expected}")]
    WrongShape {
        /// The kind of the slot's item.
        kind: ItemKind,
        /// The member it takes.
        expected: &'static str,
    },
    /// The slot shows no such option or entry.
    #[error("本题没有选项 {0} / there is no option {0} in this slot")]
    UnknownOption(OptionId),
    /// The slot shows no such right entry.
    #[error("本题没有匹配项 {0} / there is no target {0} in this slot")]
    UnknownTarget(TargetId),
    /// An option, entry or left entry is named twice.
    #[error("{0} 重复 / {0} is named more than once")]
    Repeated(OptionId),
    /// Single choice and true/false take exactly one.
    #[error("请只选一个选项 / choose exactly one option")]
    NotExactlyOne,
    /// An ordering names all its entries.
    #[error("排序应包含全部 {count} 项且各一次 / the order has to name all {count} entries once")]
    Incomplete {
        /// How many there are.
        count: usize,
    },
    /// Infinities and NaN are no answers.
    #[error("数值应为有限数 / the number has to be finite")]
    NotFinite,
    /// More than [`limits::RESPONSE_TEXT_CHARS_MAX`] characters.
    #[error("文本超过 {0} 字 / the text is longer than {0} characters", limits::RESPONSE_TEXT_CHARS_MAX)]
    TooLong,
    /// The slot's item is not in the pool.
    #[error("本题不属于当前题库版本 / the slot is not of this bank version")]
    OtherPool,
}

/// Checks a response against its slot and translates it into the author's indexes.
///
/// # Errors
/// The response does not fit the slot; see [`ResponseFault`].
pub fn check_response(pool: &Pool, slot: Slot<'_>, response: &Response) -> Result<Said, ResponseFault> {
    let kind = pool.kind(slot.item).ok_or(ResponseFault::OtherPool)?;
    match (kind, response) {
        (ItemKind::SingleChoice | ItemKind::TrueFalse, Response::Choices { choices }) => match choices[..] {
            [_] => choose(slot, choices),
            _ => Err(ResponseFault::NotExactlyOne),
        },
        (ItemKind::MultipleChoice, Response::Choices { choices }) => choose(slot, choices),
        (ItemKind::Numeric, Response::Number { number }) => {
            if number.is_finite() {
                Ok(Said::Number(*number))
            } else {
                Err(ResponseFault::NotFinite)
            }
        }
        (ItemKind::ShortText, Response::Text { text }) => {
            let long = text.chars().nth(limits::RESPONSE_TEXT_CHARS_MAX).is_some();
            if long { Err(ResponseFault::TooLong) } else { Ok(Said::Text(text.as_str().into())) }
        }
        (ItemKind::Ordering, Response::Order { order }) => put_in_order(slot, order),
        (ItemKind::Matching, Response::Pairs { pairs }) => pair(slot, pairs),
        _ => Err(ResponseFault::WrongShape { kind, expected: member(kind) }),
    }
}

const fn member(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::SingleChoice | ItemKind::MultipleChoice | ItemKind::TrueFalse => "choices",
        ItemKind::Numeric => "number",
        ItemKind::ShortText => "text",
        ItemKind::Ordering => "order",
        ItemKind::Matching => "pairs",
    }
}

/// The author's index of an option not named before.
fn take(slot: Slot<'_>, shown: OptionId, seen: &mut u32) -> Result<u8, ResponseFault> {
    let author = slot.option(shown).ok_or(ResponseFault::UnknownOption(shown))?;
    if *seen >> author & 1 == 1 {
        return Err(ResponseFault::Repeated(shown));
    }
    *seen |= 1 << author;
    Ok(author)
}

fn choose(slot: Slot<'_>, choices: &[OptionId]) -> Result<Said, ResponseFault> {
    let mut chosen = 0;
    for &shown in choices {
        take(slot, shown, &mut chosen)?;
    }
    Ok(Said::Choices(chosen))
}

fn put_in_order(slot: Slot<'_>, order: &[OptionId]) -> Result<Said, ResponseFault> {
    let mut seen = 0;
    let count = slot.order.len();
    let entries: Box<[u8]> =
        order.iter().take(count + 1).map(|&shown| take(slot, shown, &mut seen)).collect::<Result<_, _>>()?;
    if entries.len() == count { Ok(Said::Order(entries)) } else { Err(ResponseFault::Incomplete { count }) }
}

fn pair(slot: Slot<'_>, pairs: &[(OptionId, TargetId)]) -> Result<Said, ResponseFault> {
    let mut seen = 0;
    let mut said = vec![None; slot.order.len()];
    for &(left, right) in pairs {
        let target = slot.target(right).ok_or(ResponseFault::UnknownTarget(right))?;
        let author = take(slot, left, &mut seen)?;
        if let Some(place) = said.get_mut(usize::from(author)) {
            *place = Some(target);
        }
    }
    Ok(Said::Pairs(said.into()))
}
