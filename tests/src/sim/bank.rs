//! Small banks with every kind of item, and their corrections.

use super::rng::Rng;
use question_bank::{
    Difficulty, Fraction, Interaction, Item, Key, NumericAnswer, Pool, Prompt, RichText, Snapshot, SnapshotError,
    Solution, TextAnswer, TopicPath,
};
use std::sync::Arc;

/// Stands in every explanation, feedback, tag and topic.
pub(crate) const SECRET: &str = "CANARY";
/// Stands in every accepted text; a learner who knows it writes it in lower case.
pub(crate) const SECRET_TEXT: &str = "SECRETWORD";
/// Begins every accepted number; a learner who knows it is a little off.
pub(crate) const SECRET_NUMBER: &str = "31415.92";

/// Items of all seven kinds, `rounds` of each.
pub(crate) fn items(rng: &mut Rng, rounds: usize) -> Vec<Item> {
    let kinds = [single, multiple, true_false, numeric, short_text, ordering, matching];
    let mut items = Vec::with_capacity(rounds * kinds.len());
    for round in 0..rounds {
        for (kind, make) in kinds.iter().enumerate() {
            let (interaction, key) = make(rng);
            items.push(item(format!("q{kind}-{round}"), rng, interaction, key));
        }
    }
    items
}

/// The same items, some of them with another key.
pub(crate) fn corrected(items: &[Item], rng: &mut Rng) -> Vec<Item> {
    let mut items = items.to_vec();
    for item in &mut items {
        if rng.percent(40) {
            correct(&mut item.solution.key, &item.prompt.interaction);
        }
    }
    items
}

pub(crate) fn pool(items: Vec<Item>) -> Result<Arc<Pool>, SnapshotError> {
    Ok(Arc::new(Pool::new(Arc::new(Snapshot::new(items)?))))
}

fn correct(key: &mut Key, interaction: &Interaction) {
    match (key, interaction) {
        (Key::Choice { correct, .. }, Interaction::Choice { multiple, options, .. }) => {
            let count = options.len() as u8;
            *correct = if *multiple { (0..count - 1).collect() } else { vec![(correct[0] + 1) % count] };
        }
        (Key::TrueFalse { correct }, _) => *correct = !*correct,
        (Key::Numeric { accepted }, _) => accepted.iter_mut().for_each(|answer| answer.tolerance += 2.0),
        (Key::Ordering { order }, _) => order.reverse(),
        (Key::Matching { targets }, _) => targets.rotate_left(1),
        _ => {}
    }
}

fn item(code: String, rng: &mut Rng, interaction: Interaction, key: Key) -> Item {
    let said = |what: &str| Some(RichText::from_plain(&format!("{SECRET} {what} {code}")));
    Item {
        topic: TopicPath::parse(&format!("{SECRET}/{}", rng.below(3))),
        difficulty: Difficulty::new(rng.between(1, 5) as u8).unwrap_or_default(),
        tags: vec![SECRET.into()],
        enemies: Vec::new(),
        points: None,
        prompt: Prompt { stem: RichText::from_plain(&format!("question {code}")), interaction },
        solution: Solution { key, explanation: said("explains"), feedback: vec![said("comments")] },
        code,
    }
}

fn texts(prefix: &str, count: u8) -> Vec<RichText> {
    (0..count).map(|index| RichText::from_plain(&format!("{prefix} {index}"))).collect()
}

fn single(rng: &mut Rng) -> (Interaction, Key) {
    let count = rng.between(2, 5) as u8;
    let interaction = Interaction::Choice { multiple: false, fixed_order: false, options: texts("option", count) };
    (interaction, Key::Choice { correct: vec![rng.below(u64::from(count)) as u8], weights: None })
}

fn multiple(rng: &mut Rng) -> (Interaction, Key) {
    let count = rng.between(3, 5) as u8;
    let first = rng.below(2) as u8;
    let interaction =
        Interaction::Choice { multiple: true, fixed_order: rng.percent(30), options: texts("option", count) };
    (interaction, Key::Choice { correct: (first..count).step_by(2).collect(), weights: None })
}

fn true_false(rng: &mut Rng) -> (Interaction, Key) {
    (Interaction::TrueFalse, Key::TrueFalse { correct: rng.percent(50) })
}

fn numeric(rng: &mut Rng) -> (Interaction, Key) {
    let value = 31_415.92 + rng.below(1_000) as f64 / 100_000_000.0;
    let accepted = vec![NumericAnswer { value, tolerance: 1.0, fraction: Fraction::FULL }];
    (Interaction::Numeric, Key::Numeric { accepted })
}

fn short_text(rng: &mut Rng) -> (Interaction, Key) {
    let text = format!("{SECRET_TEXT}{}", rng.below(100));
    let accepted = vec![TextAnswer { text, fraction: Fraction::FULL }];
    (Interaction::ShortText, Key::ShortText { accepted, case_sensitive: false, wildcards: false })
}

fn ordering(rng: &mut Rng) -> (Interaction, Key) {
    let count = rng.between(2, 4) as u8;
    let mut order: Vec<u8> = (0..count).collect();
    order.rotate_left(rng.below(u64::from(count)) as usize);
    (Interaction::Ordering { entries: texts("entry", count) }, Key::Ordering { order })
}

fn matching(rng: &mut Rng) -> (Interaction, Key) {
    let left = rng.between(1, 3) as u8;
    let right = left + 1;
    let targets = (0..left).map(|_| rng.below(u64::from(right)) as u8).collect();
    (Interaction::Matching { left: texts("left", left), right: texts("right", right) }, Key::Matching { targets })
}
