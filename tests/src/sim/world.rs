//! What is there before anybody comes: people, courses, banks, exams, and how rough the run will be.

use super::bank;
use super::checker::{ExamFacts, Facts};
use super::lessons::lessons;
use super::rng::Rng;
use exam_core::access::Subject;
use exam_core::attempt::HoursFacts;
use exam_core::exam::{ExamRules, PracticePolicy, ReviewPolicy};
use exam_core::hours::{Bucket, GrantSource, Obligation, Subject as HoursSubject};
use exam_core::person::Role;
use exam_core::receipt::ReceiptKey;
use exam_core::{AttemptId, BankId, CourseId, EntryId, ExamId, PersonId, Timestamp};
use question_bank::{Blueprint, DrawPlan, ItemKind, Points, Pool, ScoringRule, Section};
use std::sync::Arc;

/// Rig time zero on an honest wall clock: half an hour before the credit year ends.
pub(crate) const EPOCH: Timestamp = Timestamp::from_ms(1_704_036_600_000);

/// See the module.
pub(crate) struct World {
    pub(crate) facts: Facts,
    /// The bank of each of `facts.exams`.
    pub(crate) banks: Vec<BankId>,
    /// For each of `facts.exams` the pools its attempts may be marked by again.
    pub(crate) corrections: Vec<Vec<Arc<Pool>>>,
    pub(crate) learners: Vec<Subject>,
    pub(crate) proctor: Subject,
    pub(crate) author: Subject,
    /// Decides cases, and takes up what is decided.
    pub(crate) reviewer: Subject,
    pub(crate) nodes: u16,
    /// When people stop doing new things and faults stop, in ms of rig time.
    pub(crate) ends_ms: i64,
    pub(crate) roughness: Roughness,
}

/// How likely faults are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roughness {
    /// Percent of messages lost, and of messages delivered twice.
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    /// Percent of messages that take long.
    pub(crate) slow: u64,
    /// Percent of transactions that fail, and of those whose outcome stays unknown.
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    /// Crashes of nodes and of the store in the run.
    pub(crate) node_crashes: u64,
    pub(crate) store_crashes: u64,
    /// Jumps of wall clocks in the run.
    pub(crate) clock_jumps: u64,
}

impl Roughness {
    fn new(rng: &mut Rng) -> Self {
        if rng.percent(15) {
            return Self {
                lost: 0,
                twice: 0,
                slow: 0,
                failed: 0,
                unknown: 0,
                node_crashes: 0,
                store_crashes: 0,
                clock_jumps: 0,
            };
        }
        Self {
            lost: rng.below(12),
            twice: rng.below(12),
            slow: rng.below(10),
            failed: rng.below(8),
            unknown: rng.below(8),
            node_crashes: rng.below(4),
            store_crashes: rng.below(4),
            clock_jumps: if rng.percent(30) { rng.between(1, 3) as u64 } else { 0 },
        }
    }
}

/// A bank with its plan-independent parts.
struct Bank {
    id: BankId,
    pool: Arc<Pool>,
    corrections: Vec<Arc<Pool>>,
}

impl World {
    #[expect(clippy::expect_used, reason = "the banks and blueprints made here are sound by construction")]
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let subject =
            |rng: &mut Rng, role| Subject { person: PersonId(rng.uuid()), roles: [role].into_iter().collect() };
        let learners = (0..rng.between(2, 3)).map(|_| subject(rng, Role::Learner)).collect();
        let (proctor, author) = (subject(rng, Role::Proctor), subject(rng, Role::Author));
        let ends_ms = rng.between(6, 16) * 60_000;
        let banks: Vec<Bank> = (0..rng.between(1, 2)).map(|_| make_bank(rng)).collect();
        let courses: Vec<CourseId> = (0..rng.between(1, 2)).map(|_| CourseId(rng.uuid())).collect();
        let mut exams = Vec::new();
        let (mut of_bank, mut corrections) = (Vec::new(), Vec::new());
        for _ in 0..rng.between(1, 3) {
            let bank = rng.pick(&banks).expect("there is a bank");
            let rules = make_rules(rng, ends_ms);
            let plan = DrawPlan::compile(&bank.pool, &rules.blueprint).expect("the bank has enough of every kind");
            exams.push(ExamFacts {
                id: ExamId(rng.uuid()),
                rules,
                secret: rng.bytes(),
                pool: Arc::clone(&bank.pool),
                plan: Arc::new(plan),
                course: *rng.pick(&courses).expect("there is a course"),
                credit_year: 2023,
                hours: Points::whole(10),
            });
            of_bank.push(bank.id);
            corrections.push(bank.corrections.clone());
        }
        let all = banks.iter().flat_map(|bank| bank.corrections.iter().chain([&bank.pool]));
        let keys = all.map(|pool| (pool.version().to_string(), Arc::clone(pool))).collect();
        // From dice of their own: what lessons draw moves nothing else, and neither does the reviewer.
        let mut apart = Rng::new(u64::from_le_bytes(rng.clone().bytes()));
        let lessons = lessons(&mut apart, &exams);
        let reviewer = subject(&mut apart, Role::CityAdmin);
        let facts = Facts {
            exams,
            lessons,
            keys,
            proctors: [proctor.person].into(),
            authors: [author.person].into(),
            reviewers: [proctor.person, reviewer.person].into(),
            reopeners: [reviewer.person].into(),
            receipts: ReceiptKey::derive(&rng.bytes()),
            canaries: [bank::SECRET, bank::SECRET_TEXT, bank::SECRET_NUMBER].map(str::to_owned).into(),
        };
        let nodes = if rng.percent(60) { 2 } else { 1 };
        let roughness = Roughness::new(rng);
        Self { facts, banks: of_bank, corrections, learners, proctor, author, reviewer, nodes, ends_ms, roughness }
    }

    /// The place of an exam in `facts.exams`.
    pub(crate) fn exam_index(&self, id: ExamId) -> Option<usize> {
        self.facts.exams.iter().position(|exam| exam.id == id)
    }

    /// What a pass grants.
    pub(crate) fn hours(&self, exam: &ExamFacts, attempt: AttemptId, already_granted: bool) -> HoursFacts {
        HoursFacts {
            entry: EntryId(attempt.0),
            course: exam.course,
            credit_year: exam.credit_year,
            bucket: Bucket { subject: HoursSubject::Public, bucket: Obligation::Compulsory },
            hours: exam.hours,
            already_granted,
            source: GrantSource::Exam { attempt },
        }
    }
}

#[expect(clippy::expect_used, reason = "the items made here are sound by construction")]
fn make_bank(rng: &mut Rng) -> Bank {
    let items = bank::items(rng, 3);
    let corrections =
        (0..2).map(|_| bank::pool(bank::corrected(&items, rng)).expect("corrections are sound")).collect();
    Bank { id: BankId(rng.uuid()), pool: bank::pool(items).expect("items are sound"), corrections }
}

fn make_rules(rng: &mut Rng, ends_ms: i64) -> ExamRules {
    let blueprint = make_blueprint(rng);
    let total = blueprint.points_total();
    let closes = if rng.percent(25) { rng.between(ends_ms / 2, ends_ms) } else { 40 * 3_600_000 };
    let policies = [PracticePolicy::Off, PracticePolicy::Offered, PracticePolicy::Required];
    let reviews = [ReviewPolicy::None, ReviewPolicy::Score, ReviewPolicy::Marks, ReviewPolicy::Full];
    ExamRules {
        blueprint,
        duration_ms: rng.between(60, 480) * 1_000,
        grace_ms: rng.between(0, 30) * 1_000,
        pass_score: total.share(rng.between(10, 45), 100),
        attempts_max: rng.below(4) as u32,
        cooldown_ms: if rng.percent(50) { 0 } else { rng.between(1, 60) * 1_000 },
        opens_at: EPOCH.plus_ms(rng.between(-60_000, 30_000)),
        closes_at: EPOCH.plus_ms(closes),
        practice: rng.pick(&policies).copied().unwrap_or_default(),
        review: rng.pick(&reviews).copied().unwrap_or_default(),
        results_at: rng.percent(50).then(|| EPOCH.plus_ms(rng.between(0, ends_ms))),
    }
}

fn make_blueprint(rng: &mut Rng) -> Blueprint {
    let rules = [
        ScoringRule::AllOrNothing,
        ScoringRule::PartialNoWrong,
        ScoringRule::HalfNoWrong,
        ScoringRule::NetCorrect,
        ScoringRule::EachOption,
    ];
    let mut section = |title: &str, count: i64, kind| Section {
        title: title.to_owned(),
        count: count as u32,
        points: Points::from_hundredths(rng.between(1, 40) * 25),
        kind,
        scoring: rng.pick(&rules).copied(),
        quotas: Vec::new(),
    };
    let mixed = section("mixed", 4, None);
    let chosen = section("chosen", 2, Some(ItemKind::MultipleChoice));
    let sections = if rng.percent(50) { vec![mixed, chosen] } else { vec![mixed] };
    let overlap_max = rng.percent(40).then_some(0.5);
    Blueprint { sections, overlap_max, exposure_max: None, shuffle_options: rng.percent(80) }
}
