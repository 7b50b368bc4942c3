//! The site's audit log.

use super::courses::ListView;
use super::exams::page_limit;
use super::extract::{Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use exam_service::subject_person;
use exam_store::Page;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The audit log.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(audit))
}

/// From which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOrder {
    /// From the beginning.
    #[default]
    Oldest,
    /// From the end.
    Newest,
}

/// A page of the audit log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditParams {
    limit: Option<u32>,
    /// The last number of the page before.
    after: Option<i64>,
    /// `oldest` (first, the default) or `newest`.
    #[param(value_type = Option<String>)]
    #[serde(default)]
    order: AuditOrder,
}

/// One act.
#[derive(Serialize, ToSchema)]
pub struct AuditView {
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    at: exam_core::Timestamp,
    /// `null`: the server or its command line.
    actor: Option<String>,
    actor_name: Option<String>,
    act: String,
    subject: String,
    /// Where the subject is a person.
    subject_name: Option<String>,
    /// What changed, by the act.
    #[schema(value_type = Object)]
    detail: Option<Box<RawValue>>,
    hash: String,
}

/// The site's audit log.
#[utoipa::path(get, path = "/api/v1/audit", tag = "administrator", params(AuditParams),
    responses((status = 200, body = ListView<AuditView>), (status = 403)))]
async fn audit(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<AuditParams>,
) -> Result<axum::Json<ListView<AuditView>>, Problem> {
    let limit = page_limit(params.limit);
    let page = Page { after: params.after, limit: limit + 1 };
    let (records, names) = app.engine.audit_log(&identity, params.order == AuditOrder::Newest, page).await?;
    let more = records.len() > limit as usize;
    let items: Vec<AuditView> = records
        .into_iter()
        .take(limit as usize)
        .map(|record| AuditView {
            seq: record.seq,
            at: record.at,
            actor: record.actor.map(|actor| actor.to_string()),
            actor_name: record.actor.and_then(|actor| names.get(&actor)).cloned(),
            subject_name: subject_person(&record).and_then(|person| names.get(&person)).cloned(),
            act: record.act,
            subject: record.subject,
            // Kept as it was hashed; the empty object says nothing.
            detail: RawValue::from_string(record.detail).ok().filter(|detail| detail.get() != "{}"),
            hash: record.hash,
        })
        .collect();
    let next = items.last().filter(|_| more).map(|record| record.seq.to_string());
    Ok(axum::Json(ListView { items, next }))
}
