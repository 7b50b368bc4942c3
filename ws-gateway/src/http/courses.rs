//! Courses.

use super::attempts::limited;
use super::extract::{Json, Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::http::StatusCode;
use exam_core::attempt::Mode;
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::ids::{CourseId, LessonId};
use exam_service::{LearnerExam, LearnerLesson};
use exam_store::{CourseRow, ProgressState};
use question_bank::Points;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Courses.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create))
}

/// A list of anything.
#[derive(Serialize, ToSchema)]
pub struct ListView<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// For `?after=`; `null` at the end.
    pub next: Option<String>,
}

/// Which courses.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CourseParams {
    /// The credit year.
    #[serde(default, deserialize_with = "super::extract::number_or_none")]
    year: Option<i16>,
    /// `public` or `professional`.
    #[serde(default, deserialize_with = "super::extract::word_or_none")]
    #[param(value_type = Option<String>)]
    subject: Option<Subject>,
    limit: Option<u32>,
    /// The last code of the page before.
    after: Option<String>,
}

/// A course with the learner's state.
#[derive(Serialize, ToSchema)]
pub struct CourseView {
    id: String,
    code: String,
    title: String,
    #[schema(value_type = String)]
    subject: Subject,
    #[schema(value_type = String)]
    bucket: Obligation,
    credit_year: i16,
    #[schema(value_type = f64)]
    hours: Points,
    /// `not_started in_progress passed`.
    state: &'static str,
    /// The exams that grant its hours.
    exams: Vec<String>,
}

/// The courses, with the caller's state in each.
#[utoipa::path(get, path = "/api/v1/courses", tag = "learner", params(CourseParams),
    responses((status = 200, body = ListView<CourseView>)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<CourseParams>,
) -> Result<axum::Json<ListView<CourseView>>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let exams = app.engine.learner_exams(&identity, None, params.year).await?;
    let now = app.engine.now();
    let courses = app.engine.courses(&identity, params.year).await?;
    let lessons = Watched {
        lessons: app.engine.learner_lessons(&identity, None).await?,
        listed: app.engine.listed_lessons().await?,
    };
    let wanted = courses
        .into_iter()
        .filter(|course| params.subject.is_none_or(|subject| subject == course.bucket.subject))
        .filter(|course| params.after.as_ref().is_none_or(|after| course.code > *after));
    let limit = super::exams::page_limit(params.limit) as usize;
    let mut items: Vec<CourseView> = wanted.take(limit + 1).map(|course| view(course, &exams, &lessons, now)).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|course| course.code.clone());
    Ok(axum::Json(ListView { items, next }))
}

/// The learner's lessons, and which courses list lessons of others.
#[derive(Default)]
struct Watched {
    lessons: Vec<LearnerLesson>,
    listed: Vec<(CourseId, LessonId)>,
}

impl Watched {
    /// 0 not started, 1 in progress, 2 all lessons of the course completed.
    fn state(&self, course: CourseId) -> usize {
        let listed = |lesson: LessonId| self.listed.contains(&(course, lesson));
        let own = self.lessons.iter().filter(|own| own.lesson.course == course || listed(own.lesson.id));
        let (mut any, mut begun, mut all) = (false, false, true);
        for progress in own.map(|own| own.progress.as_ref()) {
            any = true;
            begun |= progress.is_some();
            all &= progress.is_some_and(|row| row.state == ProgressState::Completed);
        }
        if any && all { 2 } else { usize::from(begun) }
    }
}

fn view(course: CourseRow, exams: &[LearnerExam], lessons: &Watched, now: exam_core::Timestamp) -> CourseView {
    let own: Vec<&LearnerExam> = exams.iter().filter(|exam| exam.exam.exam.course == course.id).collect();
    // Where there is an exam, only it is passed; lessons are a beginning.
    let watched = lessons.state(course.id).min(if own.is_empty() { 2 } else { 1 });
    let state = own.iter().map(|exam| state(exam, now)).max().unwrap_or(0).max(watched);
    CourseView {
        id: course.id.to_string(),
        code: course.code,
        title: course.title,
        subject: course.bucket.subject,
        bucket: course.bucket.bucket,
        credit_year: course.credit_year,
        hours: course.hours,
        state: ["not_started", "in_progress", "passed"][state],
        exams: own.iter().map(|exam| exam.exam.exam.id.to_string()).collect(),
    }
}

/// 0 not started, 1 in progress, 2 passed; a pass shows only once it is released.
fn state(exam: &LearnerExam, now: exam_core::Timestamp) -> usize {
    let released = exam_core::release::exam_visibility(&exam.exam.exam.rules, now).released;
    let passed = exam.attempts.iter().any(|row| row.mode == Mode::Exam && row.passed == Some(true));
    if passed && released { 2 } else { usize::from(!exam.attempts.is_empty()) }
}

/// A new course.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseBody {
    code: String,
    title: String,
    /// `public` or `professional`.
    #[schema(value_type = String)]
    subject: Subject,
    /// `compulsory` or `elective`.
    #[schema(value_type = String)]
    bucket: Obligation,
    credit_year: i16,
    /// At most two decimals.
    #[schema(value_type = f64)]
    hours: Points,
}

/// Makes a course.
#[utoipa::path(post, path = "/api/v1/courses", tag = "author", request_body = CourseBody,
    responses((status = 201, body = CourseView), (status = 400), (status = 403)))]
async fn create(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<CourseBody>,
) -> Result<(StatusCode, axum::Json<CourseView>), Problem> {
    let bucket = Bucket { subject: body.subject, bucket: body.bucket };
    let course =
        app.engine.create_course(&identity, body.code, body.title, bucket, body.credit_year, body.hours).await?;
    Ok((StatusCode::CREATED, axum::Json(view(course, &[], &Watched::default(), app.engine.now()))))
}
