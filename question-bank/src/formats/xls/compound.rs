//! Compound files (OLE): a file system in a file.

const SIGNATURE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const END_OF_CHAIN: u32 = 0xffff_fffe;
/// Sector numbers from here on mean something else.
const SECTORS_END: u32 = 0xffff_fffa;
const HEADER_BYTES: usize = 512;
const MINI_SECTOR_BYTES: usize = 64;
/// Streams shorter than this live in the mini stream.
const MINI_STREAM_CUTOFF: usize = 4096;
const DIRECTORY_ENTRY_BYTES: usize = 128;

/// Whether the file says it is one.
pub(in crate::formats) fn is_compound_file(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// A stream by its name; nothing when it is not there or the file is broken.
pub(super) fn stream(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let file = CompoundFile::open(bytes)?;
    let directory = file.chain(u32_at(bytes, 48)?, usize::MAX)?;
    let entries = directory.chunks_exact(DIRECTORY_ENTRY_BYTES);
    let entry = entries.clone().find(|entry| entry_name(entry).eq_ignore_ascii_case(name))?;
    let (start, length) = (u32_at(entry, 116)?, u32_at(entry, 120)? as usize);
    if length >= MINI_STREAM_CUTOFF {
        return file.chain(start, length);
    }
    let root = entries.clone().next()?;
    let mini_stream = file.chain(u32_at(root, 116)?, u32_at(root, 120)? as usize)?;
    let mini_table = numbers(&file.chain(u32_at(bytes, 60)?, usize::MAX)?);
    follow(start, length, &mini_table, |sector| {
        let at = sector.checked_mul(MINI_SECTOR_BYTES)?;
        mini_stream.get(at..at.checked_add(MINI_SECTOR_BYTES)?)
    })
}

struct CompoundFile<'a> {
    bytes: &'a [u8],
    sector_bytes: usize,
    /// The sector that follows each sector.
    table: Vec<u32>,
}

impl<'a> CompoundFile<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        if !is_compound_file(bytes) {
            return None;
        }
        let sector_bytes = match u16_at(bytes, 30)? {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let mut file = Self { bytes, sector_bytes, table: Vec::new() };
        let sectors_max = bytes.len() / sector_bytes + 1;
        // The table's own sectors: the first 109 in the header, the others in a chain of lists.
        let mut lists = numbers(bytes.get(76..HEADER_BYTES)?);
        let mut next = u32_at(bytes, 68)?;
        let mut seen = 0;
        while next < SECTORS_END && seen < sectors_max {
            let mut list = numbers(file.sector(next as usize)?);
            next = list.pop()?;
            lists.extend(list);
            seen += 1;
        }
        for sector in lists.into_iter().filter(|sector| *sector < SECTORS_END).take(sectors_max) {
            let part = numbers(file.sector(sector as usize)?);
            file.table.extend(part);
        }
        Some(file)
    }

    fn sector(&self, number: usize) -> Option<&'a [u8]> {
        // The header takes the place of one sector.
        let at = number.checked_add(1)?.checked_mul(self.sector_bytes)?;
        let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        // Some writers leave the last sector short.
        Some(rest.get(..self.sector_bytes).unwrap_or(rest))
    }

    fn chain(&self, start: u32, length: usize) -> Option<Vec<u8>> {
        follow(start, length, &self.table, |sector| self.sector(sector))
    }
}

/// The bytes of a chain up to `length`. A chain longer than its table goes in circles.
fn follow<'a>(start: u32, length: usize, table: &[u32], sector: impl Fn(usize) -> Option<&'a [u8]>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut next = start;
    for _ in 0..=table.len() {
        if next == END_OF_CHAIN || bytes.len() >= length {
            bytes.truncate(length);
            return Some(bytes);
        }
        bytes.extend_from_slice(sector(next as usize)?);
        next = *table.get(next as usize)?;
    }
    None
}

fn entry_name(entry: &[u8]) -> String {
    let bytes = usize::from(u16_at(entry, 64).unwrap_or_default()).saturating_sub(2).min(62);
    let units: Vec<u16> = entry
        .get(..bytes)
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|pair| u16_at(pair, 0).unwrap_or_default())
        .collect();
    String::from_utf16_lossy(&units)
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).filter_map(|four| u32_at(four, 0)).collect()
}

/// Little-endian.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

/// Little-endian.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
