//! A bank that the tests know the keys of, and the solver: right and wrong responses to what a
//! learner is shown, found by the texts alone.

use super::generate;
use super::json::text;
use serde_json::{Value, json};
use std::collections::HashMap;

/// See the module.
#[derive(Clone, Debug)]
pub struct Bank {
    /// In our own JSON, as it is imported.
    pub json: Value,
    by_stem: HashMap<String, Value>,
}

impl Bank {
    /// A generated bank; see [`generate`].
    #[must_use]
    pub fn generated(per_kind: usize, canaries: bool) -> Self {
        Self::new(generate::bank(per_kind, canaries))
    }

    /// Of a file in our own JSON.
    #[must_use]
    pub fn new(json: Value) -> Self {
        let mut by_stem = HashMap::new();
        for item in json["items"].as_array().into_iter().flatten() {
            by_stem.insert(plain(text(&item["stem"])), item.clone());
        }
        Self { json, by_stem }
    }

    /// The items of this bank and another's.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.by_stem.extend(other.by_stem);
        self
    }

    /// Items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_stem.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_stem.is_empty()
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.json.to_string().into_bytes()
    }

    /// Every string that no learner may receive before release: codes, explanations, feedback, and
    /// the keys that are texts or numbers.
    #[must_use]
    pub fn canaries(&self) -> Vec<String> {
        let mut found = Vec::new();
        for item in self.json["items"].as_array().into_iter().flatten() {
            found.extend([&item["code"], &item["explanation"]].map(|value| text(value).to_owned()));
            let said = ["options", "accepted"].into_iter().flat_map(|list| item[list].as_array().into_iter().flatten());
            found.extend(said.filter_map(|part| part["feedback"].as_str()).map(str::to_owned));
            found.extend(item["feedback"].as_object().into_iter().flatten().map(|(_, words)| text(words).to_owned()));
            let accepted = item["accepted"].as_array().into_iter().flatten();
            found.extend(
                accepted.map(|part| part["text"].as_str().map_or_else(|| part["value"].to_string(), str::to_owned)),
            );
        }
        found
    }

    /// The item of a slot that a learner was shown.
    #[must_use]
    #[track_caller]
    pub fn item(&self, slot: &Value) -> &Value {
        let stem = plain(text(&slot["stem"]));
        self.by_stem.get(&stem).unwrap_or_else(|| panic!("no item of the bank asks {stem:?}"))
    }

    /// The right response.
    #[must_use]
    #[track_caller]
    pub fn right(&self, slot: &Value) -> Value {
        let item = self.item(slot);
        match text(&slot["kind"]) {
            "single_choice" | "multiple_choice" => json!({"choices": choices(item, slot, true)}),
            "true_false" => json!({"choices": [truth(slot, item["correct"] == true)]}),
            "numeric" => json!({"number": item["accepted"][0]["value"]}),
            "short_text" => json!({"text": item["accepted"][0]["text"]}),
            "ordering" => json!({"order": order(item, slot)}),
            "matching" => json!({"pairs": pairs(item, slot, 0)}),
            other => panic!("unknown kind {other}"),
        }
    }

    /// A response that earns nothing.
    #[must_use]
    #[track_caller]
    pub fn wrong(&self, slot: &Value) -> Value {
        let item = self.item(slot);
        match text(&slot["kind"]) {
            "single_choice" | "multiple_choice" => json!({"choices": &choices(item, slot, false)[..1]}),
            "true_false" => json!({"choices": [truth(slot, item["correct"] != true)]}),
            "numeric" => json!({"number": -1.5}),
            "short_text" => json!({"text": "绝不是这个"}),
            "ordering" => {
                let mut order = order(item, slot);
                order.rotate_left(1);
                json!({"order": order})
            }
            "matching" => json!({"pairs": pairs(item, slot, 1)}),
            other => panic!("unknown kind {other}"),
        }
    }
}

/// Text as a reader sees it: without tags, entities and doubled blanks.
fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            other if !in_tag => text.push(other),
            _ => {}
        }
    }
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", " "), ("&#39;", "'"), ("&amp;", "&")]
    {
        text = text.replace(entity, character);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The id of the shown entry (`options` or `targets`) with this text.
#[track_caller]
fn shown(slot: &Value, side: &str, words: &str) -> String {
    let wanted = plain(words);
    let found = list(&slot[side]).find(|entry| plain(text(&entry["text"])) == wanted);
    super::id(found.unwrap_or_else(|| panic!("{wanted:?} is not among the {side} of {slot}")))
}

#[track_caller]
fn choices(item: &Value, slot: &Value, right: bool) -> Vec<String> {
    let is_right = |option: &Value| option["correct"] == true || option["fraction"].as_f64().is_some_and(|f| f > 0.0);
    let wanted = list(&item["options"]).filter(|option| is_right(option) == right);
    let mut ids: Vec<String> = wanted.map(|option| shown(slot, "options", text(&option["text"]))).collect();
    ids.sort_unstable();
    ids
}

#[track_caller]
fn truth(slot: &Value, holds: bool) -> String {
    shown(slot, "options", if holds { "正确" } else { "错误" })
}

#[track_caller]
fn order(item: &Value, slot: &Value) -> Vec<String> {
    list(&item["entries"]).map(|entry| shown(slot, "options", text(entry))).collect()
}

/// Every left entry with the right one of the pair `shift` further on.
#[track_caller]
fn pairs(item: &Value, slot: &Value, shift: usize) -> Vec<[String; 2]> {
    let all: Vec<&Value> = list(&item["pairs"]).collect();
    let right = |index: usize| text(&all[(index + shift) % all.len()]["right"]);
    let pair = |(index, pair): (usize, &&Value)| {
        [shown(slot, "options", text(&pair["left"])), shown(slot, "targets", right(index))]
    };
    all.iter().enumerate().map(pair).collect()
}
