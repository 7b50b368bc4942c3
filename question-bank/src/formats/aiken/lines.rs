//! What a line is, told by how it begins.

/// Which of the two dialects a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As Moodle reads it.
    Aiken,
    /// Chinese text banks.
    Numbered,
}

impl Dialect {
    /// Chinese answer labels make the numbered dialect.
    pub(super) fn of(text: &str) -> Self {
        let is_chinese = |line: &str| labelled(line.trim(), &ANSWER_LABELS).is_some();
        if text.lines().any(is_chinese) { Self::Numbered } else { Self::Aiken }
    }
}

/// What the questions under a heading are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KindHint {
    Single,
    Multiple,
    TrueFalse,
    ShortText,
    /// Open questions, which no key can mark.
    Open,
}

/// A line of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Blank,
    /// A rule between questions.
    Rule,
    Option {
        letter: char,
        text: &'a str,
    },
    /// `true. 正确`: the question is a true/false one.
    TruthOption,
    Answer(&'a str),
    Explanation(&'a str),
    Difficulty(&'a str),
    Topic(&'a str),
    Points(&'a str),
    /// A heading that names a topic; smaller levels hold larger ones.
    Heading {
        level: u8,
        text: &'a str,
    },
    KindHeading {
        hint: KindHint,
        text: &'a str,
    },
    Numbered {
        number: u32,
        text: &'a str,
    },
    Text(&'a str),
}

const ANSWER_LABELS: [&str; 5] = ["参考答案", "正确答案", "标准答案", "本题答案", "答案"];
const EXPLANATION_LABELS: [&str; 5] = ["答案解析", "试题解析", "解析", "详解", "解释"];

impl<'a> Line<'a> {
    /// Tells what a line is.
    pub(super) fn of(line: &'a str, dialect: Dialect) -> Self {
        let line = line.trim();
        if line.is_empty() {
            return Self::Blank;
        }
        if let Some(answer) = english_answer(line) {
            return Self::Answer(answer);
        }
        match dialect {
            Dialect::Aiken => aiken_option(line).unwrap_or(Self::Text(line)),
            Dialect::Numbered => Self::of_numbered(line),
        }
    }

    fn of_numbered(line: &'a str) -> Self {
        if line.chars().count() >= 4 && line.chars().all(|character| "-=*_—─~".contains(character)) {
            return Self::Rule;
        }
        if let Some(text) = labelled(line, &ANSWER_LABELS) {
            return Self::Answer(text);
        }
        if let Some(text) = labelled(line, &EXPLANATION_LABELS) {
            return Self::Explanation(text);
        }
        if let Some(text) = labelled(line, &["难易度", "难度"]) {
            return Self::Difficulty(text);
        }
        if let Some(text) = labelled(line, &["知识点", "考点"]) {
            return Self::Topic(text);
        }
        if let Some(text) = labelled(line, &["分值", "分数"]) {
            return Self::Points(text);
        }
        truth_option(line)
            .or_else(|| numbered_option(line))
            .or_else(|| heading(line))
            .or_else(|| kind_heading(line))
            .or_else(|| numbered(line))
            .unwrap_or(Self::Text(line))
    }
}

/// Whether a line reads as mere text wherever it stands in an Aiken file.
pub(super) fn is_mere_text(line: &str) -> bool {
    matches!(Line::of(line, Dialect::Aiken), Line::Text(_)) && labelled(line.trim(), &ANSWER_LABELS).is_none()
}

/// What follows `label：`, `【label】` or `[label]:`.
fn labelled<'a>(line: &'a str, labels: &[&str]) -> Option<&'a str> {
    let (line, bracketed) = match line.strip_prefix(['【', '[']) {
        Some(inside) => (inside, true),
        None => (line, false),
    };
    let rest = labels.iter().find_map(|label| line.strip_prefix(label))?.trim_start();
    let rest = if bracketed { rest.strip_prefix(['】', ']'])?.trim_start() } else { rest };
    match rest.strip_prefix([':', '：']) {
        Some(text) => Some(text.trim()),
        None => bracketed.then_some(rest),
    }
}

fn english_answer(line: &str) -> Option<&str> {
    let (label, answer) = line.split_once([':', '：'])?;
    label.trim().eq_ignore_ascii_case("answer").then(|| answer.trim())
}

fn aiken_option(line: &str) -> Option<Line<'_>> {
    let mut characters = line.chars();
    let letter = characters.next().filter(char::is_ascii_uppercase)?;
    let text = characters.as_str().strip_prefix(['.', ')'])?;
    Some(Line::Option { letter, text: text.trim() })
}

/// `A. …`, `A、…`, `A：…`, `(A) …`, full-width forms too.
pub(super) fn numbered_option(line: &str) -> Option<Line<'_>> {
    let (line, closing): (_, &[char]) = match line.strip_prefix(['(', '（']) {
        Some(inside) => (inside, &[')', '）']),
        None => (line, &['.', '．', '、', ')', '）', ':', '：']),
    };
    let mut characters = line.chars();
    let letter = narrow(characters.next()?);
    let text = characters.as_str().trim_start().strip_prefix(closing)?;
    letter.is_ascii_uppercase().then(|| Line::Option { letter, text: text.trim() })
}

fn truth_option(line: &str) -> Option<Line<'_>> {
    let rest = line.strip_prefix("true").or_else(|| line.strip_prefix("false"))?;
    rest.trim_start().starts_with(['.', '、', ')']).then_some(Line::TruthOption)
}

/// `第三章 …` and the like: parts hold chapters, chapters hold sections.
fn heading(line: &str) -> Option<Line<'_>> {
    let rest = line.strip_prefix('第')?;
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || "零〇一二三四五六七八九十百两".contains(c));
    let level = match after.chars().next()? {
        '编' | '篇' => 1,
        '部' if after.starts_with("部分") => 1,
        '模' if after.starts_with("模块") => 1,
        '单' if after.starts_with("单元") => 1,
        '章' | '讲' | '课' => 2,
        '节' => 3,
        _ => return None,
    };
    (after.len() < rest.len()).then_some(Line::Heading { level, text: line })
}

/// `二、多选题（每题 2 分）`: short, numbered in Chinese or bare, and naming a kind.
fn kind_heading(line: &str) -> Option<Line<'_>> {
    const KINDS: [(&str, KindHint); 13] = [
        ("单选题", KindHint::Single),
        ("单项选择题", KindHint::Single),
        ("多选题", KindHint::Multiple),
        ("多项选择题", KindHint::Multiple),
        ("不定项选择题", KindHint::Multiple),
        ("判断题", KindHint::TrueFalse),
        ("填空题", KindHint::ShortText),
        ("简答题", KindHint::Open),
        ("论述题", KindHint::Open),
        ("名词解释", KindHint::Open),
        ("案例分析题", KindHint::Open),
        ("材料分析题", KindHint::Open),
        ("问答题", KindHint::Open),
    ];
    let bare = line
        .trim_start_matches(|c: char| "一二三四五六七八九十（(【[".contains(c))
        .trim_start_matches(['、', '.', '．', ')', '）', ' ']);
    let (_, hint) = KINDS.iter().find(|(name, _)| bare.starts_with(name))?;
    (line.chars().count() <= 40).then_some(Line::KindHeading { hint: *hint, text: line })
}

/// `12. …`; not `3.14 …`.
fn numbered(line: &str) -> Option<Line<'_>> {
    let rest = line.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = line.get(..line.len() - rest.len()).filter(|digits| matches!(digits.len(), 1..=4))?;
    let text = rest.trim_start().strip_prefix(['.', '．', '、', ')', '）'])?;
    let is_decimal = rest.starts_with('.') && text.starts_with(|character: char| character.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| !is_decimal)?;
    Some(Line::Numbered { number, text: text.trim() })
}

/// The ASCII form of a full-width character.
pub(super) fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chinese(line: &str) -> Line<'_> {
        Line::of(line, Dialect::Numbered)
    }

    #[test]
    fn chinese_lines_are_told_apart() {
        assert_eq!(chinese("12. 题干"), Line::Numbered { number: 12, text: "题干" });
        assert_eq!(chinese("3、题干"), Line::Numbered { number: 3, text: "题干" });
        assert_eq!(chinese("3.14 是什么"), Line::Text("3.14 是什么"));
        assert_eq!(chinese("  Ｂ．选项"), Line::Option { letter: 'B', text: "选项" });
        assert_eq!(chinese("（C）选项"), Line::Option { letter: 'C', text: "选项" });
        assert_eq!(chinese("false. 错误"), Line::TruthOption);
        assert_eq!(chinese("参考答案：A, B"), Line::Answer("A, B"));
        assert_eq!(chinese("【答案】C"), Line::Answer("C"));
        assert_eq!(chinese("答案是什么"), Line::Text("答案是什么"));
        assert_eq!(chinese("答案解析：因为"), Line::Explanation("因为"));
        assert_eq!(chinese("第01讲 工程伦理"), Line::Heading { level: 2, text: "第01讲 工程伦理" });
        assert_eq!(chinese("第二节"), Line::Heading { level: 3, text: "第二节" });
        assert_eq!(chinese("第一次世界大战"), Line::Text("第一次世界大战"));
        assert_eq!(
            chinese("二、多选题（每题2分）"),
            Line::KindHeading { hint: KindHint::Multiple, text: "二、多选题（每题2分）" }
        );
        assert_eq!(chinese("--------"), Line::Rule);
    }

    #[test]
    fn aiken_lines_are_told_apart() {
        assert_eq!(Line::of("A)No space", Dialect::Aiken), Line::Option { letter: 'A', text: "No space" });
        assert_eq!(Line::of("a) lower", Dialect::Aiken), Line::Text("a) lower"));
        assert_eq!(Line::of("ANSWER: B", Dialect::Aiken), Line::Answer("B"));
        assert_eq!(Line::of("1. one", Dialect::Aiken), Line::Text("1. one"));
        assert_eq!(Dialect::of("x\n参考答案：A"), Dialect::Numbered);
        assert_eq!(Dialect::of("x\nANSWER: A"), Dialect::Aiken);
    }
}
