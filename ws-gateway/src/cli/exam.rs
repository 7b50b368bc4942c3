//! `keju exam`: publish, verify, regrade, results.

use super::SiteArgs;
use crate::site::Site;
use anyhow::{Context, bail};
use clap::Subcommand;
use exam_core::Timestamp;
use exam_core::attempt::Mode;
use exam_core::exam::Exam;
use exam_core::ids::AttemptId;
use exam_service::{EngineError, RegradeReport};
use exam_store::attempts::AttemptFilter;
use exam_store::{AttemptRow, Page};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum ExamCommand {
    /// Publish a draft, if papers can be drawn
    Publish {
        /// The exam's code
        exam: String,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Derive papers again from their seeds and compare them with what was stored; exits 1 if any differs
    Verify {
        /// The exam's code
        exam: String,
        /// Only this attempt
        #[arg(long)]
        attempt: Option<String>,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Mark closed attempts again by the bank's present keys; shows the difference, and appends only with --apply
    Regrade {
        /// The exam's code
        exam: String,
        /// Why; it stands in every regraded attempt's log
        #[arg(long)]
        reason: String,
        /// The username of whoever answers for it
        #[arg(long)]
        by: String,
        /// Append the new grades
        #[arg(long)]
        apply: bool,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Results: write them as CSV, or set when they are released
    Results {
        /// The exam's code
        exam: String,
        /// Write them to this new file instead of standard output
        #[arg(long)]
        to: Option<PathBuf>,
        /// Release them at this time, such as 2023-12-31T18:00:00+08:00, or `now`
        #[arg(long, conflicts_with = "to")]
        release: Option<String>,
        #[command(flatten)]
        site: SiteArgs,
    },
}

pub(super) async fn run(command: ExamCommand) -> anyhow::Result<ExitCode> {
    let (ExamCommand::Publish { site, .. }
    | ExamCommand::Verify { site, .. }
    | ExamCommand::Regrade { site, .. }
    | ExamCommand::Results { site, .. }) = &command;
    let site = Site::open_existing(&site.config()?).await?;
    let done = on_site(&site, command).await;
    site.close().await;
    done
}

async fn on_site(site: &Site, command: ExamCommand) -> anyhow::Result<ExitCode> {
    match command {
        ExamCommand::Publish { exam, .. } => publish(site, &find(site, &exam).await?).await,
        ExamCommand::Verify { exam, attempt, .. } => verify(site, &find(site, &exam).await?, attempt).await,
        ExamCommand::Regrade { exam, reason, by, apply, .. } => {
            let exam = find(site, &exam).await?;
            let by = site.engine.store().person_by_username(&by).await?.context("nobody has that username")?;
            let report = site.engine.regrade(by.person.id, exam.id, &reason, !apply).await?;
            print_regrade(&report, apply);
            Ok(ExitCode::SUCCESS)
        }
        ExamCommand::Results { exam, to, release, .. } => {
            let exam = find(site, &exam).await?;
            match release {
                Some(time) => set_release(site, &exam, &time).await,
                None => write_results(site, &exam, to).await,
            }
        }
    }
}

async fn find(site: &Site, code: &str) -> anyhow::Result<Exam> {
    site.engine.store().exam_by_code(code).await?.with_context(|| format!("there is no exam {code:?}"))
}

async fn publish(site: &Site, exam: &Exam) -> anyhow::Result<ExitCode> {
    match site.engine.publish(None, exam.id).await {
        Ok(_) => {
            say!("published {}", exam.code);
            Ok(ExitCode::SUCCESS)
        }
        Err(EngineError::Infeasible(faults)) => {
            for fault in &faults {
                say!("{}: {}", fault.pointer, fault.detail());
            }
            bail!("the bank cannot fill the blueprint")
        }
        Err(error) => Err(error.into()),
    }
}

async fn verify(site: &Site, exam: &Exam, attempt: Option<String>) -> anyhow::Result<ExitCode> {
    let attempts = match attempt {
        Some(text) => vec![AttemptId::parse(&text).context("that is no attempt's id")?],
        None => all_attempts(site, exam, None).await?.iter().map(|row| row.id).collect(),
    };
    let mut bad = 0;
    for attempt in &attempts {
        let verdict = site.engine.verify_attempt(*attempt).await?;
        let holds = verdict.commitment_holds && verdict.paper_holds && verdict.chain_holds;
        bad += usize::from(!holds);
        let word = |holds: bool| if holds { "holds" } else { "DIFFERS" };
        say!(
            "{attempt} seed {} commitment {} paper {} log {}",
            verdict.seed,
            word(verdict.commitment_holds),
            word(verdict.paper_holds),
            word(verdict.chain_holds)
        );
    }
    say!("{} papers derived again, {bad} differ", attempts.len());
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_regrade(report: &RegradeReport, applied: bool) {
    for code in &report.items_changed {
        say!("key changed: {code}");
    }
    for code in &report.items_skipped {
        say!("text changed as well, left out: {code}");
    }
    for change in &report.changes {
        let pass = |passed: bool| if passed { "passed" } else { "failed" };
        let kept = if change.hours_kept { ", hours stay" } else { "" };
        say!(
            "{}: {} {} -> {} {}{kept}",
            change.attempt,
            change.score_before,
            pass(change.passed_before),
            change.score_after,
            pass(change.passed_after)
        );
    }
    let verb = if applied { "changed" } else { "would change (nothing was written; --apply appends)" };
    say!(
        "{} of {} closed attempts {verb}; {} open ones left alone",
        report.changes.len(),
        report.attempts,
        report.open
    );
}

async fn set_release(site: &Site, exam: &Exam, time: &str) -> anyhow::Result<ExitCode> {
    let at = match time {
        "now" => None,
        time => Some(Timestamp::parse(time).context("give a time such as 2023-12-31T18:00:00+08:00, or now")?),
    };
    site.engine.release_results(None, exam.id, at).await?;
    match at {
        Some(at) => say!("results of {} are released at {at}", exam.code),
        None => say!("results of {} are released", exam.code),
    }
    Ok(ExitCode::SUCCESS)
}

async fn write_results(site: &Site, exam: &Exam, to: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let rows = all_attempts(site, exam, Some(Mode::Exam)).await?;
    let people = site.engine.store().people_by_ids(rows.iter().map(|row| row.learner).collect()).await?;
    let mut csv =
        String::from("\u{feff}username,name,attempt,number,state,started_at,closed_at,score,passed,hours\r\n");
    for row in &rows {
        let person = people.iter().find(|person| person.id == row.learner);
        let fields = [
            person.map(|person| person.username.clone()).unwrap_or_default(),
            person.map(|person| person.name.clone()).unwrap_or_default(),
            row.id.to_string(),
            row.number.to_string(),
            row.state.name().to_owned(),
            row.started_at.to_string(),
            row.closed_at.map(|at| at.to_string()).unwrap_or_default(),
            row.score.map(|score| score.to_string()).unwrap_or_default(),
            row.passed.map(|passed| passed.to_string()).unwrap_or_default(),
            row.hours.to_string(),
        ];
        csv.push_str(&fields.map(|field| csv_field(&field)).join(","));
        csv.push_str("\r\n");
    }
    match to {
        Some(file) => {
            super::bank::write_new(&file, csv.as_bytes())?;
            say!("wrote {} results to {}", rows.len(), file.display());
        }
        None => say_as_is!("{csv}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Quoted, and never a formula: a spreadsheet that opens it must not compute what a name says.
pub(super) fn csv_field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\"").replace('\0', ""))
}

async fn all_attempts(site: &Site, exam: &Exam, mode: Option<Mode>) -> anyhow::Result<Vec<AttemptRow>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let filter = AttemptFilter { mode, state: None };
        let rows = site.engine.store().attempts_at(exam.id, filter, Page { after, limit: 1_000 }).await?;
        let Some(last) = rows.last() else { return Ok(all) };
        after = Some(last.id);
        all.extend(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::csv_field;

    #[test]
    fn exported_fields_are_no_formulas() {
        for start in ["=", "+", "-", "@", "\t", "\0"] {
            assert!(csv_field(&format!("{start}cmd")).starts_with("\"'"), "{start:?}");
        }
        assert_eq!(csv_field("王 \"小\" 明"), "\"王 \"\"小\"\" 明\"");
    }
}
