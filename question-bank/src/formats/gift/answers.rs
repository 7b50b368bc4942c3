//! What stands between the braces.

use super::escape::{LineBreaks, find_run, live_bytes, split_once, unescape};
use super::reader::{split_format, syntax, text};
use crate::Fraction;
use crate::draft::{DraftAnswer, DraftBody, DraftNumber, DraftOption, DraftText};
use crate::formats::markup::TextFormat;
use crate::formats::moodle::{choice, number, percent, short_text};
use crate::formats::{Finding, FindingCode};

type Warnings = Vec<Finding>;

/// Answers of one block, far above what any kind may have: bounds memory.
const ANSWERS_MAX: usize = 1_000;

fn too_many() -> Finding {
    Finding::new(FindingCode::Syntax, "答案过多 (too many answers)")
}

/// The general feedback and the answers of a block.
pub(super) fn read(
    block: &str,
    format: TextFormat,
    warnings: &mut Warnings,
) -> Result<(Option<DraftText>, DraftBody), Finding> {
    let (block, general) = match find_run(block, b'#', 4) {
        Some(at) => (block.get(..at).unwrap_or_default(), block.get(at + 4..)),
        None => (block, None),
    };
    let general = general.filter(|general| !general.trim().is_empty());
    let explanation = general.map(|general| text(general, format, "解析 general feedback", warnings));
    let body = answers(block.trim(), format, warnings)?;
    Ok((explanation, body))
}

fn answers(block: &str, format: TextFormat, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    if block.is_empty() {
        return Err(Finding::new(FindingCode::KindUnsupported, "essay"));
    }
    if is_cloze(block) {
        return Err(Finding::new(FindingCode::KindUnsupported, "cloze"));
    }
    if let Some(numbers) = block.strip_prefix('#') {
        return numeric(numbers, format, warnings);
    }
    if let Some(entries) = block.strip_prefix('>') {
        return ordering(entries, format, warnings);
    }
    let marks = Marked::all(block)?;
    if marks.iter().any(|marked| marked.mark == Some(Mark::Wrong)) {
        return options(&marks, format, warnings);
    }
    if marks.iter().any(|marked| marked.mark == Some(Mark::Right) && split_feedback(marked.text).0.contains("->")) {
        return matching(&marks, format, warnings);
    }
    if let Some(body) = true_false(block, format, warnings) {
        return Ok(body);
    }
    short_texts(&marks, format, warnings)
}

/// `1:MULTICHOICE:…`, an answer embedded in the way of another format.
fn is_cloze(block: &str) -> bool {
    let rest = block.trim_start_matches(|character: char| character.is_ascii_digit());
    let kind = rest.strip_prefix(':').and_then(|rest| rest.split_once(':'));
    kind.is_some_and(|(kind, _)| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Right,
    Wrong,
}

/// The text after a `=` or `~`, up to the next; or before the first.
struct Marked<'a> {
    mark: Option<Mark>,
    text: &'a str,
}

impl<'a> Marked<'a> {
    fn all(block: &'a str) -> Result<Vec<Self>, Finding> {
        let mut all = Vec::new();
        let (mut mark, mut from) = (None, 0);
        for (at, byte) in live_bytes(block) {
            let next = match byte {
                b'=' => Mark::Right,
                b'~' => Mark::Wrong,
                _ => continue,
            };
            all.push(Self { mark, text: block.get(from..at).unwrap_or_default().trim() });
            (mark, from) = (Some(next), at + 1);
            if all.len() > ANSWERS_MAX {
                return Err(too_many());
            }
        }
        all.push(Self { mark, text: block.get(from..).unwrap_or_default().trim() });
        all.retain(|marked| marked.mark.is_some() || !marked.text.is_empty());
        Ok(all)
    }

    /// The `%50%` it begins with, and the rest.
    fn weight(&self) -> (Option<Fraction>, &'a str) {
        let weighed = self.text.strip_prefix('%').and_then(|rest| rest.split_once('%'));
        match weighed.and_then(|(weight, rest)| Some((percent(weight)?, rest))) {
            Some((fraction, rest)) => (Some(fraction), rest.trim()),
            None => (None, self.text),
        }
    }

    /// What it earns, its text, its feedback.
    fn parts(&self) -> (Fraction, &'a str, Option<&'a str>) {
        let (weight, rest) = self.weight();
        let default = if self.mark == Some(Mark::Wrong) { Fraction::NONE } else { Fraction::FULL };
        let (shown, feedback) = split_feedback(rest);
        (weight.unwrap_or(default), shown, feedback)
    }
}

fn split_feedback(text: &str) -> (&str, Option<&str>) {
    match split_once(text, b'#') {
        Some((shown, feedback)) => (shown.trim(), Some(feedback.trim()).filter(|feedback| !feedback.is_empty())),
        None => (text, None),
    }
}

fn feedback(source: Option<&str>, format: TextFormat, warnings: &mut Warnings) -> Option<DraftText> {
    source.map(|source| text(source, format, "反馈 feedback", warnings))
}

fn options(marks: &[Marked<'_>], format: TextFormat, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let mut options = Vec::with_capacity(marks.len());
    for marked in marks {
        if marked.mark.is_none() {
            return Err(syntax("选项前缺少 = 或 ~ (an option without = or ~)", marked.text));
        }
        let (fraction, shown, said) = marked.parts();
        if shown.is_empty() {
            return Err(syntax("选项为空，文字中的 # 请写作 \\# (an empty option: write # as \\#)", marked.text));
        }
        options.push(DraftOption {
            text: text(shown, format, "选项 option", warnings),
            fraction,
            feedback: feedback(said, format, warnings),
        });
    }
    let multiple = marks.iter().all(|marked| marked.mark == Some(Mark::Wrong));
    Ok(choice(options, multiple, false, warnings))
}

fn matching(marks: &[Marked<'_>], format: TextFormat, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let (mut pairs, mut distractors) = (Vec::new(), Vec::new());
    let mut feedback_lost = false;
    for marked in marks {
        let (pair, said) = split_feedback(marked.text);
        feedback_lost |= said.is_some();
        let Some((left, right)) = pair.split_once("->").filter(|_| marked.mark.is_some()) else {
            return Err(syntax("匹配题的每一行都要写作 =左 -> 右 (each pair is written =left -> right)", marked.text));
        };
        let right = text(right, TextFormat::Auto, "选项 option", warnings);
        let (left_format, left) = split_format(left);
        if left.is_empty() {
            distractors.push(right);
        } else {
            pairs.push((text(left, left_format.unwrap_or(format), "选项 option", warnings), right));
        }
    }
    if feedback_lost {
        warnings.push(Finding::new(FindingCode::PartDropped, "匹配项的反馈 feedback of pairs"));
    }
    Ok(DraftBody::Matching { pairs, distractors })
}

/// `T#for a wrong answer#for a right one`.
fn true_false(block: &str, format: TextFormat, warnings: &mut Warnings) -> Option<DraftBody> {
    let (word, rest) = match split_once(block, b'#') {
        Some((word, rest)) => (word.trim(), Some(rest)),
        None => (block, None),
    };
    let correct = match word.to_ascii_uppercase().as_str() {
        "T" | "TRUE" => true,
        "F" | "FALSE" => false,
        _ => return None,
    };
    let (wrong, right) = match rest.map(|rest| split_once(rest, b'#').map_or((rest, None), |(a, b)| (a, Some(b)))) {
        Some((wrong, right)) => (Some(wrong), right),
        None => (None, None),
    };
    let mut said =
        |source: Option<&str>| feedback(source.map(str::trim).filter(|source| !source.is_empty()), format, warnings);
    let (wrong, right) = (said(wrong), said(right));
    let feedback = if correct { [right, wrong] } else { [wrong, right] };
    Some(DraftBody::TrueFalse { correct, feedback })
}

fn short_texts(marks: &[Marked<'_>], format: TextFormat, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let mut accepted = Vec::with_capacity(marks.len());
    for marked in marks {
        if marked.mark.is_none() && marks.len() > 1 {
            return Err(syntax("答案前缺少 = (an answer without =)", marked.text));
        }
        let (fraction, shown, said) = marked.parts();
        let (_, shown) = split_format(shown);
        if shown.is_empty() {
            return Err(syntax("答案为空，文字中的 # 请写作 \\# (an empty answer: write # as \\#)", marked.text));
        }
        let answer = unescape(shown, LineBreaks::Join);
        accepted.push(DraftAnswer { text: answer, fraction, feedback: feedback(said, format, warnings) });
    }
    Ok(short_text(accepted, false))
}

fn numeric(block: &str, format: TextFormat, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let mut accepted = Vec::new();
    for marked in Marked::all(block.trim())? {
        let (fraction, shown, said) = marked.parts();
        if shown == "*" {
            warnings.push(Finding::new(FindingCode::PartDropped, "“其他任何数” * (any other number)"));
            continue;
        }
        let (value, tolerance) = number_and_tolerance(shown).ok_or_else(|| {
            syntax("不是数、数:误差 或 下限..上限 (not number, number:tolerance or low..high)", shown)
        })?;
        accepted.push(DraftNumber { value, tolerance, fraction, feedback: feedback(said, format, warnings) });
    }
    if accepted.is_empty() {
        return Err(Finding::new(FindingCode::KeyMissing, ""));
    }
    Ok(DraftBody::Numeric { accepted })
}

/// `3`, `3:0.5` or `2.5..3.5`.
fn number_and_tolerance(text: &str) -> Option<(f64, f64)> {
    if let Some((low, high)) = text.split_once("..") {
        return middle(number(low)?, number(high)?);
    }
    // Exporters escape the colon.
    match text.split_once("\\:").or_else(|| text.split_once(':')) {
        Some((value, tolerance)) => Some((number(value)?, number(tolerance)?)),
        None => Some((number(text)?, 0.0)),
    }
}

/// A range as middle and half width, without the noise binary halves add to decimals.
fn middle(low: f64, high: f64) -> Option<(f64, f64)> {
    let magnitude = low.abs().max(high.abs()).max(f64::MIN_POSITIVE).log10().floor() as i32;
    let decimals = usize::try_from(13 - magnitude).unwrap_or(0).min(320);
    let rounded = |number: f64| format!("{number:.decimals$}").parse().ok().filter(|number: &f64| number.is_finite());
    let (low, high) = (low.min(high), low.max(high));
    Some((rounded(low / 2.0 + high / 2.0)?, rounded(high / 2.0 - low / 2.0)?))
}

/// `>6 ALL VERTICAL ABSOLUTE_POSITION SHOW none`, then an entry a line.
fn ordering(block: &str, format: TextFormat, warnings: &mut Warnings) -> Result<DraftBody, Finding> {
    let (settings, lines) = block.split_once('\n').unwrap_or((block, ""));
    let count = settings.split_whitespace().next().and_then(|word| word.parse::<usize>().ok());
    let mut entries = Vec::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        entries.push(text(line, format, "条目 entry", warnings));
        if entries.len() > ANSWERS_MAX {
            return Err(too_many());
        }
    }
    if count.is_some_and(|count| count < entries.len()) && settings.contains("RANDOM") {
        warnings.push(Finding::new(FindingCode::PartDropped, "只显示部分条目 showing a subset of the entries"));
    }
    Ok(DraftBody::Ordering { entries })
}
