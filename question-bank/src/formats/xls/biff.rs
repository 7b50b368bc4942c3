//! The records of an Excel 97–2003 workbook (BIFF8).

use super::super::table::Cell;
use super::super::{Finding, FindingCode};
use super::broken;
use super::compound::{u16_at, u32_at};
use crate::limits::{IMPORT_COLUMNS_MAX, IMPORT_EXPANDED_BYTES_MAX};

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000a;
const BIFF8: u16 = 0x0600;
const FILEPASS: u16 = 0x002f;
const BOUNDSHEET: u16 = 0x0085;
const SST: u16 = 0x00fc;
const CONTINUE: u16 = 0x003c;
const LABEL: u16 = 0x0204;
const LABELSST: u16 = 0x00fd;
const NUMBER: u16 = 0x0203;
const RK: u16 = 0x027e;
const MULRK: u16 = 0x00bd;
const BOOLERR: u16 = 0x0205;
const FORMULA: u16 = 0x0006;
const STRING: u16 = 0x0207;

/// A workbook's sheets and shared texts.
pub(super) struct Workbook<'a> {
    stream: &'a [u8],
    pub(super) sheets: Vec<Sheet>,
    strings: Vec<String>,
}

/// A sheet and where its records begin.
pub(super) struct Sheet {
    pub(super) name: String,
    at: usize,
}

/// One record: its type and its data.
type Record<'a> = (u16, &'a [u8]);

fn records(stream: &[u8], from: usize) -> impl Iterator<Item = Record<'_>> {
    let mut at = from;
    std::iter::from_fn(move || {
        let (kind, length) = (u16_at(stream, at)?, usize::from(u16_at(stream, at.checked_add(2)?)?));
        let data = stream.get(at + 4..at + 4 + length)?;
        at += 4 + length;
        Some((kind, data))
    })
}

impl<'a> Workbook<'a> {
    /// Reads the part before the sheets.
    pub(super) fn read(stream: &'a [u8]) -> Result<Self, Finding> {
        const SHEETS_MAX: usize = 256;
        let mut book = Self { stream, sheets: Vec::new(), strings: Vec::new() };
        let mut shared: Vec<&[u8]> = Vec::new();
        let mut in_shared = false;
        for (index, (kind, data)) in records(stream, 0).enumerate() {
            match kind {
                BOF if index == 0 && u16_at(data, 0) != Some(BIFF8) => {
                    return Err(broken("只支持 Excel 97 及以后的 .xls (Excel 97 or later only)"));
                }
                FILEPASS => return Err(Finding::new(FindingCode::ArchiveForbidden, "加密的工作簿 encrypted workbook")),
                BOUNDSHEET if book.sheets.len() < SHEETS_MAX && data.get(5) == Some(&0) => {
                    let at = u32_at(data, 0).unwrap_or_default() as usize;
                    let count = usize::from(data.get(6).copied().unwrap_or_default());
                    let name = Pieces::new(vec![data.get(7..).unwrap_or_default()]).characters(count);
                    book.sheets.push(Sheet { name: name.unwrap_or_default(), at });
                }
                SST => {
                    shared.push(data);
                    in_shared = true;
                    continue;
                }
                CONTINUE if in_shared => {
                    shared.push(data);
                    continue;
                }
                EOF => break,
                _ => {}
            }
            in_shared = false;
        }
        book.strings = shared_strings(shared);
        Ok(book)
    }

    /// Hands every row that has cells to `take`, with its number as Excel shows it, until it says no.
    pub(super) fn rows(&self, sheet: &Sheet, take: &mut dyn FnMut(u32, &[Cell]) -> bool) -> Result<(), Finding> {
        let mut cells: Vec<Cell> = Vec::new();
        let (mut row, mut bytes) = (0_u16, 0_u64);
        let mut formula = None;
        for (kind, data) in records(self.stream, sheet.at).skip(1) {
            if kind == EOF {
                break;
            }
            let mut found = self.cells(kind, data);
            if kind == FORMULA {
                formula = u16_at(data, 0).zip(u16_at(data, 2));
            }
            if kind == STRING
                && let Some((row, column)) = formula.take()
            {
                let count = usize::from(u16_at(data, 0).unwrap_or_default());
                let text = Pieces::new(vec![data.get(2..).unwrap_or_default()]).characters(count);
                found.extend(text.map(|text| (row, column, text)));
            }
            for (at, column, text) in found {
                if at != row && !cells.is_empty() {
                    if !take(u32::from(row) + 1, &cells) {
                        return Ok(());
                    }
                    cells.clear();
                }
                row = at;
                bytes = bytes.saturating_add(text.len() as u64);
                if bytes > IMPORT_EXPANDED_BYTES_MAX {
                    return Err(Finding::new(
                        FindingCode::FileTooLarge,
                        format!("{IMPORT_EXPANDED_BYTES_MAX} 字节 bytes"),
                    ));
                }
                if usize::from(column) < IMPORT_COLUMNS_MAX && !text.trim().is_empty() {
                    cells.push((column, text));
                }
            }
        }
        if !cells.is_empty() {
            take(u32::from(row) + 1, &cells);
        }
        Ok(())
    }

    /// The cells of a record: row, column, text.
    fn cells(&self, kind: u16, data: &[u8]) -> Vec<(u16, u16, String)> {
        let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else { return Vec::new() };
        let one = |text: Option<String>| text.map(|text| (row, column, text)).into_iter().collect();
        match kind {
            LABELSST => one(u32_at(data, 6).and_then(|index| self.strings.get(index as usize).cloned())),
            LABEL => {
                let count = usize::from(u16_at(data, 6).unwrap_or_default());
                one(Pieces::new(vec![data.get(8..).unwrap_or_default()]).characters(count))
            }
            NUMBER => one(f64_at(data, 6).map(|number| number.to_string())),
            RK => one(u32_at(data, 6).map(|packed| rk(packed).to_string())),
            MULRK => {
                let packed = data.get(4..data.len().saturating_sub(2)).unwrap_or_default().chunks_exact(6);
                let number = |(column, cell): (u16, &[u8])| Some((row, column, rk(u32_at(cell, 2)?).to_string()));
                (column..).zip(packed).filter_map(number).collect()
            }
            BOOLERR => match (data.get(6), data.get(7)) {
                (Some(value), Some(0)) => one(Some(if *value == 0 { "FALSE" } else { "TRUE" }.to_owned())),
                _ => Vec::new(),
            },
            // With 0xffff at its end the value is no number: a text follows, or there is none.
            FORMULA if u16_at(data, 12) != Some(0xffff) => one(f64_at(data, 6).map(|number| number.to_string())),
            _ => Vec::new(),
        }
    }
}

fn f64_at(bytes: &[u8], at: usize) -> Option<f64> {
    let number = bytes.get(at..)?.first_chunk().map(|eight| f64::from_le_bytes(*eight))?;
    number.is_finite().then_some(number)
}

/// A number in 30 bits: an integer or the upper half of a double, perhaps times a hundred.
fn rk(packed: u32) -> f64 {
    let number = if packed & 2 == 0 {
        f64::from_bits(u64::from(packed & !3) << 32)
    } else {
        f64::from(packed.cast_signed() >> 2)
    };
    if packed & 1 == 0 { number } else { number / 100.0 }
}

fn shared_strings(pieces: Vec<&[u8]>) -> Vec<String> {
    let mut pieces = Pieces::new(pieces);
    let mut strings = Vec::new();
    // Total uses, then the number of texts; neither is trusted.
    if pieces.skip(8).is_none() {
        return strings;
    }
    while let Some(count) = pieces.u16() {
        let Some(text) = pieces.characters(usize::from(count)) else { break };
        strings.push(text);
    }
    strings
}

/// Data that goes on over several records.
struct Pieces<'a> {
    pieces: Vec<&'a [u8]>,
    index: usize,
    at: usize,
}

impl<'a> Pieces<'a> {
    fn new(pieces: Vec<&'a [u8]>) -> Self {
        Self { pieces, index: 0, at: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        loop {
            let piece = self.pieces.get(self.index)?;
            if let Some(byte) = piece.get(self.at) {
                self.at += 1;
                return Some(*byte);
            }
            self.next_piece();
        }
    }

    fn next_piece(&mut self) {
        self.index += 1;
        self.at = 0;
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        let mut left = bytes;
        while left > 0 {
            let here = self.pieces.get(self.index)?.len().saturating_sub(self.at);
            let step = here.min(left);
            self.at += step;
            left -= step;
            if left > 0 {
                self.next_piece();
            }
        }
        Some(())
    }

    /// A text of `count` UTF-16 units: a byte of flags, then the units, one or two bytes each; where
    /// a record ends within them, the next begins with the flags again. Formatting runs and phonetic
    /// parts behind it are passed over.
    fn characters(&mut self, count: usize) -> Option<String> {
        let flags = self.byte()?;
        let runs = if flags & 8 == 0 { 0 } else { usize::from(self.u16()?) };
        let extended = if flags & 4 == 0 {
            0
        } else {
            u32::from_le_bytes([self.byte()?, self.byte()?, self.byte()?, self.byte()?]) as usize
        };
        let mut is_wide = flags & 1 == 1;
        let mut units = Vec::with_capacity(count.min(1024));
        while units.len() < count {
            if self.pieces.get(self.index)?.len() <= self.at {
                self.next_piece();
                is_wide = self.byte()? & 1 == 1;
            }
            let low = self.byte()?;
            let high = if is_wide { self.byte()? } else { 0 };
            units.push(u16::from_le_bytes([low, high]));
        }
        self.skip(runs.checked_mul(4)?.checked_add(extended)?)?;
        Some(String::from_utf16_lossy(&units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_are_unpacked() {
        for (packed, number) in [(0x3ff0_0000, 1.0), (0x4059_0001, 1.0), ((90 << 2) | 2, 90.0), ((315 << 2) | 3, 3.15)]
        {
            assert_eq!(rk(packed), number);
        }
        assert_eq!(rk((-5_i32 << 2).cast_unsigned() | 2), -5.0);
    }

    #[test]
    fn texts_go_on_over_records() {
        // Two texts: "ab" narrow; "题c" wide, broken after its first unit and narrow from there on.
        let first: &[u8] = &[2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, b'a', b'b', 2, 0, 1, 0x98, 0x98];
        assert_eq!(shared_strings(vec![first, &[0, b'c']]), ["ab", "题c"]);
        assert!(shared_strings(vec![&[0; 7]]).is_empty());
        assert!(shared_strings(vec![&[0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, b'x']]).is_empty());
    }
}
