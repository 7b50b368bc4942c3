//! The estimate: what this machine carries, in words an operator can plan with.

use crate::measure::{Op, quantile_ms};
use crate::report::Report;

/// The latency that answers have to keep.
const PROMISED_MS: f64 = 250.0;
/// Answers a learner sends in an exam of the usual length.
const ANSWERS_EACH: f64 = 40.0;
/// The crowd that estimates are made for.
const CROWD: f64 = 100_000.0;

/// The highest rate of an interval in which the latency was kept, and whether it was the machine that set
/// the limit or the scenario, which asked for no more.
#[must_use]
pub fn sustained(report: &Report, op: Op) -> Option<(f64, bool)> {
    let work = report.measured.of(op)?;
    let seconds = report.measured.interval_ms as f64 / 1_000.0;
    let kept = |slice: &&crate::measure::Slice| slice.ok > 0 && quantile_ms(&slice.latency, 0.99) <= PROMISED_MS;
    let best = work.slices.iter().filter(kept).map(|slice| slice.ok).max()? as f64 / seconds;
    // A server that knows its limit keeps the latency and lets starts wait.
    let waited = report.measured.of(Op::Start).is_some_and(|start| start.told.contains_key("queued"));
    let strained = waited || work.slices.iter().any(|slice| slice.ok > 0 && !kept(&slice));
    Some((best, strained))
}

/// In Chinese and English.
#[must_use]
pub fn words(report: &Report) -> Vec<String> {
    let Some((answers, strained)) = sustained(report, Op::Answer) else {
        if let Some(words) = lessons(report) {
            return vec![words];
        }
        return vec!["没有足够的作答数据，无法估算 / not enough answers to estimate from".to_owned()];
    };
    let starts = sustained(report, Op::Paper).map_or(0.0, |(starts, _)| starts);
    let at_least = if strained { ("", "") } else { ("至少", "at least ") };
    let needed = CROWD * ANSWERS_EACH / 7_200.0;
    let machines = (needed / answers.max(0.001)).ceil().max(1.0);
    let at_most = if strained { ("约", "about") } else { ("至多", "at most") };
    vec![
        format!(
            "本次所见：{}每秒 {starts:.0} 人开考、每秒 {answers:.0} 次作答，99% 在 {PROMISED_MS:.0} 毫秒内 / \
             seen here: {}{starts:.0} starts/s and {answers:.0} answers/s at p99 ≤ {PROMISED_MS:.0} ms",
            at_least.0, at_least.1
        ),
        format!(
            "{CROWD:.0} 人在最后两小时内各答 {ANSWERS_EACH:.0} 题，平均每秒 {needed:.0} 次作答：{}需 {machines:.0} 台这样的机器（未计高峰余量，请加倍） / \
             {CROWD:.0} learners with {ANSWERS_EACH:.0} answers each in the last two hours are {needed:.0} answers/s in the mean: \
             {} {machines:.0} of such machines, and twice that for the peak",
            at_most.0, at_most.1
        ),
        if strained {
            "这是机器的上限：再多则开考须排队，或延迟超过目标 / that is this machine's limit: beyond it starts wait, or the \
             latency is not kept"
                .to_owned()
        } else {
            "机器未达上限：用 --scale 加大负载可得更准的估计 / the limit was not reached: a greater --scale tells more"
                .to_owned()
        },
    ]
}

/// What was seen of lessons.
fn lessons(report: &Report) -> Option<String> {
    let (beats, strained) = sustained(report, Op::Beat)?;
    let sockets = report.samples.iter().map(|sample| sample.connected).max()?;
    let connects = sustained(report, Op::Connect).map_or(0.0, |(connects, _)| connects);
    let limit = if strained {
        ("有过更慢的时刻，已到上限", "at times it was slower: that is the limit")
    } else {
        ("机器未达上限", "the limit was not reached")
    };
    Some(format!(
        "本次所见：同时 {sockets} 个连接、每秒 {connects:.0} 次接入、每秒 {beats:.0} 次心跳，99% 在 {PROMISED_MS:.0} 毫秒内；{} / \
         seen here: {sockets} sockets at once, {connects:.0} connects/s and {beats:.0} beats/s at p99 ≤ {PROMISED_MS:.0} ms; {}",
        limit.0, limit.1
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::measure::{Slice, Work};

    fn report(slices: Vec<(u64, u64)>) -> Report {
        let slice = |(ok, micros)| Slice { ok, errors: 0, latency: vec![(micros, ok)] };
        let work = Work { slices: slices.into_iter().map(slice).collect(), ..Work::default() };
        let mut report = Report::default();
        report.measured.interval_ms = 2_000;
        report.measured.work.insert("answer".into(), work);
        report
    }

    #[test]
    fn the_best_interval_that_kept_its_latency_counts() {
        let strained = report(vec![(1_000, 10_000), (4_000, 100_000), (9_000, 900_000)]);
        assert_eq!(sustained(&strained, Op::Answer).unwrap(), (2_000.0, true));
        assert!(words(&strained)[2].contains("limit"));
        let calm = report(vec![(1_000, 10_000)]);
        assert_eq!(sustained(&calm, Op::Answer).unwrap(), (500.0, false));
        assert!(words(&calm)[0].contains("at least 500") || words(&calm)[0].contains("at least"));
        assert_eq!(words(&report(vec![])).len(), 1);
        let mut queued = report(vec![(1_000, 10_000)]);
        let start = Work { told: [("queued".to_owned(), 3)].into(), ..Work::default() };
        queued.measured.work.insert("start".into(), start);
        assert_eq!(sustained(&queued, Op::Answer).unwrap(), (500.0, true), "whoever waits shows the limit");
    }
}
