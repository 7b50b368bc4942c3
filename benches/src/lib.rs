//! What the benches share: a large bank without any real content, and a site over it.

pub mod client;
pub mod crowd;
pub mod database;
pub mod floors;
pub mod process;
pub mod site;

use question_bank::{
    Blueprint, Difficulty, Fraction, Interaction, Item, Key, Pool, Prompt, RichText, ScoringRule, Snapshot, Solution,
    TopicPath,
};
use serde_json::json;
use std::sync::Arc;

/// Topics of the bench bank; times five difficulties makes 60 strata.
const TOPICS: usize = 12;

/// A pool of choice items, evenly over 12 topics and 5 difficulties; every tenth item belongs to an
/// enemy group of five. A paper of 100 of them is about 59 kB for a learner.
///
/// # Panics
/// Never: the items are sound.
#[must_use]
#[expect(clippy::expect_used, reason = "the items are sound")]
pub fn pool(items: usize) -> Pool {
    let items = (0..items).map(item).collect();
    Pool::new(Arc::new(Snapshot::new(items).expect("sound items")))
}

fn item(number: usize) -> Item {
    let stem = format!("第 {number} 题：{}", "根据有关规定，下列关于专业技术人员继续教育的说法正确的是".repeat(2));
    let option = |letter: &str| RichText::from_plain(&format!("{letter}：{}", "应当按照规定参加学习并完成".repeat(2)));
    let multiple = number.is_multiple_of(2);
    let correct = if multiple { vec![0, 2] } else { vec![(number % 4) as u8] };
    let weights = [50.0, -50.0, 50.0, -50.0].map(Fraction::from_percent).to_vec();
    Item {
        code: format!("q{number:07}"),
        topic: TopicPath::parse(&format!("科目/章{}", number % TOPICS)),
        difficulty: Difficulty::new((number / TOPICS % 5) as u8 + 1).unwrap_or_default(),
        tags: Vec::new(),
        enemies: if number.is_multiple_of(10) { vec![format!("g{}", number / 50)] } else { Vec::new() },
        points: None,
        prompt: Prompt {
            stem: RichText::from_plain(&stem),
            interaction: Interaction::Choice {
                multiple,
                fixed_order: false,
                options: ["甲", "乙", "丙", "丁"].map(option).to_vec(),
            },
        },
        solution: Solution {
            key: Key::Choice { correct, weights: multiple.then_some(weights) },
            explanation: None,
            feedback: Vec::new(),
        },
    }
}

/// 100 slots: a quota for each of the 60 strata and 40 slots from everywhere, at most 10 items of
/// earlier papers, no item in more than a tenth of the papers.
///
/// # Panics
/// Never: the blueprint is sound.
#[must_use]
#[expect(clippy::expect_used, reason = "the blueprint is sound")]
pub fn blueprint(rule: ScoringRule) -> Blueprint {
    let quota = |number: usize| json!({"topic": format!("科目/章{}", number % TOPICS), "difficulty": number / TOPICS + 1, "count": 1});
    let quotas: Vec<_> = (0..60).map(quota).collect();
    serde_json::from_value(json!({
        "sections": [{"title": "选择题", "count": 100, "points": 2, "scoring": rule, "quotas": quotas}],
        "overlap_max": 10, "exposure_max": 0.1, "shuffle_options": true,
    }))
    .expect("a sound blueprint")
}
