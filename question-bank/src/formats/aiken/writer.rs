//! Writes Aiken proper.

use super::lines::is_mere_text;
use crate::formats::markup::to_plain;
use crate::formats::{Finding, FindingCode};
use crate::{Difficulty, Interaction, Item, Key, RichText};
use std::fmt::Write as _;

/// Writes single choices as Aiken that [`super::read`] and Moodle read, and says by item code what
/// Aiken cannot hold: all other kinds, images and texts that would read as something else
/// ([`FindingCode::NotHeld`]); codes, topics, markup and the like ([`FindingCode::PartDropped`]).
#[must_use]
pub fn write(items: &[&Item]) -> (String, Vec<(String, Finding)>) {
    let (mut out, mut findings) = (String::new(), Vec::new());
    for item in items {
        match question(item) {
            Ok((text, lost)) => {
                out.push_str(&text);
                findings.push((item.code.clone(), Finding::new(FindingCode::PartDropped, lost.join("、"))));
            }
            Err(reason) => findings.push((item.code.clone(), Finding::new(FindingCode::NotHeld, reason))),
        }
    }
    (out, findings)
}

/// The question, and what it does without: the code at least.
fn question(item: &Item) -> Result<(String, Vec<&'static str>), String> {
    let (Interaction::Choice { multiple: false, options, fixed_order }, Key::Choice { correct, weights }) =
        (&item.prompt.interaction, &item.solution.key)
    else {
        return Err(format!("{} {}", item.kind().name_zh(), item.kind().name()));
    };
    let [right] = correct.as_slice() else { return Err("没有唯一答案 not one right option".to_owned()) };
    let mut marked_up = false;
    let mut out = plain(&item.prompt.stem, true, &mut marked_up)?;
    out.push('\n');
    for (option, letter) in options.iter().zip('A'..='Z') {
        let _ = writeln!(out, "{letter}) {}", plain(option, false, &mut marked_up)?);
    }
    let letter = ('A'..='Z').nth(usize::from(*right)).filter(|_| usize::from(*right) < options.len());
    let letter = letter.ok_or_else(|| "答案不在选项之内 the key is not among the options".to_owned())?;
    let _ = writeln!(out, "ANSWER: {letter}\n");
    let parts = [
        (true, "编号 code"),
        (!item.topic.as_str().is_empty(), "知识点 topic"),
        (item.difficulty != Difficulty::MEDIUM, "难度 difficulty"),
        (!item.tags.is_empty(), "标签 tags"),
        (!item.enemies.is_empty(), "互斥组 enemies"),
        (item.points.is_some(), "分值 points"),
        (item.solution.explanation.is_some(), "解析 explanation"),
        (item.solution.feedback.iter().any(Option::is_some), "反馈 feedback"),
        (weights.is_some(), "部分得分 weights"),
        (*fixed_order, "固定选项顺序 fixed order"),
        (marked_up, "格式 markup"),
    ];
    Ok((out, parts.into_iter().filter(|(lost, _)| *lost).map(|(_, part)| part).collect()))
}

/// Text whose lines read back as the text they are; of an option, the first stands behind its letter.
fn plain(text: &RichText, is_stem: bool, marked_up: &mut bool) -> Result<String, String> {
    if text.as_html().contains("<img") {
        return Err("含有图片 an image".to_owned());
    }
    let plain = to_plain(text.as_html());
    *marked_up |= !plain.whole;
    let lines: Vec<&str> = plain.text.trim().lines().map(str::trim).collect();
    let reads_back =
        |(index, line): (usize, &&str)| !line.is_empty() && (is_mere_text(line) || (index == 0 && !is_stem));
    if lines.is_empty() || !lines.iter().enumerate().all(reads_back) {
        return Err(
            "有空行，或有一行会被读作选项或答案 a blank line, or one that reads as an option or answer".to_owned()
        );
    }
    Ok(lines.join("\n"))
}
