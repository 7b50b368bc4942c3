//! Items as rows of the template.

use super::{Table, header::Header};
use crate::draft::validate;
use crate::formats::{Finding, FindingCode, Place};
use crate::rich_text::looks_like_html;
use crate::{Difficulty, Fraction, Interaction, Item, Key, RichText};

/// Columns before and behind those of the options.
const HEAD: [&str; 2] = ["题型", "题干"];
const TAIL: [&str; 9] = ["答案", "解析", "知识点", "难度", "分值", "编号", "标签", "互斥组", "设置"];
/// Option columns of the template.
const OPTION_COLUMNS_LEAST: usize = 8;

/// The header row, with as many option columns as the items need, at least eight.
pub(in crate::formats) fn columns(items: &[&Item]) -> Vec<String> {
    let most = items.iter().map(|item| option_cells(item).len()).max().unwrap_or_default();
    let options = ('A'..='Z').take(most.max(OPTION_COLUMNS_LEAST)).map(|letter| format!("选项{letter}"));
    let names = HEAD.iter().map(|name| (*name).to_owned());
    names.chain(options).chain(TAIL.iter().map(|name| (*name).to_owned())).collect()
}

/// The row of an item below `header`, and what it does without. Rows are read back before they are
/// given out: one that would not give the same item is no row.
///
/// # Errors
/// A row cannot hold the item.
pub(in crate::formats) fn row(item: &Item, header: &[String]) -> Result<(Vec<String>, Option<Finding>), Finding> {
    let (reduced, lost) = without_what_rows_lack(item);
    let options = option_cells(&reduced);
    let option_columns = header.len().saturating_sub(HEAD.len() + TAIL.len());
    let mut cells = vec![item.kind().name_zh().to_owned(), cell(&reduced.prompt.stem)];
    cells.extend((0..option_columns).map(|index| options.get(index).cloned().unwrap_or_default()));
    cells.extend([
        answer_cell(&reduced),
        reduced.solution.explanation.as_ref().map(cell).unwrap_or_default(),
        reduced.topic.as_str().to_owned(),
        difficulty_cell(reduced.difficulty),
        reduced.points.map(|points| points.to_string()).unwrap_or_default(),
        reduced.code.clone(),
        reduced.tags.join("、"),
        reduced.enemies.join("、"),
        settings_cell(&reduced),
    ]);
    if read_back(header, &cells).as_ref() != Some(&reduced) {
        return Err(Finding::new(
            FindingCode::NotHeld,
            "表格无法原样保存其文字或设置 a row cannot hold its text or settings unchanged",
        ));
    }
    let lost = (!lost.is_empty()).then(|| Finding::new(FindingCode::PartDropped, lost.join("、")));
    Ok((cells, lost))
}

/// The item that the row reads as.
fn read_back(header: &[String], cells: &[String]) -> Option<Item> {
    let numbered = |row: &[String]| -> Vec<(u16, String)> {
        (0..).zip(row).filter(|(_, text)| !text.is_empty()).map(|(position, text)| (position, text.clone())).collect()
    };
    let mut table = Table { header: Some(Header::parse(&numbered(header))?), ..Table::default() };
    table.row(Place::File, &numbered(cells));
    let draft = table.finish()?.pop()?.outcome.ok()?;
    validate(&draft).ok().map(|(item, _)| item)
}

/// Feedback, weights and partial points have no column.
fn without_what_rows_lack(item: &Item) -> (Item, Vec<&'static str>) {
    let (mut item, mut lost) = (item.clone(), Vec::new());
    if !item.solution.feedback.is_empty() {
        item.solution.feedback.clear();
        lost.push("反馈 feedback");
    }
    if let Key::Choice { weights, .. } = &mut item.solution.key
        && weights.take().is_some()
    {
        lost.push("部分得分 weights");
    }
    (item, lost)
}

/// Plain where plain says it all, else HTML.
fn cell(text: &RichText) -> String {
    let plain = text.plain_text();
    if RichText::from_plain(&plain) == *text && !looks_like_html(&plain) { plain } else { text.as_html().to_owned() }
}

fn option_cells(item: &Item) -> Vec<String> {
    match (&item.prompt.interaction, &item.solution.key) {
        (Interaction::Choice { options: texts, .. } | Interaction::Ordering { entries: texts }, _) => {
            texts.iter().map(cell).collect()
        }
        (Interaction::Matching { left, right }, Key::Matching { targets }) => {
            let target = |index: &u8| right.get(usize::from(*index)).map(cell).unwrap_or_default();
            let pairs = left.iter().zip(targets).map(|(left, index)| format!("{}={}", cell(left), target(index)));
            let is_taken = |index: usize| targets.iter().any(|target| usize::from(*target) == index);
            let free = right.iter().enumerate().filter(|(index, _)| !is_taken(*index));
            pairs.chain(free.map(|(_, text)| format!("={}", cell(text)))).collect()
        }
        _ => Vec::new(),
    }
}

fn answer_cell(item: &Item) -> String {
    let letters = |indexes: &[u8]| indexes.iter().filter_map(|index| ('A'..='Z').nth(usize::from(*index))).collect();
    match &item.solution.key {
        Key::Choice { correct, .. } => letters(correct),
        Key::Ordering { order } => letters(order),
        Key::TrueFalse { correct } => (if *correct { "对" } else { "错" }).to_owned(),
        // A partial answer has no form in a cell; read back, it makes another item.
        Key::Numeric { accepted } => {
            let number = |number: &crate::NumericAnswer| match number.tolerance {
                0.0 => number.value.to_string(),
                tolerance => format!("{}±{tolerance}", number.value),
            };
            accepted.iter().filter(|number| number.fraction == Fraction::FULL).map(number).collect::<Vec<_>>().join("|")
        }
        Key::ShortText { accepted, .. } => {
            let full = accepted.iter().filter(|answer| answer.fraction == Fraction::FULL);
            full.map(|answer| answer.text.replace('|', "\\|")).collect::<Vec<_>>().join("|")
        }
        Key::Matching { .. } => String::new(),
    }
}

fn difficulty_cell(difficulty: Difficulty) -> String {
    difficulty.name_zh().to_owned()
}

fn settings_cell(item: &Item) -> String {
    let fixed = matches!(item.prompt.interaction, Interaction::Choice { fixed_order: true, .. });
    let (case_sensitive, wildcards) = match item.solution.key {
        Key::ShortText { case_sensitive, wildcards, .. } => (case_sensitive, wildcards),
        _ => (false, false),
    };
    let words = [(fixed, "固定选项顺序"), (case_sensitive, "区分大小写"), (wildcards, "通配符")];
    words.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| *word).collect::<Vec<_>>().join("、")
}
