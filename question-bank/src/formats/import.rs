//! From the bytes of a file to items, with a report of every one.

use super::encoding::decode_text;
use super::report::{Report, Status};
use super::{
    Finding, FindingCode, Format, Parsed, ParsedEntry, Place, aiken, csv, detect, gift, json, json_foreign, moodle_xml,
    xlsx,
};
use crate::draft::validate;
use crate::limits::{IMPORT_BYTES_MAX, IMPORT_ITEMS_MAX};
use crate::{ContentHash, Item, content_hash, question_hash};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// What a file came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The format, given or found.
    pub format: Format,
    /// The items to be stored, in the order of the file: each content and each code once.
    pub items: Vec<Item>,
    /// What became of every item.
    pub report: Report,
}

/// Reads a file: one item that is wrong is refused and spoils no other.
///
/// `format: None` tells the format by the content, and by `file_name` where that does not. `exists`
/// says whether the bank has an item already, given the item and its content hash; a caller that
/// takes a known code with a new explanation for a new version answers no there.
///
/// # Errors
/// There is nothing to make a report of: the file is too large, of no known format, broken or
/// forbidden as a whole, or empty.
pub fn import(
    bytes: &[u8],
    format: Option<Format>,
    file_name: Option<&str>,
    exists: &dyn Fn(&Item, &ContentHash) -> bool,
) -> Result<Import, Finding> {
    if bytes.len() > IMPORT_BYTES_MAX {
        return Err(Finding::new(FindingCode::FileTooLarge, format!("{} MiB", IMPORT_BYTES_MAX / 1024 / 1024)));
    }
    let (format, parsed) = read(bytes, format, file_name)?;
    match parsed.entries.as_slice() {
        [] => return Err(Finding::new(FindingCode::Empty, "")),
        [ParsedEntry { place: Place::File, outcome: Err(finding), .. }] => return Err(finding.clone()),
        _ => {}
    }
    let mut intake = Intake::new(format);
    for entry in parsed.entries {
        intake.take(entry, exists);
    }
    Ok(Import { format, items: intake.items, report: intake.report })
}

/// Reads as the format says; JSON is ours when it says so, else what others write.
fn read(bytes: &[u8], format: Option<Format>, file_name: Option<&str>) -> Result<(Format, Parsed), Finding> {
    if format == Some(Format::Xlsx) || (format.is_none() && detect::is_workbook(bytes)) {
        return Ok((Format::Xlsx, xlsx::read(bytes)));
    }
    let text = decode_text(bytes);
    let found = format.or_else(|| detect::of_text(&text, file_name));
    let format = found.ok_or_else(|| Finding::new(FindingCode::FormatUnknown, beginning(&text)))?;
    let parsed = match format {
        Format::Json if json_foreign::is_foreign(&text) => json_foreign::read(&text),
        Format::Json => json::read(&text),
        Format::Csv => csv::read(&text),
        Format::Gift => gift::read(&text),
        Format::MoodleXml => moodle_xml::read(&text),
        Format::Aiken => aiken::read(&text),
        // Handled above, before the bytes are taken for text.
        Format::Xlsx => xlsx::read(bytes),
    };
    Ok((format, parsed))
}

/// The first words, by which an author knows the file again.
fn beginning(text: &str) -> String {
    const CHARS_MAX: usize = 20;
    format!("“{}…”", text.trim().chars().take(CHARS_MAX).filter(|c| !c.is_control()).collect::<String>())
}

struct Intake {
    items: Vec<Item>,
    report: Report,
    codes: HashSet<String>,
    /// Where each content, and each question whatever its answer, was first.
    seen: HashMap<ContentHash, Place>,
    asked: HashMap<ContentHash, Place>,
}

impl Intake {
    fn new(format: Format) -> Self {
        Self {
            items: Vec::new(),
            report: Report::new(format),
            codes: HashSet::new(),
            seen: HashMap::new(),
            asked: HashMap::new(),
        }
    }

    fn take(&mut self, entry: ParsedEntry, exists: &dyn Fn(&Item, &ContentHash) -> bool) {
        let ParsedEntry { place, outcome, warnings } = entry;
        let validated = outcome.map_err(|finding| vec![finding]).and_then(|draft| validate(&draft));
        let (item, more) = match validated {
            Ok(valid) => valid,
            Err(refusals) => return self.report.add(&place, Status::Refused, refusals),
        };
        let hash = content_hash(&item);
        if let Some(first) = self.seen.get(&hash) {
            let duplicate = Finding::new(FindingCode::Duplicate, first.to_string());
            return self.report.add(&place, Status::Duplicate, [duplicate]);
        }
        if exists(&item, &hash) {
            let duplicate = Finding::new(FindingCode::Duplicate, "题库中的题 an item of the bank");
            return self.report.add(&place, Status::Duplicate, [duplicate]);
        }
        if self.items.len() >= IMPORT_ITEMS_MAX {
            let finding = Finding::new(FindingCode::FileTooLarge, format!("{IMPORT_ITEMS_MAX} 题 items"));
            return self.report.add(&place, Status::Refused, [finding]);
        }
        if !self.codes.insert(item.code.clone()) {
            let repeated = Finding::new(FindingCode::CodeRepeated, item.code);
            return self.report.add(&place, Status::Refused, [repeated]);
        }
        self.seen.insert(hash, place.clone());
        let mut findings = warnings;
        findings.extend(more);
        match self.asked.entry(question_hash(&item)) {
            Entry::Occupied(first) => {
                findings.push(Finding::new(FindingCode::KeyConflict, first.get().to_string()));
            }
            Entry::Vacant(vacant) => {
                vacant.insert(place.clone());
            }
        }
        if findings.is_empty() {
            self.report.add(&place, Status::Accepted, [Finding::new(FindingCode::Fine, "")]);
        } else {
            self.report.add(&place, Status::Warned, findings);
        }
        self.items.push(item);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::formats::Language;

    const NONE: &dyn Fn(&Item, &ContentHash) -> bool = &|_, _| false;

    #[test]
    fn every_item_is_accounted_for() {
        let text = "编号,题干,选项A,选项B,答案\n\
            q1,一加一,1,2,B\n\
            q2,一加一？,2,1,A\n\
            q1,二加二,3,4,B\n\
            q3,三加三,6,5,\n\
            q4,四加四,8,7,AB\n\
            ,五加五,10,11,A\n\
            ,五加五,11,10,A\n";
        let Import { format, items, report } = import(text.as_bytes(), None, None, NONE).unwrap();
        assert_eq!(format, Format::Csv);
        assert_eq!(
            items.iter().map(|item| item.code.as_str()).filter(|code| !code.starts_with("c-")).collect::<Vec<_>>(),
            ["q1", "q4"]
        );
        let value = serde_json::to_value(report.localized(Language::English)).unwrap();
        assert_eq!((report.accepted, report.warned, report.refused, report.duplicates), (3, 1, 2, 1));
        let line = |index: usize| value["items"][index].clone();
        assert_eq!(
            line(0),
            serde_json::json!({"place": "line 2", "status": "accepted", "code": "ok", "message": "fine"})
        );
        assert_eq!(
            line(1),
            serde_json::json!({"place": "line 3", "status": "duplicate", "code": "duplicate",
                "message": "the same content as line 2: not stored again"})
        );
        assert_eq!((line(2)["code"].as_str(), line(3)["code"].as_str()), (Some("code_repeated"), Some("key_missing")));
        assert_eq!(value["format"], "csv");
        assert_eq!(value.as_object().unwrap().len(), 6);
        let chinese = serde_json::to_value(report.localized(Language::Chinese)).unwrap();
        assert_eq!(chinese["items"][3]["message"], "没有答案，请填写答案");
    }

    #[test]
    fn what_the_bank_has_is_not_taken_again() {
        let text = "题干,选项A,选项B,答案\n一加一,1,2,B\n二加二,3,4,B\n";
        let first = import(text.as_bytes(), Some(Format::Csv), None, NONE).unwrap();
        let known = content_hash(&first.items[0]);
        let again = import(text.as_bytes(), None, None, &|_, hash| *hash == known).unwrap();
        assert_eq!((again.report.duplicates, again.items.len()), (1, 1));
    }

    #[test]
    fn files_nothing_can_be_made_of_are_refused() {
        for (bytes, code) in [
            (b"".as_slice(), FindingCode::FormatUnknown),
            (b"\x00\x01\x02\xff", FindingCode::FormatUnknown),
            ("讲义".as_bytes(), FindingCode::FormatUnknown),
            ("题干,答案\n".as_bytes(), FindingCode::Empty),
            (b"PK\x03\x04", FindingCode::Syntax),
            (b"[]", FindingCode::Empty),
            (b"[1, 2]", FindingCode::Empty),
        ] {
            assert_eq!(import(bytes, None, None, NONE).unwrap_err().code, code, "{bytes:?}");
        }
        let large = vec![b' '; IMPORT_BYTES_MAX + 1];
        assert_eq!(import(&large, None, None, NONE).unwrap_err().code, FindingCode::FileTooLarge);
        let broken = import(b"{\"format\":\"keju-bank/1\"", Some(Format::Json), None, NONE).unwrap_err();
        assert_eq!(broken.code, FindingCode::Syntax);
    }
}
