//! Taking the fields of an object one by one; what is left over is unknown.

use crate::Fraction;
use crate::draft::DraftText;
use crate::formats::{Finding, FindingCode};
use serde_json::{Map, Value};

/// The fields of one object that have not been taken yet.
pub(super) struct Fields {
    map: Map<String, Value>,
    /// The object's place within its item, such as `/options/0`.
    at: String,
}

impl Fields {
    /// Of an object; anything else is refused.
    pub(super) fn of(value: Value, at: &str) -> Result<Self, Finding> {
        match value {
            Value::Object(map) => Ok(Self { map, at: at.to_owned() }),
            _ => Err(Finding::new(FindingCode::FieldInvalid, if at.is_empty() { "/" } else { at })),
        }
    }

    /// `null` is absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    fn invalid(&self, name: &str) -> Finding {
        Finding::new(FindingCode::FieldInvalid, format!("{}/{name}", self.at))
    }

    pub(super) fn string(&mut self, name: &str) -> Result<Option<String>, Finding> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(name)),
        }
    }

    /// HTML; blank when absent, which validation tells in its own words.
    pub(super) fn html(&mut self, name: &str) -> Result<DraftText, Finding> {
        Ok(DraftText::html(self.string(name)?.unwrap_or_default()))
    }

    pub(super) fn html_if_any(&mut self, name: &str) -> Result<Option<DraftText>, Finding> {
        Ok(self.string(name)?.map(DraftText::html))
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Finding> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.invalid(name)),
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, Finding> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => {
                value.as_f64().filter(|number| number.is_finite()).map(Some).ok_or_else(|| self.invalid(name))
            }
        }
    }

    /// A string or a number, as text.
    pub(super) fn word(&mut self, name: &str) -> Result<Option<String>, Finding> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(self.invalid(name)),
        }
    }

    /// Empty when absent.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Value>, Finding> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(self.invalid(name)),
        }
    }

    pub(super) fn strings(&mut self, name: &str) -> Result<Vec<String>, Finding> {
        let list = self.list(name)?;
        list.into_iter()
            .map(|value| match value {
                Value::String(text) => Ok(text),
                _ => Err(self.invalid(name)),
            })
            .collect()
    }

    /// Every object of a list, taken apart by `read`, which must leave no field.
    pub(super) fn each<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Self) -> Result<T, Finding>,
    ) -> Result<Vec<T>, Finding> {
        let list = self.list(name)?;
        let one = |(index, value)| {
            let mut fields = Self::of(value, &format!("{}/{name}/{index}", self.at))?;
            let read = read(&mut fields)?;
            fields.finish().map(|()| read)
        };
        list.into_iter().enumerate().map(one).collect()
    }

    /// An object within the object, or an empty one.
    pub(super) fn object(&mut self, name: &str) -> Result<Self, Finding> {
        let value = self.take(name).unwrap_or_else(|| Value::Object(Map::new()));
        Self::of(value, &format!("{}/{name}", self.at))
    }

    /// A share in percent, within −100 and 100.
    pub(super) fn fraction(&mut self) -> Result<Option<Fraction>, Finding> {
        match self.number("fraction")? {
            Some(percent) if !(-100.0..=100.0).contains(&percent) => {
                Err(Finding::new(FindingCode::FractionInvalid, percent.to_string()))
            }
            percent => Ok(percent.map(Fraction::from_percent)),
        }
    }

    /// Refuses what nobody has taken.
    pub(super) fn finish(self) -> Result<(), Finding> {
        if self.map.is_empty() {
            return Ok(());
        }
        const NAMED_MAX: usize = 5;
        let names: Vec<String> =
            self.map.keys().take(NAMED_MAX).map(|name| format!("{}/{}", self.at, pointer_name(name))).collect();
        Err(Finding::new(FindingCode::UnknownField, names.join(" ")))
    }
}

/// A name as JSON pointers write it, not too long for a message.
fn pointer_name(name: &str) -> String {
    const CHARS_MAX: usize = 40;
    name.chars().take(CHARS_MAX).collect::<String>().replace('~', "~0").replace('/', "~1")
}
