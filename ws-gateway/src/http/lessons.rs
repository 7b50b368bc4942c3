//! Lessons: making them, listing them. Studying one is the stream's affair.

use super::attempts::limited;
use super::courses::ListView;
use super::exams::page_limit;
use super::extract::{Id, Json, Params, SignedIn};
use super::problem::Problem;
use super::proctor::EventView;
use crate::app::App;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use exam_core::access::Act;
use exam_core::ids::{BankId, CourseId, LessonId, PersonId};
use exam_core::lesson::{LessonPolicy, LessonStepRow};
use exam_service::{LearnerLesson, LessonDraft, LessonTimeline};
use exam_store::{LessonRow, ProgressState};
use question_bank::Points;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Lessons.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get_lesson))
        .routes(routes!(set_of_course))
        .routes(routes!(timeline))
}

/// A new lesson.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LessonBody {
    code: String,
    /// The course's id.
    #[schema(value_type = String)]
    course: CourseId,
    title: String,
    duration_ms: i64,
    /// The bank its questions come from; its present revision is pinned.
    #[schema(value_type = String)]
    bank: BankId,
    /// Gaps, rewinds, rates; every field has a default.
    #[serde(default)]
    #[schema(value_type = Object)]
    policy: LessonPolicy,
    /// Hours of its own; absent where the course's hours count.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    hours: Option<Points>,
}

/// A lesson, with the caller's state in it.
#[derive(Serialize, ToSchema)]
pub struct LessonView {
    id: String,
    code: String,
    title: String,
    course: String,
    duration_ms: i64,
    /// `not_started in_progress completed`.
    state: &'static str,
    /// May be a beat interval behind.
    covered_ms: i64,
    /// Hours of its own; `null` where the course's hours count.
    #[schema(value_type = Option<f64>)]
    hours: Option<Points>,
}

/// Which lessons.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LessonParams {
    /// A course's id: its own lessons and those it lists.
    course: Option<String>,
    limit: Option<u32>,
    /// The code of the last lesson of the page before.
    after: Option<String>,
}

/// Makes a lesson, which is open to learners at once.
#[utoipa::path(post, path = "/api/v1/lessons", tag = "author", request_body = LessonBody,
    responses((status = 201, body = LessonView), (status = 400), (status = 403), (status = 409)))]
async fn create(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<LessonBody>,
) -> Result<(StatusCode, axum::Json<LessonView>), Problem> {
    let draft = LessonDraft {
        code: body.code,
        course: body.course,
        title: body.title,
        duration_ms: body.duration_ms,
        bank: body.bank,
        policy: body.policy,
        hours: body.hours,
    };
    let lesson = app.engine.create_lesson(&identity, draft).await?;
    Ok((StatusCode::CREATED, axum::Json(view(LearnerLesson { lesson, progress: None }))))
}

/// The lessons by code, with the caller's state in each.
#[utoipa::path(get, path = "/api/v1/lessons", tag = "learner", params(LessonParams),
    responses((status = 200, body = ListView<LessonView>)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<LessonParams>,
) -> Result<axum::Json<ListView<LessonView>>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let course = params.course.filter(|course| !course.is_empty());
    let course = course.map(|course| CourseId::parse(&course).ok_or_else(|| Problem::new("not_found"))).transpose()?;
    let found = app.engine.learner_lessons(&identity, course).await?;
    let limit = page_limit(params.limit) as usize;
    let wanted = found.into_iter().filter(|found| params.after.as_ref().is_none_or(|after| found.lesson.code > *after));
    let mut items: Vec<LessonView> = wanted.take(limit + 1).map(view).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|lesson| lesson.code.clone());
    Ok(axum::Json(ListView { items, next }))
}

/// One lesson, with the caller's state in it.
#[utoipa::path(get, path = "/api/v1/lessons/{lesson}", tag = "learner", params(("lesson" = String, Path)),
    responses((status = 200, body = LessonView), (status = 404)))]
async fn get_lesson(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(lesson): Id<LessonId>,
) -> Result<axum::Json<LessonView>, Problem> {
    limited(app.rates.request(identity.id()))?;
    Ok(axum::Json(view(app.engine.learner_lesson(&identity, lesson).await?)))
}

/// The lessons a course lists beside its own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseLessonsBody {
    /// Ids, in their order.
    #[schema(value_type = Vec<String>)]
    lessons: Vec<LessonId>,
}

/// Sets which lessons of other courses a course lists; each credits its own hours once, however many list it.
#[utoipa::path(put, path = "/api/v1/courses/{course}/lessons", tag = "author", params(("course" = String, Path)),
    request_body = CourseLessonsBody, responses((status = 204), (status = 400), (status = 403), (status = 404)))]
async fn set_of_course(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(course): Id<CourseId>,
    Json(body): Json<CourseLessonsBody>,
) -> Result<StatusCode, Problem> {
    app.engine.set_course_lessons(&identity, course, body.lessons).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that happened to a learner's lesson.
#[derive(Serialize, ToSchema)]
pub struct LessonTimelineView {
    lesson: String,
    learner: String,
    learner_name: String,
    covered_ms: i64,
    asked: u32,
    passed: u32,
    completed: bool,
    events: Vec<EventView>,
}

/// A learner's whole log of a lesson: what was asked, said and concluded. Seeds are left out: they would foretell
/// the questions to come.
#[utoipa::path(get, path = "/api/v1/people/{person}/lessons/{lesson}/timeline", tag = "proctor",
    params(("person" = String, Path), ("lesson" = String, Path)),
    responses((status = 200, body = LessonTimelineView), (status = 403), (status = 404)))]
async fn timeline(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<axum::Json<LessonTimelineView>, Problem> {
    limited(app.rates.request(identity.id()))?;
    identity.may(Act::Proctor)?;
    // A path that does not even read names nothing of ours.
    let ids = path.ok().and_then(|Path((person, lesson))| PersonId::parse(&person).zip(LessonId::parse(&lesson)));
    let (learner, lesson) = ids.ok_or_else(|| Problem::new("not_found"))?;
    let found = app.engine.lesson_timeline(&identity, learner, lesson).await?;
    Ok(axum::Json(LessonTimelineView {
        lesson: lesson.to_string(),
        learner: learner.to_string(),
        learner_name: found.learner_name.clone(),
        covered_ms: found.state.covered.total(),
        asked: found.state.asked,
        passed: found.state.passed,
        completed: found.state.is_completed(),
        events: found.rows.iter().filter_map(|row| event(&found, row)).collect(),
    }))
}

/// `None` for a body that is no JSON, which the fold before it would have refused.
fn event(timeline: &LessonTimeline, row: &LessonStepRow) -> Option<EventView> {
    let mut body: serde_json::Value = serde_json::from_str(&row.body).ok()?;
    body.as_object_mut()?.remove("seed");
    let name = row.actor.and_then(|actor| timeline.names.get(&actor).cloned());
    EventView::new(row, name, body.to_string())
}

fn view(found: LearnerLesson) -> LessonView {
    let LearnerLesson { lesson: LessonRow { id, code, title, course, duration_ms, hours, .. }, progress } = found;
    let state = match progress.as_ref().map(|progress| progress.state) {
        None => "not_started",
        Some(ProgressState::InProgress) => "in_progress",
        Some(ProgressState::Completed) => "completed",
    };
    let covered_ms = progress.map_or(0, |progress| progress.covered.total());
    LessonView { id: id.to_string(), code, title, course: course.to_string(), duration_ms, state, covered_ms, hours }
}
