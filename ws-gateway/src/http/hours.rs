//! Hours of a credit year: one's own, and those of people whom one oversees.

use super::attempts::limited;
use super::download::{TableFormat, amount, table, words};
use super::extract::{Id, Params, SignedIn};
use super::people::{PersonView, person_cells, person_heads, person_view};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use exam_core::Timestamp;
use exam_core::hours::{Bucket, GrantSource, Obligation, Subject};
use exam_core::ids::PersonId;
use exam_service::{EntryView, PersonHours, SourcedEntry, YearView};
use question_bank::Points;
use question_bank::formats::grid::{Cell, Grid};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Hours.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(hours)).routes(routes!(of_person)).routes(routes!(export))
}

/// Which year.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct YearParams {
    /// Absent: the present one in Asia/Shanghai.
    #[serde(default, deserialize_with = "super::extract::number_or_none")]
    year: Option<i16>,
}

/// A year of hours.
#[derive(Serialize, ToSchema)]
pub struct HoursView {
    year: i16,
    required: SubjectsView,
    earned: SubjectsView,
    /// Whether the year is fulfilled.
    qualified: bool,
    entries: Vec<HoursEntryView>,
}

/// Hours by subject.
#[derive(Serialize, ToSchema)]
pub struct SubjectsView {
    #[schema(value_type = f64)]
    total: Points,
    public: BucketsView,
    professional: BucketsView,
}

/// Hours of one subject.
#[derive(Serialize, ToSchema)]
pub struct BucketsView {
    #[schema(value_type = f64)]
    total: Points,
    #[schema(value_type = f64)]
    compulsory: Points,
    #[schema(value_type = f64)]
    elective: Points,
}

/// One entry of the ledger.
#[derive(Serialize, ToSchema)]
pub struct HoursEntryView {
    id: String,
    course: String,
    course_title: String,
    #[schema(value_type = String)]
    subject: Subject,
    #[schema(value_type = String)]
    bucket: Obligation,
    #[schema(value_type = f64)]
    hours: Points,
    source: SourceView,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// What earned an entry.
#[derive(Serialize, ToSchema)]
pub struct SourceView {
    /// `exam`, `lesson` (a lesson's own hours), `lessons` (all lessons of the course) or `review` (what an attempt
    /// granted was taken back; the hours are negative).
    kind: &'static str,
    /// The attempt, of an exam or a review.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<String>,
    /// The lesson; of `lessons`, the one completed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    lesson: Option<String>,
}

/// The signed-in person's hours of a credit year.
#[utoipa::path(get, path = "/api/v1/me/hours", tag = "learner", params(YearParams), responses((status = 200, body = HoursView)))]
async fn hours(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<YearParams>,
) -> Result<axum::Json<HoursView>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let year = params.year.unwrap_or_else(|| app.engine.now().year_in_shanghai());
    let YearView { summary, entries } = app.engine.year(&identity, year).await?;
    Ok(axum::Json(HoursView {
        year,
        required: subjects(summary.required),
        earned: subjects(summary.earned),
        qualified: summary.qualified,
        entries: entries.into_iter().map(entry).collect(),
    }))
}

/// In the order of [`Bucket::ALL`].
pub fn subjects([public_c, public_e, professional_c, professional_e]: [Points; Bucket::ALL.len()]) -> SubjectsView {
    let buckets = |compulsory, elective| BucketsView { total: compulsory + elective, compulsory, elective };
    let (public, professional) = (buckets(public_c, public_e), buckets(professional_c, professional_e));
    SubjectsView { total: public.total + professional.total, public, professional }
}

fn entry(view: EntryView) -> HoursEntryView {
    let EntryView { entry, course_title } = view;
    HoursEntryView {
        id: entry.id.to_string(),
        course: entry.course.to_string(),
        course_title,
        subject: entry.bucket.subject,
        bucket: entry.bucket.bucket,
        hours: entry.hours,
        source: source(entry.source),
        at: entry.at,
    }
}

fn source(source: GrantSource) -> SourceView {
    let (kind, attempt, lesson) = match source {
        GrantSource::Exam { attempt } => ("exam", Some(attempt.to_string()), None),
        GrantSource::Lesson { lesson } => ("lesson", None, Some(lesson.to_string())),
        GrantSource::Lessons { lesson } => ("lessons", None, Some(lesson.to_string())),
        GrantSource::Review { attempt, .. } => ("review", Some(attempt.to_string()), None),
    };
    SourceView { kind, attempt, lesson }
}

/// The hours of somebody else.
#[derive(Serialize, ToSchema)]
pub struct PersonHoursView {
    person: PersonView,
    year: i16,
    required: SubjectsView,
    earned: SubjectsView,
    qualified: bool,
    entries: Vec<PersonEntryView>,
}

/// One entry with all that is known of its source.
#[derive(Serialize, ToSchema)]
pub struct PersonEntryView {
    #[serde(flatten)]
    entry: HoursEntryView,
    /// The exam's or the lesson's title.
    source_title: String,
    /// Which attempt at it.
    number: Option<u32>,
    #[schema(value_type = Option<String>)]
    closed_at: Option<Timestamp>,
    /// Who brought it about, where that was not the learner.
    by: Option<String>,
    /// Whether the learner sees it.
    released: bool,
}

/// The hours of a person whom one oversees. Administrators see what is not released too, and it counts.
#[utoipa::path(get, path = "/api/v1/people/{person}/hours", tag = "administrator",
    params(("person" = String, Path), YearParams),
    responses((status = 200, body = PersonHoursView), (status = 403), (status = 404)))]
async fn of_person(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(person): Id<PersonId>,
    Params(params): Params<YearParams>,
) -> Result<axum::Json<PersonHoursView>, Problem> {
    let year = params.year.unwrap_or_else(|| app.engine.now().year_in_shanghai());
    let found = app.engine.person_year(&identity, person, year).await?;
    Ok(axum::Json(PersonHoursView {
        person: person_view(found.person, found.unit_name),
        year,
        required: subjects(found.summary.required),
        earned: subjects(found.summary.earned),
        qualified: found.summary.qualified,
        entries: found.entries.into_iter().map(sourced).collect(),
    }))
}

fn sourced(entry: SourcedEntry) -> PersonEntryView {
    let SourcedEntry { view, source, released } = entry;
    PersonEntryView {
        entry: self::entry(view),
        source_title: source.title,
        number: source.number,
        closed_at: source.closed_at,
        by: source.by,
        released,
    }
}

/// Which year, as which file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HoursExportParams {
    /// Absent: the present one in Asia/Shanghai.
    #[serde(default, deserialize_with = "super::extract::number_or_none")]
    year: Option<i16>,
    /// `xlsx` (the default) or `csv`.
    #[param(value_type = Option<String>)]
    #[serde(default)]
    format: TableFormat,
}

/// The sums of a year of every learner whom one oversees, as a table.
#[utoipa::path(get, path = "/api/v1/hours/export", tag = "administrator", params(HoursExportParams),
    responses((status = 200, description = "the file"), (status = 403)))]
async fn export(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<HoursExportParams>,
) -> Result<Response, Problem> {
    let year = params.year.unwrap_or_else(|| app.engine.now().year_in_shanghai());
    let people = app.engine.hours_of_all(&identity, year).await?;
    let units = app.engine.unit_names(people.iter().filter_map(|one| one.person.unit.as_deref())).await?;
    app.engine.note_export(&identity, "hours.export", &year.to_string()).await?;
    let heads = person_heads(&[
        ("年度", "year"),
        ("公需必修", "public compulsory"),
        ("公需选修", "public elective"),
        ("专业必修", "professional compulsory"),
        ("专业选修", "professional elective"),
        ("合计", "total"),
        ("是否达标", "qualified"),
    ]);
    let rows = people.iter().map(|one| hours_row(one, year, &units)).collect();
    table(Grid { name: words("学时", "hours"), heads, rows }, params.format, &format!("keju-hours-{year}")).await
}

fn hours_row(one: &PersonHours, year: i16, units: &HashMap<String, String>) -> Vec<Cell> {
    let PersonHours { person, summary } = one;
    let mut cells = person_cells(person, units);
    cells.push(Cell::Number(f64::from(year)));
    cells.extend(summary.earned.map(amount));
    cells.push(amount(summary.earned.into_iter().sum()));
    cells.push(if summary.qualified { words("是", "yes") } else { words("否", "no") }.into());
    cells
}
