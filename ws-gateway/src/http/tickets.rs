//! Tickets: a single-use pass for a socket, so that no token ever stands in a URL.

use super::attempts::limited;
use super::extract::{Json, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::http::StatusCode;
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::ids::{AttemptId, ExamId, LessonId};
use exam_service::Purpose;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Tickets.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(mint))
}

/// What for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketBody {
    /// `lesson attempt proctor`.
    purpose: PurposeName,
    /// The lesson's, attempt's or exam's id.
    id: String,
}

/// The name of a purpose.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PurposeName {
    Lesson,
    Attempt,
    Proctor,
}

/// A ticket.
#[derive(Serialize, ToSchema)]
pub struct TicketView {
    pub(super) ticket: String,
    #[schema(value_type = String, format = DateTime)]
    pub(super) expires_at: Timestamp,
}

/// Mints a ticket for something the caller may watch.
#[utoipa::path(post, path = "/api/v1/tickets", tag = "session", request_body = TicketBody,
    responses((status = 201, body = TicketView), (status = 403), (status = 404)))]
async fn mint(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<TicketBody>,
) -> Result<(StatusCode, axum::Json<TicketView>), Problem> {
    limited(app.rates.request(identity.id()))?;
    let purpose = match body.purpose {
        PurposeName::Lesson => LessonId::parse(&body.id).map(Purpose::Lesson),
        PurposeName::Attempt => AttemptId::parse(&body.id).map(Purpose::Attempt),
        PurposeName::Proctor => {
            // Whoever may not is told so, whether or not there is such an exam.
            identity.may(Act::Proctor)?;
            ExamId::parse(&body.id).map(Purpose::Proctor)
        }
    };
    let purpose = purpose.ok_or_else(|| Problem::new("not_found"))?;
    let (ticket, expires_at) = app.engine.mint_ticket(&identity, purpose).await?;
    Ok((StatusCode::CREATED, axum::Json(TicketView { ticket, expires_at })))
}
