//! Writes our own JSON.

use super::FORMAT;
use crate::{Fraction, Interaction, Item, Key, RichText};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

/// Writes a bank that [`super::read`] reads back without loss, one item per line.
#[must_use]
pub fn write(items: &[&Item]) -> String {
    let mut out = format!("{{\"format\":\"{FORMAT}\",\"items\":[");
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        // Strings, integers and finite floats only, so serializing cannot fail.
        out.push_str(&serde_json::to_string(&Written(item)).unwrap_or_default());
    }
    out.push_str("\n]}\n");
    out
}

struct Written<'a>(&'a Item);

#[derive(Serialize)]
struct Choice<'a> {
    text: &'a RichText,
    #[serde(skip_serializing_if = "is_false")]
    correct: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fraction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<&'a RichText>,
}

#[derive(Serialize)]
struct Feedback<'a> {
    #[serde(rename = "true", skip_serializing_if = "Option::is_none")]
    yes: Option<&'a RichText>,
    #[serde(rename = "false", skip_serializing_if = "Option::is_none")]
    no: Option<&'a RichText>,
}

#[derive(Serialize)]
struct Number<'a> {
    value: f64,
    #[serde(skip_serializing_if = "is_zero")]
    tolerance: f64,
    #[serde(skip_serializing_if = "is_full")]
    fraction: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<&'a RichText>,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "is_full")]
    fraction: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<&'a RichText>,
}

#[derive(Serialize)]
struct Pair<'a> {
    left: &'a RichText,
    right: &'a RichText,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn is_full(percent: &f64) -> bool {
    *percent == Fraction::FULL.percent()
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let item = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &item.code)?;
        map.serialize_entry("kind", item.kind().name())?;
        if !item.topic.as_str().is_empty() {
            map.serialize_entry("topic", item.topic.as_str())?;
        }
        map.serialize_entry("difficulty", &item.difficulty.level())?;
        for (name, labels) in [("tags", &item.tags), ("enemies", &item.enemies)] {
            if !labels.is_empty() {
                map.serialize_entry(name, labels)?;
            }
        }
        if let Some(points) = item.points {
            map.serialize_entry("points", &points)?;
        }
        map.serialize_entry("stem", &item.prompt.stem)?;
        self.body::<S>(&mut map)?;
        if let Some(explanation) = &item.solution.explanation {
            map.serialize_entry("explanation", explanation)?;
        }
        map.end()
    }
}

impl<'a> Written<'a> {
    fn said(&self, index: usize) -> Option<&'a RichText> {
        self.0.solution.feedback.get(index).and_then(Option::as_ref)
    }

    fn body<S: Serializer>(&self, map: &mut S::SerializeMap) -> Result<(), S::Error> {
        match (&self.0.prompt.interaction, &self.0.solution.key) {
            (Interaction::Choice { options, fixed_order, .. }, Key::Choice { correct, weights }) => {
                let option = |(index, text)| Choice {
                    text,
                    correct: correct.iter().any(|right| usize::from(*right) == index),
                    fraction: weights
                        .as_ref()
                        .and_then(|weights| weights.get(index))
                        .map(|weight: &Fraction| weight.percent()),
                    feedback: self.said(index),
                };
                map.serialize_entry("options", &options.iter().enumerate().map(option).collect::<Vec<_>>())?;
                if *fixed_order {
                    map.serialize_entry("fixed_order", &true)?;
                }
            }
            (Interaction::Ordering { entries }, Key::Ordering { order }) => {
                let entries: Vec<_> = order.iter().filter_map(|index| entries.get(usize::from(*index))).collect();
                map.serialize_entry("entries", &entries)?;
            }
            (Interaction::Matching { left, right }, Key::Matching { targets }) => {
                let pair =
                    |(left, target): (&'a RichText, &u8)| Some(Pair { left, right: right.get(usize::from(*target))? });
                map.serialize_entry("pairs", &left.iter().zip(targets).filter_map(pair).collect::<Vec<_>>())?;
                let is_taken = |index: usize| targets.iter().any(|target| usize::from(*target) == index);
                let free: Vec<_> =
                    right.iter().enumerate().filter(|(index, _)| !is_taken(*index)).map(|(_, text)| text).collect();
                if !free.is_empty() {
                    map.serialize_entry("distractors", &free)?;
                }
            }
            (_, key) => self.open_key::<S>(key, map)?,
        }
        Ok(())
    }

    /// Keys that do not refer to anything shown.
    fn open_key<S: Serializer>(&self, key: &Key, map: &mut S::SerializeMap) -> Result<(), S::Error> {
        match key {
            Key::TrueFalse { correct } => {
                map.serialize_entry("correct", correct)?;
                if !self.0.solution.feedback.is_empty() {
                    map.serialize_entry("feedback", &Feedback { yes: self.said(0), no: self.said(1) })?;
                }
            }
            Key::Numeric { accepted } => {
                let number = |(index, number): (usize, &crate::NumericAnswer)| Number {
                    value: number.value,
                    tolerance: number.tolerance,
                    fraction: number.fraction.percent(),
                    feedback: self.said(index),
                };
                map.serialize_entry("accepted", &accepted.iter().enumerate().map(number).collect::<Vec<_>>())?;
            }
            Key::ShortText { accepted, case_sensitive, wildcards } => {
                let texts: Vec<_> = accepted
                    .iter()
                    .enumerate()
                    .map(|(index, answer)| Text {
                        text: &answer.text,
                        fraction: answer.fraction.percent(),
                        feedback: self.said(index),
                    })
                    .collect();
                map.serialize_entry("accepted", &texts)?;
                for (name, value) in [("case_sensitive", case_sensitive), ("wildcards", wildcards)] {
                    if *value {
                        map.serialize_entry(name, value)?;
                    }
                }
            }
            // Written with their interactions above; validation makes no other pairing.
            Key::Choice { .. } | Key::Ordering { .. } | Key::Matching { .. } => {}
        }
        Ok(())
    }
}
