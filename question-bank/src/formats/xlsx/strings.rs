//! The texts that the cells of a workbook share.

use super::archive::Archive;
use super::workbook::{push_text, unescape, walk};
use crate::formats::Finding;
use quick_xml::events::Event;

/// All texts in one, and where each ends.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..end)
    }
}

/// Reads `xl/sharedStrings.xml`, which a workbook may do without.
pub(super) fn read(archive: &mut Archive<'_>) -> Result<Strings, Finding> {
    let mut strings = Strings::default();
    let Some(xml) = archive.part("xl/sharedStrings.xml")? else { return Ok(strings) };
    let mut current = String::new();
    let (mut in_text, mut in_phonetic) = (false, false);
    walk(&xml, &mut |event| {
        match event {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "si" => current.clear(),
                "rPh" => in_phonetic = true,
                "t" => in_text = !in_phonetic,
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "si" => {
                    strings.text.push_str(&unescape(&current));
                    strings.ends.push(strings.text.len());
                }
                "rPh" => in_phonetic = false,
                "t" => in_text = false,
                _ => {}
            },
            Event::Empty(tag) if tag.local_name().as_ref() == "si" => strings.ends.push(strings.text.len()),
            event if in_text => push_text(event, &mut current),
            _ => {}
        }
        Ok(true)
    })?;
    Ok(strings)
}
