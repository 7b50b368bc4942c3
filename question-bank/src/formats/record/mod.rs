//! Items as sheets and other people's JSON have them: named cells of text, to be made sense of.

mod answer;
mod column;
mod kind;
mod options;

pub(super) use column::Column;

use super::{Finding, FindingCode};
use crate::draft::{DraftAnswer, DraftBody, DraftNumber, DraftOption, DraftText};
use crate::rich_text::looks_like_html;
use crate::{Fraction, ItemDraft};
use answer::truth;
use kind::Wanted;

/// The cells of one item; what is blank is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) code: String,
    pub(super) kind: String,
    pub(super) stem: String,
    /// One cell each, by letter.
    pub(super) options: Vec<String>,
    /// Feedback by option.
    pub(super) feedback: Vec<String>,
    /// All options in one cell.
    pub(super) options_cell: String,
    pub(super) answer: String,
    pub(super) explanation: String,
    pub(super) topic: String,
    pub(super) difficulty: String,
    pub(super) points: String,
    pub(super) tags: String,
    pub(super) enemies: String,
    pub(super) settings: String,
}

/// A record made sense of, and what had to be guessed or left out for it.
pub(super) struct Read {
    pub(super) outcome: Result<ItemDraft, Finding>,
    pub(super) warnings: Vec<Finding>,
}

/// A cell holds HTML when a tag or an entity in it says so.
pub(super) fn cell_text(cell: &str) -> DraftText {
    let cell = cell.trim();
    if looks_like_html(cell) { DraftText::html(cell) } else { DraftText::plain(cell) }
}

impl Record {
    /// The draft.
    pub(super) fn read(mut self) -> Read {
        let mut warnings = Vec::new();
        self.drop_stars();
        self.drop_blank_end();
        let outcome = self.body(&mut warnings).map(|body| self.into_draft(body));
        Read { outcome, warnings }
    }

    /// Some collections begin every stem with `** `, left over from Markdown.
    fn drop_stars(&mut self) {
        if let Some(rest) = self.stem.trim_start().strip_prefix("**").filter(|rest| !rest.contains("**")) {
            self.stem = rest.to_owned();
        }
    }

    fn drop_blank_end(&mut self) {
        let count = self.options.iter().rposition(|option| !option.trim().is_empty()).map_or(0, |last| last + 1);
        self.options.truncate(count);
    }

    fn into_draft(self, body: DraftBody) -> ItemDraft {
        let some = |text: String| Some(text).filter(|text| !text.trim().is_empty());
        ItemDraft {
            code: some(self.code),
            topic: self.topic,
            difficulty: some(self.difficulty),
            tags: labels(&self.tags),
            enemies: labels(&self.enemies),
            points: some(self.points),
            stem: cell_text(&self.stem),
            explanation: some(self.explanation).map(|text| cell_text(&text)),
            body,
        }
    }

    fn body(&mut self, warnings: &mut Vec<Finding>) -> Result<DraftBody, Finding> {
        let settings = Settings::read(&self.settings, warnings);
        match self.wanted()? {
            Wanted::Choice(multiple) => self.choice(multiple, settings.fixed_order, warnings),
            Wanted::TrueFalse => self.true_false(warnings),
            Wanted::Numeric => self.numeric(),
            Wanted::ShortText => self.short_text(&settings, warnings),
            Wanted::Ordering => self.ordering(),
            Wanted::Matching => self.matching(),
        }
    }

    /// The kind that is named, or the only one that fits.
    fn wanted(&self) -> Result<Wanted, Finding> {
        if let Some(wanted) = kind::parse(&self.kind)? {
            return Ok(wanted);
        }
        let has_options = !self.options.is_empty() || !self.options_cell.trim().is_empty();
        if let [first, second] = self.options.as_slice()
            && let (Some(first), Some(second)) = (truth(first), truth(second))
            && first != second
        {
            return Ok(Wanted::TrueFalse);
        }
        if has_options {
            return Ok(Wanted::Choice(None));
        }
        if truth(&self.answer).is_some() && self.answer.trim().parse::<f64>().is_err() {
            return Ok(Wanted::TrueFalse);
        }
        // Letters can only name options, which may stand in the stem.
        if answer::letters(&self.answer).is_some_and(|letters| !letters.is_empty()) {
            return Ok(Wanted::Choice(None));
        }
        Err(Finding::new(FindingCode::KindUnsupported, ""))
    }

    fn choice(
        &mut self,
        multiple: Option<bool>,
        fixed_order: bool,
        warnings: &mut Vec<Finding>,
    ) -> Result<DraftBody, Finding> {
        let least =
            answer::letters(&self.answer).and_then(|letters| letters.into_iter().max()).map_or(2, |last| last + 1);
        let texts = self.option_texts(least, warnings);
        if texts.is_empty() {
            return Err(Finding::new(FindingCode::OptionsTooFew, "0"));
        }
        let right = answer::choices(&self.answer, &texts, warnings)?;
        let option = |(index, text): (usize, &String)| DraftOption {
            text: cell_text(text),
            fraction: if right.contains(&index) { Fraction::FULL } else { Fraction::NONE },
            feedback: self.feedback.get(index).filter(|text| !text.trim().is_empty()).map(|text| cell_text(text)),
        };
        let options = texts.iter().enumerate().map(option).collect();
        Ok(DraftBody::Choice { multiple, fixed_order, options, weighted: false })
    }

    /// From the option columns, else from one cell, else from the end of the stem; split again when
    /// the answer names more than there are.
    fn option_texts(&mut self, least: usize, warnings: &mut Vec<Finding>) -> Vec<String> {
        let mut texts = options::without_labels(&self.options);
        if texts.is_empty() {
            texts = options::from_cell(&self.options_cell, least);
        }
        if texts.is_empty()
            && let Some((stem, found)) = options::from_stem(&self.stem, least)
        {
            warnings.push(Finding::new(FindingCode::OptionsFromStem, found.len().to_string()));
            self.stem = stem;
            texts = found;
        }
        if !texts.is_empty() && texts.len() < least {
            let again = options::split_again(&texts, least);
            if again.len() > texts.len() {
                warnings.push(Finding::new(FindingCode::OptionsSplit, again.len().to_string()));
                return again;
            }
        }
        texts
    }

    fn true_false(&self, warnings: &mut Vec<Finding>) -> Result<DraftBody, Finding> {
        let (correct, swapped) = answer::true_false(&self.answer, &self.options, warnings)?;
        let said =
            |index: usize| self.feedback.get(index).filter(|text| !text.trim().is_empty()).map(|text| cell_text(text));
        let feedback = if swapped { [said(1), said(0)] } else { [said(0), said(1)] };
        Ok(DraftBody::TrueFalse { correct, feedback })
    }

    fn numeric(&self) -> Result<DraftBody, Finding> {
        let accepted = answer::alternatives(&self.answer)
            .iter()
            .map(|text| answer::number(text))
            .collect::<Result<Vec<_>, _>>()?;
        let number = |(value, tolerance)| DraftNumber { value, tolerance, fraction: Fraction::FULL, feedback: None };
        Ok(DraftBody::Numeric { accepted: accepted.into_iter().map(number).collect() })
    }

    fn short_text(&self, settings: &Settings, warnings: &mut Vec<Finding>) -> Result<DraftBody, Finding> {
        if options::blanks(&self.stem) > 1 {
            return Err(Finding::new(FindingCode::SeveralBlanks, options::blanks(&self.stem).to_string()));
        }
        let texts = match answer::named(&self.answer, &self.options) {
            Some(texts) => texts,
            None => answer::alternatives(&answer::without_lead(&self.answer, warnings)),
        };
        let accepted =
            texts.into_iter().map(|text| DraftAnswer { text, fraction: Fraction::FULL, feedback: None }).collect();
        let Settings { case_sensitive, wildcards, .. } = *settings;
        Ok(DraftBody::ShortText { accepted, case_sensitive, wildcards })
    }

    fn listed(&self) -> Vec<String> {
        if self.options.is_empty() { options::from_cell(&self.options_cell, 2) } else { self.options.clone() }
    }

    /// The options in the order of the answer, such as `BADC`.
    fn ordering(&self) -> Result<DraftBody, Finding> {
        let entries = self.listed();
        if self.answer.trim().is_empty() {
            return Err(Finding::new(FindingCode::KeyMissing, ""));
        }
        let wrong = || Finding::new(FindingCode::KeyOutOfRange, options::beginning(&self.answer));
        let order = answer::letters(&self.answer).ok_or_else(wrong)?;
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..entries.len()) {
            return Err(wrong());
        }
        let entry = |index: usize| entries.get(index).map(|text| cell_text(text)).unwrap_or_default();
        Ok(DraftBody::Ordering { entries: order.into_iter().map(entry).collect() })
    }

    /// Options such as `司马迁=《史记》`; with nothing before the sign, a distractor.
    fn matching(&self) -> Result<DraftBody, Finding> {
        let (mut pairs, mut distractors) = (Vec::new(), Vec::new());
        for option in self.listed().iter().filter(|option| !option.trim().is_empty()) {
            let Some((left, right)) = option.split_once(['=', '＝']) else {
                return Err(Finding::new(FindingCode::PairInvalid, options::beginning(option)));
            };
            if left.trim().is_empty() {
                distractors.push(cell_text(right));
            } else {
                pairs.push((cell_text(left), cell_text(right)));
            }
        }
        Ok(DraftBody::Matching { pairs, distractors })
    }
}

/// What the column 设置 says.
struct Settings {
    fixed_order: bool,
    case_sensitive: bool,
    wildcards: bool,
}

impl Settings {
    fn read(cell: &str, warnings: &mut Vec<Finding>) -> Self {
        let mut settings = Self { fixed_order: false, case_sensitive: false, wildcards: false };
        for word in labels(cell) {
            match word.as_str() {
                "固定选项顺序" | "fixed_order" => settings.fixed_order = true,
                "区分大小写" | "case_sensitive" => settings.case_sensitive = true,
                "通配符" | "wildcards" => settings.wildcards = true,
                other => warnings.push(Finding::new(FindingCode::PartDropped, options::beginning(other))),
            }
        }
        settings
    }
}

fn labels(cell: &str) -> Vec<String> {
    let parts = cell.split([',', '，', ';', '；', '、', '|', '\n']).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
