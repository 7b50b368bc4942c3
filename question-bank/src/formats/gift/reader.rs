//! Reads GIFT.

use super::answers;
use super::escape::{LineBreaks, find, split_once, unescape};
use super::paragraphs::{CATEGORY, Paragraph, Paragraphs, is_comment};
use crate::ItemDraft;
use crate::draft::DraftText;
use crate::formats::markup::{TextFormat, holds_markup};
use crate::formats::moodle::{self, Entries, Found, shorten};
use crate::formats::{Finding, FindingCode, Parsed};
use crate::limits::TAGS_MAX;

/// Tags kept of one question, more than an item may have: bounds memory.
const TAGS_KEPT: usize = 2 * TAGS_MAX;

/// What stands for the missing word.
const BLANK: &str = "_____";

/// Reads a GIFT file. One entry per question, descriptions and essays included (refused with
/// [`FindingCode::KindUnsupported`]); the code is the `[id:…]`, else the title where it is unique.
#[must_use]
pub fn read(text: &str) -> Parsed {
    let mut entries = Entries::default();
    let mut topic = String::new();
    for paragraph in Paragraphs::new(text.trim_start_matches('\u{feff}')) {
        let source = Source::new(&paragraph);
        if source.body.is_empty() {
            continue;
        }
        if let Some(category) = source.body.strip_prefix(CATEGORY) {
            topic = moodle::topic(&unescape_category(category));
            continue;
        }
        if !entries.push(question(&source, &topic)) {
            break;
        }
    }
    entries.finish()
}

/// A paragraph with the comments taken out.
struct Source {
    line: u32,
    body: String,
    id: Option<String>,
    tags: Vec<String>,
}

impl Source {
    fn new(paragraph: &Paragraph<'_>) -> Self {
        let mut source = Self { line: paragraph.line, body: String::new(), id: None, tags: Vec::new() };
        for line in paragraph.text.split_inclusive('\n') {
            if is_comment(line.trim()) {
                source.comment(line);
                // Only comments before the question move its first line.
                source.line += u32::from(source.body.is_empty());
            } else {
                source.body.push_str(line);
            }
        }
        source.body.truncate(source.body.trim_end().len());
        source
    }

    /// Takes `[id:…]`, `[tag:…]` and `[tags:…,…]` from a comment.
    fn comment(&mut self, line: &str) {
        let mut rest = line;
        while let Some((_, from)) = rest.split_once('[') {
            let Some((label, value, after)) = label_and_value(from) else {
                rest = from;
                continue;
            };
            match label {
                _ if self.tags.len() > TAGS_KEPT => {}
                "id" if self.id.is_none() && !value.is_empty() => self.id = Some(value),
                "tag" if !value.is_empty() => self.tags.push(value),
                "tags" => {
                    let tags = value.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty());
                    self.tags.extend(tags.take(TAGS_KEPT));
                }
                _ => {}
            }
            rest = after;
        }
    }
}

/// `id:12]…` as label, value and what follows; within the value `\]` is a bracket.
fn label_and_value(text: &str) -> Option<(&str, String, &str)> {
    let (label, rest) = text.split_once(':').filter(|(label, _)| matches!(*label, "id" | "tag" | "tags"))?;
    let end =
        rest.match_indices(']').map(|(at, _)| at).find(|at| !rest.get(..*at).unwrap_or_default().ends_with('\\'))?;
    let value = rest.get(..end)?.replace("\\]", "]");
    Some((label, value.trim().to_owned(), rest.get(end + 1..)?))
}

/// Categories are written without escapes, but some tools put them in.
fn unescape_category(category: &str) -> String {
    let mut out = category.to_owned();
    for escaped in [":", "=", "#", "~", "{", "}"] {
        out = out.replace(&format!("\\{escaped}"), escaped);
    }
    out
}

fn question(source: &Source, topic: &str) -> Found {
    let (title, text) = split_title(&source.body);
    let mut warnings = Vec::new();
    let outcome = draft(text, &mut warnings).map(|mut draft| {
        draft.code.clone_from(&source.id);
        topic.clone_into(&mut draft.topic);
        draft.tags.clone_from(&source.tags);
        draft
    });
    Found { line: source.line, title, outcome, warnings }
}

/// The `::title::`, and what follows it.
fn split_title(body: &str) -> (Option<String>, &str) {
    let body = body.trim();
    let Some(rest) = body.strip_prefix("::") else { return (None, body) };
    let Some(end) = super::escape::find_run(rest, b':', 2) else { return (None, body) };
    let title = unescape(rest.get(..end).unwrap_or_default(), LineBreaks::Join);
    let after = rest.get(end + 2..).unwrap_or_default().trim_start();
    ((!title.is_empty()).then_some(title), after)
}

fn draft(text: &str, warnings: &mut Vec<Finding>) -> Result<ItemDraft, Finding> {
    let (format, text) = split_format(text);
    let format = format.unwrap_or(TextFormat::Auto);
    let syntax = |what: &str| Err(Finding::new(FindingCode::Syntax, what));
    let Some((before, rest)) = split_once(text, b'{') else {
        return match find(text, b'}') {
            Some(_) => syntax("有 } 而没有 { (a } without {)"),
            None => Err(Finding::new(FindingCode::KindUnsupported, "description")),
        };
    };
    let Some((block, after)) = split_once(rest, b'}') else {
        return syntax("缺少 } (a missing })");
    };
    if find(before, b'}').is_some() || find(after, b'{').is_some() || find(after, b'}').is_some() {
        return syntax(
            "一题中有多处花括号，文字中的请写作 \\{ \\} (more than one pair of braces: write those in text as \\{ \\})",
        );
    }
    let stem = if after.trim().is_empty() { before.to_owned() } else { format!("{before}{BLANK}{after}") };
    let (explanation, body) = answers::read(block, format, warnings)?;
    let mut draft = ItemDraft::new(marked_text(&stem, format, "题干 stem", warnings), body);
    draft.explanation = explanation;
    Ok(draft)
}

/// The `[html]`-like mark a text may begin with, and the text.
pub(super) fn split_format(text: &str) -> (Option<TextFormat>, &str) {
    let text = text.trim();
    let marked = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match marked.and_then(|(name, rest)| Some((TextFormat::parse(name)?, rest))) {
        Some((format, rest)) => (Some(format), rest.trim()),
        None => (None, text),
    }
}

/// Text of the format it names, else of `default`.
pub(super) fn text(source: &str, default: TextFormat, part: &str, warnings: &mut Vec<Finding>) -> DraftText {
    let (format, source) = split_format(source);
    marked_text(source, format.unwrap_or(default), part, warnings)
}

fn marked_text(source: &str, format: TextFormat, part: &str, warnings: &mut Vec<Finding>) -> DraftText {
    let kept = unescape(source, LineBreaks::Keep);
    // A file of Moodle's own, which only its XML carries along.
    for (_, file) in
        kept.match_indices("@@PLUGINFILE@@/").filter_map(|(at, mark)| kept.split_at_checked(at + mark.len()))
    {
        let name = file.split(['"', '\'', '>', ' ']).next().unwrap_or_default();
        moodle::warn(warnings, FindingCode::ImageDropped, name);
    }
    if format == TextFormat::Auto && !holds_markup(&kept) {
        return DraftText::plain(unescape(source, LineBreaks::Join).trim());
    }
    format.draft(&kept, part, warnings)
}

/// A finding about a text the author should look at.
pub(super) fn syntax(what: &str, text: &str) -> Finding {
    Finding::new(FindingCode::Syntax, format!("{what}: {}", shorten(text.trim())))
}
