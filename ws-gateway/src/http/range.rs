//! Parts of a file: what players ask for when they seek.

use std::ops::RangeInclusive;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// Also for what is not understood, such as several ranges: the standard allows to ignore it.
    Whole,
    /// These bytes.
    Of(RangeInclusive<usize>),
    /// What the file does not have.
    Beyond,
}

/// Reads the header's value for a file of `size` bytes.
#[must_use]
pub fn part(wanted: &str, size: usize) -> Part {
    let Some((from, to)) = wanted.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let range = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) if from <= to => from..=to.min(size.saturating_sub(1)),
        (Ok(from), Err(_)) if to.is_empty() => from..=size.saturating_sub(1),
        (Err(_), Ok(last)) if from.is_empty() && last > 0 => size.saturating_sub(last)..=size.saturating_sub(1),
        _ => return Part::Whole,
    };
    if *range.start() < size { Part::Of(range) } else { Part::Beyond }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_players_write_them() {
        for (wanted, expected) in [
            ("bytes=0-", Part::Of(0..=99)),
            ("bytes=10-19", Part::Of(10..=19)),
            ("bytes=90-500", Part::Of(90..=99)),
            ("bytes=-10", Part::Of(90..=99)),
            ("bytes=-500", Part::Of(0..=99)),
            ("bytes=99-99", Part::Of(99..=99)),
            ("bytes=100-", Part::Beyond),
            ("bytes=20-10", Part::Whole),
            ("bytes=-0", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=x-", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(part(wanted, 100), expected, "{wanted}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Beyond);
    }
}
