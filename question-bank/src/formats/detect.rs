//! Telling the format of a file by what is in it; its name decides only where the content does not.

use super::xls::is_compound_file;
use super::{Format, csv};
use serde::de::IgnoredAny;

/// Whether the file is a workbook: an archive or a compound file, whatever it is called.
pub(super) fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") || is_compound_file(bytes)
}

/// The format of a text, if anything tells it.
pub(super) fn of_text(text: &str, file_name: Option<&str>) -> Option<Format> {
    let start = text.trim_start();
    if is_moodle_xml(start) {
        return Some(Format::MoodleXml);
    }
    if start.starts_with(['{', '[']) && is_json(start) {
        return Some(Format::Json);
    }
    if csv::looks_like_table(text) {
        return Some(Format::Csv);
    }
    let (gift, aiken) = (gift_answers(text), aiken_answers(text));
    match (gift, aiken) {
        (0, 0) => by_name(file_name),
        (gift, aiken) if gift >= aiken => Some(Format::Gift),
        _ => Some(Format::Aiken),
    }
}

fn is_moodle_xml(start: &str) -> bool {
    ["<?xml", "<quiz", "<question", "<!DOCTYPE", "<!--"].iter().any(|tag| start.starts_with(tag))
}

/// GIFT may begin with a brace or a bracket too; broken JSON is for the file's name to tell.
fn is_json(start: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(start).into_iter::<IgnoredAny>();
    values.next().is_some_and(|first| first.is_ok())
}

/// Braces that open an answer block.
fn gift_answers(text: &str) -> usize {
    let opens = |rest: &&str| {
        let inside = rest.trim_start();
        inside.starts_with(['=', '~', '#', '>', '}', '%', 'T', 'F'])
    };
    text.split('{').skip(1).filter(opens).count() + usize::from(text.starts_with("::"))
}

/// Lines that give an answer.
fn aiken_answers(text: &str) -> usize {
    const LABELS: [&str; 7] = ["ANSWER", "Answer", "答案", "参考答案", "正确答案", "标准答案", "本题答案"];
    let is_answer = |line: &&str| {
        let line = line.trim_start().trim_start_matches(['【', '[']);
        LABELS
            .iter()
            .filter_map(|label| line.strip_prefix(label))
            .any(|rest| rest.trim_start().starts_with([':', '：', '】', ']']))
    };
    text.lines().filter(is_answer).count()
}

fn by_name(file_name: Option<&str>) -> Option<Format> {
    let (_, ending) = file_name?.rsplit_once('.')?;
    match ending.to_ascii_lowercase().as_str() {
        "json" | "jsonl" => Some(Format::Json),
        "csv" | "tsv" => Some(Format::Csv),
        "gift" => Some(Format::Gift),
        "xml" => Some(Format::MoodleXml),
        "aiken" => Some(Format::Aiken),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_content() {
        for (text, format) in [
            ("<?xml version=\"1.0\"?><quiz/>", Some(Format::MoodleXml)),
            ("\n<quiz></quiz>", Some(Format::MoodleXml)),
            ("[{\"题目\":\"x\"}]", Some(Format::Json)),
            ("{\"a\":1}\n{\"a\":2}", Some(Format::Json)),
            ("{=是 ~否} 开头的题", Some(Format::Gift)),
            ("::Q1:: 首都是{=北京 ~上海}", Some(Format::Gift)),
            ("[html]<b>x</b>{T}", Some(Format::Gift)),
            ("题\nA. 甲\nB. 乙\nANSWER: A", Some(Format::Aiken)),
            ("1. 题\nA. 甲\nB. 乙\n参考答案：A", Some(Format::Aiken)),
            ("题干,选项A,选项B,答案\n", Some(Format::Csv)),
            ("讲义\n没有题目", None),
            ("", None),
        ] {
            assert_eq!(of_text(text, None), format, "{text}");
        }
        assert_eq!(of_text("{", Some("a.JSON")), Some(Format::Json));
        assert_eq!(of_text("x", Some("a.gift")), Some(Format::Gift));
        assert!(is_workbook(b"PK\x03\x04rest") && !is_workbook(b"PKxx"));
    }
}
