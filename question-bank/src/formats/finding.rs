//! What can be said about an item on its way in: a code, and words for it in two languages.

use serde::{Deserialize, Serialize};

/// A language of user texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// Simplified Chinese, the first language.
    #[default]
    #[serde(rename = "zh-CN")]
    Chinese,
    /// English.
    #[serde(rename = "en")]
    English,
}

/// Something about one item: why it is refused, or what was changed on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// What the words speak of: a column, a letter, a number.
    pub subject: String,
}

impl Finding {
    /// A finding about `subject`.
    #[must_use]
    pub fn new(code: FindingCode, subject: impl Into<String>) -> Self {
        Self { code, subject: subject.into() }
    }

    /// The words, naming the remedy.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let (zh, en) = self.code.texts();
        let template = match language {
            Language::Chinese => zh,
            Language::English => en,
        };
        template.replace("{}", &self.subject)
    }
}

macro_rules! findings {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $zh:literal, $en:literal;)*) => {
        /// The codes, stable for clients.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingCode {
            $($(#[$doc])* $variant,)*
        }

        impl FindingCode {
            /// The name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn texts(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($zh, $en),)* }
            }
        }
    };
}

findings! {
    /// The stem is blank.
    StemMissing = "stem_missing", "题干为空，请填写题干", "the stem is empty: write one";
    /// The kind is not one of ours.
    KindUnsupported = "kind_unsupported", "不支持的题型“{}”，可用：单选题 多选题 判断题 数值题 填空题 排序题 匹配题",
        "kind {} is not supported: use one of single_choice multiple_choice true_false numeric short_text ordering matching";
    /// No right answer is given.
    KeyMissing = "key_missing", "没有答案，请填写答案", "there is no answer: give one";
    /// The answer names something the item does not have.
    KeyOutOfRange = "key_out_of_range", "答案“{}”不在选项之内，请核对答案或补充选项",
        "answer {} is not among the options: correct the answer or add the option";
    /// The file could not be understood here.
    Syntax = "syntax", "格式有误：{}", "not understood: {}";
    /// A title that cannot serve as the item's code.
    TitleDropped = "title_dropped", "标题“{}”在文件中重复或过长，未用作编号", "title {} is repeated in the file or too long, so it is not used as the code";
    /// Markdown beyond the subset that is converted.
    MarkdownKept = "markdown_kept", "“{}”中的 Markdown 未转换，按原文保留", "the Markdown of {} is kept as it was written";
    /// An embedded image that cannot be kept.
    ImageDropped = "image_dropped", "图片“{}”未保留：只接受 PNG、JPEG、GIF、WebP，且不得超过大小限制",
        "image {} is not kept: only PNG, JPEG, GIF and WebP within the size limit are";
    /// Something the other side has no place for.
    PartDropped = "part_dropped", "未保留：{}", "not kept: {}";
    /// An item the format being written cannot hold.
    NotHeld = "not_held", "此格式无法保存该题：{}", "this format cannot hold the item: {}";
    /// One answer may be chosen, but several earn everything.
    SeveralRight = "several_right", "单选题有 {} 个满分答案，已按多选题读入", "{} options of a single choice earn everything: read as a multiple choice";
    /// A choice with fewer than two options.
    OptionsTooFew = "options_too_few", "只有 {} 个选项，至少需要两个", "there are {} options: at least two are needed";
    /// XML that is not read at all, for safety.
    XmlForbidden = "xml_forbidden", "出于安全考虑不读取此 XML：{}", "this XML is not read, for safety: {}";
    /// More bytes or items than an import may have.
    FileTooLarge = "file_too_large", "文件超出导入上限：{}，请拆分后再导入", "the file is over the import limit: {}; split it";
    /// Nothing to say.
    Fine = "ok", "可用", "fine";
    /// The same content as another item.
    Duplicate = "duplicate", "与 {} 内容相同，未重复导入", "the same content as {}: not stored again";
    /// Two different items with one code.
    CodeRepeated = "code_repeated", "编号“{}”已被文件中的另一题使用，请换一个编号",
        "code {} is used by another item of the file: choose another";
    /// A code that cannot be used.
    CodeReplaced = "code_replaced", "编号“{}”过长或含有不可用的字符，已改为由内容生成",
        "code {} is too long or has characters that cannot be used: replaced by one made from the content";
    /// More options than an item may have.
    OptionsTooMany = "options_too_many", "有 {} 个选项，最多 26 个", "there are {} options: 26 are the most";
    /// A blank among the options or entries.
    EntryBlank = "entry_blank", "{} 为空，请填写或删除", "{} is blank: write it or take it out";
    /// The same option twice, both right or both wrong.
    OptionRepeated = "option_repeated", "选项“{}”重复出现", "option {} is there twice";
    /// The same option twice, once right and once wrong.
    OptionAmbiguous = "option_ambiguous", "选项“{}”重复出现，其中一个是答案、另一个不是，无法判分，请修改",
        "option {} is there twice, once right and once wrong: change one";
    /// A multiple choice with one right option only.
    OneRight = "one_right", "多选题只有一个正确选项", "only one option of the multiple choice is right";
    /// A text over the limit.
    TextTooLong = "text_too_long", "{} 过长", "{} is too long";
    /// Markup that was taken out.
    MarkupRemoved = "markup_removed", "{} 中不安全或不支持的格式已去除", "markup of {} that is unsafe or not supported was taken out";
    /// Images that were taken out.
    ImageRemoved = "image_removed", "{} 中的图片未内嵌在文本里，已去除，请以 data: 形式内嵌后重新导入",
        "images of {} are not held in the text and were taken out: embed them as data: and import again";
    /// A topic too deep, or with too long a name.
    TopicInvalid = "topic_invalid", "知识点“{}”层级过深或名称过长（最多 8 级，每级 100 字）",
        "topic {} is too deep or a name is too long (8 levels, 100 characters each)";
    /// A difficulty nobody knows.
    DifficultyUnknown = "difficulty_unknown", "难度“{}”无法识别，按“中”处理（可用：1–5 或 易 较易 中 较难 难）",
        "difficulty {} is not known: medium is taken (1 to 5, or easy fairly_easy medium fairly_hard hard)";
    /// Points that are no positive amount.
    PointsIgnored = "points_ignored", "分值“{}”不是正数（最多两位小数），已忽略",
        "points {} are not a positive number of at most two decimals: ignored";
    /// Tags or enemy groups over the limit.
    LabelInvalid = "label_invalid", "标签或互斥组“{}”过多或过长（最多 32 个，每个 100 字）",
        "tags or enemy groups are too many or too long: {} (32 of 100 characters each)";
    /// A number that is none.
    NumberInvalid = "number_invalid", "“{}”不是有效的数值或误差", "{} is not a number or not a tolerance";
    /// More accepted answers than an item may have.
    AcceptedTooMany = "accepted_too_many", "有 {} 个可接受答案，最多 64 个", "there are {} accepted answers: 64 are the most";
    /// The same accepted answer twice.
    AnswerRepeated = "answer_repeated", "答案“{}”重复出现，只保留第一个", "answer {} is there twice: the first is kept";
    /// No answer earns all of the points.
    FullMarksMissing = "full_marks_missing", "没有可得满分的答案", "no answer earns all of the points";
    /// A fraction outside −100 % … 100 %.
    FractionInvalid = "fraction_invalid", "得分比例“{}”不在 −100 至 100 之间或与答案矛盾", "fraction {} is not within −100 and 100 or contradicts the key";
    /// Too few entries to put in order.
    EntriesTooFew = "entries_too_few", "只有 {} 项可排序，至少需要两项", "there are {} entries to order: at least two are needed";
    /// Too many entries on one side.
    EntriesTooMany = "entries_too_many", "有 {} 项，最多 26 项", "there are {} entries: 26 are the most";
    /// The same entry twice where they must be told apart.
    EntryRepeated = "entry_repeated", "“{}”重复出现，无法区分，请修改", "{} is there twice and cannot be told apart: change one";
    /// No pair, or all pairs with the same right side.
    PairsTooFew = "pairs_too_few", "匹配题至少需要一对，右侧至少两个不同的项", "a matching needs a pair, and two different right entries";
    /// A field nobody knows.
    UnknownField = "unknown_field", "无法识别的字段 {}，请删除或改正", "unknown field {}: take it out or correct it";
    /// A field of the wrong type, or a missing one.
    FieldInvalid = "field_invalid", "字段 {} 缺失或类型不对", "field {} is missing or of the wrong type";
    /// A file nobody knows.
    FormatUnknown = "format_unknown", "无法识别文件格式：{}，可用：json xlsx csv gift moodle_xml aiken",
        "the format of the file is not known: {} (json xlsx csv gift moodle_xml aiken)";
    /// No header row with a stem column.
    HeaderMissing = "header_missing", "找不到表头：需要“题干”（或题目）一列和“答案”一列，见模板",
        "no header row found: a stem column and an answer column are needed, see the template";
    /// No item at all.
    Empty = "empty", "文件中没有题目", "there is no item in the file";
    /// An archive that is not opened, for safety.
    ArchiveForbidden = "archive_forbidden", "出于安全考虑不读取此文件：{}", "this file is not read, for safety: {}";
    /// Options found at the end of the stem.
    OptionsFromStem = "options_from_stem", "选项写在题干里，已拆出 {} 个", "the options stood in the stem: {} were taken out of it";
    /// Options that stood together in one.
    OptionsSplit = "options_split", "选项连写在一起，已按字母拆成 {} 个", "options stood together and were split by letter into {}";
    /// Words behind the answer that are no part of it.
    AnswerTrimmed = "answer_trimmed", "“{}”不属于答案，已去除", "{} is no part of the answer and was taken off";
    /// A letter that was taken for true or false.
    TruthAssumed = "truth_assumed", "判断题没有选项，答案“{}”按 A 对、B 错理解", "the statement has no options: answer {} is read as A true, B false";
    /// One short text for several blanks.
    SeveralBlanks = "several_blanks", "题干有 {} 个空，填空题只能有一个空，请拆成多题", "the stem has {} blanks, a short text has one: split the item";
    /// A pair without a sign between its sides.
    PairInvalid = "pair_invalid", "“{}”不是“左=右”的形式", "{} is not of the form left=right";
    /// The same question as another item, with another answer.
    KeyConflict = "key_conflict", "与 {} 题干和选项相同而答案不同，请核对", "the same question as {} with another answer: check both";
}
