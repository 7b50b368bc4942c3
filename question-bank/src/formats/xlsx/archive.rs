//! The zip archive around a workbook, looked over before anything is unpacked.

use crate::formats::encoding::decode_text;
use crate::formats::{Finding, FindingCode};
use crate::limits::{IMPORT_ARCHIVE_MEMBERS_MAX, IMPORT_EXPANDED_BYTES_MAX};
use std::io::{Cursor, Read as _};
use zip::ZipArchive;
use zip::result::ZipError;

/// An archive whose directory is harmless; what it unpacks to is counted all the same.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    budget: u64,
}

impl<'a> Archive<'a> {
    /// Opens it when its members are few, small, unencrypted, and no links or paths out of it.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Finding> {
        check_signatures(bytes)?;
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(super::syntax)?;
        if zip.len() > IMPORT_ARCHIVE_MEMBERS_MAX {
            return Err(too_many());
        }
        let mut total = 0_u64;
        for index in 0..zip.len() {
            let member = zip.by_index_raw(index).map_err(super::syntax)?;
            if member.encrypted() {
                return Err(forbidden("加密的成员 encrypted member"));
            }
            if member.is_symlink() || member.enclosed_name().is_none() {
                return Err(forbidden("链接或越界路径 link or path outside"));
            }
            total = total.saturating_add(member.size());
            if total > IMPORT_EXPANDED_BYTES_MAX || is_bomb(member.size(), member.compressed_size()) {
                return Err(forbidden("解压后过大 expands too far"));
            }
        }
        Ok(Self { zip, budget: IMPORT_EXPANDED_BYTES_MAX })
    }

    /// A member as text, if it is there. What its directory says of its size is not trusted.
    pub(super) fn part(&mut self, path: &str) -> Result<Option<String>, Finding> {
        let member = match self.zip.by_name(path) {
            Ok(member) => member,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(super::syntax(error)),
        };
        let compressed = member.compressed_size();
        let mut bytes = Vec::new();
        member.take(self.budget + 1).read_to_end(&mut bytes).map_err(super::syntax)?;
        let expanded = bytes.len() as u64;
        if expanded > self.budget || is_bomb(expanded, compressed) {
            return Err(forbidden("解压后过大 expands too far"));
        }
        self.budget -= expanded;
        Ok(Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => decode_text(error.as_bytes()).into_owned(),
        }))
    }

    /// The paths of all members.
    pub(super) fn paths(&self) -> Vec<String> {
        self.zip.file_names().filter_map(Result::ok).map(std::borrow::Cow::into_owned).collect()
    }
}

/// Sheets of the same word over and over pack this well; more is no sheet.
fn is_bomb(expanded: u64, compressed: u64) -> bool {
    const RATIO_MAX: u64 = 200;
    const FREE_BYTES: u64 = 1024 * 1024;
    expanded > compressed.saturating_mul(RATIO_MAX).saturating_add(FREE_BYTES)
}

/// Counts the directory's entries by their signatures before anything is made of each. Workbooks
/// never need the 64-bit extension, whose own count of entries could be anything.
fn check_signatures(bytes: &[u8]) -> Result<(), Finding> {
    let mut members = 0_usize;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'P') {
        match bytes.get(at..at + 4) {
            Some(b"PK\x01\x02") => members += 1,
            Some(b"PK\x06\x06") => return Err(forbidden("ZIP64")),
            _ => {}
        }
    }
    if members > IMPORT_ARCHIVE_MEMBERS_MAX { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> Finding {
    forbidden("成员过多 too many members")
}

fn forbidden(what: &str) -> Finding {
    Finding::new(FindingCode::ArchiveForbidden, what)
}
