//! Excel 97–2003 workbooks, read only: no chain is followed further than the file is long, and
//! rows are handed on as they come.

mod biff;
mod compound;

use super::table::Sheets;
use super::{Finding, FindingCode, Parsed};

pub(super) use compound::is_compound_file;

/// Reads every sheet that has a header row.
///
/// # Errors
/// It is no workbook of this kind, is encrypted, or broken where everything depends on it.
pub(super) fn read(bytes: &[u8]) -> Result<Parsed, Finding> {
    let stream =
        compound::stream(bytes, "Workbook").ok_or_else(|| broken("没有 Workbook 流 (no Excel 97 workbook)"))?;
    let book = biff::Workbook::read(&stream)?;
    let mut sheets = Sheets::new(book.sheets.iter().map(|sheet| sheet.name.as_str()));
    for sheet in &book.sheets {
        if sheets.begin(&sheet.name) {
            book.rows(sheet, &mut |row, cells| sheets.row(row, cells))?;
        }
    }
    Ok(sheets.finish())
}

fn broken(what: &str) -> Finding {
    Finding::new(FindingCode::Syntax, what)
}
