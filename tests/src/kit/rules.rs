//! The rules of exams in tests: every kind of item, 100 points, 60 pass, ten minutes.

use serde_json::{Value, json};

/// Sections of the default paper: title, kind, count, points.
pub const SECTIONS: [(&str, &str, u32, u32); 7] = [
    ("一、判断题", "true_false", 2, 10),
    ("二、单选题", "single_choice", 2, 10),
    ("三、多选题", "multiple_choice", 1, 20),
    ("四、数值题", "numeric", 1, 10),
    ("五、填空题", "short_text", 1, 10),
    ("六、排序题", "ordering", 1, 10),
    ("七、匹配题", "matching", 1, 10),
];
/// Slots of the default paper.
pub const SLOTS: usize = 9;

/// The body of POST `/exams` without code, course and bank.
#[must_use]
pub fn default_rules() -> Value {
    let section = |(title, kind, count, points): (&str, &str, u32, u32)| json!({"title": title, "kind": kind, "count": count, "points": points, "quotas": [{"topic": "综合", "count": count}]});
    json!({
        "title": "测试考试",
        "blueprint": {"sections": SECTIONS.map(section), "shuffle_options": true},
        "duration_ms": 600_000, "grace_ms": 2_000, "pass_score": 60, "attempts_max": 3, "cooldown_ms": 0,
        "opens_at": "2020-01-01T00:00:00+08:00", "closes_at": "2100-01-01T00:00:00+08:00",
        "practice": "offered", "review": "score",
    })
}

/// A blueprint of `count` true/false items of 10 points each: quick to answer, passes at half.
#[must_use]
pub fn short_rules(count: u32) -> Value {
    let section =
        json!({"title": "判断题", "kind": "true_false", "count": count, "points": 10, "quotas": [{"count": count}]});
    json!({"blueprint": {"sections": [section], "shuffle_options": true}, "pass_score": count * 5})
}
