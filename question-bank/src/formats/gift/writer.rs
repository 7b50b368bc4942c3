//! Writes GIFT.

use super::escape::escape;
use crate::formats::markup::to_plain;
use crate::formats::moodle::{category, key_fractions, restates_key};
use crate::formats::{Finding, FindingCode};
use crate::key::{NumericAnswer, TextAnswer};
use crate::{Difficulty, Fraction, Interaction, Item, Key, RichText};
use std::fmt::Write as _;

/// Writes items as GIFT that [`super::read`] reads back, and says by item code what GIFT cannot
/// hold: parts that are left out ([`FindingCode::PartDropped`]) or whole items
/// ([`FindingCode::NotHeld`]).
#[must_use]
pub fn write(items: &[&Item]) -> (String, Vec<(String, Finding)>) {
    let (mut out, mut findings) = (String::new(), Vec::new());
    let mut topic = "";
    for item in items {
        let mut page = Page::default();
        if let Err(reason) = page.item(item) {
            findings.push((item.code.clone(), Finding::new(FindingCode::NotHeld, reason)));
            continue;
        }
        if item.topic.as_str() != topic {
            topic = item.topic.as_str();
            let _ = writeln!(out, "$CATEGORY: {}\n", category(topic));
        }
        out.push_str(&page.text);
        if !page.lost.is_empty() {
            findings.push((item.code.clone(), Finding::new(FindingCode::PartDropped, page.lost.join("、"))));
        }
    }
    (out, findings)
}

/// One question as it grows. Writing to a `String` cannot fail, so results of `write!` are dropped.
#[derive(Default)]
struct Page {
    text: String,
    lost: Vec<&'static str>,
}

impl Page {
    fn item(&mut self, item: &Item) -> Result<(), &'static str> {
        if item.tags.iter().chain([&item.code]).any(|text| text.contains(char::is_control)) {
            return Err("编号或标签含有控制字符 control characters in the code or a tag");
        }
        self.head(item);
        self.note_lost(item);
        let feedback = &item.solution.feedback;
        match (&item.prompt.interaction, &item.solution.key) {
            (Interaction::Choice { multiple, options, fixed_order }, Key::Choice { correct, weights }) => {
                self.lose(*fixed_order, "固定选项顺序 fixed order");
                let restated = weights.as_ref().is_some_and(|weights| restates_key(weights, *multiple));
                self.lose(restated, "与答案一致的权重 weights that restate the key");
                let fractions = key_fractions(options.len(), correct, weights.as_deref(), *multiple);
                self.options(options, &fractions, *multiple, feedback);
            }
            (Interaction::TrueFalse, Key::TrueFalse { correct }) => self.true_false(*correct, feedback),
            (Interaction::Numeric, Key::Numeric { accepted }) => self.numbers(accepted, feedback),
            (Interaction::ShortText, Key::ShortText { accepted, case_sensitive, wildcards }) => {
                self.lose(*case_sensitive, "区分大小写 case sensitivity");
                self.short_texts(accepted, *wildcards, feedback)?;
            }
            (Interaction::Ordering { entries }, Key::Ordering { order }) => self.entries(entries, order),
            (Interaction::Matching { left, right }, Key::Matching { targets }) => self.pairs(left, right, targets),
            _ => return Err("答案与题型不符 the key does not belong to the kind"),
        }
        if let Some(explanation) = &item.solution.explanation {
            let _ = writeln!(self.text, "\t####{}", html(explanation));
        }
        self.text.push_str("}\n\n");
        Ok(())
    }

    fn head(&mut self, item: &Item) {
        let bracket = |label: &str, value: &str| format!(" [{label}:{}]", value.replace(']', "\\]"));
        let _ = write!(self.text, "//{}", bracket("id", &item.code));
        for tag in &item.tags {
            self.text.push_str(&bracket("tag", tag));
        }
        let _ = write!(self.text, "\n::{}::[html]{}{{", escape(&item.code), escape(item.prompt.stem.as_html()));
    }

    fn note_lost(&mut self, item: &Item) {
        self.lose(item.difficulty != Difficulty::MEDIUM, "难度 difficulty");
        self.lose(!item.enemies.is_empty(), "互斥组 enemies");
        self.lose(item.points.is_some(), "分值 points");
    }

    fn lose(&mut self, lost: bool, part: &'static str) {
        if lost {
            self.lost.push(part);
        }
    }

    fn options(&mut self, options: &[RichText], fractions: &[Fraction], multiple: bool, feedback: &[Option<RichText>]) {
        self.text.push('\n');
        for (index, (option, fraction)) in options.iter().zip(fractions).enumerate() {
            // Without a `=`, readers let several be chosen.
            let right = !multiple && *fraction > Fraction::NONE && fractions.iter().all(|other| other <= fraction);
            let plain = if right { Fraction::FULL } else { Fraction::NONE };
            self.text.push_str(if right { "\t=" } else { "\t~" });
            if *fraction != plain {
                let _ = write!(self.text, "%{}%", fraction.percent());
            }
            self.text.push_str(&html(option));
            self.feedback(feedback.get(index));
        }
    }

    fn feedback(&mut self, feedback: Option<&Option<RichText>>) {
        if let Some(Some(feedback)) = feedback {
            let _ = write!(self.text, "#{}", html(feedback));
        }
        self.text.push('\n');
    }

    fn true_false(&mut self, correct: bool, feedback: &[Option<RichText>]) {
        let said = |index: usize| feedback.get(index).and_then(Option::as_ref).map(html);
        let (right, wrong) = if correct { (said(0), said(1)) } else { (said(1), said(0)) };
        self.text.push_str(if correct { "TRUE" } else { "FALSE" });
        if wrong.is_some() || right.is_some() {
            let _ = write!(self.text, "#{}", wrong.unwrap_or_default());
        }
        if let Some(right) = right {
            let _ = write!(self.text, "#{right}");
        }
        self.text.push('\n');
    }

    fn numbers(&mut self, accepted: &[NumericAnswer], feedback: &[Option<RichText>]) {
        self.text.push_str("#\n");
        for (index, number) in accepted.iter().enumerate() {
            let _ = write!(self.text, "\t=%{}%{}:{}", number.fraction.percent(), number.value, number.tolerance);
            self.feedback(feedback.get(index));
        }
    }

    fn short_texts(
        &mut self,
        accepted: &[TextAnswer],
        wildcards: bool,
        feedback: &[Option<RichText>],
    ) -> Result<(), &'static str> {
        if accepted.iter().any(|answer| answer.text.contains("->")) {
            return Err("答案中的 -> 会被读作匹配题 an answer with -> reads as matching");
        }
        self.text.push('\n');
        for (index, answer) in accepted.iter().enumerate() {
            let text = if wildcards { answer.text.clone() } else { answer.text.replace('*', "\\*") };
            let _ = write!(self.text, "\t=%{}%{}{}", answer.fraction.percent(), guard(&text), escape(&text));
            self.feedback(feedback.get(index));
        }
        Ok(())
    }

    fn entries(&mut self, entries: &[RichText], order: &[u8]) {
        let _ = writeln!(self.text, ">{} ALL VERTICAL ABSOLUTE_POSITION SHOW none", entries.len());
        for entry in order.iter().filter_map(|index| entries.get(usize::from(*index))) {
            self.text.push_str(&html(entry));
            self.text.push('\n');
        }
    }

    fn pairs(&mut self, left: &[RichText], right: &[RichText], targets: &[u8]) {
        self.text.push('\n');
        let mut marked_up = false;
        let mut pair = |text: &mut String, left: &str, right: &RichText| {
            let right = to_plain(right.as_html());
            marked_up |= !right.whole;
            let shown = escape(right.text.trim());
            let _ = writeln!(text, "\t={left} -> {}{shown}", plain_guard(&right.text));
        };
        for (left, target) in left.iter().zip(targets) {
            if let Some(right) = right.get(usize::from(*target)) {
                pair(&mut self.text, &html(left), right);
            }
        }
        for (index, right) in right.iter().enumerate() {
            if !targets.iter().any(|target| usize::from(*target) == index) {
                pair(&mut self.text, "", right);
            }
        }
        self.lose(marked_up, "右侧条目的格式 markup of right entries");
    }
}

/// HTML of a question marked `[html]`.
fn html(text: &RichText) -> String {
    format!("{}{}", guard(text.as_html()), escape(text.as_html()))
}

/// Names the format where the text begins with what would be read as a format, a weight or a comment.
fn guard(text: &str) -> &'static str {
    if text.starts_with(['[', '%']) || text.starts_with("//") { "[html]" } else { "" }
}

/// Marks what would else be taken for markup as plain.
fn plain_guard(text: &str) -> &'static str {
    if text.starts_with('[') || crate::formats::markup::holds_markup(text) { "[plain]" } else { "" }
}
