//! The command line.

use crate::bank::Bank;
use crate::guard;
use crate::http::Target;
use crate::limits::SHARED_QUEUE_INTERVAL;
use crate::measure::{Recorder, interval_ms};
use crate::plan::{Planned, Share, plan};
use crate::processes::{self, Settings, private};
use crate::progress;
use crate::promises::{Finding, Wrong};
use crate::report::{FORM, Report, compare};
use crate::run::{Context, everybody, instant_of};
use crate::scenario::{LIBRARY, Scenario};
use crate::scrape;
use crate::setup::{self, Administrator, Ground, Person, SignIn};
use crate::verify::read_back;
use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Loads a Keju server as a scenario says, and checks that it keeps what it promises.
#[derive(Debug, Parser)]
#[command(name = "load-tests", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a scenario: one of the library by name, or a file.
    Run(RunArgs),
    /// Lists the library.
    List,
    /// Prints a scenario of the library, to begin one's own from.
    Show {
        /// Its name.
        scenario: String,
    },
    /// Puts two reports side by side.
    Compare {
        /// A report's JSON.
        before: PathBuf,
        /// Another one's.
        after: PathBuf,
    },
    /// Makes one report of several that were made at the same time, on several machines.
    Merge {
        /// Reports' JSON.
        #[arg(required = true, num_args = 2..)]
        reports: Vec<PathBuf>,
        /// Where the sum goes, without extension.
        #[arg(long)]
        out: PathBuf,
    },
    /// One process's share of a run; started by `run --processes`.
    #[command(hide = true)]
    Share(ShareArgs),
}

#[derive(Clone, Debug, Args)]
struct LoadArgs {
    /// The server, past any proxy that ends HTTPS.
    #[arg(long, env = "KEJU_SERVER", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Says that the server is yours, if it is not on this machine.
    #[arg(long)]
    i_own_this_host: bool,
    /// Multiplies the scenario's learners.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// How many addresses 127.0.0.1, 127.0.0.2 … connections come from. A connection that ended keeps its port for a
    /// minute, and where half of an address's ports are taken the kernel searches long for another.
    #[arg(long, default_value_t = 64)]
    sources: u8,
    /// Worker threads of a process; as many as there are cores, unless told.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The name of a scenario of the library, or a file.
    scenario: String,
    #[command(flatten)]
    load: LoadArgs,
    /// Another seed than the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// The administrator who makes learners, bank and exam.
    #[arg(long, env = "KEJU_ADMIN", default_value = "admin")]
    admin: String,
    /// The administrator's password; the demo site's unless told.
    #[arg(long, env = "KEJU_ADMIN_PASSWORD", default_value = "keju-demo", hide_env_values = true)]
    admin_password: String,
    /// Generator processes.
    #[arg(long, default_value_t = 1)]
    processes: usize,
    /// Learners signed in at once before the load; each costs the server a password hash.
    #[arg(long, default_value_t = 4)]
    sign_ins_at_once: usize,
    /// Keeps learners and their sessions in this file and uses them again in the next run.
    #[arg(long)]
    people: Option<PathBuf>,
    /// Where the report goes, without extension.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ShareArgs {
    scenario: String,
    #[command(flatten)]
    load: LoadArgs,
    #[arg(long)]
    ground: PathBuf,
    /// Such as 0/4.
    #[arg(long)]
    share: String,
    #[arg(long)]
    out: PathBuf,
}

/// What a command line asks for.
///
/// # Errors
/// Whatever keeps it from being done.
pub fn main(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::List => {
            for (name, text) in LIBRARY {
                println!("{name:<18} {}", Scenario::parse(text)?.about);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { scenario } => {
            let found = LIBRARY.iter().find(|(name, _)| *name == scenario);
            print!("{}", found.with_context(|| format!("there is no scenario {scenario:?}; `list` shows them"))?.1);
            Ok(ExitCode::SUCCESS)
        }
        Command::Compare { before, after } => {
            print!("{}", compare::compare(&Report::read(&before)?, &Report::read(&after)?));
            Ok(ExitCode::SUCCESS)
        }
        Command::Merge { reports, out } => merge(&reports, &out),
        Command::Run(args) => runtime(args.load.threads)?.block_on(run(args)),
        Command::Share(args) => runtime(args.load.threads)?.block_on(share(args)),
    }
}

fn merge(paths: &[PathBuf], out: &Path) -> anyhow::Result<ExitCode> {
    let mut reports = paths.iter().map(|path| Report::read(path)).collect::<anyhow::Result<Vec<_>>>()?.into_iter();
    let mut sum = reports.next().context("give at least two reports")?;
    let name = |report: &Report| report.scenario.as_ref().map(|scenario| scenario.name.clone());
    for report in reports {
        if name(&report) != name(&sum) || report.measured.interval_ms != sum.measured.interval_ms {
            bail!("the reports are of different scenarios");
        }
        sum.add(report);
    }
    conclude(sum, out)
}

fn conclude(mut report: Report, out: &Path) -> anyhow::Result<ExitCode> {
    report.conclude();
    let [json, html] = report.write(out)?;
    println!("{}", report.summary());
    println!("{}\n{}", json.display(), html.display());
    Ok(if report.good() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn runtime(threads: Option<usize>) -> anyhow::Result<tokio::runtime::Runtime> {
    raise_descriptor_limit();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads.max(1));
    }
    builder.global_queue_interval(SHARED_QUEUE_INTERVAL);
    builder.enable_all().build().context("the runtime does not start")
}

/// A socket is a descriptor, and shells give a process a thousand.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        eprintln!("the limit of open descriptors could not be raised: {error}");
    }
}

/// Becomes true at the first Ctrl-C; the second ends the process at once.
fn stop_signal() -> (watch::Sender<bool>, watch::Receiver<bool>) {
    let (sender, receiver) = watch::channel(false);
    let stopping = sender.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("ending: what was promised is checked first; Ctrl-C again to leave at once");
            stopping.send_replace(true);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    (sender, receiver)
}

impl LoadArgs {
    fn target(&self, canary: &str) -> anyhow::Result<Arc<Target>> {
        let address = guard::target(&self.server, self.i_own_this_host)?;
        if !(self.scale > 0.0 && self.scale <= 10_000.0) {
            bail!("--scale must be from 0 to 10000");
        }
        let host = self.server.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Ok(Target::new(address, host, self.sources, canary))
    }
}

async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let mut scenario = Scenario::load(&args.scenario)?;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    let canary = format!("canary{:016x}", rand::random::<u64>());
    let target = args.load.target(&canary)?;
    let plan = plan(&scenario, args.load.scale)?;
    scrape::ready(&target).await?;
    let staff = target.for_staff();
    let administrator = Administrator { username: args.admin.clone(), password: args.admin_password.clone() };
    let (hurry, stop) = stop_signal();
    let earlier = match &args.people {
        Some(path) if path.exists() => serde_json::from_str(&std::fs::read_to_string(path)?)
            .with_context(|| format!("{} holds no learners", path.display()))?,
        _ => Vec::<Person>::new(),
    };
    let sign_in = SignIn { at_once: args.sign_ins_at_once };
    eprintln!("{}: {} learners, {} s, against {}", scenario.name, plan.len(), scenario.seconds(), args.load.server);
    let mut ground = Ground { canary, ..Ground::default() };
    let spare: Vec<Person> = earlier.get(plan.len()..).unwrap_or_default().to_vec();
    let prepared = setup::prepare(&staff, &scenario, &mut ground, plan.len(), &administrator, earlier, sign_in).await;
    if prepared.is_err() {
        // What came of it is cleared up; if even that fails, the first error says why.
        let _ = setup::clear(&staff, &ground, &administrator, false).await;
    }
    prepared?;
    if let Some(path) = &args.people {
        // Those that this run has no use for are kept as well.
        let used: HashSet<&str> = ground.people.iter().map(|person| person.id.as_str()).collect();
        let spare = spare.iter().filter(|person| !used.contains(person.id.as_str()));
        let all: Vec<&Person> = ground.people.iter().chain(spare).collect();
        private(path, &serde_json::to_string(&all)?)?;
    }
    let out = args.out.clone().unwrap_or_else(|| default_out(&scenario.name));
    let loaded = load(&args, &scenario, &plan, &ground, target, &out, hurry, stop).await;
    let cleared = setup::clear(&staff, &ground, &administrator, args.people.is_some()).await;
    let mut report = loaded?;
    if let Err(error) = cleared {
        // What was measured is worth more than a tidy site.
        eprintln!("clearing up failed: {error:#}");
    }
    report.people_seconds = ground.people_seconds;
    report.sign_in_seconds = ground.sign_in_seconds;
    conclude(report, &out)
}

fn default_out(name: &str) -> PathBuf {
    let now = format!("{:.0}", jiff::Timestamp::now()).replace(['-', ':'], "");
    PathBuf::from("load-reports").join(format!("{name}-{now}"))
}

#[expect(clippy::too_many_arguments, reason = "they come together here and nowhere else")]
async fn load(
    args: &RunArgs,
    scenario: &Scenario,
    plan: &[Planned],
    ground: &Ground,
    target: Arc<Target>,
    out: &Path,
    hurry: watch::Sender<bool>,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Report> {
    if args.processes <= 1 {
        return Ok(carry_out(scenario, plan, ground, target, args.load.scale, Share::WHOLE, hurry, stop).await);
    }
    let settings = Settings {
        server: args.load.server.clone(),
        mine: args.load.i_own_this_host,
        scale: args.load.scale,
        sources: args.load.sources,
        threads: args.load.threads.unwrap_or(1),
    };
    processes::run(args.processes, scenario, ground, &settings, &out.with_extension("parts"), stop).await
}

async fn share(args: ShareArgs) -> anyhow::Result<ExitCode> {
    let scenario = Scenario::load(&args.scenario)?;
    let ground: Ground = serde_json::from_str(&std::fs::read_to_string(&args.ground)?)?;
    let (index, count) = args.share.split_once('/').context("a share is such as 0/4")?;
    let share = Share { index: index.parse()?, count: count.parse()? };
    let target = args.load.target(&ground.canary)?;
    let plan = plan(&scenario, args.load.scale)?;
    let (hurry, stop) = stop_signal();
    let report = carry_out(&scenario, &plan, &ground, target, args.load.scale, share, hurry, stop).await;
    private(&args.out, &serde_json::to_string(&report)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The load itself and the reading back, of one process.
#[expect(clippy::too_many_arguments, reason = "they come together here and nowhere else")]
async fn carry_out(
    scenario: &Scenario,
    plan: &[Planned],
    ground: &Ground,
    target: Arc<Target>,
    scale: f64,
    share: Share,
    hurry: watch::Sender<bool>,
    stop: watch::Receiver<bool>,
) -> Report {
    let begins = instant_of(ground.begins_at_ms);
    let interval_ms = interval_ms(scenario.seconds());
    let context = Arc::new(Context {
        target: Arc::clone(&target),
        staff: target.for_staff(),
        scenario: scenario.clone(),
        bank: Bank::new(&ground.canary, ground.items_per_kind),
        ground: ground.clone(),
        recorder: Recorder::new(begins, interval_ms),
        begins,
        stop,
        present: AtomicU64::new(0),
        arrived: AtomicU64::new(0),
        last_started: Mutex::default(),
        queued: AtomicU64::new(0),
        connected: AtomicU64::new(0),
    });
    let samples = Arc::new(Mutex::new(Vec::new()));
    let sampling = tokio::spawn(scrape::sample_forever(
        Arc::clone(&context),
        Duration::from_millis(interval_ms),
        Arc::clone(&samples),
    ));
    let prefix = if share == Share::WHOLE { String::new() } else { format!("[{}/{}] ", share.index, share.count) };
    let showing = tokio::spawn(progress::show(Arc::clone(&context), prefix));
    let records = everybody(&context, plan, share, &hurry).await;
    let seconds = begins.elapsed().as_secs_f64();
    showing.abort();
    sampling.abort();
    let measured = context.recorder.measured();
    let traffic = [&target.received, &target.sent, &target.connects].map(|count| count.load(Ordering::Relaxed));
    let papers =
        records.iter().filter(|record| record.digest != 0).map(|record| (record.learner, record.digest)).collect();
    let (checked, findings) = read_back(&context, records).await;
    let mut report = Report {
        form: FORM,
        scenario: Some(scenario.clone()),
        scale,
        server: target.host.clone(),
        began: format!("{:.3}", jiff::Timestamp::from_millisecond(ground.begins_at_ms).unwrap_or_default()),
        seconds,
        processes: 1,
        interrupted: context.stopped(),
        learners: context.arrived.load(Ordering::Relaxed),
        measured,
        samples: samples.lock().clone(),
        traffic,
        checked,
        papers,
        ..Report::default()
    };
    report.find(findings);
    let seen = target.canaries_seen.load(Ordering::Relaxed);
    if seen > 0 {
        let detail = format!("{seen} responses to learners held a key");
        report.find(vec![Finding { wrong: Wrong::KeyReceived, learner: 0, subject: String::new(), detail }]);
    }
    report
}
