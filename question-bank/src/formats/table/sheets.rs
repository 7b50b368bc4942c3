//! The sheets of a workbook, one after the other.

use super::{Cell, Table};
use crate::formats::{Finding, FindingCode, Parsed, ParsedEntry, Place};

/// Sheets of the template that hold no items.
pub(in crate::formats) const PASSED_OVER: [&str; 4] = ["说明", "示例", "Instructions", "Examples"];

/// Collects the items of all sheets.
pub(in crate::formats) struct Sheets {
    /// Whether places need the sheet's name.
    are_several: bool,
    name: String,
    table: Table,
    entries: Vec<ParsedEntry>,
    /// Sheets with rows but no header.
    without_header: Vec<ParsedEntry>,
    found_any: bool,
}

impl Sheets {
    pub(in crate::formats) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self {
            are_several: names.filter(|name| !PASSED_OVER.contains(name)).count() > 1,
            name: String::new(),
            table: Table::default(),
            entries: Vec::new(),
            without_header: Vec::new(),
            found_any: false,
        }
    }

    /// The next sheet. False when it is to be passed over.
    pub(in crate::formats) fn begin(&mut self, name: &str) -> bool {
        self.end();
        name.clone_into(&mut self.name);
        !PASSED_OVER.contains(&name)
    }

    /// The next row of the sheet, counted from one. False when no more are wanted.
    pub(in crate::formats) fn row(&mut self, row: u32, cells: &[Cell]) -> bool {
        let place = self.place(row);
        self.table.row(place, cells) && !self.table.has_no_header()
    }

    /// All items; a workbook without any header row is refused, and so is the rest of one where
    /// only some sheets have one.
    pub(in crate::formats) fn finish(mut self) -> Parsed {
        self.end();
        if !self.found_any {
            return Parsed::refused(Finding::new(FindingCode::HeaderMissing, ""));
        }
        self.entries.append(&mut self.without_header);
        Parsed { entries: self.entries }
    }

    fn end(&mut self) {
        let table = std::mem::take(&mut self.table);
        let is_blank = table.is_blank();
        match table.finish() {
            Some(entries) => {
                self.found_any = true;
                self.entries.extend(entries);
            }
            None if is_blank => {}
            None => {
                let place = self.place(1);
                self.without_header.push(ParsedEntry::refused(place, Finding::new(FindingCode::HeaderMissing, "")));
            }
        }
    }

    fn place(&self, row: u32) -> Place {
        Place::Row { sheet: self.are_several.then(|| self.name.clone()), row }
    }
}
