//! Marking a paper of 100 choice items, beside a bare comparison of bit sets.

#![expect(clippy::unwrap_used, reason = "benches")]

use criterion::{Criterion, criterion_group, criterion_main};
use keju_benches::{blueprint, pool};
use question_bank::marking::{check_response, grade_paper};
use question_bank::{Avoid, DrawPlan, Key, OptionId, Paper, Pool, Response, Said, ScoringRule, Seed};
use std::hint::black_box;

fn answers(paper: &Paper, pool: &Pool) -> Vec<Option<Said>> {
    let answer = |(number, slot): (usize, question_bank::Slot<'_>)| {
        let Key::Choice { correct, .. } = &pool.item(slot.item)?.solution.key else { return None };
        // A third right, a third half right, the rest partly wrong.
        Some(Said::Choices(match number % 3 {
            0 => correct.iter().fold(0, |set, &index| set | 1 << index),
            1 => 1 << correct[0],
            _ => 1 << (number % 4),
        }))
    };
    paper.slots().enumerate().map(answer).collect()
}

fn grade(c: &mut Criterion) {
    let pool = pool(100_000);
    let mut group = c.benchmark_group("grade_100_answers");
    for rule in [
        ScoringRule::AllOrNothing,
        ScoringRule::PartialNoWrong,
        ScoringRule::HalfNoWrong,
        ScoringRule::NetCorrect,
        ScoringRule::EachOption,
        ScoringRule::Weighted,
    ] {
        let plan = DrawPlan::compile(&pool, &blueprint(rule)).unwrap();
        let paper = plan.draw(&pool, &Seed::from_bytes([3; 32]), &Avoid::default()).unwrap().paper;
        let answers = answers(&paper, &pool);
        group.bench_function(rule.name(), |b| b.iter(|| grade_paper(&paper, &pool, black_box(&answers))));
    }
    let (keys, said): (Vec<u32>, Vec<u32>) = (0..100_u32).map(|n| (n % 16, n * 7 % 16)).unzip();
    group.bench_function("floor_bit_sets", |b| {
        b.iter(|| {
            let pairs = black_box(&keys).iter().zip(black_box(&said));
            pairs.map(|(key, said)| u64::from(key == said) * 200).collect::<Vec<_>>()
        });
    });
    group.finish();
}

fn respond(c: &mut Criterion) {
    let pool = pool(1_000);
    let plan = DrawPlan::compile(&pool, &blueprint(ScoringRule::AllOrNothing)).unwrap();
    let paper = plan.draw(&pool, &Seed::from_bytes([3; 32]), &Avoid::default()).unwrap().paper;
    let slot = paper.slot(0).unwrap();
    let response = Response::Choices { choices: vec![OptionId(0)] };
    c.bench_function("check_response", |b| b.iter(|| check_response(&pool, slot, black_box(&response)).unwrap()));
}

fn quick() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .measurement_time(std::time::Duration::from_secs(2))
        .warm_up_time(std::time::Duration::from_secs(1))
}

criterion_group! { name = benches; config = quick(); targets = grade, respond }
criterion_main!(benches);
