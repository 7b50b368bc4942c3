//! From items to the bytes of a file; what the format cannot hold is told, item by item.

use super::{Finding, Format, aiken, csv, gift, json, moodle_xml, xlsx};
use crate::Item;

/// A file, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its content.
    pub bytes: Vec<u8>,
    /// For `Content-Type`.
    pub media_type: &'static str,
    /// For its name, without a dot.
    pub extension: &'static str,
    /// What is not in it, by item code: whole items (`not_held`) and parts (`part_dropped`).
    pub omitted: Omitted,
}

/// What a writer left out, by item code.
pub type Omitted = Vec<(String, Finding)>;

/// Writes items in a format.
///
/// # Errors
/// No file can be made at all: a workbook with more rows than Excel has.
pub fn export(items: &[&Item], format: Format) -> Result<Written, Finding> {
    let (media_type, extension) = match format {
        Format::Json => ("application/json", "json"),
        Format::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Gift => ("text/plain; charset=utf-8", "gift"),
        Format::MoodleXml => ("application/xml", "xml"),
        Format::Aiken => ("text/plain; charset=utf-8", "txt"),
    };
    let (bytes, omitted) = match format {
        Format::Json => (json::write(items).into_bytes(), Vec::new()),
        Format::Xlsx => xlsx::write(items)?,
        Format::Csv => in_bytes(csv::write(items)),
        Format::Gift => in_bytes(gift::write(items)),
        Format::MoodleXml => in_bytes(moodle_xml::write(items)),
        Format::Aiken => in_bytes(aiken::write(items)),
    };
    Ok(Written { bytes, media_type, extension, omitted })
}

fn in_bytes((text, omitted): (String, Omitted)) -> (Vec<u8>, Omitted) {
    (text.into_bytes(), omitted)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::draft::samples;
    use crate::formats::{FindingCode, import::import};
    use proptest::prelude::*;

    const FORMATS: [Format; 6] =
        [Format::Json, Format::Xlsx, Format::Csv, Format::Gift, Format::MoodleXml, Format::Aiken];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_item_is_in_the_file_or_told_to_be_missing(given in prop::collection::vec(samples::item(), 1..5)) {
            let mut given = given;
            given.sort_by(|a, b| a.code.cmp(&b.code));
            given.dedup_by(|a, b| a.code == b.code || crate::content_hash(a) == crate::content_hash(b));
            for format in FORMATS {
                let written = export(&given.iter().collect::<Vec<_>>(), format).unwrap();
                let missing = written.omitted.iter().filter(|(_, finding)| finding.code == FindingCode::NotHeld).count();
                let read = import(&written.bytes, Some(format), None, &|_, _| false);
                let found = read.map_or(0, |read| {
                    let report = &read.report;
                    (report.accepted + report.warned + report.refused + report.duplicates) as usize
                });
                prop_assert_eq!(found + missing, given.len(), "{}", format);
            }
        }

        #[test]
        fn a_written_file_tells_its_own_format(given in samples::item()) {
            for format in FORMATS {
                let written = export(&[&given], format).unwrap();
                if written.omitted.iter().all(|(_, finding)| finding.code != FindingCode::NotHeld) {
                    let read = import(&written.bytes, None, Some(&format!("a.{}", written.extension)), &|_, _| false);
                    prop_assert_eq!(read.map(|read| read.format), Ok(format));
                }
            }
        }
    }
}
