//! Walking through large JSON without building a tree of it: elements are handed on as they are
//! read, so memory is bounded by the largest of them.

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Hands every element of a list to `take`, until it says no. False when `raw` is no list.
///
/// # Errors
/// The JSON is broken.
pub(super) fn elements<'a>(raw: &'a str, take: impl FnMut(usize, &'a str) -> bool) -> serde_json::Result<bool> {
    if !raw.trim_ascii_start().starts_with('[') {
        return Ok(false);
    }
    serde_json::Deserializer::from_str(raw).deserialize_seq(Elements(take)).map(|()| true)
}

/// Fields in their order, the first `fields_max` of them. Nothing when `raw` is no object.
///
/// # Errors
/// The JSON is broken.
pub(super) fn fields(raw: &str, fields_max: usize) -> serde_json::Result<Option<Vec<(String, &str)>>> {
    if !raw.trim_ascii_start().starts_with('{') {
        return Ok(None);
    }
    serde_json::Deserializer::from_str(raw).deserialize_map(Fields(fields_max)).map(Some)
}

struct Elements<F>(F);

impl<'de, F: FnMut(usize, &'de str) -> bool> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(raw) = list.next_element::<&'de RawValue>()? {
            if !(self.0)(index, raw.get()) {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
            index += 1;
        }
        Ok(())
    }
}

struct Fields(usize);

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
            if fields.len() < self.0 {
                fields.push((name, raw.get()));
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn lists_and_objects_are_walked_without_being_built() {
        let mut seen = Vec::new();
        assert!(
            elements(" [1, {\"a\": [2]}, \"x\"]", |index, raw| {
                seen.push((index, raw.to_owned()));
                index == 0
            })
            .unwrap()
        );
        assert_eq!(seen, [(0, "1".to_owned()), (1, "{\"a\": [2]}".to_owned())]);
        assert!(!elements("{}", |_, _| true).unwrap());
        assert!(elements("[1,", |_, _| true).is_err());
        assert_eq!(
            fields("{\"a\": 1, \"b\": [], \"c\": 2}", 2).unwrap().unwrap(),
            [("a".into(), "1"), ("b".into(), "[]")]
        );
        assert_eq!(fields("3", 2).unwrap(), None);
    }
}
