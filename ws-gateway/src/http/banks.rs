//! Banks: making, importing, exporting, reading. Everything here carries keys, for authors only.

use super::courses::ListView;
use super::download::{XLSX, file};
use super::exams::page_limit;
use super::extract::{Id, Json, Params, SignedIn};
use super::people::ByName;
use super::problem::{LANGUAGE, Problem};
use super::upload::{Upload, read_upload};
use crate::app::App;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use exam_core::access::Act;
use exam_core::ids::BankId;
use exam_service::{ImportRequest, Stratum, WrittenItem};
use exam_store::{BankRow, ItemRow, ItemState, Page};
use question_bank::formats::xlsx::template;
use question_bank::formats::{Format, Language};
use question_bank::{Difficulty, Item};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Banks.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(items, add_item, change_item))
        .routes(routes!(strata))
        .routes(routes!(set_state))
        .routes(routes!(export))
        .routes(routes!(excel_template))
}

/// Uploads.
pub fn upload_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(import))
}

/// A new bank.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BankBody {
    code: String,
    title: String,
}

/// A bank.
#[derive(Serialize, ToSchema)]
pub struct BankView {
    id: String,
    code: String,
    title: String,
    /// Counts changes of its items.
    revision: i64,
}

fn bank_view(bank: BankRow) -> BankView {
    BankView { id: bank.id.to_string(), code: bank.code, title: bank.title, revision: bank.revision }
}

/// Makes a bank.
#[utoipa::path(post, path = "/api/v1/banks", tag = "author", request_body = BankBody,
    responses((status = 201, body = BankView), (status = 403), (status = 409)))]
async fn create(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<BankBody>,
) -> Result<(StatusCode, axum::Json<BankView>), Problem> {
    let bank = app.engine.create_bank(&identity, body.code, body.title).await?;
    Ok((StatusCode::CREATED, axum::Json(bank_view(bank))))
}

/// All banks, by code.
#[utoipa::path(get, path = "/api/v1/banks", tag = "author", params(ByName),
    responses((status = 200, body = ListView<BankView>), (status = 403)))]
async fn list(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Params(params): Params<ByName>,
) -> Result<axum::Json<ListView<BankView>>, Problem> {
    let limit = page_limit(params.limit);
    let (after, limit_and_one) = params.page(limit);
    let banks = app.engine.banks(&identity, Page { after, limit: limit_and_one }).await?;
    let more = banks.len() > limit as usize;
    let items: Vec<BankView> = banks.into_iter().take(limit as usize).map(bank_view).collect();
    let next = items.last().filter(|_| more).map(|bank| bank.code.clone());
    Ok(axum::Json(ListView { items, next }))
}

/// An item with its key.
#[derive(Serialize, ToSchema)]
pub struct ItemView {
    version: u32,
    /// `draft ready retired`.
    state: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    item: Item,
}

/// A bank's items with their keys, by code.
#[utoipa::path(get, path = "/api/v1/banks/{bank}/items", tag = "author", params(("bank" = String, Path), ByName),
    responses((status = 200, body = ListView<ItemView>), (status = 403), (status = 404)))]
async fn items(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(bank): Id<BankId>,
    Params(params): Params<ByName>,
) -> Result<axum::Json<ListView<ItemView>>, Problem> {
    let limit = page_limit(params.limit);
    let (after, limit_and_one) = params.page(limit);
    let rows = app.engine.bank_items(&identity, bank, Page { after, limit: limit_and_one }).await?;
    let more = rows.len() > limit as usize;
    let items: Vec<ItemView> = rows.into_iter().take(limit as usize).map(item_view).collect();
    let next = items.last().filter(|_| more).map(|view| view.item.code.clone());
    Ok(axum::Json(ListView { items, next }))
}

fn item_view(row: ItemRow) -> ItemView {
    ItemView { version: row.version, state: row.state.name(), kind: row.item.kind().name(), item: row.item }
}

/// An item that was written.
#[derive(Serialize, ToSchema)]
pub struct WrittenItemView {
    /// Given, or made from its content.
    code: String,
    /// What was changed in it or is worth a look.
    warnings: Vec<String>,
}

fn written(item: WrittenItem) -> WrittenItemView {
    let language = LANGUAGE.try_with(|language| *language).unwrap_or_default();
    let warnings = item.warnings.iter().map(|finding| finding.message(language)).collect();
    WrittenItemView { code: item.code, warnings }
}

/// Adds an item, written as in the bank's JSON; it is ready at once.
#[utoipa::path(post, path = "/api/v1/banks/{bank}/items", tag = "author", params(("bank" = String, Path)),
    request_body(content = Object, description = "an item of keju-bank/1"),
    responses((status = 201, body = WrittenItemView), (status = 400), (status = 403), (status = 404)))]
async fn add_item(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(bank): Id<BankId>,
    Json(item): Json<serde_json::Value>,
) -> Result<(StatusCode, axum::Json<WrittenItemView>), Problem> {
    let item = app.engine.write_item(&identity, bank, item, false).await?;
    Ok((StatusCode::CREATED, axum::Json(written(item))))
}

/// The next version of the item of its code; published exams keep what they pinned.
#[utoipa::path(put, path = "/api/v1/banks/{bank}/items", tag = "author", params(("bank" = String, Path)),
    request_body(content = Object, description = "an item of keju-bank/1, with its code"),
    responses((status = 200, body = WrittenItemView), (status = 400), (status = 403), (status = 404)))]
async fn change_item(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(bank): Id<BankId>,
    Json(item): Json<serde_json::Value>,
) -> Result<axum::Json<WrittenItemView>, Problem> {
    let item = app.engine.write_item(&identity, bank, item, true).await?;
    Ok(axum::Json(written(item)))
}

/// How many ready items there are of one topic, difficulty and kind.
#[derive(Serialize, ToSchema)]
pub struct StratumView {
    topic: String,
    #[schema(value_type = String)]
    difficulty: Difficulty,
    kind: &'static str,
    count: u32,
}

/// What a bank's blueprints can ask for: its ready items counted by topic, difficulty and kind, all of them at once.
#[utoipa::path(get, path = "/api/v1/banks/{bank}/strata", tag = "author", params(("bank" = String, Path)),
    responses((status = 200, body = ListView<StratumView>), (status = 403), (status = 404)))]
async fn strata(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(bank): Id<BankId>,
) -> Result<axum::Json<ListView<StratumView>>, Problem> {
    let found = app.engine.strata(&identity, bank).await?;
    let view = |stratum: Stratum| StratumView {
        topic: stratum.topic.to_string(),
        difficulty: stratum.difficulty,
        kind: stratum.kind.name(),
        count: stratum.count,
    };
    Ok(axum::Json(ListView { items: found.into_iter().map(view).collect(), next: None }))
}

/// Which items, and what they become.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateBody {
    codes: Vec<String>,
    /// `draft ready retired`.
    state: String,
}

/// The revision a change made.
#[derive(Serialize, ToSchema)]
pub struct RevisionView {
    revision: i64,
}

/// Changes the state of items: draft, ready, retired. Published exams keep what they pinned.
#[utoipa::path(put, path = "/api/v1/banks/{bank}/items/state", tag = "author", params(("bank" = String, Path)),
    request_body = StateBody, responses((status = 200, body = RevisionView), (status = 404)))]
async fn set_state(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(bank): Id<BankId>,
    Json(body): Json<StateBody>,
) -> Result<axum::Json<RevisionView>, Problem> {
    let state = ItemState::parse(&body.state);
    let state = state
        .ok_or_else(|| Problem::field("/state", "可用值：draft ready retired / give one of draft ready retired"))?;
    let revision = app.engine.set_item_state(&identity, bank, body.codes, state).await?;
    Ok(axum::Json(RevisionView { revision }))
}

/// The form of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the multipart form")]
pub struct ImportForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// `auto json xlsx csv gift moodle_xml aiken`; absent: auto.
    format: Option<String>,
    /// `true`: report only, nothing is stored.
    dry_run: Option<String>,
}

/// Imports a file. Every item is accepted, accepted with a warning, or refused with place and reason.
#[utoipa::path(post, path = "/api/v1/banks/{bank}/imports", tag = "author", params(("bank" = String, Path)),
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 200, description = "the report"), (status = 400), (status = 404), (status = 413)))]
async fn import(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(bank): Id<BankId>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    // Before the upload is read, not after.
    identity.may(Act::WriteBanks)?;
    let request = read_form(form).await?;
    let report = app.engine.import_items(&identity, bank, request).await?;
    let language = LANGUAGE.try_with(|language| *language).unwrap_or_default();
    Ok(axum::Json(report.localized(language)).into_response())
}

async fn read_form(form: Result<Multipart, MultipartRejection>) -> Result<ImportRequest, Problem> {
    let Upload { bytes, file_name, fields } = read_upload(form, &["format", "dry_run"]).await?;
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let (format, dry_run) = (read_format(field("format"))?, read_flag(field("dry_run"))?);
    Ok(ImportRequest { bytes, file_name, format, dry_run, state: ItemState::Ready })
}

/// The format of a name; `None` for `auto`.
fn read_format(name: &str) -> Result<Option<Format>, Problem> {
    match name {
        "" | "auto" => Ok(None),
        name => Format::parse(name).map(Some).ok_or_else(|| unknown_format("/format")),
    }
}

fn unknown_format(pointer: &str) -> Problem {
    Problem::field(
        pointer,
        "可用值：auto json xlsx csv gift moodle_xml aiken / give one of auto json xlsx csv gift moodle_xml aiken",
    )
}

fn read_flag(text: &str) -> Result<bool, Problem> {
    match text {
        "true" | "1" => Ok(true),
        "" | "false" | "0" => Ok(false),
        _ => Err(Problem::field("/dry_run", "请填写 true 或 false / give true or false")),
    }
}

/// Which format.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ExportParams {
    /// `json xlsx csv gift moodle_xml aiken`; absent: json.
    format: Option<String>,
}

/// Writes the bank's ready items to a file. What the format cannot hold is counted in `x-keju-omitted`.
#[utoipa::path(get, path = "/api/v1/banks/{bank}/export", tag = "author", params(("bank" = String, Path), ExportParams),
    responses((status = 200, description = "the file"), (status = 403), (status = 404)))]
async fn export(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(bank): Id<BankId>,
    Params(params): Params<ExportParams>,
) -> Result<Response, Problem> {
    let format = Format::parse(params.format.as_deref().unwrap_or("json"));
    let format = format.ok_or_else(|| unknown_format("/query/format"))?;
    let written = app.engine.export_bank(&identity, bank, format).await?;
    let omitted = written.omitted.len();
    let mut response = file(written.bytes, written.media_type, &format!("bank.{}", written.extension));
    response.headers_mut().insert("x-keju-omitted", HeaderValue::from(omitted as u64));
    Ok(response)
}

/// The Excel template that administrators fill in.
#[utoipa::path(get, path = "/api/v1/templates/items.xlsx", tag = "author", responses((status = 200, description = "the file")))]
async fn excel_template(SignedIn(identity): SignedIn) -> Result<Response, Problem> {
    identity.may(Act::WriteBanks)?;
    let bytes = template().map_err(|finding| {
        tracing::error!(reason = finding.message(Language::English), "the template could not be written");
        Problem::new("internal")
    })?;
    Ok(file(bytes, XLSX, "keju-items.xlsx"))
}
