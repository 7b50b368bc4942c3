#![expect(clippy::unwrap_used, reason = "tests")]

use super::{read, template, write};
use crate::draft::{samples, validate};
use crate::formats::{FindingCode, Parsed, Place};
use crate::limits::IMPORT_ARCHIVE_MEMBERS_MAX;
use crate::{Item, ItemKind, Key};
use proptest::prelude::*;
use std::io::Write as _;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn items(bytes: &[u8]) -> Vec<Item> {
    read(bytes).entries.into_iter().map(|entry| validate(&entry.outcome.unwrap()).unwrap().0).collect()
}

fn held(item: &Item) -> Item {
    let mut item = item.clone();
    item.solution.feedback.clear();
    if let Key::Choice { weights, .. } = &mut item.solution.key {
        *weights = None;
    }
    item
}

/// The one refusal of the whole file.
fn refusal(parsed: &Parsed) -> FindingCode {
    let [entry] = parsed.entries.as_slice() else { panic!("{} entries", parsed.entries.len()) };
    assert_eq!(entry.place, Place::File);
    entry.outcome.as_ref().unwrap_err().code
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook of one sheet with these parts.
fn book(strings: &str, sheet: &str) -> Vec<u8> {
    archive(&[
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"a\" r:id=\"r1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", b"<R><Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\"/></R>"),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_comes_back(given in prop::collection::vec(samples::item(), 1..4)) {
        let (bytes, omitted) = write(&given.iter().collect::<Vec<_>>()).unwrap();
        let is_written = |item: &&Item| {
            !omitted.iter().any(|(code, finding)| *code == item.code && finding.code == FindingCode::NotHeld)
        };
        let written: Vec<Item> = given.iter().filter(is_written).map(held).collect();
        prop_assert_eq!(items(&bytes), written);
    }

    #[test]
    fn broken_workbooks_are_survived(cut in 0_usize..4000, flip in 0_usize..4000, byte in any::<u8>()) {
        let mut bytes = template().unwrap();
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        if let Some(place) = bytes.get_mut(flip) {
            *place = byte;
        }
        let _ = read(&bytes);
    }
}

#[test]
fn the_template_is_filled_in_and_read() {
    let bytes = template().unwrap();
    assert_eq!(bytes, template().unwrap(), "the same bytes every time");
    assert!(read(&bytes).entries.is_empty());
    // The examples, renamed, are items of every kind.
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut members = Vec::new();
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).unwrap();
        let name = member.name().unwrap().into_owned();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut member, &mut text).unwrap();
        members.push((name, text.replace("name=\"示例\"", "name=\"甲\"")));
    }
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let read = read(&archive(&members));
    let mut kinds: Vec<ItemKind> =
        read.entries.iter().map(|entry| validate(entry.outcome.as_ref().unwrap()).unwrap().0.kind()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ItemKind::ALL);
    assert_eq!(read.entries[0].place, Place::Row { sheet: Some("甲".into()), row: 2 });
}

#[test]
fn a_long_text_is_told_and_left_out() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut item = proptest::strategy::ValueTree::current(&samples::item().new_tree(&mut runner).unwrap());
    item.prompt.stem = crate::RichText::from_plain(&"长".repeat(40_000));
    let (_, omitted) = write(&[&item]).unwrap();
    assert_eq!(omitted[0].1.code, FindingCode::NotHeld);
}

#[test]
fn cells_of_every_sort_are_read() {
    let strings = "<sst><si><t>题干</t></si><si><r><t>答</t></r><r><t>案</t></r><rPh><t>x</t></rPh></si><si/></sst>";
    let sheet = "<worksheet><sheetData><row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c>\
        <c r=\"C2\" t=\"inlineStr\"><is><t>题型</t></is></c></row>\
        <row><c t=\"str\"><v>约 &lt; &#20960;_x000D_？</v></c><c><f>1+1</f><v>3.1499999999999999</v></c>\
        <c t=\"inlineStr\"><is><t>数值题</t></is></c></row></sheetData></worksheet>";
    let entries = read(&book(strings, sheet)).entries;
    let draft = entries[0].outcome.as_ref().unwrap();
    assert_eq!(entries[0].place, Place::Row { sheet: None, row: 3 });
    let item = validate(draft).unwrap().0;
    assert_eq!(item.prompt.stem.as_html(), "约 &lt; 几<br>？");
    assert!(matches!(&item.solution.key, Key::Numeric { accepted } if accepted[0].value == 3.15));
}

#[test]
fn archives_that_are_traps_are_refused() {
    let zeros = vec![0_u8; 50 * 1024 * 1024];
    assert_eq!(refusal(&read(&archive(&[("xl/sharedStrings.xml", &zeros)]))), FindingCode::ArchiveForbidden);
    let names: Vec<String> = (0..=IMPORT_ARCHIVE_MEMBERS_MAX).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(refusal(&read(&archive(&many))), FindingCode::ArchiveForbidden);
    assert_eq!(refusal(&read(&archive(&[("../../etc/passwd", b"x")]))), FindingCode::ArchiveForbidden);
    // A directory of a million members without the members.
    let mut directory = b"PK\x03\x04".to_vec();
    directory.extend(b"PK\x01\x02".iter().copied().chain([0; 42]).cycle().take(46 * 1_000_000));
    directory.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(refusal(&read(&directory)), FindingCode::ArchiveForbidden);
    // A member that says it is smaller than it is.
    let mut lying = archive(&[("xl/workbook.xml", &zeros)]);
    let size = (50_u32 * 1024 * 1024).to_le_bytes();
    while let Some(at) = lying.windows(4).position(|four| four == size) {
        lying[at..at + 4].copy_from_slice(&[1, 0, 0, 0]);
    }
    assert!(matches!(refusal(&read(&lying)), FindingCode::ArchiveForbidden | FindingCode::Syntax));
    for garbage in [b"PK\x03\x04".to_vec(), b"PK\x05\x06".repeat(10), vec![b'P'; 1_000_000], Vec::new()] {
        assert_eq!(refusal(&read(&garbage)), FindingCode::Syntax);
    }
}

#[test]
fn sheets_that_are_traps_are_refused() {
    // One text of 64 KiB in 5 000 cells each of 26 columns would be 8 GiB.
    let strings = format!("<sst><si><t>{}</t></si></sst>", "长文 a b c d".repeat(4_096));
    let row = "<row>".to_owned() + &"<c t=\"s\"><v>0</v></c>".repeat(26) + "</row>";
    let sheet = format!(
        "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>题干</t></is></c><c t=\"inlineStr\"><is><t>答案</t></is></c></row>{}",
        row.repeat(5_000)
    );
    let found = read(&book(&strings, &sheet));
    assert!(matches!(refusal(&found), FindingCode::FileTooLarge | FindingCode::ArchiveForbidden));
    let entity = "<!DOCTYPE a [<!ENTITY b \"x\">]><sst><si><t>&b;</t></si></sst>";
    assert_eq!(refusal(&read(&book(entity, "<worksheet/>"))), FindingCode::XmlForbidden);
    let far = "<worksheet><sheetData><row r=\"4294967295\"><c r=\"XFD1\"><v>1</v></c><c r=\"ZZZZZ9\"><v>1</v></c></row><row/><row/></sheetData>";
    assert_eq!(refusal(&read(&book("<sst/>", far))), FindingCode::HeaderMissing);
    let attributes = format!("<worksheet {}>", "a=\"b\" ".repeat(100_000));
    assert_eq!(refusal(&read(&book("<sst/>", &attributes))), FindingCode::XmlForbidden);
    let deep = "<a>".repeat(1_000_000);
    assert!(read(&book("<sst/>", &deep)).entries.iter().all(|entry| entry.outcome.is_err()));
}

#[test]
fn old_workbooks_that_are_traps_are_refused() {
    let header = |sector: u32| {
        let mut bytes = vec![0_u8; 1024];
        bytes[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
        bytes[30] = 9;
        bytes[48..52].copy_from_slice(&sector.to_le_bytes());
        bytes[68..72].copy_from_slice(&sector.to_le_bytes());
        bytes[76..80].copy_from_slice(&sector.to_le_bytes());
        bytes
    };
    // A table that is its own next sector, a directory that goes in circles, nothing at all.
    for sector in [0, 1, 7, u32::MAX - 1, u32::MAX] {
        assert_eq!(refusal(&read(&header(sector))), FindingCode::Syntax);
    }
    assert_eq!(refusal(&read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")), FindingCode::Syntax);
}
