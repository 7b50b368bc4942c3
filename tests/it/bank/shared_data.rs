//! The Chinese banks people really have, through import as the server does it: every item of every
//! file is accounted for, and every refusal is one that must be.

#![expect(clippy::unwrap_used, reason = "tests")]

use question_bank::formats::{FindingCode, Format, Import, Report, Status, import};
use question_bank::{ContentHash, Item};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of real test input: `KEJU_TEST_DATA`, else `shared/data` beside the repository.
fn data(path: &str) -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = std::env::var_os("KEJU_TEST_DATA").map_or_else(beside, PathBuf::from);
    assert!(root.is_dir(), "no test data at {}: set KEJU_TEST_DATA", root.display());
    root.join("bank-zh").join(path)
}

const NOT_KNOWN: &dyn Fn(&Item, &ContentHash) -> bool = &|_, _| false;

fn import_file(path: &str) -> Import {
    let bytes = fs::read(data(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    import(&bytes, None, Some(path), NOT_KNOWN).unwrap_or_else(|finding| panic!("{path}: {finding:?}"))
}

/// `accepted 12, warned 3 (option_repeated 3), refused 0, duplicates 1`, with the codes of the lines
/// of warned and refused items.
fn summary(report: &Report) -> String {
    let codes = |status: Status| -> String {
        let mut counts = BTreeMap::<&str, u32>::new();
        for line in report.lines.iter().filter(|line| line.status == status) {
            *counts.entry(line.finding.code.name()).or_default() += 1;
        }
        let listed: Vec<String> = counts.into_iter().map(|(code, count)| format!("{code} {count}")).collect();
        if listed.is_empty() { String::new() } else { format!(" ({})", listed.join(", ")) }
    };
    let Report { accepted, warned, refused, duplicates, .. } = report;
    let (why_warned, why_refused) = (codes(Status::Warned), codes(Status::Refused));
    format!("accepted {accepted}, warned {warned}{why_warned}, refused {refused}{why_refused}, duplicates {duplicates}")
}

/// Items found, what became of them, and the file. Items found agree with the inventory that comes
/// with the data, which counts them by a script of its own; so do refusals: 简答题 and 论述题, answers
/// that are missing or beyond the options, options that are only pictures, equal options of which
/// one is right.
const EXPECTED: &[(u32, Format, &str, &str)] = &[
    (
        1754,
        Format::Json,
        "accepted 1670, warned 39 (answer_trimmed 34, option_repeated 1, options_split 4), \
         refused 42 (key_missing 1, key_out_of_range 1, kind_unsupported 39, options_too_few 1), duplicates 3",
        "adoremai-quiz/共同体概论.json",
    ),
    (
        995,
        Format::Xlsx,
        "accepted 953, warned 0, refused 42 (kind_unsupported 42), duplicates 0",
        "cambridgez-xls/题库.xls",
    ),
    (303, Format::Aiken, "accepted 303, warned 0, refused 0, duplicates 0", "engineering-ethics/题库.txt"),
    (
        320,
        Format::Json,
        "accepted 0, warned 316 (option_repeated 1, options_from_stem 316), refused 4 (options_too_few 4), duplicates 0",
        "gaokao-bench/2010-2022_Political_Science_MCQs.json",
    ),
    (220, Format::Json, "accepted 213, warned 0, refused 1 (option_ambiguous 1), duplicates 6", "maogai/tiku.json"),
    (
        1123,
        Format::Xlsx,
        "accepted 1101, warned 1 (option_repeated 1), refused 0, duplicates 21",
        "qingma-xlsx/青马易战_7.xlsx",
    ),
    (
        1048,
        Format::Xlsx,
        "accepted 970, warned 4 (key_conflict 2, option_repeated 2), refused 0, duplicates 74",
        "qingma-xlsx/青马易战_9.xlsx",
    ),
    (
        1932,
        Format::Xlsx,
        "accepted 1823, warned 4 (option_repeated 4), refused 0, duplicates 105",
        "qingma-xlsx/青马易战_10.xlsx",
    ),
    (
        12,
        Format::Xlsx,
        "accepted 11, warned 0, refused 1 (key_out_of_range 1), duplicates 0",
        "xlsx-templates/Hermannmayer__题库模板.xlsx",
    ),
    (4, Format::Xlsx, "accepted 4, warned 0, refused 0, duplicates 0", "xlsx-templates/yyy188-del__试题导入模板.xlsx"),
];

/// The same for the folders of CSV files, whose other files are accepted whole.
const EXPECTED_CSV: &[(&str, &str)] = &[
    ("ceval-val/advanced_mathematics_val.csv", "accepted 18, warned 0, refused 1 (option_ambiguous 1), duplicates 0"),
    ("cmmlu/college_law.csv", "accepted 107, warned 0, refused 0, duplicates 1"),
    ("cmmlu/computer_security.csv", "accepted 169, warned 0, refused 0, duplicates 2"),
    ("cmmlu/education.csv", "accepted 161, warned 1 (key_conflict 1), refused 0, duplicates 1"),
    ("cmmlu/journalism.csv", "accepted 171, warned 0, refused 0, duplicates 1"),
    ("cmmlu/public_relations.csv", "accepted 173, warned 0, refused 0, duplicates 1"),
    ("cmmlu/security_study.csv", "accepted 133, warned 0, refused 0, duplicates 2"),
];

fn total(report: &Report) -> u32 {
    report.accepted + report.warned + report.refused + report.duplicates
}

#[test]
fn chinese_banks_import_as_counted() {
    let mut wrong = Vec::new();
    for &(found, format, expected, path) in EXPECTED {
        let read = import_file(path);
        let summary = summary(&read.report);
        if (total(&read.report), read.format, summary.as_str()) != (found, format, expected) {
            wrong.push(format!("{path}: {} {}: {summary}", total(&read.report), read.format));
        }
        assert_eq!(read.items.len(), (read.report.accepted + read.report.warned) as usize, "{path}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_copied_from_pdf_import_whole() {
    let lectures = [
        ("01讲_工程伦理概论", 20),
        ("03讲_工程师的职业伦理", 18),
        ("04讲_工程前端设计规范", 23),
        ("08讲_传感器技术中的工程伦理", 24),
        ("09讲_人工智能及其伦理", 19),
        ("10讲_航空领域工程伦理", 20),
        ("12讲_智能制造领域工程伦理", 11),
        ("14讲_道路交通工程中的工程伦理", 18),
    ];
    let whole: Vec<ContentHash> =
        import_file("engineering-ethics/题库.txt").items.iter().map(question_bank::content_hash).collect();
    let mut the_same = 0;
    for (lecture, count) in lectures {
        let read = import_file(&format!("engineering-ethics/raw/第{lecture}_习题.txt"));
        assert_eq!(summary(&read.report), format!("accepted {count}, warned 0, refused 0, duplicates 0"));
        the_same += read.items.iter().filter(|item| whole.contains(&question_bank::content_hash(item))).count();
    }
    // Kangxi radicals from the PDF, which look like characters and are none, do not hide a duplicate.
    // One of the 153 has 戶, which the radical ⼾ stands for, where the other file has 户.
    assert_eq!(the_same, 152);
}

#[test]
fn benchmark_tables_import_as_the_inventory_counts_them() {
    let inventory = fs::read_to_string(data("INVENTORY.csv")).unwrap();
    let mut wrong = Vec::new();
    let mut files = 0;
    for line in inventory.lines() {
        let mut cells = line.split(',');
        let path = cells.next().unwrap_or_default().trim_start_matches("visible/");
        if !path.ends_with(".csv") {
            continue;
        }
        let count: u32 = cells.next().unwrap().parse().unwrap();
        let read = import_file(path);
        let summary = summary(&read.report);
        let clean = format!("accepted {count}, warned 0, refused 0, duplicates 0");
        let listed = EXPECTED_CSV.iter().find(|(known, _)| *known == path).map(|(_, expected)| *expected);
        if summary != listed.unwrap_or(&clean) || total(&read.report) != count || read.format != Format::Csv {
            wrong.push(format!("{path}: {summary} of {count}"));
        }
        files += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(files, 39);
}

#[test]
fn everything_imported_survives_export_and_import() {
    for &(_, _, _, path) in EXPECTED {
        let items = import_file(path).items;
        let all: Vec<&Item> = items.iter().collect();
        for format in [Format::Json, Format::Xlsx, Format::Csv] {
            let written = question_bank::formats::export(&all, format).unwrap();
            let gone: Vec<&str> = written
                .omitted
                .iter()
                .filter(|(_, finding)| finding.code == FindingCode::NotHeld)
                .map(|(code, _)| code.as_str())
                .collect();
            let lossy: Vec<&str> = written.omitted.iter().map(|(code, _)| code.as_str()).collect();
            assert!(gone.len() * 100 <= items.len(), "{path} {format}: {} of {}", gone.len(), items.len());
            let again = import(&written.bytes, Some(format), None, NOT_KNOWN).unwrap();
            let kept: Vec<&Item> = items.iter().filter(|item| !gone.contains(&item.code.as_str())).collect();
            assert_eq!(again.items.len(), kept.len(), "{path} {format}");
            for (item, again) in kept.into_iter().zip(&again.items) {
                assert!(item == again || lossy.contains(&item.code.as_str()), "{path} {format}: {item:?} {again:?}");
            }
        }
    }
}

#[test]
fn what_was_imported_is_not_imported_again() {
    let path = "maogai/tiku.json";
    let first = import_file(path);
    let known: Vec<ContentHash> = first.items.iter().map(question_bank::content_hash).collect();
    let bytes = fs::read(data(path)).unwrap();
    let again = import(&bytes, None, None, &|_, hash| known.contains(hash)).unwrap();
    assert_eq!(summary(&again.report), "accepted 0, warned 0, refused 1 (option_ambiguous 1), duplicates 219");
}

#[test]
fn notes_and_licences_are_no_banks() {
    for path in ["SOURCE.md", "adoremai-quiz/LICENSE", "cmmlu/NOTICE.txt", "INVENTORY.csv"] {
        let refused = import(&fs::read(data(path)).unwrap(), None, Some(path), NOT_KNOWN).unwrap_err();
        assert!(matches!(refused.code, FindingCode::FormatUnknown | FindingCode::HeaderMissing), "{path}");
    }
}
