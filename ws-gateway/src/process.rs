//! What the process takes of its machine, under the names that Prometheus' own clients give it.

use std::fmt::Write as _;
use std::fs;

/// Memory, descriptors and processor time; what the system does not tell is left out.
#[must_use]
pub fn figures() -> String {
    let mut text = String::new();
    let mut figure = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            let family = name.trim_end_matches("_total");
            // Writing into a string does not fail.
            let _ = write!(text, "# HELP {family} {help}.\n# TYPE {family} {kind}\n{name} {value}\n");
        }
    };
    figure("process_resident_memory_bytes", "gauge", "Memory in use", resident_bytes());
    figure("process_open_fds", "gauge", "Open descriptors", open_descriptors());
    figure("process_cpu_seconds_total", "counter", "Processor time of all threads", cpu_seconds());
    text
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024.0)
}

fn open_descriptors() -> Option<f64> {
    // One of them is the folder being read.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; user and system time are the 14th and 15th field.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    Some(ticks / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_described() {
        let text = figures();
        for name in ["process_resident_memory_bytes ", "process_open_fds ", "process_cpu_seconds_total "] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)).and_then(|value| value.parse().ok());
            assert!(value >= Some(0.0), "{name} in {text}");
        }
        assert!(text.contains("# TYPE process_cpu_seconds counter\n"));
    }
}
