//! What the columns of a sheet, and the fields of other people's JSON, are called.

use unicode_normalization::UnicodeNormalization as _;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::formats) enum Column {
    Code,
    Kind,
    Stem,
    /// All options in one cell.
    Options,
    /// One option, counted from zero.
    Option(u8),
    /// The letters of the right options, named so; better than what else is called an answer.
    AnswerLetters,
    Answer,
    Explanation,
    Topic,
    Difficulty,
    Points,
    Tags,
    Enemies,
    Settings,
    /// Sheets with one row per option: the number that the rows of an item share.
    Group,
    /// Whether the option of the row is right.
    IsRight,
    /// The option of the row.
    OptionText,
    /// What is said about it.
    OptionFeedback,
}

const NAMES: &[(Column, &[&str])] = &[
    (Column::Code, &["编号", "试题编号", "题目编号", "code"]),
    (Column::Kind, &["题型", "题目类型", "试题类型", "题目题型", "类型", "type", "questiontype", "kind"]),
    (
        Column::Stem,
        &[
            "题干",
            "题目",
            "试题",
            "题目内容",
            "试题内容",
            "试题题干",
            "题目描述",
            "题干内容",
            "问题",
            "题面",
            "question",
            "questiontext",
            "content",
            "stem",
            "problem",
            "questioncontent",
        ],
    ),
    (Column::Options, &["选项", "备选项", "答案选项", "选项列表", "可选项", "options", "choices", "option"]),
    (Column::AnswerLetters, &["正确选项", "答案字母", "correctoption", "answerletter", "answerkey"]),
    (
        Column::Answer,
        &[
            "答案",
            "正确答案",
            "参考答案",
            "标准答案",
            "试题答案",
            "answer",
            "answers",
            "correctanswer",
            "correct",
            "key",
            "rightanswer",
            "correctanswers",
        ],
    ),
    (
        Column::Explanation,
        &[
            "解析",
            "答案解析",
            "试题解析",
            "题目解析",
            "整体解析",
            "详解",
            "说明",
            "explanation",
            "analysis",
            "explain",
            "rationale",
        ],
    ),
    (
        Column::Topic,
        &[
            "知识点",
            "所属知识点",
            "章节",
            "所属章节",
            "所属题库",
            "科目",
            "分类",
            "类别",
            "topic",
            "subject",
            "chapter",
            "category",
        ],
    ),
    (Column::Difficulty, &["难度", "难易度", "难度等级", "难易程度", "试题难度", "difficulty", "level"]),
    (Column::Points, &["分值", "分数", "得分", "points", "score", "marks"]),
    (Column::Tags, &["标签", "tags", "tag"]),
    (Column::Enemies, &["互斥组", "enemies"]),
    (Column::Settings, &["设置", "settings"]),
    (Column::Group, &["题目序号", "试题序号", "题号"]),
    (Column::IsRight, &["是否正确项", "是否正确", "是否正确答案", "iscorrect"]),
    (Column::OptionText, &["选项内容", "optiontext"]),
    (Column::OptionFeedback, &["选项解析", "optionfeedback"]),
];

impl Column {
    /// From a header or a field name; case, blanks, width, underscores and a note in brackets
    /// (`选项A（必填）`) do not count.
    pub(in crate::formats) fn parse(name: &str) -> Option<Self> {
        const NAME_BYTES_MAX: usize = 120;
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let folded: String = name.nfkc().flat_map(char::to_lowercase).collect();
        let bare =
            folded.trim_start_matches(['*', '(', '[', '【', ' ']).split(['(', '[', '【']).next().unwrap_or_default();
        let bare: String = bare.chars().filter(|c| c.is_alphanumeric()).collect();
        let named = NAMES.iter().find(|(_, names)| names.contains(&bare.as_str())).map(|(column, _)| *column);
        named.or_else(|| option_letter(&bare).map(Self::Option))
    }
}

/// `a`, `a项`, `选项a`, `optiona`, `选项1`.
fn option_letter(name: &str) -> Option<u8> {
    const BARE_MAX: u8 = b'k';
    let (rest, last) =
        match ["选项", "备选项", "答案", "option", "choice"].iter().find_map(|word| name.strip_prefix(word)) {
            Some(rest) => (rest, b'z'),
            None => (name, BARE_MAX),
        };
    let rest = ["项目", "选项", "项"].iter().find_map(|word| rest.strip_suffix(word)).unwrap_or(rest);
    match rest.as_bytes() {
        [letter @ b'a'..=b'z'] if *letter <= last => Some(letter - b'a'),
        [digit @ b'1'..=b'9'] if name.starts_with(|c: char| !c.is_ascii_digit()) => Some(digit - b'1'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_many_names() {
        for (name, column) in [
            ("题干", Some(Column::Stem)),
            (" 题目 (必填)", Some(Column::Stem)),
            ("*试题内容", Some(Column::Stem)),
            ("Question", Some(Column::Stem)),
            ("选项A", Some(Column::Option(0))),
            ("选项 Ｈ（选填）", Some(Column::Option(7))),
            ("Option_c", Some(Column::Option(2))),
            ("选项Z", Some(Column::Option(25))),
            ("D", Some(Column::Option(3))),
            ("选项2", Some(Column::Option(1))),
            ("A项", Some(Column::Option(0))),
            ("D项目", Some(Column::Option(3))),
            ("2项", None),
            ("2", None),
            ("x", None),
            ("正确选项", Some(Column::AnswerLetters)),
            ("正确答案", Some(Column::Answer)),
            ("correct_answer", Some(Column::Answer)),
            ("id", None),
            ("", None),
            ("备注", None),
        ] {
            assert_eq!(Column::parse(name), column, "{name}");
        }
        assert_eq!(Column::parse(&"题".repeat(1_000_000)), None);
    }
}
