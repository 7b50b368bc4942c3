//! People, for administrators and for those who oversee a unit, a district or the city.

use super::courses::ListView;
use super::download::{TableParams, heads, table, words};
use super::exams::page_limit;
use super::extract::{Id, Json, Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use exam_core::id_number;
use exam_core::ids::PersonId;
use exam_core::person::{Person, Role, Roles};
use exam_service::NewPerson;
use exam_store::{Page, PersonChange};
use question_bank::formats::grid::{Cell, Grid};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Rows read at once for a file.
const EXPORT_PAGE: u32 = 1_000;

/// People.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change))
        .routes(routes!(set_disabled))
        .routes(routes!(renew_password))
        .routes(routes!(export))
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

/// A page of people.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PeopleParams {
    /// What stands in the username or the name.
    #[serde(default, deserialize_with = "super::extract::word_or_none")]
    search: Option<String>,
    limit: Option<u32>,
    /// The last username of the page before.
    after: Option<String>,
}

/// A person, as those who oversee them see them.
#[derive(Serialize, ToSchema)]
pub struct PersonView {
    id: String,
    username: String,
    name: String,
    #[schema(value_type = Vec<String>)]
    roles: Roles,
    unit: Option<String>,
    /// Where the unit is in the tree.
    unit_name: Option<String>,
    /// Masked.
    id_number: Option<String>,
    disabled: bool,
}

/// The people whom one oversees, by username.
#[utoipa::path(get, path = "/api/v1/people", tag = "administrator", params(PeopleParams),
    responses((status = 200, body = ListView<PersonView>), (status = 403)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<PeopleParams>,
) -> Result<axum::Json<ListView<PersonView>>, Problem> {
    let limit = page_limit(params.limit);
    let page = Page { after: params.after, limit: limit + 1 };
    let people = app.engine.people(&identity, params.search, page).await?;
    let more = people.len() > limit as usize;
    let names = app.engine.unit_names(people.iter().filter_map(|person| person.unit.as_deref())).await?;
    let view = |person: Person| {
        let unit_name = person.unit.as_ref().and_then(|unit| names.get(unit)).cloned();
        person_view(person, unit_name)
    };
    let items: Vec<PersonView> = people.into_iter().take(limit as usize).map(view).collect();
    let next = items.last().filter(|_| more).map(|person| person.username.clone());
    Ok(axum::Json(ListView { items, next }))
}

/// A person whose identity number is masked.
pub fn person_view(person: Person, unit_name: Option<String>) -> PersonView {
    PersonView {
        id: person.id.to_string(),
        username: person.username.clone(),
        id_number: masked(&person),
        name: person.name,
        roles: person.roles,
        unit: person.unit,
        unit_name,
        disabled: person.disabled,
    }
}

/// The identity number as lists and files show it.
pub fn masked(person: &Person) -> Option<String> {
    person.id_number.as_deref().map(id_number::mask)
}

/// The columns that every table of people begins with; `more` come behind them.
pub fn person_heads(more: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![
        ("用户名", "username"),
        ("姓名", "name"),
        ("身份证号", "id_number"),
        ("单位", "unit"),
        ("单位名称", "unit name"),
    ];
    all.extend(more);
    heads(&all)
}

/// What stands in them, given the names of units by their codes.
pub fn person_cells(person: &Person, units: &HashMap<String, String>) -> Vec<Cell> {
    vec![
        person.username.clone().into(),
        person.name.clone().into(),
        masked(person).into(),
        person.unit.clone().into(),
        person.unit.as_ref().and_then(|unit| units.get(unit)).cloned().into(),
    ]
}

/// The people whom one oversees as a table, in the columns of the import; identity numbers are masked.
#[utoipa::path(get, path = "/api/v1/people/export", tag = "administrator", params(TableParams),
    responses((status = 200, description = "the file"), (status = 403)))]
async fn export(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<TableParams>,
) -> Result<Response, Problem> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let people = app.engine.people(&identity, None, Page { after, limit: EXPORT_PAGE }).await?;
        let Some(last) = people.last() else { break };
        after = Some(last.username.clone());
        all.extend(people);
    }
    let units = app.engine.unit_names(all.iter().filter_map(|person| person.unit.as_deref())).await?;
    app.engine.note_export(&identity, "people.export", "").await?;
    let heads = person_heads(&[("角色", "roles"), ("状态", "state")]);
    let row = |person: &Person| -> Vec<Cell> {
        let roles: Vec<String> = person.roles.iter().map(|role| words(role.name_zh(), role.name())).collect();
        let state = if person.disabled { words("已停用", "disabled") } else { words("正常", "enabled") };
        let mut cells = person_cells(person, &units);
        cells.extend([roles.join("、").into(), state.into()]);
        cells
    };
    let rows = all.iter().map(row).collect();
    table(Grid { name: words("人员", "people"), heads, rows }, params.format, "keju-people").await
}

/// What somebody is from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    name: String,
    /// All of them, at least one; nobody takes their own administrator's role away.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// The code of a unit of the tree; absent or `null`: of none.
    unit: Option<String>,
}

/// Changes a person's name, roles and unit. Their sessions go on, with the new rights, at once and on every node; consoles
/// they watch connect anew.
#[utoipa::path(put, path = "/api/v1/people/{person}", tag = "administrator", params(("person" = String, Path)),
    request_body = ChangeBody, responses((status = 204), (status = 400), (status = 403), (status = 404)))]
async fn change(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(person): Id<PersonId>,
    Json(body): Json<ChangeBody>,
) -> Result<StatusCode, Problem> {
    let change = PersonChange { name: body.name, roles: body.roles.into_iter().collect(), unit: body.unit };
    app.engine.change_person(&identity, person, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A password that was made.
#[derive(Serialize, ToSchema)]
pub struct PasswordView {
    /// Shown once, here; it has to be changed at the next sign-in.
    password: String,
}

/// Gives somebody who has forgotten theirs another first password; all their sessions end.
#[utoipa::path(post, path = "/api/v1/people/{person}/password", tag = "administrator", params(("person" = String, Path)),
    responses((status = 200, body = PasswordView), (status = 403), (status = 404), (status = 409)))]
async fn renew_password(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(person): Id<PersonId>,
) -> Result<axum::Json<PasswordView>, Problem> {
    let password = app.engine.renew_password(&identity, person).await?;
    Ok(axum::Json(PasswordView { password }))
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
