//! What the course of a run tells: how it held under overload, and whether the server grew.

use super::Report;
use crate::measure::{Slice, quantile_ms};

/// The phase whose name means that more is asked than can be done.
const OVERLOAD: &str = "overload";
/// Answers are well when their latency is below this.
const WELL_MS: f64 = 250.0;
/// So many intervals in a row have to be well again.
const WELL_FOR: usize = 3;
/// A peak lasts so long, or as long as the overload: what a machine does for a few seconds in which nobody starts or
/// hands in, it does not do in the long run.
const PEAK_SECONDS: f64 = 60.0;

/// When the phase `overload` begins and ends, in seconds.
fn overload(report: &Report) -> Option<(f64, f64)> {
    let scenario = report.scenario.as_ref()?;
    let index = scenario.phases.iter().position(|phase| phase.name == OVERLOAD)?;
    let begins: u64 = scenario.phases[..index].iter().map(|phase| phase.seconds).sum();
    Some((begins as f64, (begins + scenario.phases[index].seconds) as f64))
}

fn answers(report: &Report) -> Option<(&[Slice], f64)> {
    let slices = report.measured.work.get("answer")?.slices.as_slice();
    Some((slices, report.measured.interval_ms.max(1) as f64 / 1_000.0))
}

/// From the end of the overload until answers were well again, in seconds.
#[must_use]
pub fn recovery_s(report: &Report) -> Option<f64> {
    let (_, ends_s) = overload(report)?;
    let (slices, interval_s) = answers(report)?;
    let slices = slices.get((ends_s / interval_s) as usize..)?;
    let well: Vec<bool> =
        slices.iter().map(|slice| slice.errors == 0 && quantile_ms(&slice.latency, 0.99) <= WELL_MS).collect();
    let back = well.windows(WELL_FOR).position(|window| window.iter().all(|well| *well))?;
    Some(back as f64 * interval_s)
}

/// Answers a second during the overload, as a share of the best minute of the run. Its first fifth is
/// left out: whoever has just come has nothing to answer yet.
#[must_use]
pub fn goodput_percent(report: &Report) -> Option<f64> {
    let (begins_s, ends_s) = overload(report)?;
    let (slices, interval_s) = answers(report)?;
    let done: Vec<f64> = slices.iter().map(|slice| slice.ok as f64).collect();
    let window = ((PEAK_SECONDS.min(ends_s - begins_s) / interval_s).round() as usize).clamp(1, done.len().max(1));
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let peak = done.windows(window).map(mean).fold(0.0, f64::max);
    let from = ((begins_s + (ends_s - begins_s) / 5.0) / interval_s) as usize;
    let during = done.get(from..((ends_s / interval_s) as usize).min(done.len()))?;
    (peak > 0.0 && !during.is_empty()).then(|| mean(during) / peak * 100.0)
}

/// A figure of the server while the phases lasted.
fn server(report: &Report, name: &str) -> Vec<f64> {
    let ends_ms = report.scenario.as_ref().map_or(u64::MAX, |scenario| scenario.seconds() * 1_000);
    let during = report.samples.iter().filter(|sample| sample.at_ms <= ends_ms);
    during.filter_map(|sample| sample.server.get(name).copied()).collect()
}

/// The most that it was.
#[must_use]
pub fn most(report: &Report, name: &str) -> Option<f64> {
    server(report, name).into_iter().reduce(f64::max)
}

/// By how much it was greater in the last tenth of the phases than after their first quarter, in percent.
#[must_use]
pub fn growth_percent(report: &Report, name: &str) -> Option<f64> {
    let values = server(report, name);
    if values.len() < 20 {
        return None;
    }
    let mean = |from: usize, to: usize| values[from..to].iter().sum::<f64>() / (to - from) as f64;
    let (tenth, quarter) = (values.len() / 10, values.len() / 4);
    let (early, late) = (mean(quarter, quarter + tenth), mean(values.len() - tenth, values.len()));
    (early > 0.0).then(|| (late / early - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::tests::sample;
    use super::*;
    use crate::scrape::Sample;

    /// A minute of which the second third is the overload.
    fn overloaded(rates: [u64; 3]) -> Report {
        let mut report = sample();
        let scenario = report.scenario.as_mut().unwrap();
        scenario.phases = ["calm", OVERLOAD, "after"]
            .map(|name| crate::scenario::Phase {
                name: name.to_owned(),
                seconds: 20,
                arrivals: crate::schedule::Arrivals::None,
            })
            .to_vec();
        let slice = |ok: u64| Slice { ok, errors: 0, latency: vec![(5_000, ok)] };
        let slices = rates.iter().flat_map(|rate| std::iter::repeat_n(slice(*rate), 20)).collect();
        report.measured.work.get_mut("answer").unwrap().slices = slices;
        report
    }

    #[test]
    fn recovery_is_counted_from_the_end_of_the_overload() {
        let mut report = overloaded([10, 30, 10]);
        assert_eq!(recovery_s(&report), Some(0.0));
        let slices = &mut report.measured.work.get_mut("answer").unwrap().slices;
        slices[40].latency = vec![(900_000, 10)];
        slices[42].errors = 1;
        assert_eq!(recovery_s(&report), Some(3.0));
        assert_eq!(recovery_s(&sample()), None);
    }

    #[test]
    fn goodput_is_what_is_left_of_the_peak() {
        assert_eq!(goodput_percent(&overloaded([100, 100, 10])), Some(100.0));
        assert_eq!(goodput_percent(&overloaded([100, 40, 10])), Some(40.0));
        assert_eq!(goodput_percent(&sample()), None);
    }

    #[test]
    fn growth_is_from_the_first_quarter_to_the_end() {
        let mut report = sample();
        report.scenario = None;
        let with = |value: f64| Sample { server: [("x".to_owned(), value)].into(), ..Sample::default() };
        report.samples = (0..100).map(|at| with(if at < 25 { 1.0 } else { f64::from(at + 100) })).collect();
        assert_eq!(most(&report, "x"), Some(199.0));
        let growth = growth_percent(&report, "x").unwrap();
        assert!((growth - (194.5 / 129.5 - 1.0) * 100.0).abs() < 1e-9, "{growth}");
        assert_eq!(growth_percent(&report, "y"), None);
    }
}
