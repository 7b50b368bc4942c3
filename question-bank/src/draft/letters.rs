//! Options that speak of other options by letter, whose order must stay as the author wrote it.

/// Whether an option names others by letter: `A和B`, `以上A、C`, `Both A and C`, `选项A`, `ABC都对`.
/// Too cautious rather than too bold: a wrong yes only costs the shuffle of one item.
pub(super) fn speak_of_each_other(options: &[String]) -> bool {
    let last = ('A'..='Z').nth(options.len().saturating_sub(1)).unwrap_or('Z');
    options.iter().any(|option| names_others(option, last))
}

fn names_others(option: &str, last: char) -> bool {
    let text: Vec<char> = option.chars().map(half_width).filter(|c| !c.is_whitespace() || *c == ' ').collect();
    let letters = letter_runs(&text, last);
    let lone: Vec<usize> = letters.iter().filter(|(_, length)| *length == 1).map(|(at, _)| *at).collect();
    let joined = lone.windows(2).any(|pair| match pair {
        [a, b] => text.get(a + 1..*b).is_some_and(is_joint),
        _ => false,
    });
    let pointed = lone.iter().any(|&at| {
        let (before, after) = (text_before(&text, at), text_after(&text, at + 1));
        POINTERS.iter().any(|word| before.ends_with(word))
            || ["项", "选项", "选项都", "的说法"].iter().any(|word| after.starts_with(word))
    });
    let run = letters.iter().any(|&(at, length)| {
        length > 1 && VERDICTS.iter().any(|word| text_after(&text, at + length).starts_with(word))
    });
    let whole = letters.len() == 1 && letters.first().is_some_and(|&(_, length)| length > 1 && length == text.len());
    joined || pointed || run || whole
}

const POINTERS: [&str; 10] = ["选项", "以上", "上述", "除", "同", "option ", "Option ", "options ", "both ", "Both "];
const VERDICTS: [&str; 8] = ["都", "均", "皆", "全", "两项", "三项", "正确", "项"];

/// Runs of ascending letters `A` to `last` that stand apart from other Latin letters and digits:
/// where each starts and how long it is.
fn letter_runs(text: &[char], last: char) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = text.get(at..).unwrap_or_default().iter().take_while(|c| c.is_ascii_alphanumeric()).count();
        let run = text.get(at..at + length).unwrap_or_default();
        let ascending = run.windows(2).all(|pair| pair.first() < pair.last());
        if length > 0 && ascending && run.iter().all(|c| ('A'..=last).contains(c)) {
            runs.push((at, length));
        }
        at += length.max(1);
    }
    runs
}

/// What may stand between two letters that are named together.
fn is_joint(between: &[char]) -> bool {
    let between: String = between.iter().collect();
    let between = between.trim();
    ["和", "与", "及", "或", "、", ",", ";", "and", "or", "&", "/", "+", "以及", "项和", "项与", "、和"]
        .contains(&between)
}

fn text_before(text: &[char], at: usize) -> String {
    text.get(at.saturating_sub(10)..at).unwrap_or_default().iter().collect()
}

fn text_after(text: &[char], at: usize) -> String {
    text.get(at..).unwrap_or_default().iter().take(4).collect::<String>().trim_start().to_owned()
}

fn half_width(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0).unwrap_or(character),
        '\u{3000}' => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among_four(option: &str) -> bool {
        speak_of_each_other(&["甲".into(), "乙".into(), "丙".into(), option.into()])
    }

    #[test]
    fn options_that_name_others_are_found() {
        for option in [
            "A和B",
            "A、B都对",
            "以上A,C",
            "Both A and C",
            "Ａ与Ｃ",
            "选项A",
            "A、B、C",
            "AB都对",
            "ABC",
            "A项和B项",
            "除B外",
            "A or B",
            "仅A、B正确",
            "A/B",
            "option C only",
        ] {
            assert!(among_four(option), "{option}");
        }
    }

    #[test]
    fn options_with_letters_of_their_own_are_not() {
        for option in ["A", "DNA", "A股", "维生素E和K", "BCG疫苗", "CBA", "a和b", "X和Y", "A4纸", "Plan B", "3和5", ""]
        {
            assert!(!among_four(option), "{option}");
        }
        // Only letters that the item has.
        assert!(!speak_of_each_other(&["C和D".into(), "乙".into()]));
    }
}
