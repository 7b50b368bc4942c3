//! The bank that a run makes for itself, and its solver. Keys follow from the number in a stem and the
//! run's word, so that nothing has to be kept; texts that no learner may receive before release hold the
//! run's canary.

use serde_json::{Value, json};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bank {
    canary: String,
    items_per_kind: u32,
}

/// Kinds of items, in the order of their numbers.
pub const KINDS: [&str; 5] = ["true_false", "single_choice", "multiple_choice", "numeric", "short_text"];

const SAYINGS: [&str; 4] = ["子", "丑", "寅", "卯"];

impl Bank {
    /// Of a run: `canary` is a word of its own.
    #[must_use]
    pub fn new(canary: &str, items_per_kind: u32) -> Self {
        Self { canary: canary.to_owned(), items_per_kind }
    }

    /// As it is imported.
    #[must_use]
    pub fn json(&self) -> Value {
        let items: Vec<Value> = (0..self.len()).map(|number| self.item(number)).collect();
        json!({"format": "keju-bank/1", "items": items})
    }

    /// The codes of all items.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        (0..self.len()).map(|number| self.code(number)).collect()
    }

    fn code(&self, number: u32) -> String {
        format!("{}-{number}", self.canary)
    }

    /// Items.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.items_per_kind * KINDS.len() as u32
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number that nothing else has, from which keys are made.
    fn secret(&self, number: u32) -> u64 {
        // FNV-1a: any spread will do.
        let bytes = self.canary.bytes().chain(number.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    fn item(&self, number: u32) -> Value {
        let canary = &self.canary;
        let kind = KINDS[number as usize % KINDS.len()];
        let mut item = json!({
            "code": self.code(number), "kind": kind, "topic": "压测", "difficulty": 1 + number % 5,
            "stem": format!("〔{number}〕压力测试用题，与任何真实试题无关。请作答。"),
            "explanation": format!("解析 {canary}"),
        });
        match kind {
            "true_false" => item["correct"] = json!(self.holds(number)),
            "numeric" => item["accepted"] = json!([{"value": self.value(number), "tolerance": 0.5}]),
            "short_text" => {
                // A learner's own right answer is shown to the learner again: the canary is in another one.
                item["accepted"] = json!([{"text": self.word(number)}, {"text": format!("{canary} {number}")}]);
            }
            _ => {
                let option = |index: usize| {
                    let text = format!("〔{number}〕的说法{}", SAYINGS[index]);
                    json!({"text": text, "correct": self.is_right(number, kind, index), "feedback": canary})
                };
                item["options"] = (0..4).map(option).collect();
            }
        }
        item
    }

    fn holds(&self, number: u32) -> bool {
        self.secret(number).is_multiple_of(2)
    }

    fn value(&self, number: u32) -> u64 {
        1_000 + self.secret(number) % 9_000
    }

    fn word(&self, number: u32) -> String {
        format!("词{}", self.secret(number) % 1_000_000)
    }

    fn is_right(&self, number: u32, kind: &str, option: usize) -> bool {
        let odd_one = (self.secret(number) >> 7) as usize % 4;
        (option == odd_one) == (kind == "single_choice")
    }

    /// A response to a question as it was shown, right or wrong; `None` if it is none of this bank's.
    #[must_use]
    pub fn respond(&self, question: &Shown, right: bool) -> Option<Value> {
        let number = question.number;
        let option = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
            let mut ids: Vec<String> =
                question.options.iter().filter(|(_, text)| wanted(text)).map(|(id, _)| id.clone()).collect();
            ids.sort_unstable();
            ids
        };
        Some(match question.kind.as_str() {
            "true_false" => {
                let word = if self.holds(number) == right { "正确" } else { "错误" };
                json!({"choices": option(&|text| text == word)})
            }
            "single_choice" | "multiple_choice" => {
                let is_right = |text: &str| {
                    let index = SAYINGS.iter().position(|saying| text.ends_with(saying));
                    index.is_some_and(|index| self.is_right(number, &question.kind, index))
                };
                let mut choices = option(&|text| is_right(text) == right);
                if !right {
                    choices.truncate(1);
                }
                json!({"choices": choices})
            }
            "numeric" => json!({"number": if right { self.value(number) } else { 1 }}),
            "short_text" => json!({"text": if right { self.word(number) } else { "不是它".to_owned() }}),
            _ => return None,
        })
    }
}

/// A question as a learner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// From one; 0 in a lesson.
    pub slot: u32,
    /// Of the item in the bank, from its stem.
    pub number: u32,
    /// Such as `single_choice`.
    pub kind: String,
    /// Id and text, in the order shown.
    pub options: Vec<(String, String)>,
    /// Hundredths.
    pub points: i64,
}

impl Shown {
    /// Reads a slot of a paper, or a challenge.
    #[must_use]
    pub fn read(slot: &Value) -> Option<Self> {
        let stem = slot["stem"].as_str()?;
        let number = stem.split_once('〔')?.1.split_once('〕')?.0.parse().ok()?;
        let text = |value: &Value| value.as_str().map(plain);
        let mut options = Vec::new();
        for option in slot["options"].as_array().into_iter().flatten() {
            options.push((option["id"].as_str()?.to_owned(), text(&option["text"])?));
        }
        Some(Self {
            slot: slot["slot"].as_u64().and_then(|slot| u32::try_from(slot).ok()).unwrap_or(0),
            number,
            kind: slot["kind"].as_str()?.to_owned(),
            options,
            points: (slot["points"].as_f64().unwrap_or(0.0) * 100.0).round() as i64,
        })
    }
}

/// Without tags.
fn plain(html: &str) -> String {
    let mut inside = false;
    let kept = html.chars().filter(|character| {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            _ => return !inside,
        }
        false
    });
    kept.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn every_key_holds_the_canary_or_follows_from_it() {
        let bank = Bank::new("canary-1", 40);
        let json = bank.json();
        let items = json["items"].as_array().unwrap();
        assert_eq!(items.len(), 200);
        for item in items {
            assert!(item["explanation"].as_str().unwrap().contains("canary-1"));
            assert!(!item["stem"].as_str().unwrap().contains("canary-1"));
        }
        assert_ne!(json, Bank::new("canary-2", 40).json());
        let right = items.iter().filter(|item| item["correct"] == true).count();
        assert!((5..=35).contains(&right), "true and false are both there: {right} of 40");
    }

    #[test]
    fn the_solver_finds_the_key_in_what_is_shown() {
        let bank = Bank::new("canary-1", 10);
        for number in 0..bank.len() {
            let item = bank.item(number);
            let kind = item["kind"].as_str().unwrap();
            let mut slot = json!({"slot": 1, "kind": kind, "points": 5, "stem": item["stem"]});
            let texts: Vec<Value> = match kind {
                "true_false" => vec![json!("正确"), json!("错误")],
                "numeric" | "short_text" => vec![],
                _ => item["options"].as_array().unwrap().iter().rev().map(|option| option["text"].clone()).collect(),
            };
            let shown = texts.iter().enumerate().map(|(i, text)| json!({"id": format!("o{}", i + 1), "text": text}));
            slot["options"] = shown.collect();
            let question = Shown::read(&slot).unwrap();
            assert_eq!((question.number, question.points), (number, 500));
            let (right, wrong) = (bank.respond(&question, true).unwrap(), bank.respond(&question, false).unwrap());
            assert_ne!(right, wrong);
            match kind {
                "numeric" => assert_eq!(right["number"], item["accepted"][0]["value"]),
                "short_text" => assert_eq!(right["text"], item["accepted"][0]["text"]),
                "true_false" => assert_eq!(right["choices"][0] == "o1", item["correct"] == true),
                _ => {
                    let correct = item["options"].as_array().unwrap().iter().filter(|o| o["correct"] == true).count();
                    assert_eq!(right["choices"].as_array().unwrap().len(), correct);
                }
            }
        }
    }
}
