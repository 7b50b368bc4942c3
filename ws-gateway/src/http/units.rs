//! The tree of units: city, district, unit.

use super::courses::ListView;
use super::exams::page_limit;
use super::extract::{Json, Params, SignedIn};
use super::people::ByName;
use super::problem::Problem;
use crate::app::App;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use exam_core::unit::{Level, Unit};
use exam_store::Page;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Units.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, put)).routes(routes!(remove))
}

/// A node of the tree.
#[derive(Serialize, ToSchema)]
pub struct UnitView {
    /// What stands in a person's `unit`.
    code: String,
    name: String,
    /// `city district unit`.
    #[schema(value_type = String)]
    level: Level,
    /// The code of the node above.
    parent: Option<String>,
}

/// The units that one oversees, by code.
#[utoipa::path(get, path = "/api/v1/units", tag = "administrator", params(ByName),
    responses((status = 200, body = ListView<UnitView>), (status = 403)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<ByName>,
) -> Result<axum::Json<ListView<UnitView>>, Problem> {
    let limit = page_limit(params.limit);
    let (after, limit_and_one) = params.page(limit);
    let units = app.engine.units(&identity, Page { after, limit: limit_and_one }).await?;
    let more = units.len() > limit as usize;
    let view = |unit: Unit| UnitView { code: unit.code, name: unit.name, level: unit.level, parent: unit.parent };
    let items: Vec<UnitView> = units.into_iter().take(limit as usize).map(view).collect();
    let next = items.last().filter(|_| more).map(|unit| unit.code.clone());
    Ok(axum::Json(ListView { items, next }))
}

/// Units to be added or changed; a parent stands before its children, or is there already.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitsBody {
    units: Vec<UnitBody>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitBody {
    code: String,
    name: String,
    /// `city district unit`; of a unit that is there it stays.
    #[schema(value_type = String)]
    level: Level,
    /// Of a district a city, of a unit a district or a city.
    parent: Option<String>,
}

/// Adds units, and changes names and parents of those whose code is there.
#[utoipa::path(put, path = "/api/v1/units", tag = "administrator", request_body = UnitsBody,
    responses((status = 204), (status = 400), (status = 403)))]
async fn put(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<UnitsBody>,
) -> Result<StatusCode, Problem> {
    let unit = |unit: UnitBody| Unit { code: unit.code, name: unit.name, level: unit.level, parent: unit.parent };
    app.engine.put_units(&identity, body.units.into_iter().map(unit).collect()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a unit that nobody and no other unit belongs to.
#[utoipa::path(delete, path = "/api/v1/units/{code}", tag = "administrator", params(("code" = String, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409)))]
async fn remove(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    code: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(code) = code.map_err(|_| Problem::new("not_found"))?;
    app.engine.delete_unit(&identity, &code).await?;
    Ok(StatusCode::NO_CONTENT)
}
