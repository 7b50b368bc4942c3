//! Items for the round-trip tests of the text formats, and the drafts they should read back as.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::markup::to_plain;
use super::moodle::{key_fractions, restates_key};
use crate::draft::{DraftAnswer, DraftBody, DraftNumber, DraftOption, DraftText};
use crate::{
    Difficulty, Fraction, Interaction, Item, ItemDraft, Key, NumericAnswer, Points, Prompt, RichText, Solution,
    TextAnswer, TopicPath,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Characters that mean something somewhere, and some that do not.
const CHARACTERS: &str = r#"[a-zB0-9题，。 ~=#{}:\\\[\]%*<>&/"'|$()._\-]{1,12}"#;

/// Sanitized HTML as it is.
pub(super) fn html(text: &str) -> RichText {
    serde_json::from_value(serde_json::Value::from(text)).unwrap()
}

/// Plain text that is neither blank nor padded.
pub(super) fn plain() -> impl Strategy<Value = String> {
    CHARACTERS.prop_map(|text: String| text.trim().to_owned()).prop_filter("blank", |text| !text.is_empty())
}

fn rich() -> impl Strategy<Value = RichText> {
    (plain(), plain(), 0..6_u8).prop_map(|(a, b, shape)| {
        let (a, b) = (RichText::from_plain(&a), RichText::from_plain(&b));
        match shape {
            0 => html(&format!("<p>{a}</p>\n<p>{b}</p>")),
            1 => html(&format!("{a} <b>{b}</b>")),
            2 => html(&format!("{a}<img src=\"data:image/png;base64,iVBORw0KGgo=\">")),
            3 => html(&format!("{a}<br>{b}")),
            _ => a,
        }
    })
}

fn label() -> impl Strategy<Value = String> {
    "[a-z0-9题:\\]\\[ ]{1,8}"
        .prop_map(|text: String| text.trim().to_owned())
        .prop_filter("blank", |text| !text.is_empty())
}

type Body = (Interaction, Key, usize);

fn choice() -> impl Strategy<Value = Body> {
    (vec(rich(), 2..6), any::<bool>(), any::<bool>(), vec(-100..=100_i32, 6), any::<bool>(), 0..6_usize).prop_map(
        |(options, multiple, fixed_order, numbers, weighted, right)| {
            let right = right % options.len();
            let mut weights: Vec<Fraction> =
                numbers.iter().take(options.len()).map(|number| Fraction(number * 99_999)).collect();
            weights[right] = if multiple { Fraction(1_234_567) } else { Fraction::FULL };
            let weighted = weighted && !restates_key(&weights, multiple);
            let correct = (0_u8..).zip(&weights).filter(|(index, weight)| {
                if multiple { **weight > Fraction::NONE } else { usize::from(*index) == right }
            });
            let key = Key::Choice {
                correct: correct.map(|(index, _)| index).collect(),
                weights: weighted.then(|| weights.clone()),
            };
            let count = options.len();
            (Interaction::Choice { multiple, fixed_order, options }, key, count)
        },
    )
}

fn numeric() -> impl Strategy<Value = Body> {
    let number = (any::<i32>(), 0..1_000_u32, -1_000_000..=10_000_000_i32).prop_map(|(value, tolerance, fraction)| {
        NumericAnswer {
            value: f64::from(value) / 64.0,
            tolerance: f64::from(tolerance) / 1e3,
            fraction: Fraction(fraction),
        }
    });
    vec(number, 1..4).prop_map(|accepted| {
        let count = accepted.len();
        (Interaction::Numeric, Key::Numeric { accepted }, count)
    })
}

fn short_text() -> impl Strategy<Value = Body> {
    let answer =
        (plain(), 0..=10_000_000_i32).prop_map(|(text, fraction)| TextAnswer { text, fraction: Fraction(fraction) });
    (vec(answer, 1..4), any::<bool>()).prop_map(|(mut accepted, wildcards)| {
        for answer in &mut accepted {
            answer.text = answer.text.replace("->", "-");
            if wildcards {
                answer.text = format!("{}*", answer.text.replace('\\', "").trim());
            }
        }
        let count = accepted.len();
        (Interaction::ShortText, Key::ShortText { accepted, case_sensitive: false, wildcards }, count)
    })
}

fn ordering() -> impl Strategy<Value = Body> {
    vec(rich(), 2..6).prop_map(|entries| {
        let order = (0..u8::try_from(entries.len()).unwrap()).rev().collect();
        (Interaction::Ordering { entries }, Key::Ordering { order }, 0)
    })
}

fn matching() -> impl Strategy<Value = Body> {
    (vec(rich(), 1..5), vec(plain(), 2..5), vec(0..9_u8, 5)).prop_map(|(left, right, targets)| {
        let right: Vec<RichText> = right.iter().map(|text| RichText::from_plain(text)).collect();
        let count = u8::try_from(right.len()).unwrap();
        let targets = targets.iter().take(left.len()).map(|target| target % count).collect();
        (Interaction::Matching { left, right }, Key::Matching { targets }, 0)
    })
}

fn body() -> impl Strategy<Value = Body> {
    let true_false = any::<bool>().prop_map(|correct| (Interaction::TrueFalse, Key::TrueFalse { correct }, 2));
    prop_oneof![choice(), true_false, numeric(), short_text(), ordering(), matching()]
}

/// Any item whose parts GIFT and Moodle XML both hold, points apart.
pub(super) fn item() -> impl Strategy<Value = Item> {
    let head = (label(), vec(label(), 0..3), vec(label(), 0..3), option::of(0..500_i64));
    (head, rich(), body(), option::of(rich()), vec(option::of(rich()), 6)).prop_map(
        |((code, topic, tags, points), stem, (interaction, key, answers), explanation, mut feedback)| {
            feedback.truncate(answers);
            if feedback.iter().all(Option::is_none) {
                feedback.clear();
            }
            Item {
                code,
                topic: TopicPath::parse(&topic.join("/")),
                difficulty: Difficulty::MEDIUM,
                tags,
                enemies: Vec::new(),
                points: points.map(Points::from_hundredths),
                prompt: Prompt { stem, interaction },
                solution: Solution { key, explanation, feedback },
            }
        },
    )
}

/// Items with codes of their own.
pub(super) fn items() -> impl Strategy<Value = Vec<Item>> {
    vec(item(), 1..6).prop_map(|mut items| {
        for (index, item) in items.iter_mut().enumerate() {
            item.code = format!("{}{index}", item.code);
        }
        items
    })
}

fn rich_draft(text: &RichText) -> DraftText {
    DraftText::html(text.as_html())
}

/// The draft an item should read back as, points left out.
pub(super) fn draft_of(item: &Item) -> ItemDraft {
    let said = |index: usize| item.solution.feedback.get(index).cloned().flatten().map(|text| rich_draft(&text));
    let body = match (&item.prompt.interaction, &item.solution.key) {
        (Interaction::Choice { multiple, fixed_order, options }, Key::Choice { correct, weights }) => {
            let fractions = key_fractions(options.len(), correct, weights.as_deref(), *multiple);
            let option = |(index, (text, fraction)): (usize, (&RichText, Fraction))| DraftOption {
                text: rich_draft(text),
                fraction,
                feedback: said(index),
            };
            DraftBody::Choice {
                multiple: Some(*multiple),
                fixed_order: *fixed_order,
                options: options.iter().zip(fractions).enumerate().map(option).collect(),
                weighted: weights.is_some(),
            }
        }
        (_, Key::TrueFalse { correct }) => DraftBody::TrueFalse { correct: *correct, feedback: [said(0), said(1)] },
        (_, Key::Numeric { accepted }) => DraftBody::Numeric {
            accepted: accepted
                .iter()
                .enumerate()
                .map(|(index, NumericAnswer { value, tolerance, fraction })| DraftNumber {
                    value: *value,
                    tolerance: *tolerance,
                    fraction: *fraction,
                    feedback: said(index),
                })
                .collect(),
        },
        (_, Key::ShortText { accepted, case_sensitive, wildcards }) => DraftBody::ShortText {
            accepted: accepted
                .iter()
                .enumerate()
                .map(|(index, TextAnswer { text, fraction })| DraftAnswer {
                    text: text.clone(),
                    fraction: *fraction,
                    feedback: said(index),
                })
                .collect(),
            case_sensitive: *case_sensitive,
            wildcards: *wildcards,
        },
        (Interaction::Ordering { entries }, Key::Ordering { order }) => DraftBody::Ordering {
            entries: order.iter().map(|index| rich_draft(&entries[usize::from(*index)])).collect(),
        },
        (Interaction::Matching { left, right }, Key::Matching { targets }) => {
            let right: Vec<DraftText> =
                right.iter().map(|text| DraftText::plain(to_plain(text.as_html()).text)).collect();
            let pair = |(left, target): (&RichText, &u8)| (rich_draft(left), right[usize::from(*target)].clone());
            let free = |index: &usize| !targets.iter().any(|target| usize::from(*target) == *index);
            DraftBody::Matching {
                pairs: left.iter().zip(targets).map(pair).collect(),
                distractors: (0..right.len()).filter(free).map(|index| right[index].clone()).collect(),
            }
        }
        other => panic!("no such item: {other:?}"),
    };
    let mut draft = ItemDraft::new(rich_draft(&item.prompt.stem), body);
    draft.code = Some(item.code.clone());
    draft.topic = item.topic.as_str().to_owned();
    draft.tags.clone_from(&item.tags);
    draft.explanation = item.solution.explanation.as_ref().map(rich_draft);
    draft
}
