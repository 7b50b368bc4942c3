//! `keju partner`: add.

use super::SiteArgs;
use crate::site::Site;
use anyhow::{Context, bail};
use clap::Subcommand;
use exam_service::{CreatedPartner, EngineError, PartnerDraft};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum PartnerCommand {
    /// Add a partner system; its key, and what signs its webhook, are printed once
    Add {
        /// Its name
        name: String,
        /// Where completions are told, an http or https address
        #[arg(long)]
        webhook: Option<String>,
        /// The code of a lesson it may send learners into; may be repeated [default: all lessons]
        #[arg(long = "lesson")]
        lessons: Vec<String>,
        #[command(flatten)]
        site: SiteArgs,
    },
}

pub(super) async fn run(command: PartnerCommand) -> anyhow::Result<ExitCode> {
    let PartnerCommand::Add { name, webhook, lessons, site } = command;
    let site = Site::open_existing(&site.config()?).await?;
    let done = add(&site, name, webhook, &lessons).await;
    site.close().await;
    done
}

async fn add(site: &Site, name: String, webhook_url: Option<String>, codes: &[String]) -> anyhow::Result<ExitCode> {
    let mut lessons = Vec::with_capacity(codes.len());
    for code in codes {
        let lesson = site.engine.store().lesson_by_code(code).await?;
        lessons.push(lesson.with_context(|| format!("there is no lesson {code:?}"))?.id);
    }
    let draft = PartnerDraft { name, webhook_url, lessons: (!lessons.is_empty()).then_some(lessons) };
    match site.engine.add_partner(None, draft).await {
        Ok(CreatedPartner { partner, key }) => {
            say!("partner {} {}", partner.name, partner.id);
            say!("key {key}");
            if let Some(webhook) = &partner.webhook {
                say!("webhook_secret {}", webhook.secret);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(EngineError::Invalid(faults)) => {
            bail!("{}", faults.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; "))
        }
        Err(EngineError::Taken(_)) => bail!("there is a partner of that name already: give another name"),
        Err(error) => Err(error.into()),
    }
}
