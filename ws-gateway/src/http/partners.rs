//! Partner systems: their keys, and the tickets by which they send learners into lessons.

use super::attempts::limited;
use super::exams::page_limit;
use super::extract::{Id, Json, Params, SignedIn, WithKey};
use super::problem::Problem;
use super::tickets::TicketView;
use crate::app::App;
use crate::http::courses::ListView;
use axum::extract::State;
use axum::http::StatusCode;
use exam_core::Timestamp;
use exam_core::ids::{LessonId, PartnerId, PersonId};
use exam_service::{CreatedPartner, PartnerDraft};
use exam_store::PartnerRow;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Partners.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// What partners call.
pub fn ticket_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(mint))
}

/// A new partner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerBody {
    name: String,
    /// Where completions are told.
    #[serde(default)]
    webhook_url: Option<String>,
    /// The lessons its learners may be sent into; absent: all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    lessons: Option<Vec<LessonId>>,
}

/// A partner.
#[derive(Serialize, ToSchema)]
pub struct PartnerItem {
    id: String,
    name: String,
    webhook_url: Option<String>,
    lessons: Option<Vec<String>>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>)]
    revoked_at: Option<Timestamp>,
    /// Completions that wait to be told.
    waiting: u64,
    /// Completions that could not be told for weeks.
    given_up: u64,
}

/// A partner that was added.
#[derive(Serialize, ToSchema)]
pub struct NewPartnerView {
    #[serde(flatten)]
    partner: PartnerItem,
    /// For `Authorization: Bearer`; shown here and never again.
    key: String,
    /// Signs what is told; shown here and never again.
    webhook_secret: Option<String>,
}

/// Adds a partner.
#[utoipa::path(post, path = "/api/v1/partners", tag = "administrator", request_body = PartnerBody,
    responses((status = 201, body = NewPartnerView), (status = 400), (status = 403), (status = 409)))]
async fn create(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<PartnerBody>,
) -> Result<(StatusCode, axum::Json<NewPartnerView>), Problem> {
    let draft = PartnerDraft { name: body.name, webhook_url: body.webhook_url, lessons: body.lessons };
    let CreatedPartner { partner, key } = app.engine.create_partner(&identity, draft).await?;
    let webhook_secret = partner.webhook.as_ref().map(|webhook| webhook.secret.clone());
    Ok((StatusCode::CREATED, axum::Json(NewPartnerView { partner: item(partner, 0, 0), key, webhook_secret })))
}

/// A page of the list of partners.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PartnersParams {
    limit: Option<u32>,
    /// The name of the last partner of the page before.
    after: Option<String>,
}

/// The partners by name, revoked ones too.
#[utoipa::path(get, path = "/api/v1/partners", tag = "administrator", params(PartnersParams),
    responses((status = 200, body = ListView<PartnerItem>), (status = 403)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<PartnersParams>,
) -> Result<axum::Json<ListView<PartnerItem>>, Problem> {
    let mut found = app.engine.partners(&identity).await?;
    found.sort_by(|one, two| one.partner.name.cmp(&two.partner.name));
    let limit = page_limit(params.limit) as usize;
    let rest = found.into_iter().filter(|one| params.after.as_ref().is_none_or(|after| one.partner.name > *after));
    let mut items: Vec<PartnerItem> =
        rest.take(limit + 1).map(|found| item(found.partner, found.waiting, found.given_up)).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| last.name.clone());
    Ok(axum::Json(ListView { items, next }))
}

/// Ends what a partner's key opens, and the sockets it opened.
#[utoipa::path(delete, path = "/api/v1/partners/{partner}", tag = "administrator", params(("partner" = String, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn revoke(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(partner): Id<PartnerId>,
) -> Result<StatusCode, Problem> {
    app.engine.revoke_partner(&identity, partner).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom a partner sends where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerTicketBody {
    /// The learner's id or username.
    learner: String,
    /// The lesson's id.
    lesson: String,
}

/// Mints a lesson ticket for a learner, in the name of the partner whose key it is.
#[utoipa::path(post, path = "/api/v1/partner/tickets", tag = "session", request_body = PartnerTicketBody,
    responses((status = 201, body = TicketView), (status = 401), (status = 404)))]
async fn mint(
    State(app): State<Arc<App>>,
    WithKey(partner): WithKey,
    Json(body): Json<PartnerTicketBody>,
) -> Result<(StatusCode, axum::Json<TicketView>), Problem> {
    // A partner has as many learners as a hall: its own allowance is that of an account's requests.
    limited(app.rates.request(PersonId(partner.partner.id.0)))?;
    let lesson = LessonId::parse(&body.lesson).ok_or_else(|| Problem::new("not_found"))?;
    let (ticket, expires_at) = app.engine.mint_partner_ticket(&partner, &body.learner, lesson).await?;
    Ok((StatusCode::CREATED, axum::Json(TicketView { ticket, expires_at })))
}

fn item(row: PartnerRow, waiting: u64, given_up: u64) -> PartnerItem {
    PartnerItem {
        id: row.id.to_string(),
        name: row.name,
        webhook_url: row.webhook.map(|webhook| webhook.url),
        lessons: row.lessons.map(|lessons| lessons.iter().map(ToString::to_string).collect()),
        created_at: row.created_at,
        revoked_at: row.revoked_at,
        waiting,
        given_up,
    }
}
