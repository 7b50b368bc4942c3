//! Reads Moodle XML.

use super::answers;
use super::element::{child, child_text, children, rich_child, text};
use super::images::data_uri;
use super::scan::{Piece, scan};
use crate::ItemDraft;
use crate::draft::DraftText;
use crate::formats::markup::{TextFormat, to_plain};
use crate::formats::moodle::{Entries, Found, number, topic};
use crate::formats::{Finding, FindingCode, Parsed, ParsedEntry, Place};
use crate::limits::IMPORT_BYTES_MAX;
use roxmltree::{Document, Node, ParsingOptions};

/// Nodes of one question's tree: a generous bound on its memory.
const NODES_MAX: u32 = 20_000;

/// Reads a Moodle XML file. One entry per question; categories become the topic of the questions
/// after them; the code is the `idnumber`, else the name where it is unique. A file with a
/// document type, too deep a nesting or too many attributes is refused as a whole with
/// [`FindingCode::XmlForbidden`].
#[must_use]
pub fn read(text: &str) -> Parsed {
    if text.len() > IMPORT_BYTES_MAX {
        let finding = Finding::new(FindingCode::FileTooLarge, format!("{} MiB", IMPORT_BYTES_MAX >> 20));
        return refused(Place::File, finding);
    }
    let pieces = match scan(text.trim_start_matches('\u{feff}')) {
        Ok(pieces) => pieces,
        Err((line, finding)) => return refused(Place::Line(line), finding),
    };
    if pieces.is_empty() {
        return refused(Place::File, Finding::new(FindingCode::Syntax, "没有 <question> (no <question> found)"));
    }
    let mut entries = Entries::default();
    let mut topic = String::new();
    for piece in pieces {
        let found = match piece {
            Piece::Question { line, xml } => question(line, xml, &mut topic),
            Piece::Broken { line, finding } => Some(Found::refused(line, finding)),
        };
        if found.is_some_and(|found| !entries.push(found)) {
            break;
        }
    }
    entries.finish()
}

fn refused(place: Place, finding: Finding) -> Parsed {
    Parsed { entries: vec![ParsedEntry { place, outcome: Err(finding), warnings: Vec::new() }] }
}

/// A question, or nothing when it only sets the topic.
fn question(line: u32, xml: &str, current_topic: &mut String) -> Option<Found> {
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(xml, options) {
        Ok(document) => document,
        Err(error) => return Some(Found::refused(line, Finding::new(FindingCode::Syntax, error.to_string()))),
    };
    let node = document.root_element();
    let kind = node.attribute("type").unwrap_or_default();
    if kind == "category" {
        *current_topic = topic(&child_text(node, "category").unwrap_or_default());
        return None;
    }
    let mut warnings = Vec::new();
    let outcome = draft(node, kind, &mut warnings).map(|mut draft| {
        current_topic.clone_into(&mut draft.topic);
        draft
    });
    Some(Found { line, title: child_text(node, "name"), outcome, warnings })
}

fn draft(node: Node<'_, '_>, kind: &str, warnings: &mut Vec<Finding>) -> Result<ItemDraft, Finding> {
    let body = answers::read(node, kind, warnings)?;
    let mut draft = ItemDraft::new(stem(node, warnings), body);
    draft.explanation = rich_child(node, "generalfeedback", TextFormat::Auto, "解析 general feedback", warnings);
    draft.code = child_text(node, "idnumber");
    draft.tags = child(node, "tags").into_iter().flat_map(|tags| children(tags, "tag")).map(text).collect();
    draft.tags.retain(|tag| !tag.is_empty());
    draft.points = child_text(node, "defaultgrade").map(|grade| points(grade, warnings));
    note_dropped(node, warnings);
    Ok(draft)
}

fn stem(node: Node<'_, '_>, warnings: &mut Vec<Finding>) -> DraftText {
    let stem = rich_child(node, "questiontext", TextFormat::Auto, "题干 stem", warnings);
    let mut stem = stem.unwrap_or_default();
    // Moodle 1.9 kept one image beside the text.
    if let Some(image) = child_text(node, "image_base64") {
        match data_uri(&image) {
            Some(uri) => {
                if !stem.html {
                    stem = DraftText::html(crate::RichText::from_plain(&stem.text).as_html());
                }
                stem.text.push_str(&format!("<br><img src=\"{uri}\">"));
            }
            None => {
                warnings.push(Finding::new(FindingCode::ImageDropped, child_text(node, "image").unwrap_or_default()));
            }
        }
    }
    stem
}

/// Moodle writes grades with seven decimals, points have two.
fn points(grade: String, warnings: &mut Vec<Finding>) -> String {
    let Some(value) = number(&grade) else { return grade };
    let rounded = (value * 100.0).round() / 100.0;
    if (rounded - value).abs() > 1e-9 {
        warnings
            .push(Finding::new(FindingCode::PartDropped, format!("分值 {grade} 的第三位小数 decimals of the points")));
    }
    rounded.to_string()
}

/// Says what of a question means something but has no place here.
fn note_dropped(node: Node<'_, '_>, warnings: &mut Vec<Finding>) {
    let mut dropped = Vec::new();
    if children(node, "hint").any(|hint| !text(hint).is_empty()) {
        dropped.push("提示 hints");
    }
    let combined = ["correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"];
    if combined.iter().filter_map(|name| child_text(node, name)).any(|text| !is_stock_phrase(&text)) {
        dropped.push("总体反馈 combined feedback");
    }
    if child(node, "units").is_some_and(|units| children(units, "unit").next().is_some()) {
        dropped.push("单位 units");
    }
    if !dropped.is_empty() {
        warnings.push(Finding::new(FindingCode::PartDropped, dropped.join("、")));
    }
}

/// What Moodle puts into combined feedback by itself: nothing is lost with it.
fn is_stock_phrase(html: &str) -> bool {
    const ABOUT: [&str; 5] = [
        "Your answer is ",
        "Votre réponse est ",
        "Parts, but only parts, of your response",
        "Well done",
        "That is not right",
    ];
    const ABOUT_ZH: [&str; 3] = ["您的回答", "您的答案", "你的答案"];
    let plain = to_plain(html).text;
    let plain = plain.trim();
    ABOUT.iter().chain(&ABOUT_ZH).any(|start| plain.starts_with(start)) && plain.chars().count() < 60
}
