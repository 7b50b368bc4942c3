//! The answers of a question, by its type.

use super::element::{child_text, children, flag, rich, rich_child, text};
use crate::Fraction;
use crate::draft::{DraftAnswer, DraftBody, DraftNumber, DraftOption, DraftText};
use crate::formats::markup::TextFormat;
use crate::formats::moodle::{choice, number, percent, short_text, shorten};
use crate::formats::{Finding, FindingCode};
use roxmltree::Node;

type Warnings = Vec<Finding>;

/// The answers of a question of Moodle's type `kind`.
pub(super) fn read(node: Node<'_, '_>, kind: &str, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    match kind {
        "multichoice" => options(node, warnings),
        "truefalse" => true_false(node, warnings),
        "shortanswer" => short_texts(node, warnings),
        "numerical" => numbers(node, warnings),
        "matching" | "match" => Ok(matching(node, warnings)),
        "ordering" => ordering(node, warnings),
        other => Err(Finding::new(FindingCode::KindUnsupported, shorten(other))),
    }
}

fn fraction(answer: Node<'_, '_>) -> Result<Fraction, Finding> {
    let written = answer.attribute("fraction").unwrap_or("0");
    percent(written).ok_or_else(|| Finding::new(FindingCode::Syntax, format!("fraction=\"{}\"", shorten(written))))
}

fn feedback(answer: Node<'_, '_>, warnings: &mut Warnings) -> Option<DraftText> {
    rich_child(answer, "feedback", TextFormat::Auto, "反馈 feedback", warnings)
}

fn options(node: Node<'_, '_>, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let mut options = Vec::new();
    for answer in children(node, "answer") {
        options.push(DraftOption {
            text: rich(answer, TextFormat::Auto, "选项 option", warnings).unwrap_or_default(),
            fraction: fraction(answer)?,
            feedback: feedback(answer, warnings),
        });
    }
    let multiple = flag(node, "single") == Some(false);
    let fixed_order = flag(node, "shuffleanswers") == Some(false);
    Ok(choice(options, multiple, fixed_order, warnings))
}

/// Moodle names the answers `true` and `false`; very old files put words of the site's language
/// there, the true one first.
fn true_false(node: Node<'_, '_>, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let mut correct = None;
    let mut said = [None, None];
    for (index, answer) in children(node, "answer").take(2).enumerate() {
        let meant = match text(answer).to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => index == 0,
        };
        if fraction(answer)? > Fraction::NONE {
            correct = Some(meant);
        }
        let [for_true, for_false] = &mut said;
        *(if meant { for_true } else { for_false }) = feedback(answer, warnings);
    }
    let correct = correct.ok_or_else(|| Finding::new(FindingCode::KeyMissing, ""))?;
    Ok(DraftBody::TrueFalse { correct, feedback: said })
}

fn short_texts(node: Node<'_, '_>, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let mut accepted = Vec::new();
    for answer in children(node, "answer") {
        let feedback = feedback(answer, warnings);
        accepted.push(DraftAnswer { text: text(answer), fraction: fraction(answer)?, feedback });
    }
    Ok(short_text(accepted, flag(node, "usecase") == Some(true)))
}

fn numbers(node: Node<'_, '_>, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let mut accepted = Vec::new();
    for answer in children(node, "answer") {
        let written = text(answer);
        if written == "*" {
            warnings.push(Finding::new(FindingCode::PartDropped, "“其他任何数” * (any other number)"));
            continue;
        }
        let tolerance = child_text(answer, "tolerance").unwrap_or_else(|| "0".to_owned());
        let (Some(value), Some(tolerance)) = (number(&written), number(&tolerance)) else {
            let what = format!("不是数 (not a number): {} ± {}", shorten(&written), shorten(&tolerance));
            return Err(Finding::new(FindingCode::Syntax, what));
        };
        let feedback = feedback(answer, warnings);
        accepted.push(DraftNumber { value, tolerance, fraction: fraction(answer)?, feedback });
    }
    Ok(DraftBody::Numeric { accepted })
}

/// Right sides are plain text; those beside an empty left side belong to none.
fn matching(node: Node<'_, '_>, warnings: &mut Warnings) -> DraftBody {
    let (mut pairs, mut distractors) = (Vec::new(), Vec::new());
    for pair in children(node, "subquestion") {
        let right = rich_child(pair, "answer", TextFormat::Auto, "选项 option", warnings).unwrap_or_default();
        match rich(pair, TextFormat::Auto, "选项 option", warnings) {
            Some(left) => pairs.push((left, right)),
            None if right.text.is_empty() => {}
            None => distractors.push(right),
        }
    }
    DraftBody::Matching { pairs, distractors }
}

/// The order in the file is the right one; fractions only restate it.
fn ordering(node: Node<'_, '_>, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let entries: Vec<DraftText> =
        children(node, "answer").filter_map(|answer| rich(answer, TextFormat::Auto, "条目 entry", warnings)).collect();
    let shown = child_text(node, "selectcount").and_then(|count| count.parse::<usize>().ok());
    let is_subset = shown.is_some_and(|count| count < entries.len())
        && child_text(node, "selecttype").is_some_and(|kind| kind != "ALL" && kind != "0");
    if is_subset {
        warnings.push(Finding::new(FindingCode::PartDropped, "只显示部分条目 showing a subset of the entries"));
    }
    Ok(DraftBody::Ordering { entries })
}
