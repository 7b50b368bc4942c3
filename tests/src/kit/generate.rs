//! Generated banks: `per_kind` items of each kind, in our own JSON, nothing like any real question.
//!
//! Every stem holds a unique mark, so that the solver finds its item. With canaries every key that
//! is a text, every explanation, every feedback and every code holds a unique word that no learner
//! may receive before release; [`super::Bank::canaries`] lists them all.

use serde_json::{Value, json};

/// What every canary that is a text begins with.
pub const CANARY: &str = "canary-";
/// The first of the numbers that are keys; they are as good as canaries, for nothing else has seven digits.
const NUMBER_BASE: u64 = 7_310_000;

/// See the module.
#[must_use]
pub fn bank(per_kind: usize, canaries: bool) -> Value {
    let kinds = [single, multiple, true_false, numeric, short_text, ordering, matching];
    let word = if canaries { CANARY } else { "plain-" };
    let items: Vec<Value> = (0..per_kind * kinds.len())
        .map(|number| {
            let mut item = kinds[number % kinds.len()](number, word);
            let place = number / kinds.len();
            item["code"] = json!(format!("{word}code-{number:04}"));
            item["topic"] = json!(format!("综合/{}", ["甲", "乙"][place % 2]));
            item["difficulty"] = json!(1 + place % 5);
            item["explanation"] = json!(format!("解析 {word}explanation-{number:04}"));
            item
        })
        .collect();
    json!({"format": "keju-bank/1", "items": items})
}

fn stem(number: usize, what: &str) -> String {
    format!("第〔{number:04}〕题：{what}")
}

fn single(number: usize, word: &str) -> Value {
    options(number, word, "single_choice", "只有一项是对的。", |option| option == number % 4)
}

fn multiple(number: usize, word: &str) -> Value {
    options(number, word, "multiple_choice", "不止一项是对的。", |option| option != number % 4)
}

fn options(number: usize, word: &str, kind: &str, what: &str, is_right: impl Fn(usize) -> bool) -> Value {
    let options: Vec<Value> = (0..4)
        .map(|option| {
            json!({
                "text": format!("〔{number:04}〕的说法{}", ["子", "丑", "寅", "卯"][option]),
                "correct": is_right(option),
                "feedback": format!("反馈 {word}feedback-{number:04}-{option}"),
            })
        })
        .collect();
    json!({"kind": kind, "stem": stem(number, what), "options": options})
}

fn true_false(number: usize, word: &str) -> Value {
    let feedback = |side: &str| format!("反馈 {word}feedback-{number:04}-{side}");
    json!({
        "kind": "true_false", "stem": stem(number, "这句话是对的。"), "correct": number.is_multiple_of(2),
        "feedback": {"true": feedback("true"), "false": feedback("false")},
    })
}

fn numeric(number: usize, word: &str) -> Value {
    let feedback = format!("反馈 {word}feedback-{number:04}");
    let accepted = json!([{"value": NUMBER_BASE + number as u64, "tolerance": 0.5, "feedback": feedback}]);
    json!({"kind": "numeric", "stem": stem(number, "这个数是多少？"), "accepted": accepted})
}

fn short_text(number: usize, word: &str) -> Value {
    let feedback = format!("反馈 {word}feedback-{number:04}");
    let accepted = json!([{"text": format!("{word}answer-{number:04}"), "feedback": feedback}]);
    json!({"kind": "short_text", "stem": stem(number, "这个词是什么？"), "accepted": accepted})
}

fn ordering(number: usize, _word: &str) -> Value {
    let entries: Vec<String> = (1..=4).map(|place| format!("〔{number:04}〕第{place}步")).collect();
    json!({"kind": "ordering", "stem": stem(number, "按先后排列。"), "entries": entries})
}

fn matching(number: usize, _word: &str) -> Value {
    let pair =
        |side: usize| json!({"left": format!("〔{number:04}〕左{side}"), "right": format!("〔{number:04}〕右{side}")});
    let pairs: Vec<Value> = (1..=3).map(pair).collect();
    json!({
        "kind": "matching", "stem": stem(number, "一一配对。"), "pairs": pairs,
        "distractors": [format!("〔{number:04}〕右4")],
    })
}
