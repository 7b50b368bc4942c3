//! Exams: what learners see of them, and how authors make, publish and release them.

use super::attempts::{json_body, limited};
use super::courses::ListView;
use super::extract::{Id, Json, Params, SignedIn};
use super::people::ByName;
use super::problem::Problem;
use super::views::{ExamView, exam_view};
use crate::app::App;
use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::exam::{Exam, ExamRules, ExamState, PracticePolicy, ReviewPolicy};
use exam_core::ids::{BankId, CourseId, ExamId, PersonId};
use exam_service::ExamDraft;
use question_bank::candidate::write_sections;
use question_bank::{Blueprint, Points, TopicPath};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Exams.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, change))
        .routes(routes!(topics))
        .routes(routes!(authored_list))
        .routes(routes!(authored_read))
        .routes(routes!(sample))
        .routes(routes!(publish))
        .routes(routes!(release))
}

/// A page's size within its bounds.
pub fn page_limit(asked: Option<u32>) -> u32 {
    asked.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX)
}

/// Which exams.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ExamParams {
    /// The credit year.
    #[serde(default, deserialize_with = "super::extract::number_or_none")]
    year: Option<i16>,
    /// A course's id.
    #[serde(default, deserialize_with = "super::extract::word_or_none")]
    course: Option<String>,
    limit: Option<u32>,
    /// The last code of the page before.
    after: Option<String>,
}

/// The published exams open to the caller.
#[utoipa::path(get, path = "/api/v1/exams", tag = "learner", params(ExamParams),
    responses((status = 200, body = ListView<ExamView>)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<ExamParams>,
) -> Result<axum::Json<ListView<ExamView>>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let course = match &params.course {
        Some(text) => Some(CourseId::parse(text).ok_or_else(|| Problem::new("not_found"))?),
        None => None,
    };
    let found = app.engine.learner_exams(&identity, course, params.year).await?;
    let now = app.engine.now();
    let limit = page_limit(params.limit) as usize;
    let after = found.iter().filter(|view| params.after.as_ref().is_none_or(|after| view.exam.exam.code > *after));
    let mut items: Vec<ExamView> = after.take(limit + 1).map(|view| exam_view(view, now)).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|exam| exam.code.clone());
    Ok(axum::Json(ListView { items, next }))
}

/// One exam's rules, as they are for the caller.
#[utoipa::path(get, path = "/api/v1/exams/{exam}", tag = "learner", params(("exam" = String, Path)),
    responses((status = 200, body = ExamView), (status = 404)))]
async fn read(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
) -> Result<axum::Json<ExamView>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let view = app.engine.learner_exam(&identity, exam).await?;
    Ok(axum::Json(exam_view(&view, app.engine.now())))
}

/// A new exam.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExamBody {
    code: String,
    title: String,
    /// A course's id.
    course: String,
    /// A bank's id.
    bank: String,
    /// `{"sections": [{"title", "count", "points", "kind"?, "scoring"?, "quotas": [{"topic"?, "difficulty"?,
    /// "kind"?, "count"}]}], "overlap_max"?, "exposure_max"?, "shuffle_options"}`
    #[schema(value_type = Object)]
    blueprint: Blueprint,
    duration_ms: i64,
    #[serde(default)]
    grace_ms: i64,
    #[schema(value_type = f64)]
    pass_score: Points,
    /// 0 means any number.
    #[serde(default)]
    attempts_max: u32,
    #[serde(default)]
    cooldown_ms: i64,
    #[schema(value_type = String, format = DateTime)]
    opens_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    closes_at: Timestamp,
    #[serde(default)]
    #[schema(value_type = String)]
    practice: PracticePolicy,
    #[serde(default)]
    #[schema(value_type = String)]
    review: ReviewPolicy,
    /// Absent: results are released at once.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    results_at: Option<Timestamp>,
    /// Ids of the people who may take it; absent: every learner.
    #[serde(default)]
    audience: Option<Vec<String>>,
}

/// An exam, as its author sees it.
#[derive(Serialize, ToSchema)]
pub struct AuthoredExamView {
    id: String,
    code: String,
    title: String,
    course: String,
    bank: String,
    /// `draft` or `published`.
    state: &'static str,
    /// The bank's content papers are drawn from, once published.
    bank_version: Option<String>,
}

fn authored(exam: &Exam) -> AuthoredExamView {
    let (state, bank_version) = match &exam.state {
        ExamState::Draft => ("draft", None),
        ExamState::Published { bank_version, .. } => ("published", Some(bank_version.clone())),
    };
    AuthoredExamView {
        id: exam.id.to_string(),
        code: exam.code.clone(),
        title: exam.title.clone(),
        course: exam.course.to_string(),
        bank: exam.bank.to_string(),
        state,
        bank_version,
    }
}

/// Makes a draft of an exam.
#[utoipa::path(post, path = "/api/v1/exams", tag = "author", request_body = ExamBody,
    responses((status = 201, body = AuthoredExamView), (status = 400), (status = 403)))]
async fn create(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<ExamBody>,
) -> Result<(StatusCode, axum::Json<AuthoredExamView>), Problem> {
    identity.may(Act::WriteExams)?;
    let exam = app.engine.create_exam(&identity, draft(body)?).await?;
    Ok((StatusCode::CREATED, axum::Json(authored(&exam))))
}

/// Changes a draft as a whole; a published exam stays as it is.
#[utoipa::path(put, path = "/api/v1/exams/{exam}", tag = "author", params(("exam" = String, Path)), request_body = ExamBody,
    responses((status = 200, body = AuthoredExamView), (status = 400), (status = 403), (status = 404), (status = 409)))]
async fn change(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Json(body): Json<ExamBody>,
) -> Result<axum::Json<AuthoredExamView>, Problem> {
    identity.may(Act::WriteExams)?;
    let exam = app.engine.change_exam(&identity, exam, draft(body)?).await?;
    Ok(axum::Json(authored(&exam)))
}

/// An exam with everything its author wrote, in the words in which it is made.
#[derive(Serialize, ToSchema)]
pub struct WholeExamView {
    #[serde(flatten)]
    exam: AuthoredExamView,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rules: ExamRules,
    /// Ids of people; `null`: every learner.
    audience: Option<Vec<String>>,
}

fn whole(exam: &Exam) -> WholeExamView {
    let ids = |people: &Vec<PersonId>| people.iter().map(ToString::to_string).collect();
    WholeExamView { exam: authored(exam), rules: exam.rules.clone(), audience: exam.audience.as_ref().map(ids) }
}

/// All exams with their rules, drafts too, by code.
#[utoipa::path(get, path = "/api/v1/authored/exams", tag = "author", params(ByName),
    responses((status = 200, body = ListView<WholeExamView>), (status = 403)))]
async fn authored_list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<ByName>,
) -> Result<axum::Json<ListView<WholeExamView>>, Problem> {
    let found = app.engine.authored_exams(&identity).await?;
    let limit = page_limit(params.limit);
    let (after, limit_and_one) = params.page(limit);
    let rest = found.iter().filter(|exam| after.as_ref().is_none_or(|after| exam.code > *after));
    let mut items: Vec<&Exam> = rest.take(limit_and_one as usize).collect();
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|exam| exam.code.clone());
    Ok(axum::Json(ListView { items: items.into_iter().map(whole).collect(), next }))
}

/// A topic that can be practised.
#[derive(Serialize, ToSchema)]
pub struct TopicView {
    /// Names from the root down, with `/` between them.
    topic: String,
    /// How many questions it has, without those of topics below it.
    count: u32,
}

/// The topics that can be practised for an exam, by name.
#[utoipa::path(get, path = "/api/v1/exams/{exam}/topics", tag = "learner", params(("exam" = String, Path)),
    responses((status = 200, body = ListView<TopicView>), (status = 404), (status = 409, description = "`practice_off`")))]
async fn topics(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
) -> Result<axum::Json<ListView<TopicView>>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let topics = app.engine.practice_topics(&identity, exam).await?;
    let view = |(topic, count): (TopicPath, u32)| TopicView { topic: topic.as_str().to_owned(), count };
    Ok(axum::Json(ListView { items: topics.into_iter().map(view).collect(), next: None }))
}

/// One exam with its rules, a draft too.
#[utoipa::path(get, path = "/api/v1/authored/exams/{exam}", tag = "author", params(("exam" = String, Path)),
    responses((status = 200, body = WholeExamView), (status = 403), (status = 404)))]
async fn authored_read(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
) -> Result<axum::Json<WholeExamView>, Problem> {
    Ok(axum::Json(whole(&app.engine.authored_exam(&identity, exam).await?)))
}

/// A sample paper as a learner might get it, drawn anew every time; it belongs to nobody.
#[utoipa::path(get, path = "/api/v1/authored/exams/{exam}/sample", tag = "author", params(("exam" = String, Path)),
    responses((status = 200, description = "`{\"sections\"}`, as in an attempt"), (status = 403), (status = 404),
        (status = 422, description = "infeasible: one error per short stratum")))]
async fn sample(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
) -> Result<Response, Problem> {
    limited(app.rates.request(identity.id()))?;
    let sample = app.engine.sample_paper(&identity, exam).await?;
    let mut json = b"{\"sections\":".to_vec();
    write_sections(&mut json, &sample.paper, &sample.pool).map_err(|error| {
        tracing::error!(%error, "a sample paper does not fit its own pool");
        Problem::new("internal")
    })?;
    json.push(b'}');
    Ok(json_body(json).into_response())
}

fn draft(body: ExamBody) -> Result<ExamDraft, Problem> {
    let unknown =
        |field: &str| Problem::field(format!("/{field}"), format!("没有这个 {field} / there is no such {field}"));
    let audience = body.audience.map(|ids| {
        let read = |(index, id): (usize, String)| {
            PersonId::parse(&id)
                .ok_or_else(|| Problem::field(format!("/audience/{index}"), "没有这个人员 / there is no such person"))
        };
        ids.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()
    });
    Ok(ExamDraft {
        course: CourseId::parse(&body.course).ok_or_else(|| unknown("course"))?,
        bank: BankId::parse(&body.bank).ok_or_else(|| unknown("bank"))?,
        audience: audience.transpose()?,
        code: body.code,
        title: body.title,
        rules: ExamRules {
            blueprint: body.blueprint,
            duration_ms: body.duration_ms,
            grace_ms: body.grace_ms,
            pass_score: body.pass_score,
            attempts_max: body.attempts_max,
            cooldown_ms: body.cooldown_ms,
            opens_at: body.opens_at,
            closes_at: body.closes_at,
            practice: body.practice,
            review: body.review,
            results_at: body.results_at,
        },
    })
}

/// Publishes a draft, if papers can be drawn.
#[utoipa::path(post, path = "/api/v1/exams/{exam}/publish", tag = "author", params(("exam" = String, Path)),
    responses((status = 200, body = AuthoredExamView), (status = 409), (status = 422, description = "infeasible: one error per short stratum")))]
async fn publish(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
) -> Result<axum::Json<AuthoredExamView>, Problem> {
    let exam = app.engine.publish_exam(&identity, exam).await?;
    Ok(axum::Json(authored(&exam)))
}

/// When results are released.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseBody {
    /// `null`: at once.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<String>, required = true)]
    results_at: Option<Timestamp>,
}

/// Sets when results are released.
#[utoipa::path(put, path = "/api/v1/exams/{exam}/release", tag = "author", params(("exam" = String, Path)),
    request_body = ReleaseBody, responses((status = 204), (status = 404)))]
async fn release(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Json(body): Json<ReleaseBody>,
) -> Result<StatusCode, Problem> {
    identity.may(Act::RunExams)?;
    app.engine.release_results(Some(identity.id()), exam, body.results_at).await?;
    Ok(StatusCode::NO_CONTENT)
}
