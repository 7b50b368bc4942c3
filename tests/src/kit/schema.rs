//! Messages held against the AsyncAPI document: the part of JSON Schema that the document is written in. A keyword
//! that is not known here is a failure, so that nothing passes by not being looked at.

use serde_json::Value;
use std::sync::OnceLock;

/// The messages of the document.
#[derive(Clone, Copy, Debug)]
pub struct Messages(&'static Value);

impl Messages {
    /// Those of the served document, which is made from the same types in every build.
    #[must_use]
    pub fn of_the_server() -> Self {
        static DOCUMENT: OnceLock<Value> = OnceLock::new();
        Self(DOCUMENT.get_or_init(ws_gateway::stream::asyncapi::document))
    }

    /// Fails unless the server may say this.
    #[track_caller]
    pub fn check_server(&self, message: &Value) {
        self.check("server", message);
    }

    /// Fails unless a client may say this.
    #[track_caller]
    pub fn check_client(&self, message: &Value) {
        self.check("client", message);
    }

    #[track_caller]
    fn check(&self, side: &str, message: &Value) {
        let all = self.0["components"]["messages"].as_object().expect("the document has messages");
        let named = all.iter().filter(|(id, entry)| id.starts_with(side) && entry["name"] == message["t"]);
        let mut faults = Vec::new();
        for (id, entry) in named {
            match fits(self.0, &entry["payload"], message, "") {
                Ok(()) => return,
                Err(fault) => faults.push(format!("{id}: {fault}")),
            }
        }
        panic!("no {side} may say {message}: {faults:?}");
    }
}

/// Whether a value fits a schema of the document; else what does not, and where.
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let Some(rules) = schema.as_object() else { return Err(format!("{place}: {schema} is no schema")) };
    for (keyword, rule) in rules {
        let fine = match keyword.as_str() {
            "$ref" => {
                let pointer = rule.as_str().unwrap_or_default().trim_start_matches('#');
                let target = document.pointer(pointer).ok_or_else(|| format!("{pointer} is not there"))?;
                fits(document, target, value, place)?;
                true
            }
            "allOf" => {
                for part in list(rule) {
                    fits(document, part, value, place)?;
                }
                true
            }
            "oneOf" => list(rule).any(|part| fits(document, part, value, place).is_ok()),
            "type" => {
                rule.as_str().is_some_and(|name| is(name, value))
                    || list(rule).filter_map(Value::as_str).any(|name| is(name, value))
            }
            "enum" => list(rule).any(|allowed| allowed == value),
            "required" => list(rule).filter_map(Value::as_str).all(|name| value.get(name).is_some()),
            "properties" => {
                for (name, schema) in rule.as_object().into_iter().flatten() {
                    if let Some(member) = value.get(name) {
                        fits(document, schema, member, &format!("{place}/{name}"))?;
                    }
                }
                true
            }
            "additionalProperties" if *rule == false => {
                let known = |name: &String| rules.get("properties").is_some_and(|known| known.get(name).is_some());
                value.as_object().is_none_or(|members| members.keys().all(known))
            }
            "items" => {
                for (index, entry) in list(value).enumerate() {
                    fits(document, rule, entry, &format!("{place}/{index}"))?;
                }
                true
            }
            "minimum" => value.as_f64().zip(rule.as_f64()).is_none_or(|(value, least)| value >= least),
            "format" if rule == "date-time" => {
                value.as_str().is_none_or(|text| exam_core::Timestamp::parse(text).is_some())
            }
            "format" if rule == "uuid" => value.as_str().is_none_or(|text| uuid::Uuid::try_parse(text).is_ok()),
            "format" | "description" | "example" | "examples" | "default" => true,
            other => return Err(format!("{place}: nobody checks {other}")),
        };
        if !fine {
            return Err(format!("{place}: {value} against {keyword} {rule}"));
        }
    }
    Ok(())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    }
}
