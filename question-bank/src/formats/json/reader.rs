//! Reads our own JSON, item by item.

use super::FORMAT;
use super::fields::Fields;
use crate::draft::{DraftAnswer, DraftBody, DraftNumber, DraftOption};
use crate::formats::json_walk::{elements, fields};
use crate::formats::{Finding, FindingCode, Parsed, ParsedEntry, Place};
use crate::limits::{IMPORT_ITEM_BYTES_MAX, IMPORT_ITEMS_MAX};
use crate::{Fraction, ItemDraft, ItemKind};
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads a bank. Unknown fields and wrong types refuse the item they are in and no other; broken
/// JSON and another `format` refuse the file. `code` and `title` of the bank are not items' and are
/// passed over.
#[must_use]
pub fn read(text: &str) -> Parsed {
    match read_bank(text) {
        Ok(entries) => Parsed { entries },
        Err(finding) => Parsed::refused(finding),
    }
}

fn read_bank(text: &str) -> Result<Vec<ParsedEntry>, Finding> {
    const FIELDS_MAX: usize = 100;
    let broken = |error: serde_json::Error| Finding::new(FindingCode::Syntax, error.to_string());
    let whole: &RawValue = serde_json::from_str(text).map_err(broken)?;
    let fields = fields(whole.get(), FIELDS_MAX).map_err(broken)?;
    let (mut entries, mut format) = (Vec::new(), None);
    let mut items = None;
    for (name, raw) in fields.unwrap_or_default() {
        match name.as_str() {
            "format" => format = serde_json::from_str::<String>(raw).ok(),
            "items" => items = Some(raw),
            "code" | "title" => {}
            _ => {
                let name = name.chars().take(40).collect::<String>();
                let finding = Finding::new(FindingCode::UnknownField, format!("/{name}"));
                entries.push(ParsedEntry::refused(Place::Pointer(format!("/{name}")), finding));
            }
        }
    }
    if format.as_deref() != Some(FORMAT) {
        let found = format.unwrap_or_default();
        return Err(Finding::new(FindingCode::FieldInvalid, format!("/format “{found}” ({FORMAT})")));
    }
    let is_list = elements(items.unwrap_or_default(), |index, raw| {
        let place = Place::Pointer(format!("/items/{index}"));
        let is_within = index < IMPORT_ITEMS_MAX;
        let outcome = if is_within { read_raw(raw) } else { Err(too_many()) };
        entries.push(ParsedEntry { place, outcome, warnings: Vec::new() });
        is_within
    });
    match is_list {
        Ok(true) => Ok(entries),
        Ok(false) => Err(Finding::new(FindingCode::FieldInvalid, "/items")),
        Err(error) => Err(broken(error)),
    }
}

fn too_many() -> Finding {
    Finding::new(FindingCode::FileTooLarge, format!("{IMPORT_ITEMS_MAX} 题 items"))
}

fn read_raw(raw: &str) -> Result<ItemDraft, Finding> {
    if raw.len() > IMPORT_ITEM_BYTES_MAX {
        return Err(Finding::new(
            FindingCode::FileTooLarge,
            format!("每题 {IMPORT_ITEM_BYTES_MAX} 字节 bytes per item"),
        ));
    }
    // Deeper than serde_json goes is an error here, not a crash.
    let value: Value =
        serde_json::from_str(raw).map_err(|error| Finding::new(FindingCode::Syntax, error.to_string()))?;
    let mut fields = Fields::of(value, "")?;
    let draft = read_item(&mut fields)?;
    fields.finish()?;
    Ok(draft)
}

fn read_item(fields: &mut Fields) -> Result<ItemDraft, Finding> {
    let kind = fields.string("kind")?.unwrap_or_default();
    let kind = ItemKind::ALL.into_iter().find(|known| known.name() == kind);
    let kind = kind.ok_or_else(|| Finding::new(FindingCode::KindUnsupported, "/kind"))?;
    let stem = fields.html("stem")?;
    let body = match kind {
        ItemKind::SingleChoice => choice(fields, false)?,
        ItemKind::MultipleChoice => choice(fields, true)?,
        ItemKind::TrueFalse => true_false(fields)?,
        ItemKind::Numeric => numeric(fields)?,
        ItemKind::ShortText => short_text(fields)?,
        ItemKind::Ordering => DraftBody::Ordering { entries: htmls(fields, "entries")? },
        ItemKind::Matching => DraftBody::Matching {
            pairs: fields.each("pairs", |pair| Ok((pair.html("left")?, pair.html("right")?)))?,
            distractors: htmls(fields, "distractors")?,
        },
    };
    Ok(ItemDraft {
        code: fields.string("code")?,
        topic: fields.string("topic")?.unwrap_or_default(),
        difficulty: fields.word("difficulty")?,
        tags: fields.strings("tags")?,
        enemies: fields.strings("enemies")?,
        points: fields.word("points")?,
        stem,
        explanation: fields.html_if_any("explanation")?,
        body,
    })
}

fn htmls(fields: &mut Fields, name: &str) -> Result<Vec<crate::draft::DraftText>, Finding> {
    Ok(fields.strings(name)?.into_iter().map(crate::draft::DraftText::html).collect())
}

/// With fractions, those are the weights, and `correct` may only repeat what they say.
fn choice(fields: &mut Fields, multiple: bool) -> Result<DraftBody, Finding> {
    let options = fields.each("options", |option| {
        let (text, feedback) = (option.html("text")?, option.html_if_any("feedback")?);
        Ok((text, option.boolean("correct")?, option.fraction()?, feedback))
    })?;
    let weighted = options.iter().any(|(_, _, fraction, _)| fraction.is_some());
    let mut read = Vec::with_capacity(options.len());
    for (text, correct, fraction, feedback) in options {
        let default = if correct == Some(true) { Fraction::FULL } else { Fraction::NONE };
        let fraction = fraction.unwrap_or(default);
        let is_right = if multiple { fraction > Fraction::NONE } else { fraction == Fraction::FULL };
        if correct.is_some_and(|correct| correct != is_right) {
            return Err(Finding::new(FindingCode::FractionInvalid, fraction.percent().to_string()));
        }
        read.push(DraftOption { text, fraction, feedback });
    }
    let fixed_order = fields.boolean("fixed_order")?.unwrap_or(false);
    Ok(DraftBody::Choice { multiple: Some(multiple), fixed_order, options: read, weighted })
}

fn true_false(fields: &mut Fields) -> Result<DraftBody, Finding> {
    let correct = fields.boolean("correct")?.ok_or_else(|| Finding::new(FindingCode::KeyMissing, ""))?;
    let mut said = fields.object("feedback")?;
    let feedback = [said.html_if_any("true")?, said.html_if_any("false")?];
    said.finish()?;
    Ok(DraftBody::TrueFalse { correct, feedback })
}

fn numeric(fields: &mut Fields) -> Result<DraftBody, Finding> {
    let accepted = fields.each("accepted", |answer| {
        let value = answer.number("value")?;
        Ok(DraftNumber {
            value: value.ok_or_else(|| Finding::new(FindingCode::NumberInvalid, ""))?,
            tolerance: answer.number("tolerance")?.unwrap_or(0.0),
            fraction: answer.fraction()?.unwrap_or(Fraction::FULL),
            feedback: answer.html_if_any("feedback")?,
        })
    })?;
    Ok(DraftBody::Numeric { accepted })
}

fn short_text(fields: &mut Fields) -> Result<DraftBody, Finding> {
    let accepted = fields.each("accepted", |answer| {
        Ok(DraftAnswer {
            text: answer.string("text")?.unwrap_or_default(),
            fraction: answer.fraction()?.unwrap_or(Fraction::FULL),
            feedback: answer.html_if_any("feedback")?,
        })
    })?;
    let case_sensitive = fields.boolean("case_sensitive")?.unwrap_or(false);
    Ok(DraftBody::ShortText { accepted, case_sensitive, wildcards: fields.boolean("wildcards")?.unwrap_or(false) })
}
