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
pub mod finding;
pub mod gift;
pub mod json;
mod json_walk;
mod markdown;
mod markup;
mod moodle;
pub mod moodle_xml;
#[cfg(test)]
mod sample;

pub use finding::{Finding, FindingCode, Language};

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

// TEMPSTUB until the tabular formats land
pub mod import;

/// A written file.
pub struct Written {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: &'static str,
    /// Its usual ending.
    pub extension: &'static str,
    /// What the format could not hold.
    pub omitted: Vec<(String, Finding)>,
}

/// Writes items.
///
/// # Errors
/// The format cannot be written.
pub fn export(items: &[&crate::Item], format: Format) -> Result<Written, Finding> {
    let (text, omitted) = match format {
        Format::Gift => gift::write(items),
        Format::MoodleXml => moodle_xml::write(items),
        Format::Aiken => aiken::write(items),
        _ => (json::write(items), Vec::new()),
    };
    Ok(Written { bytes: text.into_bytes(), media_type: "text/plain", extension: "txt", omitted })
}

/// The Excel template.
///
/// # Errors
/// It cannot be written.
pub fn template() -> Result<Vec<u8>, String> {
    Err("not yet".into())
}

/// Text of a file.
#[must_use]
pub fn decode_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into()
}

impl Format {
    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Json, Self::Xlsx, Self::Csv, Self::Gift, Self::MoodleXml, Self::Aiken].into_iter().find(|f| f.name() == name)
    }
}
