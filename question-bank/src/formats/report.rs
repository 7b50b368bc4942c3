//! What became of every item of an import.

use super::{Finding, Format, Language, Place};
use serde::ser::{SerializeSeq as _, SerializeStruct as _};
use serde::{Serialize, Serializer};

/// Counts of items, and a line for every finding.
///
/// `accepted + warned` items are stored (or would be); `accepted + warned + refused + duplicates`
/// is the number of items found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The format, given or found.
    pub format: Format,
    /// Items without anything to say.
    pub accepted: u32,
    /// Items accepted with warnings.
    pub warned: u32,
    /// Items not stored because something is wrong with them.
    pub refused: u32,
    /// Items not stored because they are there already, in the file or in the bank.
    pub duplicates: u32,
    /// In the order of the file; at least one line per item.
    pub lines: Vec<ReportLine>,
}

/// What became of an item, and why; an item with several findings has several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportLine {
    /// Where it stands.
    pub place: Place,
    /// What became of it.
    pub status: Status,
    /// Why.
    pub finding: Finding,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored as it is.
    Accepted,
    /// Stored, with something changed or worth a look.
    Warned,
    /// Not stored.
    Refused,
    /// Not stored again.
    Duplicate,
}

impl Status {
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

impl Report {
    /// Empty.
    #[must_use]
    pub(super) fn new(format: Format) -> Self {
        Self { format, accepted: 0, warned: 0, refused: 0, duplicates: 0, lines: Vec::new() }
    }

    /// Counts an item and notes all there is to say about it.
    pub(super) fn add(&mut self, place: &Place, status: Status, findings: impl IntoIterator<Item = Finding>) {
        let count = match status {
            Status::Accepted => &mut self.accepted,
            Status::Warned => &mut self.warned,
            Status::Refused => &mut self.refused,
            Status::Duplicate => &mut self.duplicates,
        };
        *count = count.saturating_add(1);
        self.lines.extend(findings.into_iter().map(|finding| ReportLine { place: place.clone(), status, finding }));
    }

    /// As the protocol has it: `{"format", "accepted", "warned", "refused", "duplicates", "items":
    /// [{"place", "status", "code", "message"}]}`.
    #[must_use]
    pub fn localized(&self, language: Language) -> impl Serialize {
        Localized { report: self, language }
    }
}

struct Localized<'a> {
    report: &'a Report,
    language: Language,
}

impl Serialize for Localized<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.report;
        let mut fields = serializer.serialize_struct("Report", 6)?;
        fields.serialize_field("format", &report.format)?;
        fields.serialize_field("accepted", &report.accepted)?;
        fields.serialize_field("warned", &report.warned)?;
        fields.serialize_field("refused", &report.refused)?;
        fields.serialize_field("duplicates", &report.duplicates)?;
        fields.serialize_field("items", &Lines { lines: &report.lines, language: self.language })?;
        fields.end()
    }
}

struct Lines<'a> {
    lines: &'a [ReportLine],
    language: Language,
}

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line {
            place: String,
            status: Status,
            code: &'static str,
            message: String,
        }
        let mut list = serializer.serialize_seq(Some(self.lines.len()))?;
        for line in self.lines {
            list.serialize_element(&Line {
                place: line.place.to_string(),
                status: line.status,
                code: line.finding.code.name(),
                message: line.finding.message(self.language),
            })?;
        }
        list.end()
    }
}
