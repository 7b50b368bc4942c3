//! Excel workbooks: 2007+ read and written, 97–2003 read. Read by our own hand over `zip` and
//! `quick-xml`: every list that a file can make long, and every text it can repeat, is bounded.

mod archive;
mod sheet;
mod sheets;
mod strings;
mod workbook;
mod write;

pub(super) use sheets::{Column, EXAMPLES_SHEET, INSTRUCTIONS_SHEET, SheetToWrite, write_sheets};
pub use write::{template, write};

use super::table::{self, Sheets};
use super::{Finding, FindingCode, Parsed, xls};
use archive::Archive;

/// Reads every sheet that has a header row; rows are named as Excel shows them.
#[must_use]
pub fn read(bytes: &[u8]) -> Parsed {
    let read = if xls::is_compound_file(bytes) { xls::read(bytes) } else { read_sheets(bytes) };
    read.unwrap_or_else(Parsed::refused)
}

fn read_sheets(bytes: &[u8]) -> Result<Parsed, Finding> {
    let mut archive = Archive::open(bytes)?;
    let parts = workbook::sheets(&mut archive)?;
    let strings = strings::read(&mut archive)?;
    let mut sheets = Sheets::new(parts.iter().map(|part| part.name.as_str()));
    for part in &parts {
        if !sheets.begin(&part.name) {
            continue;
        }
        let xml = archive.part(&part.path)?.ok_or_else(|| syntax(&part.path))?;
        sheet::read(&xml, &strings, &mut |row, cells| sheets.row(row, cells))?;
    }
    Ok(sheets.finish())
}

/// Hands on the rows of the first sheet that is not one of instructions or examples, until `take` says no.
pub(super) fn read_rows(bytes: &[u8], take: &mut dyn FnMut(u32, &[table::Cell]) -> bool) -> Result<(), Finding> {
    let mut archive = Archive::open(bytes)?;
    let parts = workbook::sheets(&mut archive)?;
    let strings = strings::read(&mut archive)?;
    let Some(part) = parts.iter().find(|part| !table::PASSED_OVER.contains(&part.name.as_str())) else { return Ok(()) };
    let xml = archive.part(&part.path)?.ok_or_else(|| syntax(&part.path))?;
    sheet::read(&xml, &strings, take)
}

fn syntax(subject: impl ToString) -> Finding {
    Finding::new(FindingCode::Syntax, subject.to_string())
}

#[cfg(test)]
mod tests;
