//! Moving a whole site from one back end into another: rows as plain values, and digests that tell whether
//! two tables hold the same.
//!
//! Tables and columns go by the names they have in PostgreSQL. Nothing lists them: each side asks its own
//! catalogue, and what is known on one side only stops the move.

use serde_json::Value as JsonValue;
use uuid::Uuid;

/// What a column holds, whichever back end it came from: ids are their sixteen bytes, times are milliseconds,
/// truth is 0 or 1, JSON is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A row, in the order of its table's columns.
pub type Row = Vec<Value>;

/// A column of a table to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether it holds JSON that the other side may write in its own way.
    pub is_json: bool,
}

/// A table to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
}

impl Table {
    /// The columns, for a statement.
    #[must_use]
    pub fn column_list(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// A value of this row that the other side cannot hold, told with its place.
    #[must_use]
    pub fn unfit(&self, row: &[Value]) -> Option<String> {
        let (column, value) = self.columns.iter().zip(row).find(|(column, value)| match value {
            Value::Text(text) => text.contains('\0') || (column.is_json && holds_nul(text)),
            _ => false,
        })?;
        let kind = if matches!(value, Value::Text(text) if text.contains('\0')) { "a text" } else { "JSON" };
        let key = row.first().map(shown).unwrap_or_default();
        Some(format!("{}.{} holds {kind} with a NUL character, in the row of {key}", self.name, column.name))
    }
}

/// An id or a number; never a text, which may be a name.
fn shown(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Bytes(bytes) => Uuid::from_slice(bytes).map_or_else(|_| "another key".to_owned(), |id| id.to_string()),
        Value::Text(_) | Value::Null => "another key".to_owned(),
    }
}

/// Only what may is read whole.
fn holds_nul(json: &str) -> bool {
    fn within(value: &JsonValue) -> bool {
        match value {
            JsonValue::String(text) => text.contains('\0'),
            JsonValue::Array(entries) => entries.iter().any(within),
            JsonValue::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || within(value)),
            _ => false,
        }
    }
    json.contains("\\u0000") && serde_json::from_str(json).is_ok_and(|value| within(&value))
}

/// What a table holds, in one number: the same rows in any order come to the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableDigest {
    /// How many.
    pub rows: u64,
    sum: [u64; 4],
}

impl TableDigest {
    /// Takes in a row.
    pub fn add(&mut self, table: &Table, row: &[Value]) {
        let mut hasher = blake3::Hasher::new();
        for (column, value) in table.columns.iter().zip(row) {
            match value {
                Value::Null => hash(&mut hasher, 0, &[]),
                Value::Int(number) => hash(&mut hasher, 1, &number.to_be_bytes()),
                Value::Text(text) if column.is_json => hash(&mut hasher, 2, canonical(text).as_bytes()),
                Value::Text(text) => hash(&mut hasher, 2, text.as_bytes()),
                Value::Bytes(bytes) => hash(&mut hasher, 3, bytes),
            }
        }
        let digest = hasher.finalize();
        for (sum, lane) in self.sum.iter_mut().zip(digest.as_bytes().chunks_exact(8)) {
            let lane = lane.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
            *sum = sum.wrapping_add(lane);
        }
        self.rows += 1;
    }
}

fn hash(hasher: &mut blake3::Hasher, kind: u8, bytes: &[u8]) {
    hasher.update(&[kind]);
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

/// JSON as text that does not depend on who wrote it: members in order, no spaces, each number in one form.
fn canonical(json: &str) -> String {
    serde_json::from_str::<JsonValue>(json).map_or_else(|_| json.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let column = |name: &str, is_json| Column { name: name.to_owned(), is_json };
        Table {
            name: "exams".to_owned(),
            columns: vec![column("id", false), column("body", true), column("code", false)],
        }
    }

    fn row(id: u8, body: &str, code: &str) -> Row {
        vec![Value::Bytes(vec![id; 16]), Value::Text(body.to_owned()), Value::Text(code.to_owned())]
    }

    fn digest(rows: &[Row]) -> TableDigest {
        let (table, mut digest) = (table(), TableDigest::default());
        rows.iter().for_each(|row| digest.add(&table, row));
        digest
    }

    #[test]
    fn the_same_rows_come_to_the_same_and_others_do_not() {
        let (one, two) = (row(1, r#"{"b":1.5,"a":[1e2]}"#, "x"), row(2, "{}", "y"));
        let told_otherwise = row(1, r#"{"a": [100.0], "b": 1.50}"#, "x");
        assert_eq!(digest(&[one.clone(), two.clone()]), digest(&[two.clone(), told_otherwise]));
        let all = [
            vec![one.clone()],
            vec![one.clone(), one.clone()],
            vec![row(1, r#"{"b":1.5,"a":[1]}"#, "x"), two.clone()],
            vec![one.clone(), row(2, "{}", "Y")],
            vec![one, vec![Value::Bytes(vec![2; 16]), Value::Null, Value::Text("y".to_owned())]],
        ];
        for rows in &all {
            assert_ne!(digest(rows), digest(&[row(1, r#"{"b":1.5,"a":[100.0]}"#, "x"), two.clone()]), "{rows:?}");
        }
    }

    #[test]
    fn what_the_other_side_cannot_hold_is_told_with_its_place_and_not_with_its_text() {
        let table = table();
        assert_eq!(table.unfit(&row(1, r#"{"a":"\\u0000"}"#, "fine")), None);
        for wrong in [row(1, "{}", "secret\0"), row(1, r#"{"a":["secret\u0000"]}"#, "fine"), row(1, "\0", "secret")] {
            let told = table.unfit(&wrong).unwrap_or_default();
            assert!(told.starts_with("exams.") && told.contains("01010101-0101") && !told.contains("secret"), "{told}");
        }
    }
}
