//! Two reports side by side.

use super::Report;
use std::fmt::Write;

/// Every figure of both with their ratio; absent figures are dashes.
#[must_use]
pub fn compare(before: &Report, after: &Report) -> String {
    let mut text = format!("{:<32} {:>12} {:>12} {:>8}\n", "", "before", "after", "ratio");
    let names: std::collections::BTreeSet<&String> =
        before.measured.work.keys().chain(after.measured.work.keys()).collect();
    for name in names {
        for figure in crate::thresholds::FIGURES {
            let figure = format!("{name}.{figure}");
            let values = [before, after].map(|report| crate::thresholds::figure(report, &figure));
            row(&mut text, &figure, values);
        }
    }
    for figure in crate::thresholds::OF_THE_RUN {
        row(&mut text, figure, [before, after].map(|report| crate::thresholds::figure(report, figure)));
    }
    for (label, report) in [("before", before), ("after", after)] {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{label}: {}", report.verdict());
    }
    text
}

fn row(text: &mut String, name: &str, [before, after]: [Option<f64>; 2]) {
    if before.is_none() && after.is_none() {
        return;
    }
    let shown = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.2}"));
    let ratio = match (before, after) {
        (Some(before), Some(after)) if before > 0.0 => format!("{:.2}", after / before),
        _ => "–".to_owned(),
    };
    let _ = writeln!(text, "{name:<32} {:>12} {:>12} {ratio:>8}", shown(before), shown(after));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::tests::sample;
    use super::*;

    #[test]
    fn figures_stand_beside_each_other() {
        let before = sample();
        let mut after = sample();
        after.measured.work.get_mut("answer").unwrap().ok = 80;
        let text = compare(&before, &after);
        let count = text.lines().find(|line| line.starts_with("answer.count")).unwrap();
        assert_eq!(count.split_whitespace().collect::<Vec<_>>(), ["answer.count", "40.00", "80.00", "2.00"]);
        assert!(text.contains("nothing lost"));
    }
}
