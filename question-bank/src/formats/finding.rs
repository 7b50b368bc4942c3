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
}
