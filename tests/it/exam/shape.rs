//! The shapes of the protocol, checked member by member.

use keju_tests::kit::json::keys;
use keju_tests::kit::{number, slots, text};
use serde_json::Value;

/// An attempt as PROTOCOL.md shows it, and nothing more: an unknown member could be a leak.
#[track_caller]
pub(super) fn is_attempt(attempt: &Value) {
    let members = [
        "answers",
        "deadline",
        "exam",
        "grace_ms",
        "id",
        "mode",
        "number",
        "paper",
        "remaining_ms",
        "seq",
        "server_time",
        "started_at",
        "state",
    ];
    assert_eq!(keys(attempt), members);
    for time in ["deadline", "server_time", "started_at"] {
        is_time(&attempt[time]);
    }
    let paper = &attempt["paper"];
    assert_eq!(keys(paper), ["algorithm", "bank_version", "id", "sections", "seed_commitment"]);
    assert_eq!(text(&paper["algorithm"]), "draw/1");
    for hash in ["bank_version", "seed_commitment"] {
        let digits = text(&paper[hash]).strip_prefix("sha256:").unwrap_or_default();
        assert!(digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}: {}", paper[hash]);
    }
    for section in paper["sections"].as_array().into_iter().flatten() {
        assert_eq!(keys(section), ["slots", "title"]);
    }
    for (expected, slot) in (1..).zip(slots(attempt)) {
        assert_eq!(number(&slot), expected);
        is_slot(&slot);
    }
    for answer in attempt["answers"].as_object().into_iter().flatten().map(|(_, answer)| answer) {
        assert_eq!(keys(answer), ["response", "saved_at", "seq"]);
    }
}

#[track_caller]
fn is_slot(slot: &Value) {
    let members: &[&str] = match text(&slot["kind"]) {
        "matching" => &["kind", "options", "points", "slot", "stem", "targets"],
        "numeric" | "short_text" => &["kind", "points", "slot", "stem"],
        _ => &["kind", "options", "points", "slot", "stem"],
    };
    assert_eq!(keys(slot), members);
    for (side, prefix) in [("options", "o"), ("targets", "t")] {
        for (place, entry) in (1..).zip(slot[side].as_array().into_iter().flatten()) {
            assert_eq!(keys(entry), ["id", "text"]);
            assert_eq!(text(&entry["id"]), format!("{prefix}{place}"));
        }
    }
}

/// RFC 3339, UTC, milliseconds.
#[track_caller]
pub(super) fn is_time(value: &Value) {
    let time = text(value);
    assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes().get(19) == Some(&b'.'), "{time}");
}

/// The signs of a refusal by rules: never a 5xx.
#[track_caller]
pub(super) fn no_server_error(statuses: &[u16]) {
    assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
}
