//! Text files as Chinese computers write them: UTF-8, UTF-16, GB18030 (GBK, GB2312), windows-1252.

use encoding_rs::{Encoding, GB18030, WINDOWS_1252};
use std::borrow::Cow;

/// The text of a file. A byte order mark decides; without one, what is UTF-8 is UTF-8; of the rest,
/// GB18030 when nearly all of its characters above ASCII are pairs as GB2312 has them, else
/// windows-1252. Never fails: bytes that mean nothing become U+FFFD, and the mark is gone.
#[must_use]
pub fn decode_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let chinese = looks_like_gb(bytes).then(|| GB18030.decode_without_bom_handling_and_without_replacement(bytes));
    match chinese.flatten() {
        Some(text) => text,
        None => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Letters with accents stand alone between ASCII; Chinese characters come as two high bytes.
fn looks_like_gb(bytes: &[u8]) -> bool {
    let (mut pairs, mut others, mut at) = (0_usize, 0_usize, 0);
    while let Some(&first) = bytes.get(at) {
        at += 1;
        if first < 0x80 {
            continue;
        }
        if bytes.get(at).is_some_and(|second| *second >= 0x80) {
            pairs += 1;
            at += 1;
        } else {
            others += 1;
        }
    }
    pairs > others * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_comes_out_as_the_same_text() {
        let text = "题干：“公需科目”共 90 学时？\r\nA. 对　B. 错";
        let utf16 = |swap: bool| -> Vec<u8> {
            let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
            units.flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            utf16(false),
            utf16(true),
            GB18030.encode(text).0.into_owned(),
        ] {
            assert_eq!(decode_text(&bytes), text);
        }
        let french = "Où est né Molière ? « À Paris » déjà";
        assert_eq!(decode_text(&WINDOWS_1252.encode(french).0), french);
        assert_eq!(decode_text(b""), "");
        assert_eq!(decode_text(b"\xff\xff\xff"), "ÿÿÿ");
    }
}
