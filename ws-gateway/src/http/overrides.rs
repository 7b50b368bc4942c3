//! Personal exceptions to an exam's rules: granting and listing them.

use super::courses::ListView;
use super::exams::page_limit;
use super::extract::{Id, Json, Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::http::StatusCode;
use exam_core::Timestamp;
use exam_core::exam::Override;
use exam_core::ids::{ExamId, PersonId};
use exam_core::person::Person;
use exam_store::{OverrideRow, Page};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Exceptions.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, add_override))
}

/// A personal exception.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideBody {
    /// The person's id.
    person: String,
    /// More time on top of the duration.
    extra_ms: Option<i64>,
    attempts_max: Option<u32>,
    #[schema(value_type = Option<String>)]
    opens_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    closes_at: Option<Timestamp>,
    reason: String,
}

/// A granted exception.
#[derive(Serialize, ToSchema)]
pub struct OverrideView {
    exam: String,
    person: String,
    username: String,
    name: String,
    extra_ms: Option<i64>,
    attempts_max: Option<u32>,
    #[schema(value_type = Option<String>)]
    opens_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    closes_at: Option<Timestamp>,
    reason: String,
    /// Who granted it.
    by: String,
    by_name: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Grants a personal exception.
#[utoipa::path(post, path = "/api/v1/exams/{exam}/overrides", tag = "author", params(("exam" = String, Path)),
    request_body = OverrideBody, responses((status = 201, body = OverrideView), (status = 404)))]
async fn add_override(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Json(body): Json<OverrideBody>,
) -> Result<(StatusCode, axum::Json<OverrideView>), Problem> {
    let person = PersonId::parse(&body.person)
        .ok_or_else(|| Problem::field("/person", "没有这个人员 / there is no such person"))?;
    let exception = Override {
        extra_ms: body.extra_ms,
        attempts_max: body.attempts_max,
        opens_at: body.opens_at,
        closes_at: body.closes_at,
    };
    let row = app.engine.add_override(&identity, exam, person, exception, body.reason).await?;
    let people = app.engine.people_named([row.person, row.by]).await?;
    Ok((StatusCode::CREATED, axum::Json(view(row, &people))))
}

/// A page of exceptions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OverridesParams {
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<i64>,
}

/// All exceptions at an exam, the latest first.
#[utoipa::path(get, path = "/api/v1/exams/{exam}/overrides", tag = "author",
    params(("exam" = String, Path), OverridesParams),
    responses((status = 200, body = ListView<OverrideView>), (status = 403), (status = 404)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Params(params): Params<OverridesParams>,
) -> Result<axum::Json<ListView<OverrideView>>, Problem> {
    let limit = page_limit(params.limit);
    let page = Page { after: params.after, limit: limit + 1 };
    let (mut rows, people) = app.engine.overrides_at(&identity, exam, page).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|(number, _)| number.to_string());
    Ok(axum::Json(ListView { items: rows.into_iter().map(|(_, row)| view(row, &people)).collect(), next }))
}

fn view(row: OverrideRow, people: &HashMap<PersonId, Person>) -> OverrideView {
    let name = |id| people.get(id).map(|person| person.name.clone()).unwrap_or_default();
    OverrideView {
        exam: row.exam.to_string(),
        person: row.person.to_string(),
        username: people.get(&row.person).map(|person| person.username.clone()).unwrap_or_default(),
        name: name(&row.person),
        extra_ms: row.exception.extra_ms,
        attempts_max: row.exception.attempts_max,
        opens_at: row.exception.opens_at,
        closes_at: row.exception.closes_at,
        reason: row.reason,
        by: row.by.to_string(),
        by_name: name(&row.by),
        at: row.at,
    }
}
