//! Cases: attempts that people have to look at. A case is named by the attempt it is about.

use super::attempts::replayed;
use super::courses::ListView;
use super::exams::page_limit;
use super::extract::{Id, Json, Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use exam_core::Timestamp;
use exam_core::attempt::{Attempt, CaseCause, CaseEntry, CaseState, Decision, Step, StepBody, command::Actor};
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_service::{CaseFile, CaseLine, CaseOutcome};
use exam_store::Page;
use exam_store::attempts::CaseFilter;
use question_bank::Points;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Looking at cases and deciding them.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(cases)).routes(routes!(case)).routes(routes!(decide)).routes(routes!(open))
}

/// Which cases.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CaseParams {
    /// `open second_review cleared confirmed`.
    state: Option<String>,
    /// Of attempts at this exam.
    exam: Option<String>,
    limit: Option<u32>,
    /// The last case of the page before.
    after: Option<String>,
}

/// One line of the list of cases.
#[derive(Serialize, ToSchema)]
pub struct CaseLineView {
    case: String,
    attempt: String,
    exam: String,
    exam_title: String,
    learner: String,
    learner_name: String,
    /// `open second_review cleared confirmed`.
    state: &'static str,
    /// Sum of the integrity flags' weights; a hint, never a verdict.
    integrity_score: u32,
    flags: u32,
    attempt_state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    #[schema(value_type = Option<String>)]
    closed_at: Option<Timestamp>,
    passed: Option<bool>,
    #[schema(value_type = f64)]
    hours_granted: Points,
}

/// The cases, those of the newest attempts first.
#[utoipa::path(get, path = "/api/v1/cases", tag = "proctor", params(CaseParams),
    responses((status = 200, body = ListView<CaseLineView>), (status = 400), (status = 403)))]
async fn cases(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<CaseParams>,
) -> Result<axum::Json<ListView<CaseLineView>>, Problem> {
    let filter = CaseFilter { state: state(params.state.as_deref())?, exam: exam(params.exam.as_deref())? };
    let after = params.after.as_deref().map(|text| {
        AttemptId::parse(text).ok_or_else(|| Problem::field("/query/after", "不是有效的游标 / not a cursor"))
    });
    let limit = page_limit(params.limit);
    let found = app.engine.cases(&identity, filter, Page { after: after.transpose()?, limit: limit + 1 }).await?;
    let more = found.len() > limit as usize;
    let items: Vec<CaseLineView> = found.into_iter().take(limit as usize).map(line_view).collect();
    let next = items.last().filter(|_| more).map(|line| line.case.clone());
    Ok(axum::Json(ListView { items, next }))
}

fn state(name: Option<&str>) -> Result<Option<CaseState>, Problem> {
    let Some(name) = name else { return Ok(None) };
    CaseState::parse(name).map(Some).ok_or_else(|| {
        Problem::field(
            "/query/state",
            "可用值：open second_review cleared confirmed / give one of open second_review cleared confirmed",
        )
    })
}

fn exam(id: Option<&str>) -> Result<Option<ExamId>, Problem> {
    let Some(id) = id else { return Ok(None) };
    ExamId::parse(id).map(Some).ok_or_else(|| Problem::field("/query/exam", "不是考试的编号 / not the id of an exam"))
}

fn line_view(line: CaseLine) -> CaseLineView {
    let CaseLine { row, mark, learner_name, exam_title } = line;
    CaseLineView {
        case: row.id.to_string(),
        attempt: row.id.to_string(),
        exam: row.exam.to_string(),
        exam_title,
        learner: row.learner.to_string(),
        learner_name,
        state: mark.state.name(),
        integrity_score: row.integrity_score,
        flags: row.flags,
        attempt_state: row.state.name(),
        opened_at: mark.opened_at,
        closed_at: row.closed_at,
        passed: row.passed,
        hours_granted: row.hours,
    }
}

/// A case with its evidence.
#[derive(Serialize, ToSchema)]
pub struct CaseView {
    case: String,
    attempt: String,
    exam: String,
    exam_title: String,
    learner: String,
    learner_name: String,
    /// `open second_review cleared confirmed`.
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    cause: CauseView,
    /// The attempt's number in exam mode.
    number: u32,
    attempt_state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>)]
    closed_at: Option<Timestamp>,
    answered: u32,
    #[schema(value_type = Option<f64>)]
    score: Option<Points>,
    #[schema(value_type = Option<f64>)]
    max_score: Option<Points>,
    passed: Option<bool>,
    #[schema(value_type = f64)]
    hours_granted: Points,
    /// Sum of the integrity flags' weights; a hint, never a verdict.
    integrity_score: u32,
    /// What was noticed, in its order.
    flags: Vec<FlagView>,
    /// Where it was taken from: the first, and every change.
    origins: Vec<OriginView>,
    /// What proctors did, in its order.
    acts: Vec<ActView>,
    /// What was decided, oldest first.
    decisions: Vec<DecisionView>,
    /// Whether the signed-in person may decide it now; why not is told on trying.
    decidable: bool,
    /// Where the whole log is.
    timeline: String,
}

/// What opened a case.
#[derive(Serialize, ToSchema)]
pub struct CauseView {
    /// `score terminated person`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Something that the server noticed.
#[derive(Serialize, ToSchema)]
pub struct FlagView {
    seq: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = String)]
    kind: exam_core::integrity::FlagKind,
    weight: u32,
    version: String,
    /// Why, in words.
    reason: String,
    slot: Option<u32>,
}

/// Where commands came from, from this step on.
#[derive(Serialize, ToSchema)]
pub struct OriginView {
    seq: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    address: String,
    /// A digest of the browser's name.
    agent: String,
    /// A digest of the sign-in.
    device: String,
}

/// What a proctor did.
#[derive(Serialize, ToSchema)]
pub struct ActView {
    seq: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `warn pause resume extend terminate`.
    action: &'static str,
    by: Option<String>,
    by_name: Option<String>,
    reason: String,
}

/// A decision, or that a decided case was taken up again.
#[derive(Serialize, ToSchema)]
pub struct DecisionView {
    /// The number of its step in the attempt's log.
    seq: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `cleared confirmed second_review`, or `reopened`.
    decision: &'static str,
    reason: String,
    by: Option<String>,
    by_name: Option<String>,
    /// What it did to the learner's hours: negative when it took them back.
    #[schema(value_type = f64)]
    hours: Points,
}

/// One case.
#[utoipa::path(get, path = "/api/v1/cases/{case}", tag = "proctor", params(("case" = String, Path)),
    responses((status = 200, body = CaseView), (status = 403), (status = 404)))]
async fn case(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(case): Id<AttemptId>,
) -> Result<axum::Json<CaseView>, Problem> {
    let file = app.engine.case(&identity, case).await?;
    Ok(axum::Json(case_view(&file, identity.id())))
}

fn case_view(file: &CaseFile, reader: PersonId) -> CaseView {
    let CaseFile { log, steps, case, exam_title } = file;
    let attempt = &log.attempt;
    let grade = attempt.grade();
    CaseView {
        case: attempt.id.to_string(),
        attempt: attempt.id.to_string(),
        exam: attempt.exam.to_string(),
        exam_title: exam_title.clone(),
        learner: attempt.learner.to_string(),
        learner_name: log.learner_name.clone(),
        state: case.state.name(),
        opened_at: case.opened_at,
        cause: cause_view(&case.cause, &log.names),
        number: attempt.number,
        attempt_state: attempt.phase.name(),
        started_at: attempt.started_at,
        closed_at: attempt.phase.closed_at(),
        answered: attempt.answered() as u32,
        score: grade.map(|grade| grade.score),
        max_score: grade.map(|grade| grade.max_score),
        passed: attempt.passed(),
        hours_granted: attempt.hours_granted,
        integrity_score: attempt.observer.score(),
        flags: steps.iter().filter_map(flag_view).collect(),
        origins: steps.iter().filter_map(origin_view).collect(),
        acts: steps.iter().filter_map(|step| act_view(step, &log.names)).collect(),
        decisions: case.record.iter().map(|entry| decision_view(entry, &log.names)).collect(),
        decidable: decidable(attempt, reader),
        timeline: format!("/api/v1/attempts/{}/timeline", attempt.id),
    }
}

fn cause_view(cause: &CaseCause, names: &HashMap<PersonId, String>) -> CauseView {
    let plain = |kind| CauseView { kind, by: None, by_name: None, reason: None };
    match cause {
        CaseCause::Score => plain("score"),
        CaseCause::Terminated => plain("terminated"),
        CaseCause::Person { by, reason } => CauseView {
            kind: "person",
            by: Some(by.to_string()),
            by_name: names.get(by).cloned(),
            reason: Some(reason.clone()),
        },
    }
}

fn flag_view(step: &Step) -> Option<FlagView> {
    let StepBody::Flagged(flag) = &step.body else { return None };
    Some(FlagView {
        seq: step.seq,
        at: step.at,
        kind: flag.kind,
        weight: flag.weight,
        version: flag.version.clone(),
        reason: flag.reason.clone(),
        slot: flag.slot,
    })
}

fn origin_view(step: &Step) -> Option<OriginView> {
    let origin = match &step.body {
        StepBody::Started(started) => started.origin.as_ref()?,
        StepBody::Origin(origin) => origin,
        _ => return None,
    };
    Some(OriginView {
        seq: step.seq,
        at: step.at,
        address: origin.address.clone(),
        agent: origin.agent.clone(),
        device: origin.device.clone(),
    })
}

fn act_view(step: &Step, names: &HashMap<PersonId, String>) -> Option<ActView> {
    let (action, reason) = match &step.body {
        StepBody::Warned { reason } => ("warn", reason),
        StepBody::Paused { reason } => ("pause", reason),
        StepBody::Resumed { reason, .. } => ("resume", reason),
        StepBody::Extended { reason, .. } => ("extend", reason),
        StepBody::Terminated { reason } => ("terminate", reason),
        _ => return None,
    };
    let by = match step.actor {
        Actor::Person(person) => Some(person),
        Actor::System => None,
    };
    Some(ActView {
        seq: step.seq,
        at: step.at,
        action,
        by: by.map(|by| by.to_string()),
        by_name: by.and_then(|by| names.get(&by).cloned()),
        reason: reason.clone(),
    })
}

fn decision_view(entry: &CaseEntry, names: &HashMap<PersonId, String>) -> DecisionView {
    DecisionView {
        seq: entry.seq,
        at: entry.at,
        decision: entry.decision.map_or("reopened", Decision::name),
        reason: entry.reason.clone(),
        by: entry.by.map(|by| by.to_string()),
        by_name: entry.by.and_then(|by| names.get(&by).cloned()),
        hours: entry.hours,
    }
}

/// As `decide` of the rules has it, for a form that is not shown in vain.
fn decidable(attempt: &Attempt, reader: PersonId) -> bool {
    let waits = |case: &exam_core::attempt::Case| match case.state {
        CaseState::Open => true,
        CaseState::SecondReview => !case.knows(reader),
        CaseState::Cleared | CaseState::Confirmed => false,
    };
    attempt.phase.closed_at().is_some() && attempt.learner != reader && attempt.case.as_deref().is_some_and(waits)
}

/// A decision on a case.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    command_id: Uuid,
    /// `cleared confirmed second_review`.
    #[schema(value_type = String)]
    decision: Decision,
    /// Why, in words. Of `confirmed` the learner reads it.
    reason: String,
}

/// What became of an act on a case.
#[derive(Serialize, ToSchema)]
pub struct CaseOutcomeView {
    case: String,
    attempt: String,
    /// Where the case stands after it.
    state: &'static str,
    /// `cleared confirmed second_review`, `reopened` or `opened`.
    decision: &'static str,
    reason: String,
    /// The number of its step in the attempt's log.
    seq: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    by: Option<String>,
    by_name: String,
    /// What it did to the learner's hours: negative when it took them back.
    #[schema(value_type = f64)]
    hours: Points,
}

/// Decides a case, in the name of the signed-in person.
#[utoipa::path(post, path = "/api/v1/cases/{case}/decisions", tag = "proctor", params(("case" = String, Path)),
    request_body = DecisionBody,
    responses((status = 200, body = CaseOutcomeView), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn decide(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(case): Id<AttemptId>,
    Json(body): Json<DecisionBody>,
) -> Result<Response, Problem> {
    let outcome = app.engine.decide_case(&identity, case, body.command_id, body.decision, body.reason).await?;
    Ok(outcome_response(StatusCode::OK, &outcome))
}

/// Asks for a look at an attempt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenBody {
    command_id: Uuid,
    /// Why, in words.
    reason: String,
}

/// Opens a case, or takes a decided one up again.
#[utoipa::path(post, path = "/api/v1/attempts/{attempt}/case", tag = "proctor", params(("attempt" = String, Path)),
    request_body = OpenBody,
    responses((status = 201, body = CaseOutcomeView), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn open(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(attempt): Id<AttemptId>,
    Json(body): Json<OpenBody>,
) -> Result<Response, Problem> {
    let outcome = app.engine.open_case(&identity, attempt, body.command_id, body.reason).await?;
    Ok(outcome_response(StatusCode::CREATED, &outcome))
}

/// The result of the act itself, which a repeat gets again whatever was decided since.
fn outcome_response(status: StatusCode, outcome: &CaseOutcome) -> Response {
    replayed((status, axum::Json(outcome_view(outcome))).into_response(), outcome.replayed)
}

fn outcome_view(outcome: &CaseOutcome) -> CaseOutcomeView {
    let (state, decision) = match &outcome.entry {
        Some(CaseEntry { decision: Some(decision), .. }) => (decision.leads_to(), decision.name()),
        Some(CaseEntry { decision: None, .. }) => (CaseState::SecondReview, "reopened"),
        None => (CaseState::Open, "opened"),
    };
    let opened = outcome.attempt.case.as_deref().map(|case| &case.cause);
    let reason = match (&outcome.entry, opened) {
        (Some(entry), _) => entry.reason.clone(),
        (None, Some(CaseCause::Person { reason, .. })) => reason.clone(),
        (None, _) => String::new(),
    };
    CaseOutcomeView {
        case: outcome.attempt.id.to_string(),
        attempt: outcome.attempt.id.to_string(),
        state: state.name(),
        decision,
        reason,
        seq: outcome.seq,
        at: outcome.at,
        by: outcome.by.map(|by| by.to_string()),
        by_name: outcome.by_name.clone(),
        hours: outcome.entry.as_ref().map_or(Points::ZERO, |entry| entry.hours),
    }
}
