//! The cells of one sheet.

use super::strings::Strings;
use super::workbook::{attribute, push_text, unescape, walk};
use crate::formats::table::Cell;
use crate::formats::{Finding, FindingCode};
use crate::limits::{IMPORT_COLUMNS_MAX, IMPORT_EXPANDED_BYTES_MAX};
use quick_xml::events::{BytesStart, Event};

/// Hands every row that has cells to `take`, with its number as Excel shows it, until it says no.
pub(super) fn read(xml: &str, strings: &Strings, take: &mut dyn FnMut(u32, &[Cell]) -> bool) -> Result<(), Finding> {
    let mut state = State::default();
    walk(xml, &mut |event| {
        match event {
            Event::Start(tag) => state.start(tag),
            Event::Empty(tag) if tag.local_name().as_ref() == "c" => {
                state.start(tag);
                state.next_column = state.column.saturating_add(1);
            }
            Event::Empty(tag) if tag.local_name().as_ref() == "row" => state.start(tag),
            Event::End(tag) => match tag.local_name().as_ref() {
                "c" => state.end_cell(strings)?,
                "row" => {
                    let more = state.cells.is_empty() || take(state.row, &state.cells);
                    state.cells.clear();
                    return Ok(more);
                }
                "sheetData" => return Ok(false),
                "rPh" => state.in_phonetic = false,
                "v" | "t" => state.in_value = false,
                _ => {}
            },
            event if state.in_value => push_text(event, &mut state.value),
            _ => {}
        }
        Ok(true)
    })
}

#[derive(Default)]
struct State {
    /// Counted from one.
    row: u32,
    /// Counted from zero.
    column: u16,
    next_column: u16,
    cells: Vec<Cell>,
    /// The cell's type as written.
    kind: String,
    value: String,
    in_value: bool,
    in_phonetic: bool,
    /// Bytes of all cells so far: a shared text may be shared by a million cells.
    bytes: u64,
}

impl State {
    fn start(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            "row" => {
                let number = attribute(tag, "r").and_then(|number| number.parse().ok());
                self.row = number.unwrap_or_else(|| self.row.saturating_add(1));
                self.next_column = 0;
                self.cells.clear();
            }
            "c" => {
                self.column = attribute(tag, "r").and_then(|at| column(&at)).unwrap_or(self.next_column);
                self.kind = attribute(tag, "t").unwrap_or_default();
                self.value.clear();
            }
            "rPh" => self.in_phonetic = true,
            "v" | "t" => self.in_value = !self.in_phonetic,
            _ => {}
        }
    }

    fn end_cell(&mut self, strings: &Strings) -> Result<(), Finding> {
        self.next_column = self.column.saturating_add(1);
        if usize::from(self.column) >= IMPORT_COLUMNS_MAX {
            return Ok(());
        }
        let text = match self.kind.as_str() {
            "s" => {
                let index = self.value.trim().parse().ok();
                let text = index.and_then(|index| strings.get(index));
                text.ok_or_else(|| super::syntax("共享文本缺失 shared text missing"))?.to_owned()
            }
            "str" | "inlineStr" | "d" => unescape(&self.value),
            "b" => (if self.value.trim() == "1" { "TRUE" } else { "FALSE" }).to_owned(),
            "e" => String::new(),
            _ => number(&self.value),
        };
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        if self.bytes > IMPORT_EXPANDED_BYTES_MAX {
            return Err(Finding::new(FindingCode::FileTooLarge, format!("{IMPORT_EXPANDED_BYTES_MAX} 字节 bytes")));
        }
        if !text.trim().is_empty() {
            self.cells.push((self.column, text));
        }
        Ok(())
    }
}

/// Excel writes 3.14 as 3.1400000000000001: the shortest number that is the same double.
fn number(text: &str) -> String {
    let text = text.trim();
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map_or_else(|| text.to_owned(), |number| number.to_string())
}

/// `AB12` is column 27.
fn column(at: &str) -> Option<u16> {
    let letters = at.bytes().take_while(u8::is_ascii_alphabetic);
    let number =
        letters.take(4).fold(0_u32, |number, letter| number * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    u16::try_from(number.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_from_zero() {
        for (at, index) in [("A1", Some(0)), ("Z9", Some(25)), ("AB12", Some(27)), ("xfd1", Some(16_383)), ("1", None)]
        {
            assert_eq!(column(at), index, "{at}");
        }
        assert_eq!(number("3.1400000000000001"), "3.14");
        assert_eq!(number("90"), "90");
        assert_eq!(number("x"), "x");
    }
}
