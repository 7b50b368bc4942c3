//! The notebook of wrong answers.

use super::attempts::limited;
use super::extract::{ClientAddress, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use exam_core::Timestamp;
use exam_core::ids::AttemptId;
use exam_service::NotebookEntry;
use question_bank::Response as Said;
use question_bank::candidate::write_question;
use question_bank::marking::released_key;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The notebook.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(remove))
}

/// The notebook, whole.
#[derive(Serialize, ToSchema)]
pub struct NotebookJson {
    items: Vec<MistakeView>,
    /// Always `null`.
    next: Option<String>,
    /// Entries that do not show now: their questions stand in an exam paper of yours whose results are not out.
    withheld: usize,
}

/// A question that was answered wrong.
#[derive(Serialize, ToSchema)]
pub struct MistakeView {
    /// Where it was wrong last.
    attempt: String,
    /// The slot there; the ids below are of it.
    slot: u32,
    exam: String,
    exam_title: String,
    /// Names from the root down, with `/` between them.
    topic: String,
    /// In how many attempts it was wrong.
    wrong: u32,
    /// In how many attempts since then it was right; it leaves with the second.
    right: u32,
    #[schema(value_type = String, format = DateTime)]
    last_wrong_at: Timestamp,
    /// `{"kind", "stem", "options"?, "targets"?}`, as in an attempt.
    #[schema(value_type = Object)]
    question: Box<RawValue>,
    /// What was answered.
    #[schema(value_type = Object)]
    response: Said,
    #[schema(value_type = Option<Object>)]
    key: Option<Said>,
    explanation: Option<String>,
}

/// The signed-in person's notebook of wrong answers, the latest mistake first.
#[utoipa::path(get, path = "/api/v1/me/notebook", tag = "learner", responses((status = 200, body = NotebookJson)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    ClientAddress(address): ClientAddress,
) -> Result<axum::Json<NotebookJson>, Problem> {
    // It is put together from many attempts.
    limited(app.rates.start(identity.id(), address))?;
    let notebook = app.engine.notebook(&identity).await?;
    let items = notebook.entries.iter().map(mistake).collect::<Option<Vec<MistakeView>>>();
    let items = items.ok_or_else(|| {
        tracing::error!("a notebook's question does not fit its exam");
        Problem::new("internal")
    })?;
    Ok(axum::Json(NotebookJson { items, next: None, withheld: notebook.withheld }))
}

fn mistake(entry: &NotebookEntry) -> Option<MistakeView> {
    let pool = &entry.exam.pool;
    let slot = entry.paper.slot_numbered(entry.slot)?;
    let item = pool.item(slot.item)?;
    let mut question = b"{".to_vec();
    write_question(&mut question, slot, pool).ok()?;
    question.push(b'}');
    Some(MistakeView {
        attempt: entry.attempt.to_string(),
        slot: entry.slot,
        exam: entry.exam.exam.id.to_string(),
        exam_title: entry.exam.exam.title.clone(),
        topic: item.topic.as_str().to_owned(),
        wrong: entry.wrong,
        right: entry.right,
        last_wrong_at: entry.at,
        question: RawValue::from_string(String::from_utf8(question).ok()?).ok()?,
        response: entry.response.clone(),
        key: released_key(&item.solution.key, slot),
        explanation: item.solution.explanation.as_ref().map(|text| text.as_html().to_owned()),
    })
}

/// Takes a question out of the notebook; a later mistake brings it back.
#[utoipa::path(delete, path = "/api/v1/me/notebook/{attempt}/{slot}", tag = "learner",
    params(("attempt" = String, Path), ("slot" = u32, Path)), responses((status = 204), (status = 404)))]
async fn remove(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    place: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    limited(app.rates.request(identity.id()))?;
    let not_found = || Problem::new("not_found");
    let Path((attempt, slot)) = place.map_err(|_| not_found())?;
    let attempt = AttemptId::parse(&attempt).ok_or_else(not_found)?;
    let slot = slot.parse().map_err(|_| not_found())?;
    app.engine.remove_from_notebook(&identity, attempt, slot).await?;
    Ok(StatusCode::NO_CONTENT)
}
