//! The signed-in person: who they are, their attempts, their password.

use super::attempts::limited;
use super::courses::ListView;
use super::exams::page_limit;
use super::extract::{ClientAddress, Json, Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::http::StatusCode;
use exam_core::Timestamp;
use exam_core::attempt::Mode;
use exam_core::id_number;
use exam_core::person::Roles;
use exam_service::{EngineError, OwnAttempt};
use question_bank::Points;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The signed-in person.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(me)).routes(routes!(attempts)).routes(routes!(change_password))
}

/// A person, as they see themselves.
#[derive(Serialize, ToSchema)]
pub struct MeView {
    id: String,
    username: String,
    name: String,
    #[schema(value_type = Vec<String>)]
    roles: Roles,
    unit: Option<String>,
    /// Masked: the first six and the last four characters.
    id_number: Option<String>,
    must_change_password: bool,
}

/// The signed-in person.
#[utoipa::path(get, path = "/api/v1/me", tag = "learner", responses((status = 200, body = MeView), (status = 401)))]
async fn me(State(app): State<Arc<App>>, SignedIn(identity): SignedIn) -> Result<axum::Json<MeView>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let person = &identity.person;
    Ok(axum::Json(MeView {
        id: person.id.to_string(),
        username: person.username.clone(),
        name: person.name.clone(),
        roles: person.roles,
        unit: person.unit.clone(),
        id_number: person.id_number.as_deref().map(id_number::mask),
        must_change_password: person.must_change_password,
    }))
}

/// A page of one's own attempts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AttemptsParams {
    limit: Option<u32>,
    /// The last attempt of the page before.
    after: Option<String>,
}

/// One's own attempt, without its paper.
#[derive(Serialize, ToSchema)]
pub struct OwnAttemptView {
    attempt: String,
    exam: String,
    exam_title: String,
    course_title: String,
    #[schema(value_type = String)]
    mode: Mode,
    number: u32,
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    deadline: Timestamp,
    #[schema(value_type = Option<String>)]
    closed_at: Option<Timestamp>,
    /// Whether the result is released.
    released: bool,
    /// `null` until released, and where the review policy keeps it.
    #[schema(value_type = Option<f64>)]
    score: Option<Points>,
    /// `null` in practice, whose papers may be of the learner's own choice.
    #[schema(value_type = Option<f64>)]
    max_score: Option<Points>,
    /// `null` until released.
    passed: Option<bool>,
    /// 0 unless passed and released.
    #[schema(value_type = f64)]
    hours_granted: Points,
    /// Whether a person decided that it does not count; the result says why.
    invalidated: bool,
}

/// The signed-in person's attempts at all exams, newest first.
#[utoipa::path(get, path = "/api/v1/me/attempts", tag = "learner", params(AttemptsParams),
    responses((status = 200, body = ListView<OwnAttemptView>)))]
async fn attempts(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<AttemptsParams>,
) -> Result<axum::Json<ListView<OwnAttemptView>>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let found = app.engine.own_attempts(&identity).await?;
    let before = params.after.as_ref().map_or(0, |after| {
        found.iter().position(|own| own.row.id.to_string() == *after).map_or(found.len(), |place| place + 1)
    });
    let limit = page_limit(params.limit) as usize;
    let more = found.len() > before + limit;
    let items: Vec<OwnAttemptView> = found.iter().skip(before).take(limit).map(own_attempt).collect();
    let next = items.last().filter(|_| more).map(|own| own.attempt.clone());
    Ok(axum::Json(ListView { items, next }))
}

fn own_attempt(own: &OwnAttempt) -> OwnAttemptView {
    let (row, exam) = (&own.row, &own.exam.exam);
    OwnAttemptView {
        attempt: row.id.to_string(),
        exam: row.exam.to_string(),
        exam_title: exam.title.clone(),
        course_title: own.exam.course.title.clone(),
        mode: row.mode,
        number: row.number,
        state: row.state.name(),
        started_at: row.started_at,
        deadline: row.deadline,
        closed_at: row.closed_at,
        released: own.released,
        score: row.score.filter(|_| own.score),
        max_score: (row.mode == Mode::Exam).then(|| exam.rules.blueprint.points_total()),
        passed: row.passed.filter(|_| own.released),
        hours_granted: if own.released { row.hours } else { Points::ZERO },
        invalidated: row.invalidated,
    }
}

/// A change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    /// The present one.
    password: String,
    /// 8 to 128 characters.
    new_password: String,
}

/// Changes one's own password; all other sessions of the person end.
#[utoipa::path(post, path = "/api/v1/me/password", tag = "session", request_body = PasswordBody,
    responses((status = 204), (status = 400), (status = 401)))]
async fn change_password(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    ClientAddress(address): ClientAddress,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode, Problem> {
    limited(app.rates.start(identity.id(), address))?;
    // A session that was taken over must not become a place to guess the password without end.
    let username = &identity.person.username;
    limited(app.rates.before_sign_in(username, address))?;
    let changed = app.engine.change_password(&identity, body.password, body.new_password).await;
    if matches!(&changed, Err(EngineError::Invalid(faults)) if faults.iter().any(|fault| fault.pointer == "/password"))
    {
        app.rates.failed_sign_in(username, address);
    }
    changed?;
    Ok(StatusCode::NO_CONTENT)
}
