//! Grids: rows of cells as workbooks and as comma-separated values, for what is no bank: people, results, hours,
//! figures. Read within the same bounds as banks; written so that no spreadsheet computes what a person wrote.

use super::csv::escape;
use super::xlsx::{self, Column, SheetToWrite};
use super::{Finding, FindingCode};
use csv::WriterBuilder;

/// One cell to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text, which stays one: `007` and `=1+1` too.
    Text(String),
    /// A number.
    Number(f64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// A table with a header row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// The sheet's name.
    pub name: String,
    /// The header row.
    pub heads: Vec<String>,
    /// The rows below it.
    pub rows: Vec<Vec<Cell>>,
}

/// A table to fill in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template<'a> {
    /// The sheet that is filled in, and its name is what reading asks for.
    pub name: &'a str,
    /// Its columns with the words each may hold, where there are such.
    pub columns: &'a [(&'a str, &'a [&'a str])],
    /// Lines of the sheet of instructions.
    pub instructions: &'a [[&'a str; 3]],
    /// Rows of the sheet of examples.
    pub examples: &'a [&'a [&'a str]],
}

impl Grid {
    /// As a workbook.
    ///
    /// # Errors
    /// More rows than a sheet has, or a text longer than a cell holds.
    pub fn to_xlsx(&self) -> Result<Vec<u8>, Finding> {
        let columns: Vec<Column<'_>> = self.heads.iter().map(|head| Column { head, choices: &[] }).collect();
        xlsx::write_sheets(&[SheetToWrite { name: &self.name, columns: &columns, rows: &self.rows }])
    }

    /// As UTF-8 with a byte order mark, without which Excel reads Chinese wrongly. No cell can be taken for a formula.
    #[must_use]
    pub fn to_csv(&self) -> Vec<u8> {
        let mut writer = WriterBuilder::new().from_writer("\u{feff}".as_bytes().to_vec());
        // Writing into memory does not fail, and a row is as long as it is.
        let _ = writer.write_record(self.heads.iter().map(|head| escape(head)));
        for row in &self.rows {
            let cells = row.iter().map(|cell| match cell {
                Cell::Empty => String::new(),
                Cell::Text(text) => escape(text),
                Cell::Number(number) => escape(&number.to_string()),
            });
            let _ = writer.write_record(cells);
        }
        writer.into_inner().unwrap_or_default()
    }
}

impl Template<'_> {
    /// The workbook to fill in: its own sheet, and sheets of instructions and examples that reading passes over.
    ///
    /// # Errors
    /// The workbook cannot be made.
    pub fn to_xlsx(&self) -> Result<Vec<u8>, Finding> {
        let columns: Vec<Column<'_>> = self.columns.iter().map(|(head, choices)| Column { head, choices }).collect();
        let plain: Vec<Column<'_>> = columns.iter().map(|column| Column { head: column.head, choices: &[] }).collect();
        let cells = |row: &[&str]| row.iter().map(|text| Cell::from(*text)).collect();
        let examples: Vec<Vec<Cell>> = self.examples.iter().map(|row| cells(row)).collect();
        let instructions: Vec<Vec<Cell>> = self.instructions.iter().map(|row| cells(row)).collect();
        xlsx::write_sheets(&[
            SheetToWrite { name: self.name, columns: &columns, rows: &[] },
            SheetToWrite { name: xlsx::INSTRUCTIONS_SHEET, columns: &[], rows: &instructions },
            SheetToWrite { name: xlsx::EXAMPLES_SHEET, columns: &plain, rows: &examples },
        ])
    }
}

/// A row that was read: its number as Excel shows it, and its cells by column, blank ones empty.
pub type Row = (u32, Vec<String>);

/// Reads the first sheet of a workbook that is not one of instructions or examples, or comma-separated values.
/// Blank rows are left out; at most `rows_max` are read.
///
/// # Errors
/// The file is neither, hostile, or longer.
pub fn read(bytes: &[u8], rows_max: usize) -> Result<Vec<Row>, Finding> {
    let mut rows: Vec<Row> = Vec::new();
    let mut too_many = false;
    let mut take = |number: u32, cells: &[(u16, String)]| {
        if rows.len() == rows_max {
            too_many = true;
            return false;
        }
        let width = cells.iter().map(|(column, _)| usize::from(*column) + 1).max().unwrap_or_default();
        let mut row = vec![String::new(); width];
        for (column, text) in cells {
            text.trim().clone_into(&mut row[usize::from(*column)]);
        }
        rows.push((number, row));
        true
    };
    match bytes {
        [b'P', b'K', ..] => xlsx::read_rows(bytes, &mut take)?,
        _ => super::csv::read_rows(&super::encoding::decode_text(bytes), &mut take)?,
    }
    let subject = || format!("{rows_max} 行 rows");
    if too_many { Err(Finding::new(FindingCode::FileTooLarge, subject())) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn grid() -> Grid {
        Grid {
            name: "人员".into(),
            heads: vec!["用户名".into(), "身份证号".into(), "学时".into()],
            rows: vec![
                vec!["=1+1".into(), "11010519491231002X".into(), 2.5.into()],
                vec![Cell::Empty, "440524188001010014".into(), Cell::Number(-0.5)],
                vec!["a,\"b\"".into()],
            ],
        }
    }

    #[test]
    fn what_is_written_as_a_workbook_reads_back() {
        let rows = read(&grid().to_xlsx().unwrap(), 10).unwrap();
        let texts: Vec<Vec<&str>> = rows.iter().map(|(_, row)| row.iter().map(String::as_str).collect()).collect();
        assert_eq!(
            texts,
            [
                vec!["用户名", "身份证号", "学时"],
                vec!["=1+1", "11010519491231002X", "2.5"],
                vec!["", "440524188001010014", "-0.5"],
                vec!["a,\"b\""],
            ]
        );
        assert_eq!(rows[3].0, 4, "rows are named as Excel shows them");
        assert!(read(&grid().to_xlsx().unwrap(), 3).is_err());
    }

    #[test]
    fn comma_separated_values_compute_nothing_and_read_back() {
        let csv = grid().to_csv();
        let text = String::from_utf8(csv.clone()).unwrap();
        assert!(text.contains("'=1+1") && text.contains("'-0.5"), "{text}");
        let rows = read(&csv, 10).unwrap();
        assert_eq!(rows[1].1, ["=1+1", "11010519491231002X", "2.5"]);
        assert_eq!((rows[2].0, rows[3].1[0].as_str()), (3, "a,\"b\""));
        assert!(read(&csv, 2).is_err());
    }

    #[test]
    fn a_template_reads_as_its_header_alone() {
        let template = Template {
            name: "人员",
            columns: &[("用户名", &[]), ("角色", &["学员", "监考人员"])],
            instructions: &[["a", "b", "c"]],
            examples: &[&["zhang", "学员"]],
        };
        let rows = read(&template.to_xlsx().unwrap(), 10).unwrap();
        assert_eq!(rows, [(1, vec!["用户名".to_owned(), "角色".to_owned()])]);
    }

    #[test]
    fn what_is_no_table_is_refused_and_nothing_is_nothing() {
        assert!(read(b"PK\x03\x04 not really", 10).is_err());
        assert_eq!(read(b"", 10).unwrap(), []);
        assert_eq!(read("\u{feff}\n\n".as_bytes(), 10).unwrap(), []);
    }
}
