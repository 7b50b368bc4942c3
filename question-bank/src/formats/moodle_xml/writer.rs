//! Writes Moodle XML.

use super::images::detach;
use crate::formats::markup::{holds_markup, to_plain};
use crate::formats::moodle::{category, key_fractions, restates_key};
use crate::formats::{Finding, FindingCode};
use crate::key::{NumericAnswer, TextAnswer};
use crate::{Difficulty, Fraction, Interaction, Item, Key, RichText};
use std::fmt::Write as _;

/// Writes items as Moodle XML that [`super::read`] reads back, and says by item code what it
/// cannot hold: parts that are left out ([`FindingCode::PartDropped`]) or whole items
/// ([`FindingCode::NotHeld`]).
#[must_use]
pub fn write(items: &[&Item]) -> (String, Vec<(String, Finding)>) {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<quiz>\n");
    let mut findings = Vec::new();
    let mut topic = "";
    for item in items {
        let mut page = Page::default();
        if let Err(reason) = page.item(item) {
            findings.push((item.code.clone(), Finding::new(FindingCode::NotHeld, reason)));
            continue;
        }
        if item.topic.as_str() != topic {
            topic = item.topic.as_str();
            let category = escape(&category(topic));
            let _ =
                writeln!(out, "  <question type=\"category\"><category><text>{category}</text></category></question>");
        }
        out.push_str(&page.xml);
        if !page.lost.is_empty() {
            findings.push((item.code.clone(), Finding::new(FindingCode::PartDropped, page.lost.join("、"))));
        }
    }
    out.push_str("</quiz>\n");
    (out, findings)
}

/// One question as it grows. Writing to a `String` cannot fail, so results of `write!` are dropped.
#[derive(Default)]
struct Page {
    xml: String,
    lost: Vec<&'static str>,
}

impl Page {
    fn item(&mut self, item: &Item) -> Result<(), &'static str> {
        let feedback = &item.solution.feedback;
        match (&item.prompt.interaction, &item.solution.key) {
            (Interaction::Choice { multiple, options, fixed_order }, Key::Choice { correct, weights }) => {
                let restated = weights.as_ref().is_some_and(|weights| restates_key(weights, *multiple));
                self.lose(restated, "与答案一致的权重 weights that restate the key");
                self.head("multichoice", item);
                let _ = writeln!(
                    self.xml,
                    "    <single>{}</single><shuffleanswers>{}</shuffleanswers><answernumbering>ABCD</answernumbering>",
                    !multiple, !fixed_order
                );
                let fractions = key_fractions(options.len(), correct, weights.as_deref(), *multiple);
                self.options(options, &fractions, feedback);
            }
            (Interaction::TrueFalse, Key::TrueFalse { correct }) => {
                self.head("truefalse", item);
                for (index, (word, right)) in [("true", *correct), ("false", !*correct)].into_iter().enumerate() {
                    let fraction = if right { Fraction::FULL } else { Fraction::NONE };
                    self.answer(fraction, word, None, feedback.get(index));
                }
            }
            (Interaction::Numeric, Key::Numeric { accepted }) => {
                self.head("numerical", item);
                self.numbers(accepted, feedback);
            }
            (Interaction::ShortText, Key::ShortText { accepted, case_sensitive, wildcards }) => {
                self.head("shortanswer", item);
                let _ = writeln!(self.xml, "    <usecase>{}</usecase>", u8::from(*case_sensitive));
                self.short_texts(accepted, *wildcards, feedback);
            }
            (Interaction::Ordering { entries }, Key::Ordering { order }) => {
                self.head("ordering", item);
                self.entries(entries, order);
            }
            (Interaction::Matching { left, right }, Key::Matching { targets }) => {
                self.head("matching", item);
                self.pairs(left, right, targets);
            }
            _ => return Err("答案与题型不符 the key does not belong to the kind"),
        }
        self.xml.push_str("  </question>\n");
        Ok(())
    }

    fn head(&mut self, kind: &str, item: &Item) {
        let code = escape(&item.code);
        let _ = writeln!(self.xml, "  <question type=\"{kind}\">\n    <name><text>{code}</text></name>");
        self.rich("questiontext", &item.prompt.stem);
        if let Some(explanation) = &item.solution.explanation {
            self.rich("generalfeedback", explanation);
        }
        if let Some(points) = item.points {
            let _ = writeln!(self.xml, "    <defaultgrade>{points}</defaultgrade>");
        }
        let _ = writeln!(self.xml, "    <penalty>0</penalty><hidden>0</hidden><idnumber>{code}</idnumber>");
        if !item.tags.is_empty() {
            let tags: String = item.tags.iter().map(|tag| format!("<tag><text>{}</text></tag>", escape(tag))).collect();
            let _ = writeln!(self.xml, "    <tags>{tags}</tags>");
        }
        self.lose(item.difficulty != Difficulty::MEDIUM, "难度 difficulty");
        self.lose(!item.enemies.is_empty(), "互斥组 enemies");
    }

    fn lose(&mut self, lost: bool, part: &'static str) {
        if lost {
            self.lost.push(part);
        }
    }

    fn rich(&mut self, name: &str, text: &RichText) {
        let _ = writeln!(self.xml, "    <{name} format=\"html\">{}</{name}>", content(text));
    }

    /// An answer whose text is plain, not HTML; `extra` goes in as it is.
    fn answer(&mut self, fraction: Fraction, text: &str, extra: Option<&str>, feedback: Option<&Option<RichText>>) {
        let text = format!("<text>{}</text>", escape(text));
        self.answer_element(fraction, "plain_text", &text, extra, feedback);
    }

    fn answer_element(
        &mut self,
        fraction: Fraction,
        format: &str,
        content_xml: &str,
        extra: Option<&str>,
        feedback: Option<&Option<RichText>>,
    ) {
        let percent = fraction.percent();
        let _ = write!(self.xml, "    <answer fraction=\"{percent}\" format=\"{format}\">{content_xml}");
        self.xml.push_str(extra.unwrap_or_default());
        if let Some(Some(feedback)) = feedback {
            let _ = write!(self.xml, "<feedback format=\"html\">{}</feedback>", content(feedback));
        }
        self.xml.push_str("</answer>\n");
    }

    fn options(&mut self, options: &[RichText], fractions: &[Fraction], feedback: &[Option<RichText>]) {
        for (index, (option, fraction)) in options.iter().zip(fractions).enumerate() {
            self.answer_element(*fraction, "html", &content(option), None, feedback.get(index));
        }
    }

    fn numbers(&mut self, accepted: &[NumericAnswer], feedback: &[Option<RichText>]) {
        for (index, number) in accepted.iter().enumerate() {
            let tolerance = format!("<tolerance>{}</tolerance>", number.tolerance);
            self.answer(number.fraction, &number.value.to_string(), Some(&tolerance), feedback.get(index));
        }
    }

    fn short_texts(&mut self, accepted: &[TextAnswer], wildcards: bool, feedback: &[Option<RichText>]) {
        for (index, answer) in accepted.iter().enumerate() {
            let text = if wildcards { answer.text.clone() } else { answer.text.replace('*', "\\*") };
            self.answer(answer.fraction, &text, None, feedback.get(index));
        }
    }

    fn entries(&mut self, entries: &[RichText], order: &[u8]) {
        let count = entries.len();
        let _ = writeln!(
            self.xml,
            "    <layouttype>VERTICAL</layouttype><selecttype>ALL</selecttype><selectcount>{count}</selectcount>\
             <gradingtype>ABSOLUTE_POSITION</gradingtype><showgrading>SHOW</showgrading><numberingstyle>none</numberingstyle>"
        );
        for entry in order.iter().filter_map(|index| entries.get(usize::from(*index))) {
            self.answer_element(Fraction::FULL, "html", &content(entry), None, None);
        }
    }

    fn pairs(&mut self, left: &[RichText], right: &[RichText], targets: &[u8]) {
        let rights: Vec<_> = right.iter().map(|right| to_plain(right.as_html())).collect();
        self.lose(rights.iter().any(|right| !right.whole), "右侧条目的格式 markup of right entries");
        let pair = |left: &str, right: &str| {
            // Moodle takes right sides as they are; the format is for readers that look for markup.
            let format = if holds_markup(right) { " format=\"plain_text\"" } else { "" };
            let right = escape(right.trim());
            format!(
                "    <subquestion format=\"html\">{left}<answer{format}><text>{right}</text></answer></subquestion>\n"
            )
        };
        for (left, target) in left.iter().zip(targets) {
            if let Some(right) = rights.get(usize::from(*target)) {
                self.xml.push_str(&pair(&content(left), &right.text));
            }
        }
        for (index, right) in rights.iter().enumerate() {
            if !targets.iter().any(|target| usize::from(*target) == index) {
                self.xml.push_str(&pair("<text></text>", &right.text));
            }
        }
    }
}

/// HTML as the content of an element, with the images it needs.
fn content(text: &RichText) -> String {
    let (html, files) = detach(text.as_html());
    let html: String = html.chars().filter(|character| is_allowed(*character)).collect();
    format!("<text><![CDATA[{}]]></text>{files}", html.replace("]]>", "]]]]><![CDATA[>"))
}

fn escape(text: &str) -> String {
    let allowed: String = text.chars().filter(|character| is_allowed(*character)).collect();
    allowed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whether XML 1.0 can hold a character.
const fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..)
}
