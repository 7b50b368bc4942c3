//! Lessons of the world: short ones, so that a run holds whole ones, under policies of every sort.

use super::bank;
use super::checker::{ExamFacts, LessonFacts, LessonPays};
use super::rng::Rng;
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::lesson::{Exhausted, LessonPolicy, LessonRules, Rate};
use exam_core::{CourseId, LessonId};
use question_bank::{Points, Pool};
use std::sync::Arc;

/// Two or three lessons; those of a course that pays as a whole may share it with an exam.
pub(crate) fn lessons(rng: &mut Rng, exams: &[ExamFacts]) -> Vec<LessonFacts> {
    let beside = rng.percent(50).then(|| exams.first()).flatten();
    let set = beside.map_or_else(|| CourseId(rng.uuid()), |exam| exam.course);
    let set_hours = beside.map_or_else(|| Points::whole(6), |exam| exam.hours);
    let own = CourseId(rng.uuid());
    let pays_whole = rng.percent(50);
    let count = rng.between(2, 3);
    let lesson = |index: i64| {
        let in_set = pays_whole && index < 2;
        let pays = match index {
            _ if in_set => LessonPays::AsSet { hours: set_hours },
            2 => LessonPays::Nothing,
            _ => LessonPays::ItsOwn { hours: Points::from_hundredths(rng.between(50, 1_000)) },
        };
        LessonFacts {
            id: LessonId(rng.uuid()),
            rules: rules(rng),
            pool: pool(rng),
            course: if in_set { set } else { own },
            credit_year: 2023,
            bucket: Bucket { subject: Subject::Professional, bucket: Obligation::Compulsory },
            pays,
        }
    };
    (0..count).map(lesson).collect()
}

#[expect(clippy::expect_used, reason = "the items made here are sound by construction")]
fn pool(rng: &mut Rng) -> Arc<Pool> {
    let mut items = bank::items(rng, 1);
    items.truncate(rng.between(1, 7) as usize);
    bank::pool(items).expect("items are sound")
}

fn rules(rng: &mut Rng) -> LessonRules {
    let gap_min_ms = rng.between(5, 20) * 1_000;
    let cooldown_ms = rng.between(1, 5) * 1_000;
    let rates = [100, 100, 125, 200];
    let policy = LessonPolicy {
        heartbeat_ms: 5_000,
        max_rate: Rate::from_hundredths(rng.pick(&rates).copied().unwrap_or(100)),
        silence_ms: 12_000,
        jump_slack_ms: rng.between(500, 2_000),
        end_slack_ms: 2_000,
        coverage_min_percent: rng.between(80, 100) as u32,
        gap_min_ms,
        gap_max_ms: gap_min_ms + rng.between(0, 30) * 1_000,
        challenges_min: rng.below(4) as u32,
        answer_within_ms: rng.between(8, 30) * 1_000,
        rewind_ms: rng.between(0, 3) * 5_000,
        cooldown_ms,
        cooldown_growth_percent: 200,
        cooldown_max_ms: cooldown_ms + rng.between(0, 20) * 1_000,
        correct_share_min_percent: match rng.below(100) {
            0..27 => 50,
            27..30 => 90,
            _ => 0,
        },
        exhausted: if rng.percent(30) { Exhausted::Lock } else { Exhausted::Repeat },
        lock_ms: 60_000,
    };
    let rules = LessonRules { duration_ms: rng.between(40, 120) * 1_000, policy };
    debug_assert_eq!(rules.faults(), Vec::new());
    rules
}
