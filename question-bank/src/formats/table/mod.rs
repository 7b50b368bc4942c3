//! Rows of cells as items, whatever file they come from: `docs/bank-excel.md`.

mod header;
mod sheets;
mod write;

pub(super) use sheets::{PASSED_OVER, Sheets};
pub(super) use write::{columns, row};

use super::record::{Read, Record};
use super::{Finding, FindingCode, ParsedEntry, Place};
use crate::limits::IMPORT_ITEMS_MAX;
use header::Header;

/// A cell that is not blank: its column, counted from zero, and its text.
pub(super) type Cell = (u16, String);

/// Reads a sheet row by row; nothing is kept but the items found.
#[derive(Default)]
pub(super) struct Table {
    header: Option<Header>,
    rows_seen: usize,
    entries: Vec<ParsedEntry>,
    /// Sheets with one row per option: the item whose rows are being read.
    group: Option<Group>,
    is_full: bool,
}

struct Group {
    number: String,
    place: Place,
    record: Record,
    right: Vec<bool>,
}

impl Table {
    /// Takes the next row. False when the import limit is reached and reading should stop.
    pub(super) fn row(&mut self, place: Place, cells: &[Cell]) -> bool {
        if self.is_full {
            return false;
        }
        if cells.iter().all(|(_, text)| text.trim().is_empty()) {
            return true;
        }
        self.rows_seen += 1;
        match &self.header {
            None => self.header = Header::parse(cells),
            Some(header) if header.is_one_row_per_option() => {
                let (record, number, option) = header.option_row(cells);
                self.option_row(place, record, number, option);
            }
            Some(header) => {
                let record = header.record(cells);
                if record.stem.trim().is_empty() && record.answer.trim().is_empty() && record.options.is_empty() {
                    return true;
                }
                self.push(place, record.read());
            }
        }
        !self.is_full
    }

    /// What was found; nothing when the sheet has no header row within its first rows.
    pub(super) fn finish(mut self) -> Option<Vec<ParsedEntry>> {
        self.finish_group();
        self.header.is_some().then_some(self.entries)
    }

    /// Whether there was any row at all.
    pub(super) fn is_blank(&self) -> bool {
        self.rows_seen == 0
    }

    /// Whether there is still no header row where one should have been.
    pub(super) fn has_no_header(&self) -> bool {
        const HEADER_ROWS_MAX: usize = 20;
        self.header.is_none() && self.rows_seen >= HEADER_ROWS_MAX
    }

    fn push(&mut self, place: Place, read: Read) {
        if self.entries.len() >= IMPORT_ITEMS_MAX {
            self.is_full = true;
            let finding = Finding::new(FindingCode::FileTooLarge, format!("{IMPORT_ITEMS_MAX} 题 items"));
            self.entries.push(ParsedEntry::refused(place, finding));
            return;
        }
        self.entries.push(ParsedEntry { place, outcome: read.outcome, warnings: read.warnings });
    }

    fn option_row(&mut self, place: Place, record: Record, number: String, option: OptionRow) {
        const OPTION_ROWS_MAX: usize = 64;
        let begins = match &self.group {
            None => true,
            Some(group) => {
                (!number.is_empty() && group.number != number) || (number.is_empty() && !record.stem.is_empty())
            }
        };
        if begins {
            self.finish_group();
            self.group = Some(Group { number, place, record, right: Vec::new() });
        }
        if let Some(group) = &mut self.group
            && group.right.len() < OPTION_ROWS_MAX
        {
            group.record.options.push(option.text);
            group.record.feedback.push(option.feedback);
            group.right.push(option.is_right);
        }
    }

    fn finish_group(&mut self) {
        if let Some(mut group) = self.group.take() {
            let letters = ('A'..='Z').zip(&group.right).filter(|(_, right)| **right).map(|(letter, _)| letter);
            group.record.answer = letters.collect();
            self.push(group.place, group.record.read());
        }
    }
}

/// The part of a row that is about one option.
struct OptionRow {
    text: String,
    feedback: String,
    is_right: bool,
}
