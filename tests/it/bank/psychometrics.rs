//! Scoring rules against a real medical admission test (1,196 persons × 100 items, several right
//! options each) and the official marks: all or nothing, and options marked as the key marks them.

#![expect(clippy::unwrap_used, reason = "tests")]

use question_bank::marking::{GradingKey, mark};
use question_bank::{Interaction, Key, Points, RichText, Said, ScoringRule};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the test data lies: `KEJU_TEST_DATA`, else beside the repository.
fn data_root() -> PathBuf {
    std::env::var_os("KEJU_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from)
}

/// A folder of response data.
pub(super) fn data(folder: &str) -> PathBuf {
    let folder = data_root().join("psychometrics").join(folder);
    assert!(folder.is_dir(), "{} is missing; set KEJU_TEST_DATA", folder.display());
    folder
}

pub(super) fn rows(folder: &Path, file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// `"BD"` is {1, 3}; `NA` and blank are no response.
fn letters(text: &str) -> Option<u32> {
    if text.is_empty() || text == "NA" {
        return None;
    }
    text.bytes().try_fold(0, |set, letter| Some(set | 1 << letter.checked_sub(b'A').filter(|&index| index < 4)?))
}

fn key(text: &str) -> GradingKey {
    let correct = (0..4).filter(|index| letters(text).unwrap() >> index & 1 == 1).collect();
    let interaction = Interaction::Choice {
        multiple: true,
        fixed_order: false,
        options: ["A", "B", "C", "D"].map(RichText::from_plain).to_vec(),
    };
    GradingKey::from_key(&Key::Choice { correct, weights: None }, &interaction)
}

#[test]
fn official_marks_are_reproduced() {
    let folder = data("medical-multiselect");
    let keys: Vec<GradingKey> = rows(&folder, "key.csv").iter().map(|row| key(&row[1])).collect();
    assert_eq!(keys.len(), 100);
    let (raw, exact, graded) =
        (rows(&folder, "raw.csv"), rows(&folder, "expected_exact_0_1.csv"), rows(&folder, "expected_graded_0_4.csv"));
    assert_eq!((raw.len(), exact.len(), graded.len()), (1196, 1196, 1196));
    for (person, ((raw, exact), graded)) in raw.iter().zip(&exact).zip(&graded).enumerate() {
        assert_eq!((raw.len(), exact.len(), graded.len()), (100, 100, 100));
        for (item, key) in keys.iter().enumerate() {
            let said = letters(&raw[item]).map(Said::Choices);
            let points = |rule, full| mark(key, said.as_ref(), rule, Points::whole(full)).points.to_string();
            assert_eq!(points(ScoringRule::AllOrNothing, 1), exact[item], "person {person}, item {item}");
            assert_eq!(points(ScoringRule::EachOption, 4), graded[item], "person {person}, item {item}");
        }
    }
}
