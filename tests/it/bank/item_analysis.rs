//! Item analysis against the reference results of established packages over real response data: item
//! statistics, options and reliability as they come out of the same tables.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::psychometrics::{data, rows};
use question_bank::analysis::{Analysis, AnalysisReport, ItemReport, MarkedItem, Scores};
use question_bank::{
    Difficulty, Interaction, Item, Key, Points, Pool, Prompt, RichText, Said, Snapshot, Solution, TopicPath,
};
use std::collections::HashMap;
use std::sync::Arc;

/// As exact as the reference files are.
const NEAR: f64 = 1e-9;

/// The figures of one column of a reference file, by item.
struct Reference(Vec<HashMap<String, f64>>);

impl Reference {
    fn items(folder: &str) -> Self {
        let text = std::fs::read_to_string(data(folder).join("ref_ctt_items.csv")).unwrap();
        let mut lines = text.lines().map(|line| line.split(','));
        let heads: Vec<&str> = lines.next().unwrap().collect();
        Self(
            lines
                .map(|cells| {
                    heads
                        .iter()
                        .zip(cells)
                        .filter_map(|(head, cell)| Some(((*head).to_owned(), cell.parse().ok()?)))
                        .collect()
                })
                .collect(),
        )
    }
}

fn of_test(folder: &str) -> HashMap<String, f64> {
    rows(&data(folder), "ref_ctt_test.csv").iter().map(|row| (row[0].clone(), row[1].parse().unwrap())).collect()
}

fn pool_of(items: usize, key: impl Fn(usize) -> u8) -> Pool {
    let made = (0..items).map(|number| Item {
        code: format!("i{number:04}"),
        topic: TopicPath::root(),
        difficulty: Difficulty::MEDIUM,
        tags: Vec::new(),
        enemies: Vec::new(),
        points: None,
        prompt: Prompt {
            stem: RichText::from_plain(&format!("{number}")),
            interaction: Interaction::Choice {
                multiple: false,
                fixed_order: false,
                options: ["A", "B", "C", "D"].map(RichText::from_plain).to_vec(),
            },
        },
        solution: Solution {
            key: Key::Choice { correct: vec![key(number)], weights: None },
            explanation: None,
            feedback: Vec::new(),
        },
    });
    Pool::new(Arc::new(Snapshot::new(made.collect()).unwrap()))
}

/// One cell of the table: the mark, and which option was chosen, if that is known.
type Cell = (Points, Option<Said>);

fn analyse(pool: &Pool, papers: &[Vec<Cell>], max: Points) -> AnalysisReport {
    let mut scores = Scores::default();
    papers.iter().for_each(|paper| scores.add(paper.iter().map(|(points, _)| *points).sum()));
    let mut analysis = Analysis::new(scores.groups());
    for paper in papers {
        let slots: Vec<MarkedItem<'_>> = (0..)
            .zip(paper)
            .map(|(item, (points, said))| MarkedItem {
                item: question_bank::ItemIndex(item),
                section: 0,
                points: *points,
                max,
                said: said.as_ref(),
                taken_ms: None,
            })
            .collect();
        analysis.add(&slots);
    }
    analysis.report(pool)
}

/// A table of marks.
fn marks(folder: &str, file: &str) -> Vec<Vec<Cell>> {
    let read = |cell: &String| (Points::whole(cell.parse().unwrap()), None);
    rows(&data(folder), file).iter().map(|row| row.iter().map(read).collect()).collect()
}

#[track_caller]
fn near(what: &str, ours: Option<f64>, theirs: f64) {
    assert!(ours.is_some_and(|ours| (ours - theirs).abs() < NEAR), "{what}: {ours:?}, reference {theirs}");
}

/// Facility, spread and corrected point-biserial of every item; mean, spread, alpha of the test.
#[track_caller]
fn equals_the_reference(folder: &str, report: &AnalysisReport, max: f64) {
    let items = Reference::items(folder);
    assert_eq!(report.items.len(), items.0.len(), "{folder}");
    for (index, (ours, theirs)) in report.items.iter().zip(&items.0).enumerate() {
        let what = |name: &str| format!("{folder}, item {index}, {name}");
        near(&what("facility"), ours.facility.map(|share| share * max), theirs["p"]);
        near(&what("sd"), ours.sd.map(|sd| sd * max), theirs["sd"]);
        near(&what("discrimination"), ours.discrimination, theirs["r_ir"]);
    }
    let test = of_test(folder);
    near("mean", report.scores.mean(), test["mean_total"]);
    near("variance", report.scores.variance(), test["var_total"]);
    near("alpha", report.reliability.alpha.ok(), test["alpha"]);
    near("sem", report.reliability.sem, test["sem"]);
}

#[test]
fn item_statistics_of_real_tests_equal_the_reference() {
    for folder in ["lsat6", "lsat7", "inadequacy", "credential-form1"] {
        let papers = marks(folder, "responses.csv");
        let report = analyse(&pool_of(papers[0].len(), |_| 0), &papers, Points::whole(1));
        equals_the_reference(folder, &report, 1.0);
    }
}

#[test]
fn right_or_wrong_items_have_the_dependability_of_lords_model() {
    // With one section of right-or-wrong items the index is KR-21 but for dividing by n − 1.
    let papers = marks("lsat6", "responses.csv");
    let report = analyse(&pool_of(5, |_| 0), &papers, Points::whole(1));
    let test = of_test("lsat6");
    let (k, mean, variance, n) = (test["n_items"], test["mean_total"], test["var_total"], test["n_persons"]);
    let error = (k * mean - mean * mean - variance * (n - 1.0) / n) / (k - 1.0);
    near("dependability", report.reliability.dependability, 1.0 - error / variance);
    assert!((report.reliability.dependability.unwrap() - test["kr21"]).abs() < 2e-3);
}

#[test]
fn partial_credit_of_a_real_test_equals_the_reference() {
    let folder = "medical-multiselect";
    let report = analyse(&pool_of(100, |_| 0), &marks(folder, "expected_exact_0_1.csv"), Points::whole(1));
    equals_the_reference(folder, &report, 1.0);
    // The same with four points an item: shares, and correlations, that any scale leaves as they are.
    let graded = marks(folder, "expected_graded_0_4.csv");
    let report = analyse(&pool_of(100, |_| 0), &graded, Points::whole(4));
    let item =
        |index: usize| graded.iter().map(|paper| paper[index].0.hundredths() as f64 / 400.0).sum::<f64>() / 1196.0;
    report.items.iter().enumerate().for_each(|(index, ours)| near("facility", ours.facility, item(index)));
}

#[test]
fn options_of_a_real_test_equal_the_reference() {
    let folder = "ctt100x20";
    let letter = |text: &str| text.bytes().next().unwrap() - b'A';
    let key: Vec<u8> = rows(&data(folder), "key.csv").iter().map(|row| letter(&row[1])).collect();
    let letters: Vec<Vec<u8>> =
        rows(&data(folder), "raw.csv").iter().map(|row| row.iter().map(|cell| letter(cell)).collect()).collect();
    let paper = |row: &Vec<u8>| -> Vec<Cell> {
        let cell = |(cell, key): (&u8, &u8)| (Points::whole(i64::from(cell == key)), Some(Said::Choices(1 << cell)));
        row.iter().zip(&key).map(cell).collect()
    };
    let papers: Vec<Vec<Cell>> = letters.iter().map(paper).collect();
    let pool = pool_of(20, |item| key[item]);
    let report = analyse(&pool, &papers, Points::whole(1));
    equals_the_reference(folder, &report, 1.0);
    let reference = reference_options();
    assert_eq!(reference.len(), 80);
    for ((item, option), theirs) in reference {
        let ours: &ItemReport = &report.items[item];
        let ours = &ours.options[option];
        assert_eq!((ours.chosen, ours.is_key), (theirs.chosen, theirs.is_key), "item {item}, option {option}");
        // They take the option itself out of the score, we take the item's mark: the same for a key, not for a
        // distractor. So both are worked out from the table once more.
        let without = |own: &dyn Fn(u8) -> bool| {
            let pairs = letters.iter().map(|row| {
                let score = row.iter().zip(&key).filter(|(cell, key)| cell == key).count();
                let chose = usize::from(row[item]) == option;
                (f64::from(u8::from(chose)), score as f64 - f64::from(u8::from(own(row[item]))))
            });
            correlation(&pairs.collect::<Vec<_>>())
        };
        let by_option = without(&|cell| usize::from(cell) == option);
        // That file is printed to seven digits.
        assert!((by_option - theirs.discrimination).abs() < 1e-6, "item {item}, option {option}: {by_option}");
        let by_item = without(&|cell| cell == key[item]);
        let discrimination = ours.discrimination.unwrap();
        assert!((discrimination - by_item).abs() < NEAR, "item {item}, option {option}: {discrimination}");
    }
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (left, right) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|pair| of(pair.0 - left, pair.1 - right)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

struct OptionReference {
    is_key: bool,
    chosen: u32,
    discrimination: f64,
}

/// As printed: `A  *  A 55 0.55  0.2299700 …` under `$i3`; lines that continue a table have no count.
fn reference_options() -> HashMap<(usize, usize), OptionReference> {
    let text = std::fs::read_to_string(data("ctt100x20").join("ref_distractor.txt")).unwrap();
    let (mut found, mut item) = (HashMap::new(), 0);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("$i") {
            item = name.trim().parse::<usize>().unwrap() - 1;
            continue;
        }
        let is_key = line.contains('*');
        let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "*").collect();
        let [name, again, chosen, _, discrimination, ..] = words[..] else { continue };
        if name != again || name.len() != 1 {
            continue;
        }
        let option = usize::from(name.as_bytes()[0] - b'A');
        let (chosen, discrimination) = (chosen.parse().unwrap(), discrimination.parse().unwrap());
        found.insert((item, option), OptionReference { is_key, chosen, discrimination });
    }
    found
}
