//! Import archives: bombs, names that climb out, links, archives in archives, crowds of members.

use super::support::{SHEET, WORKBOOK, archive, memory_peak_mib, site, workbook, workbook_of};
use super::wire::{Answer, Ask};
use keju_tests::kit::Site;
use std::io::{Cursor, Write};
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;

/// Far more than any of it needs, far less than what it would unpack to.
const MEMORY_MIB_MAX: u64 = 900;
const SOON: Duration = Duration::from_secs(60);

fn import(site: &Site, format: &str, file: &[u8]) -> Answer {
    let path = format!("/api/v1/banks/{}/imports", site.bank_id);
    Ask::new("POST", path).bearer(site.author.token()).upload("items.xlsx", format, file).send(site.server.address())
}

fn refused(answer: &Answer) -> bool {
    let report = answer.json();
    (400..500).contains(&answer.status) || (answer.status == 200 && report["accepted"] == 0 && report["warned"] == 0)
}

/// A member of so many MiB of blanks, written a MiB at a time.
fn bomb(members: &[(&str, usize)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in WORKBOOK {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    let blanks = vec![b' '; 1 << 20];
    for (name, mebibytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(SHEET[0].as_bytes()).unwrap();
        for _ in 0..*mebibytes {
            writer.write_all(&blanks).unwrap();
        }
        writer.write_all(SHEET[1].as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The same archive, whose directory says that every member is ten bytes long.
fn lying(mut archive: Vec<u8>) -> Vec<u8> {
    for (mark, at) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let places: Vec<usize> =
            archive.windows(4).enumerate().filter(|(_, window)| window == mark).map(|(place, _)| place).collect();
        for place in places {
            if let Some(size) = archive.get_mut(place + at..place + at + 4) {
                size.copy_from_slice(&10_u32.to_le_bytes());
            }
        }
    }
    archive
}

#[tokio::test]
async fn zip_bombs() {
    let site = site().await;
    let sheet = "xl/worksheets/sheet1.xml";
    let big = bomb(&[(sheet, 320)]);
    assert!(big.len() < 1 << 20);
    let corner = format!(
        "{}<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>{}",
        SHEET[0], SHEET[1]
    );
    let cells = "<row><c t=\"inlineStr\"><is><t>a</t></is></c></row>".repeat(1_500_000);
    let bombs = [
        ("one big member", big.clone()),
        ("two members, too big together", bomb(&[(sheet, 150), ("xl/sharedStrings.xml", 150)])),
        ("a member beside the sheet", bomb(&[(sheet, 0), ("xl/media/image1.png", 300)])),
        ("a member that lies about its size", lying(big)),
        ("a cell in the far corner", workbook(corner.as_bytes(), &[])),
        ("a million and a half rows", workbook(format!("{}{cells}{}", SHEET[0], SHEET[1]).as_bytes(), &[])),
    ];
    for (what, file) in bombs {
        for format in ["xlsx", "auto"] {
            let since = Instant::now();
            let answer = import(&site, format, &file);
            assert!(refused(&answer), "{what} as {format}: {} {:.300}", answer.status, answer.text());
            assert!(since.elapsed() < SOON, "{what} as {format} took {:?}", since.elapsed());
            let peak = memory_peak_mib(&site.server);
            assert!(peak < MEMORY_MIB_MAX, "{what} as {format}: {peak} MiB");
        }
    }
    Ask::new("GET", "/api/v1/me").bearer(site.author.token()).send(site.server.address()).expect(200);
}

#[tokio::test]
async fn zip_slip_links_nesting_and_crowds() {
    let site = site().await;
    let sheet = format!("{}{}", SHEET[0], SHEET[1]);
    let inner = archive(&[("x.txt", b"x")]);
    let slip: [(&str, &[u8]); 4] =
        [("../slipped", b"x"), ("/tmp/keju-slipped", b"x"), ("..\\slipped", b"x"), ("xl/../../../slipped", b"x")];
    let mut link = zip::ZipWriter::new(Cursor::new(Vec::new()));
    link.add_symlink("xl/worksheets/sheet1.xml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let mut crowd = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..100_000 {
        crowd.start_file(format!("xl/worksheets/sheet{number}.xml"), SimpleFileOptions::default()).unwrap();
    }
    let whole = workbook_of(&[vec!["题型".into(), "题干".into()]]);
    let files = [
        ("names that climb out", workbook(sheet.as_bytes(), &slip)),
        ("only names that climb out", archive(&slip)),
        ("a symbolic link", link.finish().unwrap().into_inner()),
        ("an archive in an archive", archive(&[("inner.xlsx", &inner), ("inner.zip", &inner)])),
        ("a sheet that is an archive", workbook(&inner, &[])),
        ("a crowd of members", crowd.finish().unwrap().into_inner()),
        ("nothing in it", archive(&[])),
        ("half of one", whole[..whole.len() / 2].to_vec()),
        ("only its end", whole[whole.len() - 22..].to_vec()),
        ("only its beginning", b"PK\x03\x04".to_vec()),
    ];
    for (what, file) in files {
        for format in ["xlsx", "auto"] {
            let answer = import(&site, format, &file);
            assert!(refused(&answer), "{what} as {format}: {} {:.300}", answer.status, answer.text());
            assert!(!answer.text().contains("root:"), "{what}");
        }
    }
    let folder = site.server.folder();
    for place in [folder.join("slipped"), folder.join("../slipped"), "/tmp/keju-slipped".into(), "/slipped".into()] {
        assert!(!place.exists(), "{}", place.display());
    }
    let peak = memory_peak_mib(&site.server);
    assert!(peak < MEMORY_MIB_MAX, "{peak} MiB");
    Ask::new("GET", "/api/v1/me").bearer(site.author.token()).send(site.server.address()).expect(200);
}
