//! Everything wrong with a JSON body at once: by the schema that the API document shows for it.
//!
//! Reading a body by `serde` stops at the first mistake. Only a body that does not read comes here, so
//! that a client is told all of them together. What the schema cannot say (the form of a name, a rule
//! between fields) is added by the reader's own word, see `extract`.

use exam_core::Timestamp;
use exam_service::FieldFault;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Faults reported at most: a body of a million wrong entries is not answered with a million lines.
const FAULTS_MAX: usize = 100;
/// Schemas within schemas; ours are four deep.
const DEPTH_MAX: usize = 16;

/// The faults of `value` as a body of type `T`, in the order of its fields.
#[must_use]
pub fn faults<T: ToSchema>(value: &Value) -> Vec<FieldFault> {
    let mut named = Vec::new();
    T::schemas(&mut named);
    let schemas = named
        .into_iter()
        .filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?)))
        .collect::<Map<String, Value>>();
    let Ok(schema) = serde_json::to_value(T::schema()) else { return Vec::new() };
    let mut walk = Walk { schemas, found: Vec::new() };
    walk.value(&schema, value, &mut String::new(), 0);
    walk.found
}

/// What is said of a NUL character.
pub const NUL: &str = "不能包含空字符（U+0000），请去掉 / a NUL character (U+0000) cannot be kept: leave it out";

/// The texts of `value` that hold a NUL character.
#[must_use]
pub fn nuls(value: &Value) -> Vec<FieldFault> {
    let mut found = Vec::new();
    look_for_nuls(value, &mut String::new(), &mut found);
    found
}

fn look_for_nuls(value: &Value, pointer: &mut String, found: &mut Vec<FieldFault>) {
    if found.len() >= FAULTS_MAX {
        return;
    }
    match value {
        Value::String(text) if text.contains('\0') => found.push(FieldFault::new(pointer.as_str(), NUL)),
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                within(pointer, &index.to_string(), |pointer| look_for_nuls(entry, pointer, found));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                // In the name itself: it is shown without it.
                let shown = pointer_name(&name.replace('\0', ""));
                within(pointer, &shown, |pointer| {
                    if name.contains('\0') {
                        found.push(FieldFault::new(pointer.as_str(), NUL));
                    }
                    look_for_nuls(member, pointer, found);
                });
            }
        }
        _ => {}
    }
}

/// The name of a member within a JSON pointer.
#[must_use]
pub fn pointer_name(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Walk {
    schemas: Map<String, Value>,
    found: Vec<FieldFault>,
}

impl Walk {
    fn fault(&mut self, pointer: &str, detail: String) {
        if self.found.len() < FAULTS_MAX {
            self.found.push(FieldFault::new(pointer, detail));
        }
    }

    fn value(&mut self, schema: &Value, value: &Value, pointer: &mut String, depth: usize) {
        if depth == DEPTH_MAX {
            return;
        }
        if let Some(target) = schema["$ref"].as_str() {
            let name = target.rsplit('/').next().unwrap_or_default();
            if let Some(target) = self.schemas.get(name).cloned() {
                self.value(&target, value, pointer, depth + 1);
            }
            return;
        }
        if ["oneOf", "anyOf", "allOf"].iter().any(|name| schema.get(name).is_some()) {
            return self.one_of(schema, value, pointer, depth);
        }
        let allowed = types(schema);
        if !allowed.is_empty() && !allowed.iter().any(|name| is_of(value, name)) {
            let wanted = allowed.iter().map(|name| type_in_words(name)).collect::<Vec<_>>();
            let (chinese, english): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
            return self.fault(pointer, format!("应为{} / expected {}", chinese.join("或"), english.join(" or ")));
        }
        match value {
            Value::Object(members) => self.object(schema, members, pointer, depth),
            Value::Array(entries) => self.array(schema, entries, pointer, depth),
            Value::String(text) => self.text(schema, text, pointer),
            Value::Number(_) => self.number(schema, value, pointer),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// `null` or one other schema is how an optional reference is written; of real alternatives the
    /// reader's own word has to do.
    fn one_of(&mut self, schema: &Value, value: &Value, pointer: &mut String, depth: usize) {
        let alternatives = ["oneOf", "anyOf", "allOf"].iter().filter_map(|name| schema[*name].as_array()).flatten();
        let real: Vec<&Value> = alternatives.filter(|schema| schema["type"] != "null").collect();
        if let [only] = real.as_slice()
            && !value.is_null()
        {
            self.value(only, value, pointer, depth + 1);
        }
    }

    fn object(&mut self, schema: &Value, members: &Map<String, Value>, pointer: &mut String, depth: usize) {
        let Some(properties) = schema["properties"].as_object() else { return };
        for (name, property) in properties {
            if let Some(member) = members.get(name) {
                within(pointer, &pointer_name(name), |pointer| self.value(property, member, pointer, depth + 1));
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !members.contains_key(*name)) {
            within(pointer, &pointer_name(name), |pointer| {
                self.fault(pointer, "缺少此字段 / this field is missing".to_owned());
            });
        }
        if schema["additionalProperties"] == false {
            for name in members.keys().filter(|name| !properties.contains_key(*name)) {
                within(pointer, &pointer_name(name), |pointer| {
                    self.fault(pointer, "未知字段，请去掉 / unknown field: leave it out".to_owned());
                });
            }
        }
    }

    fn array(&mut self, schema: &Value, entries: &[Value], pointer: &mut String, depth: usize) {
        for (index, entry) in entries.iter().enumerate() {
            if self.found.len() >= FAULTS_MAX {
                return;
            }
            within(pointer, &index.to_string(), |pointer| self.value(&schema["items"], entry, pointer, depth + 1));
        }
    }

    fn text(&mut self, schema: &Value, text: &str, pointer: &str) {
        if let Some(names) = schema["enum"].as_array() {
            if !names.iter().any(|name| name == text) {
                let names = names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
                self.fault(pointer, format!("应为下列之一：{names} / expected one of: {names}"));
            }
            return;
        }
        match schema["format"].as_str() {
            Some("uuid") if uuid::Uuid::try_parse(text).is_err() => {
                self.fault(pointer, "应为 UUID / expected a UUID".to_owned());
            }
            Some("date-time") if Timestamp::parse(text).is_none() => {
                let detail = "应为 RFC 3339 时间，如 2023-12-31T15:59:59.000Z / expected a time such as 2023-12-31T15:59:59.000Z";
                self.fault(pointer, detail.to_owned());
            }
            _ => {}
        }
    }

    fn number(&mut self, schema: &Value, value: &Value, pointer: &str) {
        let too_small = schema["minimum"].as_f64().zip(value.as_f64()).is_some_and(|(least, number)| number < least);
        if too_small {
            let least = &schema["minimum"];
            self.fault(pointer, format!("不能小于 {least} / give at least {least}"));
        }
    }
}

/// Calls `then` with the pointer to a member or entry.
fn within(pointer: &mut String, name: &str, then: impl FnOnce(&mut String)) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(name);
    then(pointer);
    pointer.truncate(length);
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn type_in_words(name: &str) -> (&'static str, &'static str) {
    match name {
        "null" => (" null", "null"),
        "boolean" => (" true 或 false", "true or false"),
        "integer" => ("整数", "an integer"),
        "number" => ("数字", "a number"),
        "string" => ("字符串", "a string"),
        "array" => ("列表", "a list"),
        _ => ("对象", "an object"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(serde::Deserialize, ToSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        number: i64,
        name: Option<String>,
    }

    #[derive(serde::Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Outer {
        id: uuid::Uuid,
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        list: Vec<Inner>,
        one: Option<Inner>,
        count: u32,
        on: bool,
    }

    fn pointers(value: &Value) -> Vec<String> {
        let mut found: Vec<String> = faults::<Outer>(value).into_iter().map(|fault| fault.pointer).collect();
        found.sort();
        found
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let wrong = json!({"id": "x", "at": "yesterday", "list": [{"number": 1.5}, 7, {"name": 3}], "one": {"number": "1"},
            "count": -1, "a/b": 1});
        let expected = [
            "/at",
            "/a~1b",
            "/count",
            "/id",
            "/list/0/number",
            "/list/1",
            "/list/2/name",
            "/list/2/number",
            "/on",
            "/one/number",
        ];
        assert_eq!(pointers(&wrong), expected);
    }

    #[test]
    fn a_good_body_has_none() {
        let good = json!({"id": uuid::Uuid::nil(), "at": "2023-12-31T15:59:59Z", "list": [{"number": 1, "name": null}],
            "one": null, "count": 0, "on": false});
        assert_eq!(pointers(&good), [""; 0]);
        assert_eq!(pointers(&json!([])), [""]);
    }

    #[test]
    fn nul_characters_are_found_wherever_they_are() {
        let value = json!({"a/b": ["x", "y\0"], "n\0": 1, "deep": {"er": {"c": "\0"}}, "fine": "\\u0000"});
        let mut found: Vec<String> = nuls(&value).into_iter().map(|fault| fault.pointer).collect();
        found.sort();
        assert_eq!(found, ["/a~1b/1", "/deep/er/c", "/n"]);
    }

    #[test]
    fn a_flood_of_faults_is_cut() {
        let list: Vec<Value> = (0..10_000).map(Value::from).collect();
        assert_eq!(faults::<Outer>(&json!({"list": list})).len(), FAULTS_MAX);
        assert_eq!(nuls(&json!(vec!["\0"; 10_000])).len(), FAULTS_MAX);
    }
}
