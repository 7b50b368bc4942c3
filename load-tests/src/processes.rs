//! Several generator processes on one machine: each carries out its share of the plan on the same ground,
//! and their reports become one.

use crate::report::Report;
use crate::scenario::Scenario;
use crate::setup::Ground;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// What the processes of a run are given beside scenario and ground.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server as it was given.
    pub server: String,
    /// The operator's word for it.
    pub mine: bool,
    /// By which learners are multiplied.
    pub scale: f64,
    /// Source addresses of each process.
    pub sources: u8,
    /// Worker threads of each process.
    pub threads: usize,
}

/// Runs so many processes and returns the sum of their reports, not yet concluded.
///
/// # Errors
/// A process cannot be started or leaves no report.
pub async fn run(
    count: usize,
    scenario: &Scenario,
    ground: &Ground,
    settings: &Settings,
    folder: &Path,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<Report> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let scenario_file = folder.join("scenario.toml");
    private(&scenario_file, &toml::to_string(scenario)?)?;
    // Sessions are in it: for this account's eyes, and for no longer than the run.
    let ground_file = folder.join("ground.json");
    private(&ground_file, &serde_json::to_string(ground)?)?;
    let mut children = Vec::new();
    for index in 0..count {
        let part = folder.join(format!("part-{index}.json"));
        let child = spawn(index, count, &scenario_file, &ground_file, &part, settings)?;
        children.push((child, part));
    }
    let pids: Vec<Option<u32>> = children.iter().map(|(child, _)| child.id()).collect();
    let forward = tokio::spawn(async move {
        if stop.wait_for(|stop| *stop).await.is_ok() {
            for pid in pids.into_iter().flatten().filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
                // One that has ended needs no telling.
                let _ = kill_process(pid, Signal::INT);
            }
        }
    });
    let sum = gather(children).await;
    forward.abort();
    let _ = std::fs::remove_dir_all(folder);
    sum
}

async fn gather(children: Vec<(Child, PathBuf)>) -> anyhow::Result<Report> {
    let mut sum: Option<Report> = None;
    for (mut child, part) in children {
        let status = child.wait().await.context("a generator process was lost")?;
        if !status.success() {
            bail!("a generator process ended with {status}");
        }
        let report = Report::read(&part)?;
        match &mut sum {
            Some(sum) => sum.add(report),
            None => sum = Some(report),
        }
    }
    sum.context("no generator process was asked for")
}

fn spawn(
    index: usize,
    count: usize,
    scenario: &Path,
    ground: &Path,
    part: &Path,
    settings: &Settings,
) -> anyhow::Result<Child> {
    let own = std::env::current_exe().context("the tool does not know where it is")?;
    let mut command = Command::new(own);
    command.arg("share").arg(scenario).arg("--ground").arg(ground).arg("--out").arg(part);
    command.args(["--share", &format!("{index}/{count}"), "--server", &settings.server]);
    command.args(["--scale", &settings.scale.to_string(), "--sources", &settings.sources.to_string()]);
    command.args(["--threads", &settings.threads.to_string()]);
    if settings.mine {
        command.arg("--i-own-this-host");
    }
    // A group of its own: Ctrl-C reaches it once, from us, and not twice.
    command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().context("a generator process cannot be started")?;
    if let Some(said) = child.stderr.take() {
        // Line by line: bars of several processes would write over each other.
        tokio::spawn(async move {
            let mut lines = BufReader::new(said).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("{line}");
            }
        });
    }
    Ok(child)
}

/// Writes a file that nobody else may read.
///
/// # Errors
/// It cannot be written.
pub fn private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    file.with_context(|| format!("cannot write {}", path.display()))
}
