//! Which sheets a workbook has, and walking through the XML of its parts.

use super::archive::Archive;
use crate::formats::{Finding, FindingCode};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;

/// A sheet and the part that holds it.
pub(super) struct SheetPart {
    pub(super) name: String,
    pub(super) path: String,
}

/// The sheets in their order.
pub(super) fn sheets(archive: &mut Archive<'_>) -> Result<Vec<SheetPart>, Finding> {
    const SHEETS_MAX: usize = 256;
    let Some(book) = archive.part("xl/workbook.xml")? else {
        return Err(super::syntax("没有 xl/workbook.xml (not a workbook)"));
    };
    let targets = targets(archive)?;
    let mut sheets = Vec::new();
    walk(&book, &mut |event| {
        if let Event::Start(tag) | Event::Empty(tag) = event
            && tag.local_name().as_ref() == "sheet"
            && sheets.len() < SHEETS_MAX
        {
            let path = attribute(tag, "id").and_then(|id| targets.get(&id).cloned());
            if let Some(path) = path {
                sheets.push(SheetPart { name: attribute(tag, "name").unwrap_or_default(), path });
            }
        }
        Ok(true)
    })?;
    Ok(sheets)
}

/// Where the relations of the workbook point, by their ids.
fn targets(archive: &mut Archive<'_>) -> Result<BTreeMap<String, String>, Finding> {
    let known = archive.paths();
    let relations = archive.part("xl/_rels/workbook.xml.rels")?.unwrap_or_default();
    let mut targets = BTreeMap::new();
    walk(&relations, &mut |event| {
        if let Event::Start(tag) | Event::Empty(tag) = event
            && let (Some(id), Some(target)) = (attribute(tag, "Id"), attribute(tag, "Target"))
        {
            let path = match target.strip_prefix('/') {
                Some(from_root) => from_root.to_owned(),
                None => format!("xl/{}", target.trim_start_matches("./")),
            };
            if known.contains(&path) && path.contains("sheet") {
                targets.insert(id, path);
            }
        }
        Ok(true)
    })?;
    Ok(targets)
}

/// Hands every event on until `take` says no. Document types, deep nesting and floods of attributes
/// are refused.
pub(super) fn walk<'a>(xml: &'a str, take: &mut dyn FnMut(&Event<'a>) -> Result<bool, Finding>) -> Result<(), Finding> {
    const ATTRIBUTES_BYTES_MAX: usize = 8 * 1024;
    let forbidden = |what: &str| Err(Finding::new(FindingCode::XmlForbidden, what));
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    loop {
        let event = reader.read_event().map_err(super::syntax)?;
        match &event {
            Event::Eof => return Ok(()),
            Event::DocType(_) => return forbidden("文档类型声明 DOCTYPE"),
            Event::Start(tag) | Event::Empty(tag) if tag.attributes_raw().len() > ATTRIBUTES_BYTES_MAX => {
                return forbidden("属性过多 too many attributes");
            }
            _ => {}
        }
        if !take(&event)? {
            return Ok(());
        }
    }
}

/// The value of an attribute by its name without prefix.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes();
    let found =
        attributes.with_checks(false).flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    quick_xml::escape::unescape(&found.value).ok().map(std::borrow::Cow::into_owned)
}

/// Adds what an event says to a text.
pub(super) fn push_text(event: &Event<'_>, text: &mut String) {
    match event {
        Event::Text(words) => text.push_str(&words.xml10_content()),
        Event::CData(words) => text.push_str(&words.xml10_content()),
        Event::GeneralRef(name) => match name.resolve_char_ref() {
            Ok(Some(character)) => text.push(character),
            _ => text.push_str(quick_xml::escape::resolve_predefined_entity(name).unwrap_or_default()),
        },
        _ => {}
    }
}

/// `_x000D_` and the like, by which Excel writes characters that XML has no place for.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("_x") {
        out.push_str(before);
        let code = from.get(..4).filter(|_| from.as_bytes().get(4) == Some(&b'_'));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(character) => {
                out.push(character);
                rest = from.get(5..).unwrap_or_default();
            }
            None => {
                out.push_str("_x");
                rest = from;
            }
        }
    }
    out.push_str(rest);
    out
}
