//! Live progress: bars and current rates on a terminal, plain lines elsewhere.

use crate::measure::{Lately, Op};
use crate::run::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A bar for a step with a known end; a line at its beginning and its end where there is no terminal.
pub struct Bar {
    what: &'static str,
    all: u64,
    bar: Option<ProgressBar>,
    began: Instant,
}

impl Bar {
    /// Of so many.
    #[must_use]
    pub fn new(what: &'static str, all: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr());
            bar.set_style(style("{msg} {bar:40} {pos}/{len} ({eta})"));
            bar.set_message(what);
            bar
        });
        Self { what, all, bar, began: Instant::now() }
    }

    /// One more.
    pub fn one(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// So many now.
    pub fn to(&self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.all > 0 {
            eprintln!("{}: {} in {:.1} s", self.what, self.all, self.began.elapsed().as_secs_f64());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Shows how the load goes, once a second on a terminal and every ten seconds elsewhere. `prefix` tells
/// the lines of several processes apart.
pub async fn show(context: Arc<Context>, prefix: String) {
    let seconds = context.scenario.seconds();
    let bar = std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::with_draw_target(Some(seconds), ProgressDrawTarget::stderr());
        bar.set_style(style("{bar:30} {pos}/{len} s  {msg}"));
        bar
    });
    let every = Duration::from_secs(if bar.is_some() { 1 } else { 10 });
    let (mut before, mut codes) = ([Lately::default(); Op::ALL.len()], BTreeMap::new());
    tokio::time::sleep_until(context.begins.into()).await;
    loop {
        tokio::time::sleep(every).await;
        let line = line(&context, &mut before, every) + &errors(&context, &mut codes);
        let passed = context.begins.elapsed().as_secs();
        match &bar {
            Some(bar) => {
                bar.set_position(passed.min(seconds));
                bar.set_message(line);
            }
            None => eprintln!("{prefix}{passed:>5} s  {line}"),
        }
    }
}

/// What was answered otherwise since the last look, by code.
fn errors(context: &Context, before: &mut BTreeMap<String, u64>) -> String {
    let now = context.recorder.codes();
    let mut line = String::new();
    for (code, count) in &now {
        let new = count - before.get(code).copied().unwrap_or(0);
        if new > 0 {
            line.push_str(&format!("{} {code} {new}", if line.is_empty() { " |" } else { "," }));
        }
    }
    *before = now;
    line
}

fn line(context: &Context, before: &mut [Lately; Op::ALL.len()], every: Duration) -> String {
    let present = context.present.load(Ordering::Relaxed);
    let queued = context.queued.load(Ordering::Relaxed);
    let mut line = format!("{present} there");
    if queued > 0 {
        line.push_str(&format!(", {queued} queued"));
    }
    let connected = context.connected.load(Ordering::Relaxed);
    if connected > 0 {
        line.push_str(&format!(", {connected} sockets"));
    }
    for (op, before) in Op::ALL.into_iter().zip(before) {
        let now = context.recorder.lately(op);
        let done = now.ok - before.ok;
        *before = now;
        if done == 0 {
            continue;
        }
        let rate = done as f64 / every.as_secs_f64();
        line.push_str(&format!(
            " | {} {rate:.0}/s {:.1}/{:.1}/{:.1} ms",
            op.name(),
            now.p50_ms,
            now.p95_ms,
            now.p99_ms
        ));
    }
    line
}
