//! Which column holds what.

use super::{Cell, OptionRow};
use crate::formats::record::{Column, Record};
use crate::limits::OPTIONS_MAX;

/// The columns that are known, by their position.
pub(super) struct Header {
    columns: Vec<(u16, Column)>,
}

impl Header {
    /// A row is the header when it names a stem and an answer, or a stem and options by the row. Of
    /// two columns with the same meaning the first counts.
    pub(super) fn parse(cells: &[Cell]) -> Option<Self> {
        let mut columns: Vec<(u16, Column)> = Vec::new();
        for (position, name) in cells {
            if let Some(column) = Column::parse(name)
                && columns.iter().all(|(_, known)| *known != column)
            {
                columns.push((*position, column));
            }
        }
        let has = |wanted: Column| columns.iter().any(|(_, column)| *column == wanted);
        let has_answer = has(Column::Answer) || has(Column::AnswerLetters);
        let by_the_row = has(Column::OptionText) && has(Column::IsRight);
        (has(Column::Stem) && (has_answer || by_the_row)).then_some(Self { columns })
    }

    pub(super) fn is_one_row_per_option(&self) -> bool {
        let has = |wanted: Column| self.columns.iter().any(|(_, column)| *column == wanted);
        has(Column::OptionText) && has(Column::IsRight)
    }

    /// The cells of a row, each in its field.
    pub(super) fn record(&self, cells: &[Cell]) -> Record {
        let mut record = Record::default();
        let mut letters = String::new();
        for (column, text) in self.named(cells) {
            let text = text.clone();
            match column {
                Column::Option(index) => put(&mut record.options, usize::from(index), text),
                Column::AnswerLetters => letters = text,
                Column::Code => record.code = text,
                Column::Kind => record.kind = text,
                Column::Stem => record.stem = text,
                Column::Options => record.options_cell = text,
                Column::Answer => record.answer = text,
                Column::Explanation => record.explanation = text,
                Column::Topic => record.topic = text,
                Column::Difficulty => record.difficulty = text,
                Column::Points => record.points = text,
                Column::Tags => record.tags = text,
                Column::Enemies => record.enemies = text,
                Column::Settings => record.settings = text,
                Column::Group | Column::IsRight | Column::OptionText | Column::OptionFeedback => {}
            }
        }
        if !letters.trim().is_empty() {
            record.answer = letters;
        }
        record
    }

    /// The same for a row about one option, with the number that the rows of an item share.
    pub(super) fn option_row(&self, cells: &[Cell]) -> (Record, String, OptionRow) {
        let mut option = OptionRow { text: String::new(), feedback: String::new(), is_right: false };
        let mut number = String::new();
        for (column, text) in self.named(cells) {
            match column {
                Column::Group => text.trim().clone_into(&mut number),
                Column::OptionText => option.text.clone_from(text),
                Column::OptionFeedback => option.feedback.clone_from(text),
                Column::IsRight => {
                    option.is_right =
                        matches!(text.trim(), "1" | "是" | "对" | "正确" | "√" | "TRUE" | "true" | "Y" | "y");
                }
                _ => {}
            }
        }
        let mut record = self.record(cells);
        record.options.clear();
        (record, number, option)
    }

    fn named<'a>(&'a self, cells: &'a [Cell]) -> impl Iterator<Item = (Column, &'a String)> {
        cells.iter().filter_map(|(position, text)| {
            let (_, column) = self.columns.iter().find(|(known, _)| known == position)?;
            Some((*column, text))
        })
    }
}

fn put(list: &mut Vec<String>, index: usize, text: String) {
    if list.len() <= index {
        list.resize((index + 1).min(OPTIONS_MAX), String::new());
    }
    if let Some(slot) = list.get_mut(index) {
        *slot = text;
    }
}
