//! What is wrong with a blueprint, in words an author can act on.

use serde::Serialize;

/// One fault of a blueprint for a pool. All are reported at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlueprintFault {
    /// JSON pointer into the blueprint, such as `/sections/0/quotas/1`.
    pub pointer: String,
    /// `infeasible`, or the structural fault: `no_sections`, `too_many_sections`, `too_many_quotas`,
    /// `too_many_slots`, `count_zero`, `quotas_exceed_count`, `points_out_of_range`, `unknown_topic`,
    /// `kind_conflict`, `scoring_unfit`, `overlap_out_of_range`, `exposure_out_of_range`.
    pub code: &'static str,
    /// Why it is infeasible; `None` for structural faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Items (slots, sections) asked for.
    pub needed: u32,
    /// Items there are (slots, sections allowed).
    pub available: u32,
    /// The short stratum in words, such as `公需/法律 · 难 · 单选题`; empty where none is meant.
    pub stratum: String,
    /// Pointers of the other quotas that compete for the same items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub competing: Vec<String>,
}

/// What makes a blueprint infeasible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Fewer items than slots.
    Items,
    /// Too many of the items are enemies of each other.
    Enemies,
    /// Repeated attempts cannot keep the overlap bound.
    Overlap,
    /// So many papers hold so few items that the exposure cap cannot be kept.
    Exposure,
}

impl BlueprintFault {
    /// A structural fault.
    pub(super) fn new(pointer: String, code: &'static str, needed: u64, available: u64) -> Self {
        Self {
            pointer,
            code,
            cause: None,
            needed: u32::try_from(needed).unwrap_or(u32::MAX),
            available: u32::try_from(available).unwrap_or(u32::MAX),
            stratum: String::new(),
            competing: Vec::new(),
        }
    }

    /// A stratum that is short.
    pub(super) fn infeasible(pointer: String, cause: Cause, needed: u64, available: u64, stratum: String) -> Self {
        Self { cause: Some(cause), stratum, ..Self::new(pointer, "infeasible", needed, available) }
    }

    /// In words, Chinese first.
    #[must_use]
    pub fn detail(&self) -> String {
        let Self { needed, available, stratum, .. } = self;
        match (self.code, self.cause) {
            ("infeasible", Some(Cause::Enemies)) => format!(
                "“{stratum}”需 {needed} 题，互斥题太多，抽不出 / {stratum}: {needed} items needed, too many of them exclude each other"
            ),
            ("infeasible", Some(Cause::Overlap)) => format!(
                "“{stratum}”需 {needed} 题，多次考试后只剩 {available} 道新题，无法满足重复题上限 / {stratum}: {needed} items needed, after repeated attempts only {available} fresh ones are left for the overlap bound"
            ),
            ("infeasible", Some(Cause::Exposure)) => format!(
                "“{stratum}”需 {needed} 题，只有 {available} 题，无法满足曝光率上限 / {stratum}: {needed} items needed, {available} are too few for the exposure cap"
            ),
            ("infeasible", _) => {
                format!(
                    "“{stratum}”需 {needed} 题，只有 {available} 题 / {stratum}: {needed} items needed, {available} available"
                )
            }
            ("unknown_topic", _) => format!("题库中没有知识点“{stratum}” / the bank has no topic {stratum}"),
            ("no_sections", _) => "试卷至少要有一个部分 / a blueprint needs a section".into(),
            ("too_many_sections", _) => format!("部分太多：{needed}，最多 {available} / too many sections"),
            ("too_many_quotas", _) => format!("配额太多：{needed}，最多 {available} / too many quotas"),
            ("too_many_slots", _) => format!("题量太大：{needed}，最多 {available} / too many slots"),
            ("count_zero", _) => "题数必须大于 0 / the count must be above zero".into(),
            ("quotas_exceed_count", _) => {
                format!(
                    "配额共 {needed} 题，超过本部分的 {available} 题 / quotas ask for {needed} of {available} slots"
                )
            }
            ("points_out_of_range", _) => "分值必须大于 0 / points must be above zero".into(),
            ("kind_conflict", _) => "配额的题型与本部分的题型不同 / the quota's kind is not the section's".into(),
            ("scoring_unfit", _) => "计分规则不适用于该题型 / the scoring rule does not fit the kind".into(),
            ("overlap_out_of_range", _) => {
                "重复题上限应为整数，或 0 与 1 之间的比例 / overlap_max is a whole number or a share between 0 and 1"
                    .into()
            }
            ("exposure_out_of_range", _) => {
                "曝光率上限应大于 0 且不超过 1 / exposure_max is above 0 and at most 1".into()
            }
            (code, _) => code.to_owned(),
        }
    }
}
