//! The formats items travel in. Each reader turns bytes into [`Parsed`] entries, one per item found,
//! good or bad, with its place; none stops at the first mistake. `import` validates them all and
//! makes the report; writers turn [`crate::Item`]s back into files.
//!
//! How to add the next format: a module with `read` (and `write` where the format allows), a
//! variant in [`Format`], a line in detection; the tests over `shared/data` pick it up.

use crate::ItemDraft;
use serde::{Deserialize, Serialize};
use std::fmt;

pub mod aiken;
pub mod csv;
mod detect;
pub mod encoding;
pub mod export;
pub mod finding;
pub mod gift;
pub mod grid;
pub mod import;
pub mod json;
mod json_foreign;
mod json_walk;
mod markdown;
mod markup;
mod moodle;
pub mod moodle_xml;
mod record;
pub mod report;
#[cfg(test)]
mod sample;
mod table;
mod xls;
pub mod xlsx;

pub use export::{Omitted, Written, export};
pub use finding::{Finding, FindingCode, Language};
pub use import::{Import, import};
pub use report::{Report, ReportLine, Status};

/// A format that items are read from or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Our own, lossless: see `docs/bank-json.md`.
    Json,
    /// Excel 2007+ (and, read only, Excel 97–2003), by the Chinese template.
    Xlsx,
    /// The same columns as comma-separated values.
    Csv,
    /// Moodle's GIFT.
    Gift,
    /// Moodle's XML.
    MoodleXml,
    /// Aiken, and its Chinese relatives (numbered stems, 答案：).
    Aiken,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 6] = [Self::Json, Self::Xlsx, Self::Csv, Self::Gift, Self::MoodleXml, Self::Aiken];

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The name in the protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Gift => "gift",
            Self::MoodleXml => "moodle_xml",
            Self::Aiken => "aiken",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a reader found: one entry per item, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// Good and bad ones.
    pub entries: Vec<ParsedEntry>,
}

/// One item of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedEntry {
    /// Where: `第 12 行`-like, made by [`Place`].
    pub place: Place,
    /// The draft, or why there is none.
    pub outcome: Result<ItemDraft, Finding>,
    /// What was changed or left out on the way; never silent.
    pub warnings: Vec<Finding>,
}

impl Parsed {
    /// A file that nothing could be made of.
    #[must_use]
    pub(crate) fn refused(finding: Finding) -> Self {
        Self { entries: vec![ParsedEntry::refused(Place::File, finding)] }
    }
}

impl ParsedEntry {
    /// One that no draft could be made of.
    #[must_use]
    pub(crate) fn refused(place: Place, finding: Finding) -> Self {
        Self { place, outcome: Err(finding), warnings: Vec::new() }
    }
}

/// Where in a file something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A row of a sheet, counted from one as Excel shows it.
    Row {
        /// The sheet's name, when the file has more than one.
        sheet: Option<String>,
        /// The row.
        row: u32,
    },
    /// A line of a text file, counted from one.
    Line(u32),
    /// An entry of a list, counted from zero, as a JSON pointer such as `/items/3`.
    Pointer(String),
    /// The file as a whole.
    File,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { sheet: Some(sheet), row } => write!(f, "{sheet}!{row}"),
            Self::Row { sheet: None, row } => write!(f, "row {row}"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Pointer(pointer) => f.write_str(pointer),
            Self::File => f.write_str("file"),
        }
    }
}
