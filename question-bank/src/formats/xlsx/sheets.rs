//! Writes sheets of cells: texts stay texts, whatever they look like, and nothing is a formula.

use crate::formats::Finding;
use crate::formats::grid::Cell;
use rust_xlsxwriter::{
    DataValidation, DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError,
};

/// Sheets that reading passes over.
pub(in crate::formats) const INSTRUCTIONS_SHEET: &str = "说明";
/// See [`INSTRUCTIONS_SHEET`].
pub(in crate::formats) const EXAMPLES_SHEET: &str = "示例";
/// Characters (UTF-16 units) that a cell of Excel holds.
pub(super) const CELL_UNITS_MAX: usize = 32_767;
/// Rows of a template that offer choices.
const TEMPLATE_ROWS: u32 = 5_000;
/// Width of the columns of a sheet without a header row: a name and texts beside it.
const TEXT_WIDTHS: [u16; 3] = [16, 70, 70];

/// A column with a header, and the words its cells offer.
pub(in crate::formats) struct Column<'a> {
    pub(in crate::formats) head: &'a str,
    pub(in crate::formats) choices: &'a [&'a str],
}

/// One sheet; without columns its rows begin at the top.
pub(in crate::formats) struct SheetToWrite<'a> {
    pub(in crate::formats) name: &'a str,
    pub(in crate::formats) columns: &'a [Column<'a>],
    pub(in crate::formats) rows: &'a [Vec<Cell>],
}

/// Writes a workbook.
///
/// # Errors
/// More rows than a sheet has, or a text longer than a cell holds.
pub(in crate::formats) fn write_sheets(sheets: &[SheetToWrite<'_>]) -> Result<Vec<u8>, Finding> {
    workbook(sheets).map_err(super::syntax)
}

fn workbook(sheets: &[SheetToWrite<'_>]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // The writer would take the time of the machine: the same cells give the same bytes.
    book.set_properties(&DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?));
    for sheet in sheets {
        fill(book.add_worksheet().set_name(sheet.name)?, sheet)?;
    }
    book.save_to_buffer()
}

fn fill(page: &mut Worksheet, sheet: &SheetToWrite<'_>) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_align(FormatAlign::Center);
    // Text format, so that Excel does not make dates of 1-2 and numbers of 007.
    let text = Format::new().set_num_format("@").set_text_wrap().set_align(FormatAlign::Top);
    let last = u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX).max(TEMPLATE_ROWS);
    for (position, column) in (0_u16..).zip(sheet.columns) {
        page.set_column_width(position, width(column.head))?;
        // Where people fill in, what they type is text too.
        if sheet.rows.is_empty() || !column.choices.is_empty() {
            page.set_column_format(position, &text)?;
        }
        page.write_string_with_format(0, position, column.head, &bold)?;
        if !column.choices.is_empty() {
            let list =
                DataValidation::new().allow_list_strings(column.choices)?.set_error_message("请从下拉列表中选择")?;
            page.add_data_validation(1, position, last, position, &list)?;
        }
    }
    if sheet.columns.is_empty() {
        for (position, width) in (0_u16..).zip(TEXT_WIDTHS) {
            page.set_column_width(position, width)?;
        }
    } else {
        page.set_freeze_panes(1, 0)?;
    }
    for (number, row) in (u32::from(!sheet.columns.is_empty())..).zip(sheet.rows) {
        for (position, cell) in (0_u16..).zip(row) {
            match cell {
                Cell::Text(words) if !words.is_empty() => {
                    page.write_string_with_format(number, position, words, &text)?;
                }
                Cell::Number(value) => {
                    page.write_number(number, position, *value)?;
                }
                Cell::Text(_) | Cell::Empty => {}
            }
        }
    }
    Ok(())
}

fn width(head: &str) -> u16 {
    match head {
        "题干" | "解析" => 48,
        "题型" | "难度" | "分值" => 8,
        _ => 18,
    }
}
