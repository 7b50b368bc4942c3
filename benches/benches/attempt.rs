//! One answer in the pure core: decide, seal onto the hash chain, apply; with and without heuristics.
//!
//! `cargo bench -p keju-benches --bench attempt`

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use exam_core::Timestamp;
use exam_core::attempt::command::Actor;
use exam_core::attempt::{
    AnswerInput, Attempt, Command, Context, HoursFacts, Mode, Started, Step, StepBody, StepRow, decide,
};
use exam_core::exam::{ExamRules, PracticePolicy, ReviewPolicy};
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::ids::{AttemptId, CourseId, EntryId, ExamId, PersonId};
use exam_core::integrity::{ItemTiming, Origin};
use exam_core::receipt::ReceiptKey;
use keju_benches::{blueprint, pool};
use question_bank::{Avoid, DrawPlan, OptionId, Points, Pool, Response, ScoringRule, Seed};
use std::hint::black_box;
use std::sync::Arc;
use uuid::Uuid;

const LEARNER: PersonId = PersonId(Uuid::from_u128(1));
const ATTEMPT: AttemptId = AttemptId(Uuid::from_u128(2));

fn rules() -> ExamRules {
    ExamRules {
        blueprint: blueprint(ScoringRule::AllOrNothing),
        duration_ms: 5_400_000,
        grace_ms: 0,
        pass_score: Points::whole(60),
        attempts_max: 0,
        cooldown_ms: 0,
        opens_at: Timestamp::from_ms(0),
        closes_at: Timestamp::from_ms(i64::MAX / 2),
        practice: PracticePolicy::Off,
        review: ReviewPolicy::Score,
        results_at: None,
    }
}

fn attempt(pool: &Pool) -> Attempt {
    let plan = DrawPlan::compile(pool, &rules().blueprint).expect("it can be drawn");
    let seed = Seed::derive(&[7; 32], &ATTEMPT.bytes());
    let drawn = plan.draw(pool, &seed, &Avoid::default()).expect("it is drawn");
    let started = Started {
        v: 1,
        exam: ExamId(Uuid::from_u128(3)),
        mode: Mode::Exam,
        number: 1,
        deadline: Timestamp::from_ms(5_400_000),
        grace_ms: 0,
        seed_commitment: seed.commitment(),
        paper: Arc::new(drawn.paper),
        avoided_earlier: Vec::new(),
        avoided_capped: Vec::new(),
        choice: None,
        origin: Some(origin()),
    };
    let body = StepBody::Started(Box::new(started));
    let step =
        Step { seq: 1, at: Timestamp::from_ms(0), actor: Actor::Person(LEARNER), command: None, body, hash: [0; 32] };
    Attempt::begin(LEARNER, ATTEMPT, &step).expect("a first step")
}

fn origin() -> Origin {
    Origin { address: "127.0.0.1".into(), agent: "0011223344556677".into(), device: "8899aabbccddeeff".into() }
}

fn one_answer(criterion: &mut Criterion) {
    let (pool, rules) = (pool(1_000), rules());
    let attempt = attempt(&pool);
    let hours = HoursFacts {
        entry: EntryId(Uuid::from_u128(4)),
        course: CourseId(Uuid::from_u128(5)),
        credit_year: 2023,
        bucket: Bucket { subject: Subject::Public, bucket: Obligation::Compulsory },
        hours: Points::whole(20),
        already_granted: false,
        source: exam_core::hours::GrantSource::Exam { attempt: ATTEMPT },
    };
    let (origin, receipts) = (origin(), ReceiptKey::derive(&[9; 32]));
    let timing = |_| ItemTiming::default();
    let answer = AnswerInput {
        command: Uuid::from_u128(6),
        slot: 7,
        response: Some(Response::Choices { choices: vec![OptionId(2)] }),
        answered_at: None,
    };
    let command = Command::Answer { answers: vec![answer], offline: false };
    let mut group = criterion.benchmark_group("one_answer");
    for heuristics in [true, false] {
        let context = Context {
            now: Timestamp::from_ms(60_000),
            rules: &rules,
            pool: &pool,
            hours: &hours,
            origin: Some(&origin),
            timing: &timing,
            heuristics,
        };
        let name = if heuristics { "decide_seal_apply" } else { "decide_seal_apply_without_heuristics" };
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || attempt.clone(),
                |attempt| {
                    let decided = decide(attempt, black_box(&command), &context).expect("it is taken");
                    let (mut head, mut seq) = (attempt.head, attempt.seq);
                    for new in decided.steps {
                        seq += 1;
                        let actor = Actor::Person(LEARNER);
                        let row =
                            StepRow::seal(LEARNER, ATTEMPT, seq, &head, context.now, actor, 1, &new).expect("a row");
                        head = row.hash;
                        let step =
                            Step { seq, at: row.at, actor, command: new.command, body: new.body, hash: row.hash };
                        attempt.apply(&step).expect("the next step");
                    }
                    let receipt =
                        decided.answers.iter().flatten().next().map(|answered| receipts.sign(ATTEMPT, answered));
                    black_box(receipt)
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, one_answer);
criterion_main!(benches);
