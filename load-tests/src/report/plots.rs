//! Plots, as SVG text that stands in the page.

use crate::measure::{Work, quantile_ms};
use crate::report::Report;
use plotters::prelude::*;

/// One line of a plot: its name and its points.
pub type Line = (String, Vec<(f64, f64)>);

const SIZE: (u32, u32) = (760, 260);
const COLOURS: [RGBColor; 8] = [
    RGBColor(31, 99, 168),
    RGBColor(200, 84, 20),
    RGBColor(44, 130, 60),
    RGBColor(150, 50, 140),
    RGBColor(120, 100, 20),
    RGBColor(20, 140, 150),
    RGBColor(190, 40, 60),
    RGBColor(90, 90, 90),
];

/// Lines over a common axis; nothing where there is nothing to draw. `marks` are upright lines.
///
/// # Errors
/// The plot cannot be drawn.
pub fn lines(what_x: &str, what_y: &str, lines: &[Line], marks: &[f64]) -> anyhow::Result<String> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
    let (right, top) = (most(|point| point.0), most(|point| point.1));
    if points().count() == 0 || right <= 0.0 {
        return Ok(String::new());
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(34)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..right, 0.0..(top * 1.08).max(1e-9))?;
        chart
            .configure_mesh()
            .x_desc(what_x)
            .y_desc(what_y)
            .x_label_formatter(&|value| figure(*value, right))
            .y_label_formatter(&|value| figure(*value, top))
            .light_line_style(RGBColor(238, 238, 238))
            .bold_line_style(RGBColor(222, 222, 222))
            .draw()?;
        for mark in marks.iter().filter(|mark| **mark <= right) {
            let upright = vec![(*mark, 0.0), (*mark, top * 1.08)];
            chart.draw_series(LineSeries::new(upright, RGBColor(170, 170, 170).stroke_width(1)))?;
        }
        for ((name, points), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
            let colour = *colour;
            chart
                .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 14, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(222, 222, 222))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

/// A figure of an axis that goes up to `most`: no decimals where they say nothing.
fn figure(value: f64, most: f64) -> String {
    if most >= 10.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn over_time(report: &Report, work: &Work, value: impl Fn(&crate::measure::Slice) -> Option<f64>) -> Vec<(f64, f64)> {
    let seconds = report.measured.interval_ms as f64 / 1_000.0;
    let point = |(index, slice)| Some((index as f64 * seconds, value(slice)?));
    work.slices.iter().enumerate().filter_map(point).collect()
}

/// Done a second, by kind of work.
#[must_use]
pub fn rates(report: &Report) -> Vec<Line> {
    let seconds = report.measured.interval_ms.max(1) as f64 / 1_000.0;
    let line = |(name, work): (&String, &Work)| {
        (name.clone(), over_time(report, work, |slice| Some(slice.ok as f64 / seconds)))
    };
    report.measured.work.iter().map(line).collect()
}

/// Other answers a second, by kind of work; only where there were any.
#[must_use]
pub fn errors(report: &Report) -> Vec<Line> {
    let seconds = report.measured.interval_ms.max(1) as f64 / 1_000.0;
    let wrong = report.measured.work.iter().filter(|(_, work)| work.slices.iter().any(|slice| slice.errors > 0));
    wrong
        .map(|(name, work)| (name.clone(), over_time(report, work, |slice| Some(slice.errors as f64 / seconds))))
        .collect()
}

/// Latency of one kind of work over time.
#[must_use]
pub fn latency(report: &Report, work: &Work) -> Vec<Line> {
    let line = |(name, share): (&str, f64)| {
        let quantile = |slice: &crate::measure::Slice| (slice.ok > 0).then(|| quantile_ms(&slice.latency, share));
        (name.to_owned(), over_time(report, work, quantile))
    };
    [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)].map(line).to_vec()
}

/// Latency by percentile: the axis counts nines (1 is 90 %, 2 is 99 %, 3 is 99.9 %).
#[must_use]
pub fn percentiles(report: &Report) -> Vec<Line> {
    let curve = |work: &Work| {
        let all = work.ok.max(1) as f64;
        let most = all.log10().min(5.0);
        let steps = (most * 20.0) as usize;
        let nines = (0..=steps).map(|step| step as f64 / 20.0);
        nines.map(|nines| (nines, work.quantile_ms(1.0 - 10f64.powf(-nines)))).collect()
    };
    let enough = report
        .measured
        .work
        .iter()
        .filter(|(name, work)| work.ok >= 10 && !matches!(name.as_str(), "paper" | "lesson"));
    enough.map(|(name, work)| (name.clone(), curve(work))).collect()
}

/// Figures of the server over time by their names; `rate` turns counters into rates.
#[must_use]
pub fn server(report: &Report, names: &[(&str, &str)], rate: bool) -> Vec<Line> {
    let line = |(name, label): &(&str, &str)| {
        let values: Vec<(f64, f64)> = report
            .samples
            .iter()
            .filter_map(|sample| Some((sample.at_ms as f64 / 1_000.0, *sample.server.get(*name)?)))
            .collect();
        let slope =
            |pair: &[(f64, f64)]| (pair[1].0, ((pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0).max(1e-3)).max(0.0));
        let points = if rate { values.windows(2).map(slope).collect() } else { values };
        ((*label).to_owned(), points)
    };
    // What is always zero tells nothing.
    names.iter().map(line).filter(|(_, points)| points.iter().any(|(_, value)| *value > 0.0)).collect()
}

/// The same in another unit.
#[must_use]
pub fn scaled(lines: Vec<Line>, factor: f64) -> Vec<Line> {
    let scale = |(name, points): Line| (name, points.into_iter().map(|(x, y)| (x, y * factor)).collect());
    lines.into_iter().map(scale).collect()
}

/// Learners in the generator over time.
#[must_use]
pub fn crowd(report: &Report) -> Vec<Line> {
    let line = |value: fn(&crate::scrape::Sample) -> u64| {
        report.samples.iter().map(|sample| (sample.at_ms as f64 / 1_000.0, value(sample) as f64)).collect()
    };
    let lines = vec![
        ("present / 在场".to_owned(), line(|sample| sample.present)),
        ("queued / 排队".to_owned(), line(|sample| sample.queued)),
        ("sockets / 连接".to_owned(), line(|sample| sample.connected)),
    ];
    lines.into_iter().filter(|(_, points): &Line| points.iter().any(|(_, value)| *value > 0.0)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_plot_is_an_svg_with_its_names_escaped() {
        let points = vec![(0.0, 1.0), (1.0, 3.0)];
        let svg = lines("s", "ms", &[("a<b>".into(), points)], &[0.5]).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("a&lt;b&gt;") && !svg.contains("a<b>"));
        assert_eq!(lines("s", "ms", &[("a".into(), vec![])], &[]).unwrap(), "");
    }
}
