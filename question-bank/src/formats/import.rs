//! Import: from a file to items and a report.

use super::{Finding, Format, Language, Parsed, Place, aiken, gift, json, moodle_xml};
use crate::draft::validate;
use crate::{Item, content_hash};
use serde::Serialize;
use std::collections::HashSet;

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStatus {
    /// Stored as it is.
    Accepted,
    /// Stored, with something changed or left out.
    Warned,
    /// Not stored.
    Refused,
    /// Not stored: the bank or the file has it already.
    Duplicate,
}

impl LineStatus {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Warned => "warned",
            Self::Refused => "refused",
            Self::Duplicate => "duplicate",
        }
    }
}

/// One finding, or one clean item.
#[derive(Clone, Debug)]
pub struct ReportLine {
    /// Where.
    pub place: Place,
    /// What became of it.
    pub status: LineStatus,
    /// Why; `None` for a clean item.
    pub finding: Option<Finding>,
}

impl ReportLine {
    /// The code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match (&self.finding, self.status) {
            (Some(finding), _) => finding.code.name(),
            (None, LineStatus::Duplicate) => "duplicate",
            (None, _) => "ok",
        }
    }

    /// The words.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        self.finding.as_ref().map(|finding| finding.message(language)).unwrap_or_default()
    }
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Report {
    /// As detected or named.
    pub format: Format,
    /// Clean ones.
    pub accepted: usize,
    /// Stored with a warning.
    pub warned: usize,
    /// Not stored.
    pub refused: usize,
    /// There already.
    pub duplicates: usize,
    /// In the order of the file.
    pub lines: Vec<ReportLine>,
}

/// A report in one language.
#[derive(Serialize)]
pub struct ReportView {
    format: Format,
    accepted: usize,
    warned: usize,
    refused: usize,
    duplicates: usize,
    items: Vec<LineView>,
}

#[derive(Serialize)]
struct LineView {
    place: String,
    status: &'static str,
    code: &'static str,
    message: String,
}

impl Report {
    /// In words.
    #[must_use]
    pub fn in_language(&self, language: Language) -> ReportView {
        let line = |line: &ReportLine| LineView {
            place: line.place.to_string(),
            status: line.status.name(),
            code: line.code(),
            message: line.message(language),
        };
        ReportView {
            format: self.format,
            accepted: self.accepted,
            warned: self.warned,
            refused: self.refused,
            duplicates: self.duplicates,
            items: self.lines.iter().map(line).collect(),
        }
    }
}

/// Items and what is said of them.
pub struct Import {
    /// To be stored.
    pub items: Vec<Item>,
    /// Of all of them.
    pub report: Report,
}

/// Reads a file.
///
/// # Errors
/// None at present.
pub fn import(bytes: &[u8], format: Option<Format>, _name: Option<&str>, known: &HashSet<[u8; 32]>) -> Result<Import, Finding> {
    let text = super::decode_text(bytes);
    let format = format.unwrap_or_else(|| detect(&text));
    let parsed: Parsed = match format {
        Format::Gift => gift::read(&text),
        Format::MoodleXml => moodle_xml::read(&text),
        Format::Aiken => aiken::read(&text),
        _ => json::read(&text),
    };
    let mut seen = known.clone();
    let mut report = Report { format, accepted: 0, warned: 0, refused: 0, duplicates: 0, lines: Vec::new() };
    let mut items = Vec::new();
    for entry in parsed.entries {
        let place = entry.place;
        let mut line = |status, finding| report.lines.push(ReportLine { place: place.clone(), status, finding });
        match entry.outcome.map_err(|finding| vec![finding]).and_then(|draft| validate(&draft)) {
            Err(findings) => {
                report.refused += 1;
                findings.into_iter().for_each(|finding| line(LineStatus::Refused, Some(finding)));
            }
            Ok((item, _)) if !seen.insert(content_hash(&item).0) => {
                report.duplicates += 1;
                line(LineStatus::Duplicate, None);
            }
            Ok((item, more)) => {
                let warnings: Vec<Finding> = entry.warnings.into_iter().chain(more).collect();
                if warnings.is_empty() {
                    report.accepted += 1;
                    line(LineStatus::Accepted, None);
                } else {
                    report.warned += 1;
                    warnings.into_iter().for_each(|finding| line(LineStatus::Warned, Some(finding)));
                }
                items.push(item);
            }
        }
    }
    Ok(Import { items, report })
}

fn detect(text: &str) -> Format {
    let start = text.trim_start();
    if start.starts_with('{') || start.starts_with('[') {
        Format::Json
    } else if start.starts_with('<') {
        Format::MoodleXml
    } else if text.contains("ANSWER:") {
        Format::Aiken
    } else {
        Format::Gift
    }
}
