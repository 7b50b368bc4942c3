//! The template's columns as comma-separated values.

use super::table::{Cell, Table, columns, row};
use super::{Finding, FindingCode, Omitted, Parsed, ParsedEntry, Place};
use crate::Item;
use crate::limits::IMPORT_COLUMNS_MAX;
use csv::{ReaderBuilder, StringRecord, WriterBuilder};

/// Reads a table: comma, tab or semicolon, whichever the first lines hold most of. Rows are named
/// by the line they begin on.
#[must_use]
pub fn read(text: &str) -> Parsed {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(text)).from_reader(text.as_bytes());
    let mut table = Table::default();
    let mut record = StringRecord::new();
    let mut cells = Vec::new();
    let mut broken = None;
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                broken = Some(ParsedEntry::refused(Place::File, Finding::new(FindingCode::Syntax, error.to_string())));
                break;
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        cells.clear();
        for (position, text) in (0..).zip(&record).take(IMPORT_COLUMNS_MAX) {
            if !text.trim().is_empty() {
                cells.push((position, unescape(text).to_owned()));
            }
        }
        let more = table.row(Place::Line(u32::try_from(line).unwrap_or(u32::MAX)), &cells);
        if !more || table.has_no_header() {
            break;
        }
    }
    let missing = || vec![ParsedEntry::refused(Place::File, Finding::new(FindingCode::HeaderMissing, ""))];
    let mut entries = table.finish().unwrap_or_else(missing);
    entries.extend(broken);
    Parsed { entries }
}

/// Hands on every row that is not blank with the line it begins on, until `take` says no.
pub(super) fn read_rows(text: &str, take: &mut dyn FnMut(u32, &[Cell]) -> bool) -> Result<(), Finding> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(text)).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| Finding::new(FindingCode::Syntax, error.to_string()))? {
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<Cell> = (0..)
            .zip(&record)
            .take(IMPORT_COLUMNS_MAX)
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(position, text)| (position, unescape(text).to_owned()))
            .collect();
        if !cells.is_empty() && !take(u32::try_from(line).unwrap_or(u32::MAX), &cells) {
            break;
        }
    }
    Ok(())
}

/// Whether the text begins with a header row that names a stem and an answer.
pub(super) fn looks_like_table(text: &str) -> bool {
    const HEAD_LINES: usize = 30;
    let head: usize = text.split_inclusive('\n').take(HEAD_LINES).map(str::len).sum();
    let parsed = read(text.get(..head).unwrap_or_default());
    !parsed
        .entries
        .iter()
        .any(|entry| matches!(&entry.outcome, Err(finding) if finding.code == FindingCode::HeaderMissing))
}

/// Writes UTF-8 with a byte order mark, without which Excel reads Chinese wrongly, and says what
/// was left out, by item code. No cell can be taken for a formula.
#[must_use]
pub fn write(items: &[&Item]) -> (String, Omitted) {
    let header = columns(items);
    let mut omitted = Vec::new();
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let mut put = |cells: &[String]| {
        // Writing into memory does not fail, and all rows are as long as the header.
        let _ = writer.write_record(cells.iter().map(|cell| escape(cell)));
    };
    put(&header);
    for item in items {
        match row(item, &header) {
            Ok((cells, lost)) => {
                put(&cells);
                omitted.extend(lost.map(|lost| (item.code.clone(), lost)));
            }
            Err(finding) => omitted.push((item.code.clone(), finding)),
        }
    }
    let bytes = writer.into_inner().unwrap_or_default();
    (format!("\u{feff}{}", String::from_utf8_lossy(&bytes)), omitted)
}

/// What spreadsheets take for the beginning of a formula, or pass over on the way to one.
fn is_formula_start(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠')
}

/// With an apostrophe before what could be a formula, which spreadsheets take off again.
pub(super) fn escape(cell: &str) -> String {
    if cell.trim_start_matches('\'').starts_with(is_formula_start) { format!("'{cell}") } else { cell.to_owned() }
}

/// The inverse of [`escape`].
fn unescape(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(is_formula_start) => rest,
        _ => cell,
    }
}

fn delimiter(text: &str) -> u8 {
    const LINES: usize = 5;
    const BYTES_MAX: usize = 10_000;
    let head = text.lines().take(LINES).flat_map(str::bytes).take(BYTES_MAX).filter(|byte| b",\t;".contains(byte));
    let mut counts = [(b',', 0_usize), (b'\t', 0), (b';', 0)];
    for byte in head {
        for (delimiter, count) in &mut counts {
            *count += usize::from(*delimiter == byte);
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::draft::{samples, validate};
    use crate::{Fraction, Key};
    use proptest::prelude::*;

    fn items(text: &str) -> Vec<Item> {
        read(text).entries.into_iter().map(|entry| validate(&entry.outcome.unwrap()).unwrap().0).collect()
    }

    /// What of an item a table holds.
    fn held(item: &Item) -> Item {
        let mut item = item.clone();
        item.solution.feedback.clear();
        if let Key::Choice { weights, .. } = &mut item.solution.key {
            *weights = None;
        }
        item
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back(given in prop::collection::vec(samples::item(), 1..4)) {
            let (text, omitted) = write(&given.iter().collect::<Vec<_>>());
            prop_assert_eq!(text.chars().next(), Some('\u{feff}'));
            let is_written = |item: &&Item| {
                !omitted.iter().any(|(code, finding)| *code == item.code && finding.code == FindingCode::NotHeld)
            };
            let written: Vec<Item> = given.iter().filter(is_written).map(held).collect();
            prop_assert_eq!(items(text.trim_start_matches('\u{feff}')), written);
        }

        #[test]
        fn cells_are_never_formulas(cell in "['=+@\\-\\t\\r\\n\\x00a＝]{0,6}") {
            let escaped = escape(&cell);
            prop_assert!(!escaped.starts_with(is_formula_start));
            prop_assert_eq!(unescape(&escaped), cell);
        }
    }

    #[test]
    fn most_items_are_held() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let given: Vec<Item> = (0..300)
            .map(|_| proptest::strategy::ValueTree::current(&samples::item().new_tree(&mut runner).unwrap()))
            .collect();
        let (_, omitted) = write(&given.iter().collect::<Vec<_>>());
        let not_held = omitted.iter().filter(|(_, finding)| finding.code == FindingCode::NotHeld).count();
        assert!(not_held < 150, "{not_held} of 300");
        let partial = |item: &&Item| match &item.solution.key {
            Key::Numeric { accepted } => accepted.iter().any(|number| number.fraction != Fraction::FULL),
            _ => false,
        };
        for item in given.iter().filter(partial) {
            let found =
                omitted.iter().any(|(code, finding)| *code == item.code && finding.code == FindingCode::NotHeld);
            assert!(found, "partial points are told");
        }
    }

    #[test]
    fn tables_of_all_sorts_are_read() {
        for text in [
            "题型,题干,选项A,选项B,答案\n单选题,一加一,1,2,B\n",
            "题库\n\n题目\t选项\t正确选项\n一加一\tA. 1 B. 2\tB\n",
            ",Question,A,B,C,D,Answer\n0,一加一,1,2,,,B\n",
            "question;A;B;answer\n一加一;1;2;b\n",
            "题干,选项A,选项B,答案\r\n\"一加一\",\"1\",\"2\",\"2\"",
        ] {
            let found = items(text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].solution.key, Key::Choice { correct: vec![1], weights: None }, "{text}");
            assert!(looks_like_table(text));
        }
        assert!(!looks_like_table("一加一\nA. 1\nB. 2\nANSWER: B"));
    }

    #[test]
    fn every_row_has_its_own_fate() {
        let text = "题型,题干,选项A,选项B,选项C,答案,难度\n\
            判断题,\"两行\n题干\",,,,对,易\n\
            简答题,谈谈,,,,略,\n\
            单选题,无答案,甲,乙,,,\n\
            单选题,越界,甲,乙,,D,\n\
            排序题,排,甲,乙,丙,CAB,\n\
            匹配题,配,a=1,b=2,=3,,\n\
            数值题,几,,,,3.14±0.01|[1，2],\n\
            填空题,（）是谁,,,,齐桓公|小白,\n\
            填空题,（）和（）,,,,甲|乙,\n\
            填空题,（）是度,度,,,A,\n\
            ,无类型,,,,随便,\n\
            ,,,,,,难\n";
        let read = read(text);
        let fates: Vec<(String, Result<&str, FindingCode>)> = read
            .entries
            .iter()
            .map(|entry| {
                let fate = entry.outcome.as_ref().map_err(|finding| finding.code);
                let fate = fate.and_then(|draft| match validate(draft) {
                    Ok((item, _)) => Ok(item.kind().name()),
                    Err(refusals) => Err(refusals[0].code),
                });
                (entry.place.to_string(), fate)
            })
            .collect();
        let at = |line: u32, fate| (format!("line {line}"), fate);
        assert_eq!(
            fates,
            [
                at(2, Ok("true_false")),
                at(4, Err(FindingCode::KindUnsupported)),
                at(5, Err(FindingCode::KeyMissing)),
                at(6, Err(FindingCode::KeyOutOfRange)),
                at(7, Ok("ordering")),
                at(8, Ok("matching")),
                at(9, Ok("numeric")),
                at(10, Ok("short_text")),
                at(11, Err(FindingCode::SeveralBlanks)),
                at(12, Ok("short_text")),
                at(13, Err(FindingCode::KindUnsupported)),
            ]
        );
    }

    #[test]
    fn hostile_tables_are_survived() {
        for text in [
            "x,".repeat(2_000_000),
            "\"".repeat(2_000_000),
            format!("题干,答案\n{}", "\0,\0\n".repeat(300_000)),
            format!("题干,答案\n{},A", "A. ".repeat(1_000_000)),
            format!("题干,选项,答案\n题,{},Z", "A. B. ".repeat(500_000)),
            "题干,答案".to_owned(),
        ] {
            assert!(read(&text).entries.iter().all(|entry| entry.outcome.is_err()), "{text:.40}");
        }
    }
}
