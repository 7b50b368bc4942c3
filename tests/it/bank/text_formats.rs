//! GIFT, Moodle XML and Aiken over the files people really have, and over hostile ones.

#![expect(clippy::unwrap_used, reason = "tests")]

use question_bank::ItemDraft;
use question_bank::draft::DraftBody;
use question_bank::formats::{FindingCode, Parsed, Place, aiken, gift, moodle_xml};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of real test input: `KEJU_TEST_DATA`, else `shared/data` beside the repository.
fn data(path: &str) -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("KEJU_TEST_DATA").map_or_else(beside, PathBuf::from).join(path)
}

/// A file as text; what is not UTF-8 here is windows-1252, of which only Latin-1 is used.
fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8(bytes).unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
}

/// All files under a folder whose names end so, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} under {}", folder.display());
    found
}

/// `ok 12, warned 3, kind_unsupported 2`.
fn tally(parsed: impl IntoIterator<Item = Parsed>) -> String {
    let (mut ok, mut warned, mut refused) = (0, 0, BTreeMap::<&str, u32>::new());
    for entry in parsed.into_iter().flat_map(|parsed| parsed.entries) {
        match entry.outcome {
            Ok(_) => ok += 1,
            Err(finding) => *refused.entry(finding.code.name()).or_default() += 1,
        }
        warned += u32::from(!entry.warnings.is_empty());
    }
    let refused: String = refused.into_iter().map(|(code, count)| format!(", {code} {count}")).collect();
    format!("ok {ok}, warned {warned}{refused}")
}

type Read = fn(&str) -> Parsed;

#[test]
fn real_files_read_as_counted() {
    let sources: [(&str, &str, Read, &str); 18] = [
        ("gift/fuhrmanator-pairs", ".gift", gift::read, "ok 49, warned 2, kind_unsupported 9"),
        ("gift/moodle-core-4.2.3", "examples.txt", gift::read, "ok 43, warned 2"),
        ("gift/moodle-core-4.2.3", ".gift.txt", gift::read, "ok 1, warned 1, kind_unsupported 2"),
        ("gift/qas-editor", ".gift", gift::read, "ok 14, warned 2, kind_unsupported 2"),
        ("gift/tsugi/tests", ".txt", gift::read, "ok 121, warned 1, kind_unsupported 10, syntax 4"),
        ("gift/tsugi/tests", ".gift", gift::read, "ok 6, warned 1, syntax 1"),
        ("gift/tsugi", "trouble.txt", gift::read, "ok 4, warned 0"),
        ("aiken/moodle-other-text-formats/question/format/missingword", ".txt", gift::read, "ok 2, warned 0"),
        (
            "aiken/moodle-other-text-formats/question/format/multianswer",
            ".txt",
            gift::read,
            "ok 0, warned 0, kind_unsupported 2",
        ),
        ("moodle-xml/moodle-core-4.2.3/question", ".xml", moodle_xml::read, "ok 12, warned 2, kind_unsupported 9"),
        ("moodle-xml/moodle-core-4.2.3/backup", ".xml", moodle_xml::read, "ok 0, warned 0, syntax 1"),
        ("moodle-xml/qas-editor", ".xml", moodle_xml::read, "ok 13, warned 4, kind_unsupported 20"),
        ("moodle-xml/qtype-stack", ".xml", moodle_xml::read, "ok 0, warned 0, kind_unsupported 9"),
        ("moodle-xml/qtype-formulas", ".xml", moodle_xml::read, "ok 0, warned 0, kind_unsupported 1"),
        (
            "aiken/moodle-core-4.2.3",
            ".txt",
            aiken::read,
            "ok 3, warned 0, key_missing 1, options_too_few 1, stem_missing 1",
        ),
        ("aiken/qas-editor", ".txt", aiken::read, "ok 5, warned 0"),
        ("bank-zh/engineering-ethics", "题库.txt", aiken::read, "ok 303, warned 0"),
        ("bank-zh/engineering-ethics/raw", ".txt", aiken::read, "ok 153, warned 0"),
    ];
    let mut wrong = Vec::new();
    for (folder, ending, read, expected) in sources {
        let found = tally(files(&data(folder), ending).iter().map(|path| read(&text(path))));
        if found != expected {
            wrong.push(format!("{folder} {ending}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a parser of another project makes of a GIFT question.
struct Expected {
    kind: String,
    stem: String,
    markdown: bool,
    percents: Vec<f64>,
    answers: usize,
}

impl Expected {
    fn of(question: &Value) -> Self {
        let field = |name: &str| question.get(name).cloned().unwrap_or_default();
        let choices = [field("choices"), field("matchPairs")].into_iter().find_map(|list| list.as_array().cloned());
        let choices = choices.unwrap_or_default();
        let percent = |choice: &Value| {
            let default = if choice["isCorrect"] == Value::Bool(true) { 100.0 } else { 0.0 };
            choice["weight"].as_f64().unwrap_or(default)
        };
        Self {
            kind: field("type").as_str().unwrap_or_default().to_owned(),
            stem: field("stem")["text"].as_str().unwrap_or_default().to_owned(),
            markdown: field("stem")["format"] == "markdown",
            percents: choices.iter().map(percent).collect(),
            // A single number is no list there.
            answers: choices.len().max(1),
        }
    }
}

/// Kind, percents and number of answers in the other parser's terms.
fn described(draft: &ItemDraft) -> (&'static str, Vec<f64>, usize) {
    match &draft.body {
        DraftBody::Choice { options, .. } => {
            ("MC", options.iter().map(|option| option.fraction.percent()).collect(), options.len())
        }
        DraftBody::TrueFalse { .. } => ("TF", Vec::new(), 1),
        DraftBody::Numeric { accepted } => {
            ("Numerical", accepted.iter().map(|answer| answer.fraction.percent()).collect(), accepted.len())
        }
        DraftBody::ShortText { accepted, .. } => {
            ("Short", accepted.iter().map(|answer| answer.fraction.percent()).collect(), accepted.len())
        }
        DraftBody::Matching { pairs, distractors } => ("Matching", Vec::new(), pairs.len() + distractors.len()),
        DraftBody::Ordering { entries } => ("Ordering", Vec::new(), entries.len()),
    }
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

/// Differences of dialect: the other parser keeps `Essay` and `Description` as questions (refused
/// here as kinds nobody can mark), and Markdown as it is written (converted here, so those stems
/// are not compared); spaces around a missing word and at line ends are its own.
#[test]
fn gift_agrees_with_another_parser() {
    for path in files(&data("gift/fuhrmanator-pairs"), ".gift") {
        let name = path.display();
        let expected: Value = serde_json::from_str(&text(&path.with_extension("json"))).unwrap();
        let expected: Vec<Expected> = expected.as_array().unwrap().iter().map(Expected::of).collect();
        let expected: Vec<&Expected> = expected.iter().filter(|question| question.kind != "Category").collect();
        let read = gift::read(&text(&path)).entries;
        assert_eq!(read.len(), expected.len(), "{name}");
        for (entry, expected) in read.iter().zip(expected) {
            let draft = match &entry.outcome {
                Ok(draft) => draft,
                Err(finding) => {
                    assert_eq!(finding.code, FindingCode::KindUnsupported, "{name}: {finding:?}");
                    assert!(matches!(expected.kind.as_str(), "Essay" | "Description"), "{name}");
                    continue;
                }
            };
            let (kind, percents, answers) = described(draft);
            assert_eq!((kind, answers), (expected.kind.as_str(), expected.answers), "{name}: {}", draft.stem.text);
            if !percents.is_empty() && !expected.percents.is_empty() {
                assert_eq!(percents, expected.percents, "{name}: {}", draft.stem.text);
            }
            if !expected.markdown {
                assert_eq!(without_spaces(&draft.stem.text), without_spaces(&expected.stem), "{name}");
            }
        }
    }
}

/// The drafts of a file that must be without refusals.
fn drafts(parsed: Parsed) -> Vec<ItemDraft> {
    parsed.entries.into_iter().map(|entry| entry.outcome.unwrap()).collect()
}

#[test]
fn moodles_own_xml_reads_as_moodle_reads_it() {
    let of_type = |kind: &str| {
        let path = format!("moodle-xml/moodle-core-4.2.3/question/type/{kind}/tests/fixtures/testquestion.moodle.xml");
        drafts(moodle_xml::read(&text(&data(&path)))).remove(0)
    };
    let multiple = of_type("multichoice");
    assert_eq!(described(&multiple).1, [0.0, 0.0, 50.0, 0.0, 50.0]);
    assert!(matches!(multiple.body, DraftBody::Choice { multiple: Some(true), weighted: false, .. }));
    assert_eq!(multiple.topic, "Default for C1");
    assert_eq!(multiple.points.as_deref(), Some("1"));
    let DraftBody::Numeric { accepted } = of_type("numerical").body else { panic!() };
    assert_eq!((accepted[0].value, accepted[0].tolerance), (6.25, 0.05));
    let DraftBody::Matching { pairs, distractors } = of_type("match").body else { panic!() };
    assert_eq!((pairs.len(), distractors.len()), (3, 1));
    let short = of_type("shortanswer");
    assert!(matches!(short.body, DraftBody::ShortText { wildcards: true, case_sensitive: false, .. }));
    assert_eq!(described(&short).1, [100.0, 80.0, 0.0]);
    let truth = of_type("truefalse");
    let DraftBody::TrueFalse { correct: true, feedback: [Some(_), Some(_)] } = truth.body else { panic!() };
    assert_eq!(truth.code.as_deref(), Some("true-false-001"));
}

#[test]
fn moodles_categories_nest_and_old_images_come_along() {
    let fixtures = "moodle-xml/moodle-core-4.2.3/question/format/xml/tests/fixtures";
    let nested = moodle_xml::read(&text(&data(&format!("{fixtures}/nested_categories_with_questions.xml"))));
    let topics: Vec<String> =
        nested.entries.iter().filter_map(|e| e.outcome.as_ref().ok()).map(|d| d.topic.clone()).collect();
    assert_eq!(topics, ["Iota", "Iota/Kappa", "Iota/Kappa/Lambda", "Iota/Mu"]);
    let old = moodle_xml::read(&text(&data(&format!("{fixtures}/sample_questions_with_old_image_tag.xml"))));
    let with_image = old.entries.iter().find_map(|entry| entry.outcome.as_ref().ok()).unwrap();
    assert!(with_image.stem.text.contains("<img src=\"data:image/png;base64,"));
}

#[test]
fn moodles_aiken_mistakes_are_reported_by_line() {
    let path = "aiken/moodle-core-4.2.3/question/format/aiken/tests/fixtures/aiken_errors.txt";
    let read = aiken::read(&text(&data(path)));
    let found: Vec<(&Place, Option<FindingCode>)> = read
        .entries
        .iter()
        .map(|entry| (&entry.place, entry.outcome.as_ref().err().map(|finding| finding.code)))
        .collect();
    assert_eq!(
        found,
        [
            (&Place::Line(1), Some(FindingCode::OptionsTooFew)),
            (&Place::Line(5), Some(FindingCode::StemMissing)),
            (&Place::Line(9), None),
            (&Place::Line(14), Some(FindingCode::KeyMissing)),
            (&Place::Line(18), None),
            (&Place::Line(23), None),
        ]
    );
}

#[test]
fn a_chinese_text_bank_reads_whole() {
    let read = drafts(aiken::read(&text(&data("bank-zh/engineering-ethics/题库.txt"))));
    assert_eq!(read.len(), 303);
    let mut kinds = BTreeMap::<_, u32>::new();
    for draft in &read {
        *kinds.entry(draft.kind().name()).or_default() += 1;
    }
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        [("multiple_choice", 122), ("single_choice", 109), ("true_false", 72)]
    );
    assert_eq!(read[0].topic, "第01讲 工程伦理概论");
    assert_eq!(read[302].topic, "第15讲 集成电路领域工程伦理");
}

/// Hostile text, and what is made of it: quickly, without panic, and never nothing.
#[test]
fn hostile_files_cost_no_more_than_they_weigh() {
    let megabytes = |unit: &str| unit.repeat(10_000_000 / unit.len());
    let mut noise = 0x9e37_79b9_u32;
    let random: String = std::iter::repeat_with(|| {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        char::from(noise.to_le_bytes()[0])
    })
    .take(2_000_000)
    .collect();
    let attributes = format!("<quiz><question {}></question></quiz>", "a=\"b\" ".repeat(1_000_000));
    let texts = [
        ("one line", megabytes("x")),
        ("braces", megabytes("{")),
        ("closed braces", megabytes("}")),
        ("open questions", megabytes("q{=a\n\n")),
        ("one question of answers", format!("q{{{}}}", megabytes("=a "))),
        ("hashes", format!("q{{{}}}", megabytes("#"))),
        ("backslashes", megabytes("\\")),
        ("colons", megabytes("::")),
        ("comments", megabytes("// [id:[tag:\n")),
        ("emphasis", format!("[markdown]{}{{T}}", megabytes("*a _b `c "))),
        ("options", megabytes("A. ")),
        ("answers", megabytes("答案：\n")),
        ("headings", megabytes("第一章\n")),
        ("nul", megabytes("\0")),
        ("tags", megabytes("<question>")),
        ("empty tags", megabytes("<question/>")),
        ("open cdata", megabytes("<question><![CDATA[")),
        ("open comments", megabytes("<question><!--")),
        ("mismatched", megabytes("<question></x>")),
        ("ampersands", format!("<quiz><question>{}</question></quiz>", megabytes("&"))),
        ("deep", "<a>".repeat(100_000)),
        ("attributes", attributes),
        ("doctype", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><quiz>&b;</quiz>".to_owned()),
        ("random", random),
    ];
    for (name, text) in &texts {
        for (format, read) in [("gift", gift::read as Read), ("moodle_xml", moodle_xml::read), ("aiken", aiken::read)] {
            // That it ends at all, and soon, is for the runner's own limit on a test.
            let parsed = read(text);

            assert!(parsed.entries.iter().all(|entry| entry.outcome.is_err()) || format != "moodle_xml", "{name}");
        }
    }
}
