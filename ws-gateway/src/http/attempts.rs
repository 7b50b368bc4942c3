//! Attempts: start, resume, answer, signals, submission, result.

use super::extract::{From, Id, Json, SignedIn};
use super::layers::{admitted_one, around_one};
use super::problem::{Problem, QUEUE_TICKET};
use super::views::{ReceiptView, ResultView, attempt_json, result_view};
use crate::admission::Class;
use crate::app::App;
use crate::limits::BODY_BYTES_MAX;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use exam_core::Timestamp;
use exam_core::attempt::{AnswerInput, ClientSignal, Mode, SignalKind};
use exam_core::ids::{AttemptId, ExamId};
use exam_core::integrity::Origin;
use exam_core::limits::{BATCH_ANSWERS_MAX, BATCH_SIGNALS_MAX, SIGNAL_DETAIL_CHARS_MAX};
use exam_service::{AnswerOutcome, EngineError, Identity, PracticeOf, StartedAttempt, Wanted};
use question_bank::{Response as Said, TopicPath};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Said of a repeated command's response.
const REPLAYED: &str = "idempotency-replayed";

/// Saving one answer.
pub fn answer_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(put_answer))
}

/// Saving what was kept while offline.
pub fn batch_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(post_answers))
}

/// Handing in.
pub fn submit_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(submit))
}

/// Coming back.
pub fn resume_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_attempt)).routes(routes!(get_result))
}

/// Beginning.
pub fn start_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(start))
}

/// What the client observed.
pub fn telemetry_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(post_signals))
}

/// A start.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartBody {
    /// Made by the client; a repeat gets the first result.
    command_id: Uuid,
    /// `exam` or `practice`.
    #[schema(value_type = String, example = "exam")]
    mode: Mode,
    /// In practice: only questions of these topics, see `GET /exams/{exam}/topics`.
    topics: Option<Vec<String>>,
    /// In practice: `notebook`, only questions that stand in the notebook of wrong answers.
    from: Option<PracticeSource>,
    /// In practice: how many questions, 20 unless told otherwise; instead of what the exam's paper is made of.
    count: Option<u32>,
}

/// Questions of a practice of one's own choice, unless told otherwise.
const PRACTICE_SLOTS: u32 = 20;

/// Where the questions of a practice come from.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PracticeSource {
    /// The notebook of wrong answers.
    Notebook,
}

impl StartBody {
    fn wanted(&self) -> Result<Wanted, Problem> {
        let count = self.count.unwrap_or(PRACTICE_SLOTS);
        let practice = match (&self.topics, self.from) {
            (Some(_), Some(_)) => {
                let detail = "topics 与 from 只能填一个 / give either topics or from";
                return Err(Problem::field("/topics", detail));
            }
            (None, Some(PracticeSource::Notebook)) => Some(PracticeOf::Notebook { count }),
            (None, None) if self.count.is_none() => None,
            (topics, None) => {
                let topics = topics.iter().flatten().map(|topic| TopicPath::parse(topic)).collect();
                Some(PracticeOf::Topics { topics, count })
            }
        };
        Ok(Wanted { mode: self.mode, practice })
    }
}

/// Starts an attempt. Where more start than the server can take on, the start waits in a queue: ask again
/// after `retry_after_ms` with the same `command_id` and the ticket. The clock starts with the paper.
#[utoipa::path(post, path = "/api/v1/exams/{exam}/attempts", tag = "learner",
    params(("exam" = String, Path), ("keju-queue" = Option<String>, Header, description = "the ticket of a place in the queue")),
    request_body = StartBody,
    responses((status = 201, description = "the attempt"), (status = 409, description = "a rule forbids it"), (status = 404),
        (status = 429, description = "`queued`: `position`, `retry_after_ms` and `ticket`, the ticket also as header `Keju-Queue`"),
        (status = 503, description = "`overloaded`: the queue is full")))]
async fn start(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    From(origin, address): From,
    headers: HeaderMap,
    Json(body): Json<StartBody>,
) -> Result<Response, Problem> {
    let queued = app.queue.stands(identity.id());
    // Asking again, as it is told to, is no other start.
    let allowance = if queued { app.rates.request(identity.id()) } else { app.rates.start(identity.id(), address) };
    limited(allowance)?;
    let started = match app.queue.enter(identity.id(), app.engine.now()) {
        Some(place) => {
            let started = app.engine.start(&identity, exam, body.command_id, body.wanted()?, &origin).await;
            match &started {
                Ok(_) => place.started(),
                Err(EngineError::Overloaded | EngineError::Store(_)) => place.give_back(app.engine.now()),
                Err(_) => drop(place),
            }
            started?
        }
        None => wait_to_start(&app, &identity, exam, &body, &origin, &headers, queued).await?,
    };
    let json = read_json(&app, &identity, started.id).await?;
    let mut response = (StatusCode::CREATED, json_body(json)).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/attempts/{}", started.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(replayed(response, started.replayed))
}

/// A place in the queue, unless the attempt is there already or a rule forbids it: nobody waits for that.
async fn wait_to_start(
    app: &App,
    identity: &Identity,
    exam: ExamId,
    body: &StartBody,
    origin: &Origin,
    headers: &HeaderMap,
    queued: bool,
) -> Result<StartedAttempt, Problem> {
    if !queued {
        let looked = app.engine.started_or_forbidden(identity, exam, body.command_id, body.wanted()?, origin).await?;
        if let Some(started) = looked {
            return Ok(started);
        }
    }
    let ticket = headers.get(QUEUE_TICKET).and_then(|ticket| ticket.to_str().ok());
    match app.queue.wait(identity.id(), ticket, app.engine.now()) {
        Ok(wait) => Err(Problem::queued(wait)),
        Err(full) => Err(Problem::new("overloaded")
            .detail("排队人数已满，请稍后再来 / the line is full: come back a little later")
            .retry_after_ms(full.retry_after_ms)),
    }
}

/// Reads one's own attempt, to resume it on any device.
#[utoipa::path(get, path = "/api/v1/attempts/{attempt}", tag = "learner", params(("attempt" = String, Path)),
    responses((status = 200, description = "the attempt"), (status = 404)))]
async fn get_attempt(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(attempt): Id<AttemptId>,
) -> Result<Response, Problem> {
    limited(app.rates.request(identity.id()))?;
    Ok(json_body(read_json(&app, &identity, attempt).await?).into_response())
}

async fn read_json(app: &App, identity: &Identity, attempt: AttemptId) -> Result<Vec<u8>, Problem> {
    let now = app.engine.now();
    let json = app.engine.read_attempt(identity, attempt, |attempt, exam| attempt_json(attempt, exam, now)).await?;
    json.map_err(|error| {
        tracing::error!(%error, "an attempt's paper does not fit its exam");
        Problem::new("internal")
    })
}

/// One answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// Made by the client; a repeat gets the first receipt.
    command_id: Uuid,
    /// By kind: `{"choices": ["o1"]}`, `{"number": 3.5}`, `{"text": "…"}`, `{"order": ["o2", "o1"]}`,
    /// `{"pairs": [["o1", "t2"]]}`; `null` clears the answer.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<Object>, required = true)]
    response: Option<Said>,
}

/// Saves an answer. The receipt is sent only after the answer is durable.
#[utoipa::path(put, path = "/api/v1/attempts/{attempt}/answers/{slot}", tag = "learner",
    params(("attempt" = String, Path), ("slot" = u32, Path)), request_body = AnswerBody,
    responses((status = 200, body = ReceiptView), (status = 400, description = "it does not fit; the earlier answer stands"),
        (status = 409, description = "closed, paused or too late"), (status = 422, description = "command_id used with another content")))]
async fn put_answer(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    path: Result<Path<(String, String)>, PathRejection>,
    from: From,
    Json(body): Json<AnswerBody>,
) -> Result<Response, Problem> {
    let place = path.as_ref().map(|Path((attempt, slot))| (attempt.as_str(), slot.as_str())).ok();
    save(&app, &identity, place, from, body).await
}

/// Answers a request if it is of the route of `put_answer`; gives it back otherwise. More requests than all
/// others together go there, and the router's boxed services would cost each of them more than its handler.
/// What is around a route is around this one too: the same layers, limits and extractors.
pub async fn put_answer_directly(app: &Arc<App>, request: Request) -> Result<Response, Request> {
    if request.method() != Method::PUT || answer_place(request.uri().path()).is_none() {
        return Err(request);
    }
    // What waits for the commit lies in a place of its own: moved from layer to layer it would be copied in each.
    let answer =
        |request| Box::pin(async move { put_one(app, request).await.unwrap_or_else(IntoResponse::into_response) });
    let admitted = |request| admitted_one(app, Class::Answer, answer(request));
    Ok(around_one(request, "/api/v1/attempts/{attempt}/answers/{slot}", admitted).await)
}

async fn put_one(app: &Arc<App>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let SignedIn(identity) = SignedIn::from_request_parts(&mut parts, app).await?;
    let from = From::of(&parts, app, &identity.session)?;
    let path = parts.uri.clone();
    let mut request = Request::from_parts(parts, body);
    DefaultBodyLimit::max(BODY_BYTES_MAX).apply(&mut request);
    let Json(body) = Json::from_request(request, app).await?;
    save(app, &identity, answer_place(path.path()), from, body).await
}

/// The attempt and the slot in a path as clients write it; any other spelling is the router's to read.
fn answer_place(path: &str) -> Option<(&str, &str)> {
    let (attempt, slot) = path.strip_prefix("/api/v1/attempts/")?.split_once("/answers/")?;
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain(attempt) && plain(slot)).then_some((attempt, slot))
}

async fn save(
    app: &App,
    identity: &Identity,
    place: Option<(&str, &str)>,
    From(origin, address): From,
    body: AnswerBody,
) -> Result<Response, Problem> {
    limited(app.rates.answer(identity.id(), address))?;
    let not_found = || Problem::new("not_found");
    let (attempt, slot) = place.ok_or_else(not_found)?;
    let attempt = AttemptId::parse(attempt).ok_or_else(not_found)?;
    let slot = slot.parse().map_err(|_| not_found())?;
    let input = AnswerInput { command: body.command_id, slot, response: body.response, answered_at: None };
    let outcome = app.engine.answer(identity, attempt, input, &origin).await?;
    app.queue.room().seen(identity.id(), outcome.answered.at);
    let again = outcome.answered.replayed;
    Ok(replayed(axum::Json(receipt_view(outcome)).into_response(), again))
}

/// Answers a client kept while it was offline.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchBody {
    /// In the order they were given.
    answers: Vec<BatchAnswer>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchAnswer {
    command_id: Uuid,
    /// From one.
    slot: u32,
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<Object>, required = true)]
    response: Option<Said>,
    /// By the client's clock; recorded, never believed.
    #[schema(value_type = String, format = DateTime)]
    answered_at: Timestamp,
}

/// What became of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchView {
    /// Of the answers that are durable now.
    receipts: Vec<ReceiptView>,
    /// The others.
    refused: Vec<RefusedAnswer>,
}

/// An answer that was not kept.
#[derive(Serialize, ToSchema)]
pub struct RefusedAnswer {
    command_id: Uuid,
    slot: u32,
    code: &'static str,
    detail: String,
}

/// Saves what a client kept while it was offline, in one commit.
#[utoipa::path(post, path = "/api/v1/attempts/{attempt}/answers", tag = "learner", params(("attempt" = String, Path)),
    request_body = BatchBody, responses((status = 200, body = BatchView), (status = 404)))]
async fn post_answers(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(attempt): Id<AttemptId>,
    From(origin, address): From,
    Json(body): Json<BatchBody>,
) -> Result<axum::Json<BatchView>, Problem> {
    limited(app.rates.answer(identity.id(), address))?;
    if body.answers.len() > BATCH_ANSWERS_MAX {
        return Err(Problem::field(
            "/answers",
            format!("一次最多提交 {BATCH_ANSWERS_MAX} 个答案 / send at most {BATCH_ANSWERS_MAX} answers at once"),
        ));
    }
    let names: Vec<(Uuid, u32)> = body.answers.iter().map(|answer| (answer.command_id, answer.slot)).collect();
    let inputs = body.answers.into_iter().map(|answer| AnswerInput {
        command: answer.command_id,
        slot: answer.slot,
        response: answer.response,
        answered_at: Some(answer.answered_at),
    });
    let outcome = app.engine.answers(&identity, attempt, inputs.collect(), true, &origin).await?;
    app.queue.room().seen(identity.id(), app.engine.now());
    let mut view = BatchView { receipts: Vec::new(), refused: Vec::new() };
    for ((command_id, slot), answer) in names.into_iter().zip(outcome.answers) {
        match answer {
            Ok(answer) => view.receipts.push(receipt_view(answer)),
            Err(refusal) => {
                let detail = refusal.to_string();
                let code = Problem::from(refusal).code();
                view.refused.push(RefusedAnswer { command_id, slot, code, detail });
            }
        }
    }
    Ok(axum::Json(view))
}

/// Puts a kept answer into the protocol's words.
pub fn receipt_view(outcome: AnswerOutcome) -> ReceiptView {
    ReceiptView {
        slot: outcome.answered.slot,
        seq: outcome.answered.seq,
        saved_at: outcome.answered.at,
        receipt: outcome.receipt,
        feedback: outcome.feedback.map(Into::into),
    }
}

/// What the client observed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalsBody {
    /// In the order they were observed.
    signals: Vec<SignalBody>,
}

/// One observation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalBody {
    /// `blur focus hidden visible copy paste fullscreen_exit resize devtools offline online multi_screen`.
    #[schema(value_type = String, example = "blur")]
    kind: SignalKind,
    /// By the client's clock.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// More, as text or as any JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    detail: Option<serde_json::Value>,
}

/// Stores what the client observed.
#[utoipa::path(post, path = "/api/v1/attempts/{attempt}/signals", tag = "learner", params(("attempt" = String, Path)),
    request_body = SignalsBody, responses((status = 202), (status = 404)))]
async fn post_signals(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(attempt): Id<AttemptId>,
    From(origin, _): From,
    Json(body): Json<SignalsBody>,
) -> Result<StatusCode, Problem> {
    limited(app.rates.request(identity.id()))?;
    if body.signals.len() > BATCH_SIGNALS_MAX {
        return Err(Problem::field(
            "/signals",
            format!("一次最多提交 {BATCH_SIGNALS_MAX} 个信号 / send at most {BATCH_SIGNALS_MAX} signals at once"),
        ));
    }
    let signals = body.signals.into_iter().map(|signal| ClientSignal {
        kind: signal.kind,
        at: signal.at,
        detail: signal.detail.and_then(detail_text),
    });
    app.engine.signals(&identity, attempt, signals.collect(), &origin).await?;
    Ok(StatusCode::ACCEPTED)
}

fn detail_text(detail: serde_json::Value) -> Option<String> {
    let text = match detail {
        serde_json::Value::Null => return None,
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Some(text.chars().take(SIGNAL_DETAIL_CHARS_MAX).collect())
}

/// Handing in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitBody {
    command_id: Uuid,
}

/// Hands the attempt in; it is marked, and a pass credited, in the same transaction.
#[utoipa::path(post, path = "/api/v1/attempts/{attempt}/submission", tag = "learner", params(("attempt" = String, Path)),
    request_body = SubmitBody, responses((status = 200, body = ResultView), (status = 409, description = "closed already")))]
async fn submit(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(attempt): Id<AttemptId>,
    From(origin, _): From,
    Json(body): Json<SubmitBody>,
) -> Result<Response, Problem> {
    limited(app.rates.request(identity.id()))?;
    let submission = app.engine.submit(&identity, attempt, body.command_id, &origin).await?;
    let result = result(&app, &identity, attempt).await?;
    Ok(replayed(axum::Json(result).into_response(), submission.replayed))
}

/// Reads the result, as far as it is released.
#[utoipa::path(get, path = "/api/v1/attempts/{attempt}/result", tag = "learner", params(("attempt" = String, Path)),
    responses((status = 200, body = ResultView), (status = 404)))]
async fn get_result(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(attempt): Id<AttemptId>,
) -> Result<axum::Json<ResultView>, Problem> {
    limited(app.rates.request(identity.id()))?;
    Ok(axum::Json(result(&app, &identity, attempt).await?))
}

async fn result(app: &App, identity: &Identity, attempt: AttemptId) -> Result<ResultView, Problem> {
    let now = app.engine.now();
    let mut view = app.engine.read_attempt(identity, attempt, |attempt, exam| result_view(attempt, exam, now)).await?;
    if view.release.released {
        view.seed = Some(app.engine.seed_of(identity.id(), attempt).await?);
    }
    Ok(view)
}

/// Turns an exceeded allowance into its problem.
pub fn limited(checked: Result<(), i64>) -> Result<(), Problem> {
    checked.map_err(|wait_ms| Problem::new("rate_limited").retry_after_ms(wait_ms))
}

/// Marks the response of a repeated command.
pub fn replayed(mut response: Response, again: bool) -> Response {
    if again {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// A response of JSON that is written already.
pub fn json_body(json: Vec<u8>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], Body::from(json))
}
