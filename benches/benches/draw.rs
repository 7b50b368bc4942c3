//! Drawing and writing papers, each beside its floor.

#![expect(clippy::unwrap_used, reason = "benches")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use keju_benches::{blueprint, pool};
use question_bank::{Avoid, DrawPlan, ItemIndex, Pool, ScoringRule, Seed, Snapshot, candidate};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use std::hint::black_box;

const ITEMS: usize = 100_000;

fn seed(number: u64) -> Seed {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Seed::from_bytes(bytes)
}

/// Every `step`-th item, as a list to avoid.
fn every(step: u32) -> Vec<ItemIndex> {
    (0..ITEMS as u32).step_by(step as usize).map(ItemIndex).collect()
}

fn below(rng: &mut ChaCha20Rng, bound: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(bound)) >> 32) as u32
}

fn draw(c: &mut Criterion) {
    let pool = pool(ITEMS);
    let index: Vec<u32> = (0..ITEMS as u32 + 20).rev().collect();
    let mut group = c.benchmark_group("draw_100_of_100000_in_60_strata");
    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    group.bench_function("floor_200_bounded_numbers", |b| {
        b.iter(|| {
            let mut rng = ChaCha20Rng::from_seed(*seed(next()).as_bytes());
            (0..200).fold(0, |sum, _| sum ^ below(&mut rng, 1667))
        });
    });
    group.bench_function("floor_floyd_and_shuffle", |b| b.iter(|| floyd(next(), &index)));
    let mut plain = blueprint(ScoringRule::AllOrNothing);
    plain.shuffle_options = false;
    let mut other = plain.clone();
    other.shuffle_options = true;
    let (earlier, capped) = (every(331), every(200));
    let avoid = Avoid { earlier: &earlier, capped: &capped };
    for (name, blueprint, avoid) in [
        ("quotas_enemies", &plain, Avoid::default()),
        ("quotas_enemies_overlap_exposure", &plain, avoid),
        ("the_same_with_option_order", &other, avoid),
    ] {
        let plan = DrawPlan::compile(&pool, blueprint).unwrap();
        group.bench_function(name, |b| b.iter(|| plan.draw(&pool, &seed(next()), black_box(&avoid)).unwrap()));
    }
    group.bench_function("compile", |b| b.iter(|| DrawPlan::compile(&pool, &plain).unwrap()));
    group.finish();
}

/// Floyd's sample of a few positions in each of 60 strata of equal size, then a shuffle of all.
fn floyd(number: u64, index: &[u32]) -> [u32; 100] {
    let mut rng = ChaCha20Rng::from_seed(*seed(number).as_bytes());
    let mut drawn = [0_u32; 100];
    let mut filled = 0;
    for stratum in 0..60_u32 {
        let count = if stratum < 40 { 2 } else { 1 };
        let first = filled;
        for last in 1667 - count..1667 {
            let position = stratum * 1667 + below(&mut rng, last + 1);
            let taken = drawn[first..filled].contains(&position);
            drawn[filled] = if taken { stratum * 1667 + last } else { position };
            filled += 1;
        }
    }
    for last in (1..100).rev() {
        drawn.swap(last, below(&mut rng, last as u32 + 1) as usize);
    }
    drawn.map(|position| index[position as usize])
}

fn paper(c: &mut Criterion) {
    let pool = pool(ITEMS);
    let plan = DrawPlan::compile(&pool, &blueprint(ScoringRule::AllOrNothing)).unwrap();
    let papers: Vec<_> = (0..64).map(|n| plan.draw(&pool, &seed(n), &Avoid::default()).unwrap().paper).collect();
    let mut sample = Vec::new();
    candidate::write_sections(&mut sample, &papers[0], &pool).unwrap();
    let mut group = c.benchmark_group(format!("paper_of_{}_kB", sample.len() / 1000));
    let mut out = Vec::with_capacity(2 * sample.len());
    group.bench_function("one_memcpy", |b| {
        b.iter(|| {
            out.clear();
            out.extend_from_slice(black_box(&sample));
            out.len()
        });
    });
    // The floor: every item's slot ready in one arena, copied in the order of the same papers.
    let slot_bytes = sample.len() / 100;
    let arena = vec![b'x'; slot_bytes * ITEMS];
    let mut next = 0;
    group.bench_function("arena_of_ready_slots", |b| {
        b.iter(|| {
            next = (next + 1) % papers.len();
            out.clear();
            for item in papers[next].items() {
                out.extend_from_slice(&arena[item.get() * slot_bytes..][..slot_bytes]);
            }
            out.len()
        });
    });
    let mut next = 0;
    group.bench_function("write_sections", |b| {
        b.iter(|| {
            next = (next + 1) % papers.len();
            out.clear();
            candidate::write_sections(&mut out, &papers[next], &pool).unwrap();
            out.len()
        });
    });
    group.bench_function("write_sections_fresh_buffer", |b| {
        b.iter_batched(
            Vec::new,
            |mut out| {
                candidate::write_sections(&mut out, &papers[0], &pool).unwrap();
                out
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("paper_to_json_for_the_store", |b| b.iter(|| serde_json::to_vec(&papers[0]).unwrap()));
    group.finish();
}

/// What a start of the server pays once per bank.
fn load(c: &mut Criterion) {
    let snapshot = pool(ITEMS).snapshot().clone();
    let mut group = c.benchmark_group("load_100000_items");
    group.sample_size(10);
    group.bench_function("snapshot", |b| {
        b.iter_batched(|| snapshot.items().to_vec(), |items| Snapshot::new(items).unwrap(), BatchSize::PerIteration);
    });
    group.bench_function("pool", |b| b.iter(|| Pool::new(snapshot.clone())));
    group.finish();
}

fn quick() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .measurement_time(std::time::Duration::from_secs(2))
        .warm_up_time(std::time::Duration::from_secs(1))
}

criterion_group! { name = benches; config = quick(); targets = draw, paper, load }
criterion_main!(benches);
