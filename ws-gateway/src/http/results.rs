//! Results of an exam, for those who oversee its people.

use super::courses::ListView;
use super::download::{TableParams, amount, table, words};
use super::exams::page_limit;
use super::extract::{Id, Params, SignedIn};
use super::people::{person_cells, person_heads};
use super::problem::Problem;
use super::proctor::attempt_after;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use exam_core::Timestamp;
use exam_core::ids::ExamId;
use exam_service::ResultView;
use exam_store::{AttemptState, Page};
use question_bank::Points;
use question_bank::formats::grid::{Cell, Grid};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Rows read at once for a file.
const EXPORT_PAGE: u32 = 1_000;

/// Results.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export))
}

/// A page of results.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ResultsParams {
    limit: Option<u32>,
    /// The last attempt of the page before.
    after: Option<String>,
}

/// One attempt in exam mode and what came of it.
#[derive(Serialize, ToSchema)]
pub struct ResultRowView {
    attempt: String,
    learner: String,
    username: String,
    name: String,
    unit: Option<String>,
    number: u32,
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>)]
    closed_at: Option<Timestamp>,
    /// `null` while it is open, and to others than administrators until results are released; so the next two.
    #[schema(value_type = Option<f64>)]
    score: Option<Points>,
    passed: Option<bool>,
    #[schema(value_type = Option<f64>)]
    hours_granted: Option<Points>,
}

/// The results of an exam of the people whom one oversees, newest first.
#[utoipa::path(get, path = "/api/v1/exams/{exam}/results", tag = "administrator",
    params(("exam" = String, Path), ResultsParams),
    responses((status = 200, body = ListView<ResultRowView>), (status = 403), (status = 404)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Params(params): Params<ResultsParams>,
) -> Result<axum::Json<ListView<ResultRowView>>, Problem> {
    let limit = page_limit(params.limit);
    let page = Page { after: attempt_after(params.after.as_deref())?, limit: limit + 1 };
    let found = app.engine.exam_results(&identity, exam, page).await?;
    let more = found.len() > limit as usize;
    let items: Vec<ResultRowView> = found.iter().take(limit as usize).map(row_view).collect();
    let next = items.last().filter(|_| more).map(|row| row.attempt.clone());
    Ok(axum::Json(ListView { items, next }))
}

fn row_view(result: &ResultView) -> ResultRowView {
    let ResultView { row, person, told } = result;
    ResultRowView {
        attempt: row.id.to_string(),
        learner: row.learner.to_string(),
        username: person.username.clone(),
        name: person.name.clone(),
        unit: person.unit.clone(),
        number: row.number,
        state: row.state.name(),
        started_at: row.started_at,
        closed_at: row.closed_at,
        score: row.score.filter(|_| *told),
        passed: row.passed.filter(|_| *told),
        hours_granted: told.then_some(row.hours),
    }
}

/// The same as a table, whole.
#[utoipa::path(get, path = "/api/v1/exams/{exam}/results/export", tag = "administrator",
    params(("exam" = String, Path), TableParams),
    responses((status = 200, description = "the file"), (status = 403), (status = 404)))]
async fn export(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Params(params): Params<TableParams>,
) -> Result<Response, Problem> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = app.engine.exam_results(&identity, exam, Page { after, limit: EXPORT_PAGE }).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.row.id);
        all.extend(page);
    }
    let units = app.engine.unit_names(all.iter().filter_map(|result| result.person.unit.as_deref())).await?;
    app.engine.note_export(&identity, "results.export", &exam.to_string()).await?;
    let heads = person_heads(&[
        ("次数", "number"),
        ("状态", "state"),
        ("开始时间", "started_at"),
        ("交卷时间", "closed_at"),
        ("成绩", "score"),
        ("是否合格", "passed"),
        ("学时", "hours"),
    ]);
    let rows = all.iter().map(|result| table_row(result, &units)).collect();
    table(Grid { name: words("成绩", "results"), heads, rows }, params.format, "keju-results").await
}

fn table_row(result: &ResultView, units: &HashMap<String, String>) -> Vec<Cell> {
    let ResultView { row, person, told } = result;
    let passed = row.passed.filter(|_| *told).map(|passed| if passed { words("是", "yes") } else { words("否", "no") });
    let mut cells = person_cells(person, units);
    cells.extend([
        row.number.into(),
        state_words(row.state).into(),
        row.started_at.words_in_shanghai().into(),
        row.closed_at.map(Timestamp::words_in_shanghai).into(),
        row.score.filter(|_| *told).map_or(Cell::Empty, amount),
        passed.into(),
        if *told { amount(row.hours) } else { Cell::Empty },
    ]);
    cells
}

fn state_words(state: AttemptState) -> String {
    let (chinese, english) = match state {
        AttemptState::Open => ("进行中", "open"),
        AttemptState::Paused => ("已暂停", "paused"),
        AttemptState::Submitted => ("已交卷", "submitted"),
        AttemptState::Expired => ("到时收卷", "expired"),
        AttemptState::Terminated => ("被终止", "terminated"),
    };
    words(chinese, english)
}
