//! Arbitrary drafts for the round-trip tests, and the items they make.

use super::{DraftAnswer, DraftBody, DraftNumber, DraftOption, DraftText, validate};
use crate::{Fraction, Item, ItemDraft};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Characters that mean something to some format, and some that do not.
const CHARACTERS: &str = "[a-dA-D0-9一-十（）。、,;:|=+@'\"<>&\\\\$\\-\\t\\n \\u{a0}²%./*_]{1,14}";

fn text() -> impl Strategy<Value = DraftText> {
    let html = prop::sample::select(vec!["<b>粗</b>", "x<sup>2</sup>", "<p>一</p><p>二</p>", "<i>a</i> &amp;lt;"]);
    let image = "<img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=\"图\">";
    prop_oneof![
        6 => CHARACTERS.prop_map(DraftText::plain),
        2 => (CHARACTERS, html).prop_map(|(text, html)| DraftText::html(format!("{text}{html}"))),
        1 => CHARACTERS.prop_map(move |text| DraftText::html(format!("{image}{text}"))),
    ]
}

fn fraction() -> impl Strategy<Value = Fraction> {
    prop_oneof![
        3 => Just(Fraction::FULL),
        1 => Just(Fraction::NONE),
        2 => (-10_000_000..=10_000_000).prop_map(Fraction),
    ]
}

fn choice() -> impl Strategy<Value = DraftBody> {
    let an_option = (text(), any::<bool>(), fraction(), option::of(text()));
    (vec(an_option, 2..11), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(options, multiple, fixed_order, weighted)| {
            let fraction = |right, weight| match (weighted, right) {
                (true, _) => weight,
                (false, true) => Fraction::FULL,
                (false, false) => Fraction::NONE,
            };
            let options = options.into_iter().map(|(text, right, weight, feedback)| DraftOption {
                text,
                fraction: fraction(right, weight),
                feedback,
            });
            DraftBody::Choice { multiple: Some(multiple), fixed_order, options: options.collect(), weighted }
        },
    )
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<i16>().prop_map(f64::from), prop::num::f64::NORMAL, (-1e6..1e6)]
}

fn body() -> impl Strategy<Value = DraftBody> {
    let numeric =
        (number(), number(), fraction(), option::of(text())).prop_map(|(value, tolerance, fraction, feedback)| {
            DraftNumber { value, tolerance: tolerance.abs(), fraction, feedback }
        });
    let short = (CHARACTERS, fraction(), option::of(text())).prop_map(|(text, fraction, feedback)| DraftAnswer {
        text,
        fraction,
        feedback,
    });
    prop_oneof![
        3 => choice(),
        1 => (any::<bool>(), option::of(text()), option::of(text()))
            .prop_map(|(correct, yes, no)| DraftBody::TrueFalse { correct, feedback: [yes, no] }),
        1 => vec(numeric, 1..4).prop_map(|accepted| DraftBody::Numeric { accepted }),
        1 => (vec(short, 1..4), any::<bool>(), any::<bool>()).prop_map(|(accepted, case_sensitive, wildcards)| {
            DraftBody::ShortText { accepted, case_sensitive, wildcards }
        }),
        1 => vec(text(), 2..9).prop_map(|entries| DraftBody::Ordering { entries }),
        1 => (vec((text(), text()), 1..6), vec(text(), 0..4))
            .prop_map(|(pairs, distractors)| DraftBody::Matching { pairs, distractors }),
    ]
}

/// Mostly without what parts labels in a cell.
fn label() -> impl Strategy<Value = String> {
    prop_oneof![15 => "[a-z一-十=+ ]{1,8}", 1 => "[a-z一-十=+ ,;|/]{1,8}"]
}

/// Any draft, most of which are valid.
pub(crate) fn draft() -> impl Strategy<Value = ItemDraft> {
    let head =
        (option::of("[a-z0-9:._=-]{1,8}"), label(), option::of(1..=5_u8), vec(label(), 0..3), vec(label(), 0..3));
    (head, option::of(1..9_999_u32), text(), option::of(text()), body()).prop_map(
        |((code, topic, difficulty, tags, enemies), points, stem, explanation, body)| ItemDraft {
            code,
            topic,
            difficulty: difficulty.map(|level| level.to_string()),
            tags,
            enemies,
            points: points.map(|hundredths| crate::Points::from_hundredths(i64::from(hundredths)).to_string()),
            stem,
            explanation,
            body,
        },
    )
}

/// Any valid item, as import makes them.
pub(crate) fn item() -> impl Strategy<Value = Item> {
    draft().prop_filter_map("refused", |draft| validate(&draft).ok().map(|(item, _)| item))
}
