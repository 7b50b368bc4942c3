//! Small items for the tests of this crate.

use crate::{
    Difficulty, Fraction, Interaction, Item, Key, NumericAnswer, Pool, Prompt, RichText, Snapshot, Solution,
    TextAnswer, TopicPath,
};
use std::sync::Arc;

/// What no learner may see: in every key text, explanation, feedback and code of these samples.
pub(crate) const CANARY: &str = "CANARY";

fn item(code: &str, topic: &str, difficulty: u8, interaction: Interaction, key: Key) -> Item {
    Item {
        code: code.into(),
        topic: TopicPath::parse(topic),
        difficulty: Difficulty::new(difficulty).unwrap_or_default(),
        tags: vec![CANARY.into()],
        enemies: Vec::new(),
        points: None,
        prompt: Prompt { stem: RichText::from_plain(&format!("题干 {code}?")), interaction },
        solution: Solution {
            key,
            explanation: Some(RichText::from_plain(CANARY)),
            feedback: vec![Some(RichText::from_plain(CANARY))],
        },
    }
}

pub(crate) fn texts(texts: &[&str]) -> Vec<RichText> {
    texts.iter().map(|text| RichText::from_plain(text)).collect()
}

pub(crate) fn choice(
    code: &str,
    topic: &str,
    difficulty: u8,
    multiple: bool,
    options: &[&str],
    correct: &[u8],
) -> Item {
    let interaction = Interaction::Choice { multiple, fixed_order: false, options: texts(options) };
    item(code, topic, difficulty, interaction, Key::Choice { correct: correct.into(), weights: None })
}

pub(crate) fn single(code: &str, topic: &str, difficulty: u8) -> Item {
    choice(code, topic, difficulty, false, &["甲", "乙", "丙", "丁"], &[1])
}

pub(crate) fn multiple(code: &str, topic: &str, difficulty: u8) -> Item {
    choice(code, topic, difficulty, true, &["甲", "乙", "丙", "丁"], &[0, 2])
}

pub(crate) fn true_false(code: &str, topic: &str, difficulty: u8) -> Item {
    item(code, topic, difficulty, Interaction::TrueFalse, Key::TrueFalse { correct: false })
}

pub(crate) fn numeric(code: &str, topic: &str, difficulty: u8) -> Item {
    let accepted = vec![NumericAnswer { value: 0.3, tolerance: 0.1, fraction: Fraction::FULL }];
    item(code, topic, difficulty, Interaction::Numeric, Key::Numeric { accepted })
}

pub(crate) fn short_text(code: &str, topic: &str, difficulty: u8) -> Item {
    let accepted = vec![TextAnswer { text: CANARY.into(), fraction: Fraction::FULL }];
    let key = Key::ShortText { accepted, case_sensitive: false, wildcards: false };
    item(code, topic, difficulty, Interaction::ShortText, key)
}

pub(crate) fn ordering(code: &str, topic: &str, difficulty: u8) -> Item {
    let interaction = Interaction::Ordering { entries: texts(&["一", "二", "三"]) };
    item(code, topic, difficulty, interaction, Key::Ordering { order: vec![2, 0, 1] })
}

pub(crate) fn matching(code: &str, topic: &str, difficulty: u8) -> Item {
    let interaction =
        Interaction::Matching { left: texts(&["左一", "左二"]), right: texts(&["右一", "右二", "右三"]) };
    item(code, topic, difficulty, interaction, Key::Matching { targets: vec![2, 0] })
}

/// One item of every kind: codes `a` to `g`.
pub(crate) fn one_of_each() -> Vec<Item> {
    vec![
        single("a", "公需/法律", 3),
        multiple("b", "公需/法律", 3),
        true_false("c", "公需/法律", 3),
        numeric("d", "公需/法律", 3),
        short_text("e", "公需/法律", 3),
        ordering("f", "公需/法律", 3),
        matching("g", "公需/法律", 3),
    ]
}

#[expect(clippy::unwrap_used, reason = "tests")]
pub(crate) fn pool(items: Vec<Item>) -> Pool {
    Pool::new(Arc::new(Snapshot::new(items).unwrap()))
}
