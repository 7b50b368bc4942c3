//! Tickets: a single-use pass for a socket, so that no token ever stands in a URL.

use super::attempts::limited;
use super::extract::{Json, SignedIn};
use super::problem::Problem;
use crate::app::App;
use crate::limits::{TICKET_LIFETIME, TICKETS_MAX};
use crate::stream::hub::About;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::ids::{AttemptId, ExamId};
use exam_service::Identity;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Tickets.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(mint))
}

/// What a ticket is for, checked when it was minted.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// Watching one's own attempt.
    Attempt(AttemptId),
    /// Watching an exam.
    Proctor(ExamId),
}

impl Purpose {
    /// What a socket with it is about.
    #[must_use]
    pub const fn about(&self) -> About {
        match self {
            Self::Attempt(id) => About::Attempt(*id),
            Self::Proctor(_) => About::Exam,
        }
    }
}

/// Tickets that wait to be used: 256 random bits each, thirty seconds at most, known to nobody but whoever asked.
pub struct Tickets(Cache<[u8; 32], (Identity, Purpose)>);

impl Tickets {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Cache::builder().max_capacity(TICKETS_MAX).time_to_live(TICKET_LIFETIME).build())
    }

    fn mint(&self, identity: Identity, purpose: Purpose) -> String {
        let ticket: [u8; 32] = rand::random();
        self.0.insert(ticket, (identity, purpose));
        URL_SAFE_NO_PAD.encode(ticket)
    }

    /// Uses a ticket up.
    pub fn redeem(&self, ticket: &str) -> Option<(Identity, Purpose)> {
        let ticket: [u8; 32] = URL_SAFE_NO_PAD.decode(ticket).ok()?.try_into().ok()?;
        self.0.remove(&ticket)
    }
}

impl Default for Tickets {
    fn default() -> Self {
        Self::new()
    }
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
    ticket: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
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
    let not_found = || Problem::new("not_found");
    let purpose = match body.purpose {
        PurposeName::Attempt => {
            let attempt = AttemptId::parse(&body.id).ok_or_else(not_found)?;
            app.engine.read_attempt(&identity, attempt, |_, _| ()).await?;
            Purpose::Attempt(attempt)
        }
        PurposeName::Proctor => {
            identity.may(Act::Proctor)?;
            let exam = ExamId::parse(&body.id).ok_or_else(not_found)?;
            app.engine.learner_exam(&identity, exam).await?;
            Purpose::Proctor(exam)
        }
        // No lesson of that id.
        PurposeName::Lesson => return Err(not_found()),
    };
    let expires_at = app.engine.now().plus_ms(TICKET_LIFETIME.as_millis() as i64);
    let ticket = app.tickets.mint(identity, purpose);
    Ok((StatusCode::CREATED, axum::Json(TicketView { ticket, expires_at })))
}
