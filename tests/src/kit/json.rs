//! Small helpers over what the service answers.

use serde_json::{Value, json};

/// A string of an answer.
#[must_use]
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no string: {value}"))
}

/// The `id` of an answer.
#[must_use]
#[track_caller]
pub fn id(value: &Value) -> String {
    text(&value["id"]).to_owned()
}

/// The slots of an attempt's paper, section after section.
#[must_use]
#[track_caller]
pub fn slots(attempt: &Value) -> Vec<Value> {
    let sections = attempt["paper"]["sections"].as_array().unwrap_or_else(|| panic!("no paper: {attempt}"));
    sections.iter().flat_map(|section| section["slots"].as_array().cloned().unwrap_or_default()).collect()
}

/// The number of a slot.
#[must_use]
#[track_caller]
pub fn number(slot: &Value) -> u64 {
    slot["slot"].as_u64().unwrap_or_else(|| panic!("no slot: {slot}"))
}

/// The names of an object's members, sorted.
#[must_use]
#[track_caller]
pub fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// `value` with everything at the pointers replaced by the word after them; `*` stands for every
/// member of a list or an object. For snapshots: what differs from run to run is named, not shown.
#[must_use]
pub fn redacted(mut value: Value, pointers: &[(&str, &str)]) -> Value {
    for (pointer, word) in pointers {
        let path: Vec<&str> = pointer.split('/').skip(1).collect();
        redact(&mut value, &path, word);
    }
    value
}

fn redact(value: &mut Value, path: &[&str], word: &str) {
    let Some((first, rest)) = path.split_first() else {
        *value = json!(format!("[{word}]"));
        return;
    };
    match value {
        Value::Array(list) if *first == "*" => list.iter_mut().for_each(|value| redact(value, rest, word)),
        Value::Object(object) if *first == "*" => object.values_mut().for_each(|value| redact(value, rest, word)),
        Value::Object(object) => {
            if let Some(value) = object.get_mut(*first) {
                redact(value, rest, word);
            }
        }
        _ => {}
    }
}

/// Lays the members of `over` over those of `under`, deeply; `null` takes a member away.
pub fn lay_over(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                if value.is_null() {
                    under.remove(name);
                } else {
                    lay_over(under.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}
