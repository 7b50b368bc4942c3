//! Proctors: sessions, timelines, acts.

use super::attempts::replayed;
use super::courses::ListView;
use super::exams::page_limit;
use super::extract::{Id, Json, Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use exam_core::Timestamp;
use exam_core::attempt::{Mode, ProctorAction, StepRow};
use exam_core::ids::{AttemptId, ExamId};
use exam_service::{ActOutcome, SessionView, TimelineView};
use exam_store::attempts::AttemptFilter;
use exam_store::{AttemptState, Page};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Watching and acting.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(sessions)).routes(routes!(timeline)).routes(routes!(act))
}

/// Which sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SessionParams {
    /// `open paused submitted expired terminated`.
    state: Option<String>,
    /// `exam` or `practice`; absent: exam.
    #[param(value_type = Option<String>)]
    mode: Option<Mode>,
    limit: Option<u32>,
    /// The last attempt of the page before.
    after: Option<String>,
}

/// One attempt at an exam.
#[derive(Serialize, ToSchema)]
pub struct SessionRowView {
    attempt: String,
    learner: String,
    learner_name: String,
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
    answered: u32,
    /// Sum of the integrity flags' weights; a hint, never a verdict.
    integrity_score: u32,
    flags: u32,
    signals: Option<u32>,
    focus_losses: Option<u32>,
    #[schema(value_type = Option<String>)]
    last_at: Option<Timestamp>,
}

/// Where a page of attempts begins.
pub fn attempt_after(text: Option<&str>) -> Result<Option<AttemptId>, Problem> {
    let read =
        |text| AttemptId::parse(text).ok_or_else(|| Problem::field("/query/after", "不是有效的游标 / not a cursor"));
    text.map(read).transpose()
}

/// The attempts at an exam, newest first; of the people whom one oversees, unless a proctor asks.
#[utoipa::path(get, path = "/api/v1/exams/{exam}/sessions", tag = "proctor",
    params(("exam" = String, Path), SessionParams),
    responses((status = 200, body = ListView<SessionRowView>), (status = 403), (status = 404)))]
async fn sessions(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Params(params): Params<SessionParams>,
) -> Result<axum::Json<ListView<SessionRowView>>, Problem> {
    let filter =
        AttemptFilter { mode: Some(params.mode.unwrap_or(Mode::Exam)), state: state(params.state.as_deref())? };
    let after = attempt_after(params.after.as_deref())?;
    let limit = page_limit(params.limit);
    let found = app.engine.exam_sessions(&identity, exam, filter, Page { after, limit: limit + 1 }).await?;
    let more = found.len() > limit as usize;
    let items: Vec<SessionRowView> = found.into_iter().take(limit as usize).map(row_view).collect();
    let next = items.last().filter(|_| more).map(|row| row.attempt.clone());
    Ok(axum::Json(ListView { items, next }))
}

fn state(name: Option<&str>) -> Result<Option<AttemptState>, Problem> {
    let Some(name) = name else { return Ok(None) };
    let state = AttemptState::parse(name);
    state.map(Some).ok_or_else(|| {
        Problem::field(
            "/query/state",
            "可用值：open paused submitted expired terminated / give one of open paused submitted expired terminated",
        )
    })
}

/// Puts a row into the protocol's words.
pub fn row_view(view: SessionView) -> SessionRowView {
    let row = view.row;
    SessionRowView {
        attempt: row.id.to_string(),
        learner: row.learner.to_string(),
        learner_name: view.learner_name,
        mode: row.mode,
        number: row.number,
        state: row.state.name(),
        started_at: row.started_at,
        deadline: row.deadline,
        closed_at: row.closed_at,
        answered: row.answered,
        integrity_score: row.integrity_score,
        flags: row.flags,
        signals: view.signals,
        focus_losses: view.focus_losses,
        last_at: view.last_at,
    }
}

/// Everything that happened to an attempt.
#[derive(Serialize, ToSchema)]
pub struct TimelineBody {
    attempt: String,
    exam: String,
    learner: String,
    learner_name: String,
    #[schema(value_type = String)]
    mode: Mode,
    state: &'static str,
    /// Where its case stands; `null` while there is none.
    case: Option<&'static str>,
    integrity_score: u32,
    flags: u32,
    events: Vec<EventView>,
}

/// One step.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    seq: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who; `null` is the server itself.
    actor: Option<String>,
    actor_name: Option<String>,
    node: u16,
    /// What happened: `{"t": "answered", …}`. The paper of the first step is left out.
    #[schema(value_type = Object)]
    event: Box<RawValue>,
    /// The chain up to here, in hexadecimal.
    hash: String,
}

/// An attempt's whole log.
#[utoipa::path(get, path = "/api/v1/attempts/{attempt}/timeline", tag = "proctor", params(("attempt" = String, Path)),
    responses((status = 200, body = TimelineBody), (status = 403), (status = 404)))]
async fn timeline(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(attempt): Id<AttemptId>,
) -> Result<axum::Json<TimelineBody>, Problem> {
    let view = app.engine.timeline(&identity, attempt).await?;
    Ok(axum::Json(TimelineBody {
        attempt: view.attempt.id.to_string(),
        exam: view.attempt.exam.to_string(),
        learner: view.attempt.learner.to_string(),
        learner_name: view.learner_name.clone(),
        mode: view.attempt.mode,
        state: view.attempt.phase.name(),
        case: view.attempt.case.as_ref().map(|case| case.state.name()),
        integrity_score: view.attempt.observer.score(),
        flags: view.attempt.observer.flag_count(),
        events: view.rows.iter().filter_map(|row| event_view(&view, row)).collect(),
    }))
}

/// `None` for a body that is no JSON, which the fold before it would have refused.
fn event_view(view: &TimelineView, row: &StepRow) -> Option<EventView> {
    let body = if row.seq == 1 { without_paper(&row.body)? } else { row.body.clone() };
    EventView::new(row, row.actor.and_then(|actor| view.names.get(&actor).cloned()), body)
}

impl EventView {
    /// A step of any log, with the body that may be shown; `None` if that is no JSON.
    pub(super) fn new<L>(row: &StepRow<L>, actor_name: Option<String>, body: String) -> Option<Self> {
        Some(Self {
            seq: row.seq,
            at: row.at,
            actor: row.actor.map(|actor| actor.to_string()),
            actor_name,
            node: row.node,
            event: RawValue::from_string(body).ok()?,
            hash: hex::encode(row.hash),
        })
    }
}

fn without_paper(body: &str) -> Option<String> {
    let mut value: serde_json::Value = serde_json::from_str(body).ok()?;
    let object = value.as_object_mut()?;
    for heavy in ["paper", "avoided_earlier", "avoided_capped", "choice"] {
        object.remove(heavy);
    }
    serde_json::to_string(&value).ok()
}

/// An act.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActBody {
    command_id: Uuid,
    /// `warn pause resume extend terminate`.
    action: ActName,
    /// Why, in words; the learner's timeline names the person who acted.
    reason: String,
    /// For `extend`.
    minutes: Option<u32>,
}

/// The name of an act.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "see exam_core::attempt::ProctorAction")]
pub enum ActName {
    Warn,
    Pause,
    Resume,
    Extend,
    Terminate,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct ActView {
    attempt: String,
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    deadline: Timestamp,
    seq: u32,
}

/// Acts on an attempt, in the name of the signed-in proctor.
#[utoipa::path(post, path = "/api/v1/attempts/{attempt}/actions", tag = "proctor", params(("attempt" = String, Path)),
    request_body = ActBody, responses((status = 200, body = ActView), (status = 403), (status = 409)))]
async fn act(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(attempt): Id<AttemptId>,
    Json(body): Json<ActBody>,
) -> Result<Response, Problem> {
    let action = match (body.action, body.minutes) {
        (ActName::Extend, Some(minutes)) => ProctorAction::Extend { minutes },
        (ActName::Extend, None) => {
            return Err(Problem::field("/minutes", "请填写延长的分钟数 / say how many minutes to extend by"));
        }
        (_, Some(_)) => return Err(Problem::field("/minutes", "只有 extend 需要 minutes / only extend takes minutes")),
        (ActName::Warn, None) => ProctorAction::Warn,
        (ActName::Pause, None) => ProctorAction::Pause,
        (ActName::Resume, None) => ProctorAction::Resume,
        (ActName::Terminate, None) => ProctorAction::Terminate,
    };
    let ActOutcome { attempt: view, replayed: again } =
        app.engine.act(&identity, attempt, body.command_id, action, body.reason).await?;
    let body =
        ActView { attempt: attempt.to_string(), state: view.phase.name(), deadline: view.deadline, seq: view.seq };
    Ok(replayed(axum::Json(body).into_response(), again))
}
