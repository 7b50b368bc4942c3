//! People, for administrators.

use super::courses::ListView;
use super::exams::page_limit;
use super::extract::{Id, Json, Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::http::StatusCode;
use exam_core::id_number;
use exam_core::ids::PersonId;
use exam_core::person::{Person, Role, Roles};
use exam_service::NewPerson;
use exam_store::Page;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// People.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(set_disabled)).routes(routes!(audit))
}

/// People to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeopleBody {
    people: Vec<PersonBody>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonBody {
    username: String,
    name: String,
    /// Absent: one is made, returned once, and has to be changed at the first sign-in.
    password: Option<String>,
    /// `learner author proctor unit_admin district_admin city_admin admin operator`.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// The code of their unit.
    unit: Option<String>,
    /// The resident identity number, GB 11643.
    id_number: Option<String>,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
pub struct PeopleView {
    /// How many were added.
    created: usize,
    /// Who was added.
    people: Vec<CreatedView>,
    /// Who was not, and why.
    refused: Vec<RefusedView>,
}

/// Somebody who was added.
#[derive(Serialize, ToSchema)]
pub struct CreatedView {
    id: String,
    username: String,
    /// The password that was made; shown once, here.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Somebody who was not added.
#[derive(Serialize, ToSchema)]
pub struct RefusedView {
    /// Place in the list, from zero.
    index: usize,
    username: String,
    errors: Vec<FaultView>,
}

/// One fault.
#[derive(Serialize, ToSchema)]
pub struct FaultView {
    pointer: String,
    detail: String,
}

/// Adds people; the wrong ones are refused with all their faults, the others added.
#[utoipa::path(post, path = "/api/v1/people", tag = "administrator", request_body = PeopleBody,
    responses((status = 200, body = PeopleView), (status = 403)))]
async fn create(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<PeopleBody>,
) -> Result<axum::Json<PeopleView>, Problem> {
    let people = body.people.into_iter().map(|person| NewPerson {
        username: person.username,
        name: person.name,
        password: person.password,
        roles: person.roles,
        unit: person.unit,
        id_number: person.id_number,
    });
    let (created, refused) = app.engine.add_people(&identity, people.collect()).await?;
    let fault = |fault: exam_service::FieldFault| FaultView { pointer: fault.pointer, detail: fault.detail };
    Ok(axum::Json(PeopleView {
        created: created.len(),
        people: created
            .into_iter()
            .map(|person| CreatedView {
                id: person.id.to_string(),
                username: person.username,
                password: person.password,
            })
            .collect(),
        refused: refused
            .into_iter()
            .map(|person| RefusedView {
                index: person.index,
                username: person.username,
                errors: person.faults.into_iter().map(fault).collect(),
            })
            .collect(),
    }))
}

/// A page of a list by name.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ByName {
    /// Rows of a page.
    pub limit: Option<u32>,
    /// The last name of the page before.
    after: Option<String>,
}

impl ByName {
    /// Where the page begins, and one row more than it shows: to know whether there is a next one.
    pub fn page(self, limit: u32) -> (Option<String>, u32) {
        (self.after, limit + 1)
    }
}

/// A person, as administrators see them.
#[derive(Serialize, ToSchema)]
pub struct PersonView {
    id: String,
    username: String,
    name: String,
    #[schema(value_type = Vec<String>)]
    roles: Roles,
    unit: Option<String>,
    /// Masked.
    id_number: Option<String>,
    disabled: bool,
}

/// All people, by username.
#[utoipa::path(get, path = "/api/v1/people", tag = "administrator", params(ByName),
    responses((status = 200, body = ListView<PersonView>), (status = 403)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<ByName>,
) -> Result<axum::Json<ListView<PersonView>>, Problem> {
    let limit = page_limit(params.limit);
    let (after, limit_and_one) = params.page(limit);
    let people = app.engine.people(&identity, Page { after, limit: limit_and_one }).await?;
    let more = people.len() > limit as usize;
    let items: Vec<PersonView> = people.into_iter().take(limit as usize).map(person_view).collect();
    let next = items.last().filter(|_| more).map(|person| person.username.clone());
    Ok(axum::Json(ListView { items, next }))
}

fn person_view(person: Person) -> PersonView {
    PersonView {
        id: person.id.to_string(),
        username: person.username,
        name: person.name,
        roles: person.roles,
        unit: person.unit,
        id_number: person.id_number.as_deref().map(id_number::mask),
        disabled: person.disabled,
    }
}

/// Whether somebody may sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisabledBody {
    disabled: bool,
}

/// Lets a person sign in or not; disabling ends all their sessions at once.
#[utoipa::path(put, path = "/api/v1/people/{person}/disabled", tag = "administrator", params(("person" = String, Path)),
    request_body = DisabledBody, responses((status = 204), (status = 404)))]
async fn set_disabled(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(person): Id<PersonId>,
    Json(body): Json<DisabledBody>,
) -> Result<StatusCode, Problem> {
    app.engine.set_disabled(&identity, person, body.disabled).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of the audit log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditParams {
    limit: Option<u32>,
    /// The last number of the page before.
    after: Option<i64>,
}

/// One act.
#[derive(Serialize, ToSchema)]
pub struct AuditView {
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    at: exam_core::Timestamp,
    /// `null`: the server or its command line.
    actor: Option<String>,
    act: String,
    subject: String,
    hash: String,
}

/// The site's audit log, oldest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "administrator", params(AuditParams),
    responses((status = 200, body = ListView<AuditView>), (status = 403)))]
async fn audit(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<AuditParams>,
) -> Result<axum::Json<ListView<AuditView>>, Problem> {
    let limit = page_limit(params.limit);
    let records = app.engine.audit_log(&identity, Page { after: params.after, limit: limit + 1 }).await?;
    let more = records.len() > limit as usize;
    let items: Vec<AuditView> = records
        .into_iter()
        .take(limit as usize)
        .map(|record| AuditView {
            seq: record.seq,
            at: record.at,
            actor: record.actor.map(|actor| actor.to_string()),
            act: record.act,
            subject: record.subject,
            hash: record.hash,
        })
        .collect();
    let next = items.last().filter(|_| more).map(|record| record.seq.to_string());
    Ok(axum::Json(ListView { items, next }))
}
