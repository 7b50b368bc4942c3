//! The AsyncAPI document: made from the types of [`super::wire`], so that it says what is said.

use super::SUBPROTOCOL;
use super::wire::{AnyOut, AttemptIn, AttemptOut, ChallengeOut, HelloIn, LessonIn, LessonOut, ProctorOut, ReceiptOut};
use crate::limits::FRAME_BYTES_MAX;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// One side's words on one subject.
struct Vocabulary {
    subject: &'static str,
    /// Whether the server says them.
    from_server: bool,
    /// Name of each message, and its schema.
    messages: Vec<(String, Value)>,
}

/// `GET /asyncapi.json`.
pub async fn serve() -> impl IntoResponse {
    axum::Json(document())
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Map::new();
    let vocabularies = [
        vocabulary::<HelloIn>("any", false, &mut schemas),
        vocabulary::<AnyOut>("any", true, &mut schemas),
        vocabulary::<LessonIn>("lesson", false, &mut schemas),
        vocabulary::<LessonOut>("lesson", true, &mut schemas),
        vocabulary::<ChallengeOut>("lesson", true, &mut schemas),
        vocabulary::<AttemptIn>("attempt", false, &mut schemas),
        vocabulary::<AttemptOut<'_>>("attempt", true, &mut schemas),
        vocabulary::<ReceiptOut>("attempt", true, &mut schemas),
        vocabulary::<ProctorOut<'_>>("proctor", true, &mut schemas),
    ];
    let (mut messages, mut in_channel, mut operations) = (Map::new(), Map::new(), Map::new());
    for vocabulary in vocabularies {
        let side = if vocabulary.from_server { "server" } else { "client" };
        let operation = format!("{side}_{}", vocabulary.subject);
        let listed = operations.entry(operation).or_insert_with(|| operation_of(&vocabulary));
        for (name, payload) in vocabulary.messages {
            let id = format!("{side}_{}_{name}", vocabulary.subject);
            let summary = payload.get("description").cloned().unwrap_or_default();
            in_channel.insert(id.clone(), json!({"$ref": format!("#/components/messages/{id}")}));
            if let Some(list) = listed["messages"].as_array_mut() {
                list.push(json!({"$ref": format!("#/channels/stream/messages/{id}")}));
            }
            messages.insert(id, json!({"name": name, "summary": summary, "payload": payload}));
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Keju 科举: the stream",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!(
                "Text frames of subprotocol `{SUBPROTOCOL}`, one JSON object each, `t` first, at most {FRAME_BYTES_MAX} \
                 bytes. The first message is `hello` with a ticket of `POST /api/v1/tickets`; what the ticket is for \
                 decides what follows. Close codes: 1008 flood, 1009 too big, 1012 restarting, 1013 slow reader or \
                 busy, 4400 malformed, 4401 bad or used ticket or signed out, 4403 not allowed, 4408 no hello, 4409 \
                 taken over, 4429 too many connections. 44xx are final; after any other come back with `resume`."
            ),
            "license": {"name": "Apache-2.0 OR MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {"stream": {
            "address": "/api/v1/stream",
            "messages": in_channel,
            "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        }},
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    })
}

fn operation_of(vocabulary: &Vocabulary) -> Value {
    let action = if vocabulary.from_server { "send" } else { "receive" };
    json!({"action": action, "channel": {"$ref": "#/channels/stream"}, "messages": []})
}

fn vocabulary<T: ToSchema>(subject: &'static str, from_server: bool, schemas: &mut Map<String, Value>) -> Vocabulary {
    let mut named = Vec::new();
    T::schemas(&mut named);
    for (name, schema) in named {
        schemas.insert(name, json!(schema));
    }
    let schema = json!(T::schema());
    let variants = schema["oneOf"].as_array().cloned().unwrap_or_else(|| vec![schema]);
    let messages = variants.into_iter().map(message).collect();
    Vocabulary { subject, from_server, messages }
}

/// A variant's schema with its name; closed, unless it is made of several.
fn message(mut schema: Value) -> (String, Value) {
    let name = tag(&schema).unwrap_or_default();
    if let Some(object) = schema.as_object_mut().filter(|object| !object.contains_key("allOf")) {
        object.insert("additionalProperties".to_owned(), json!(false));
    }
    (name, schema)
}

/// The one value of `t`.
fn tag(schema: &Value) -> Option<String> {
    let own = schema["properties"]["t"]["enum"][0].as_str().map(str::to_owned);
    own.or_else(|| schema["allOf"].as_array()?.iter().find_map(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_a_name_and_words() {
        let document = document();
        let messages = document["components"]["messages"].as_object().cloned().unwrap_or_default();
        assert!(messages.len() > 12, "{messages:?}");
        for (id, message) in messages {
            assert!(message["name"].as_str().is_some_and(|name| !name.is_empty()), "{id}");
            assert!(message["summary"].as_str().is_some_and(|words| !words.is_empty()), "{id} has no words");
        }
    }

    #[test]
    fn references_resolve() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
