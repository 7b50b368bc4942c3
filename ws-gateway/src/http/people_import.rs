//! People from a workbook: the template, the preview of every row, the commit of exactly that.

use super::download::{XLSX, file, template, words};
use super::extract::SignedIn;
use super::problem::Problem;
use super::upload::{Upload, read_upload};
use crate::app::App;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use exam_core::access::Act;
use exam_core::id_number;
use exam_core::person::Role;
use exam_core::roster::{Column, RosterRow};
use exam_service::{CreatedPerson, RosterPreview};
use question_bank::formats::grid::{Cell, Grid, Template};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The template.
pub fn template_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(people_template))
}

/// Uploads.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(import))
}

const INSTRUCTIONS: &[[&str; 3]] = &[
    [
        "人员导入模板",
        "在“人员”表中每行填写一人；“说明”和“示例”两张表不会被导入。",
        "One person per row of the sheet 人员; 说明 and 示例 are not imported.",
    ],
    [
        "用户名",
        "必填，登录时使用，1–64 个不含空白的字符，不能重复。",
        "Required and unique; 1 to 64 characters without blanks.",
    ],
    ["姓名", "必填。", "Required."],
    [
        "身份证号",
        "选填。18 位，按 GB 11643-1999 校验；单元格须为文本格式。",
        "Optional; 18 characters, checked by GB 11643-1999; keep the cell a text.",
    ],
    ["单位", "选填。单位代码，须已在系统的单位中。", "Optional; the code of a unit that is there."],
    [
        "角色",
        "选填，多个用 、 分开；空着为学员。可用：学员 命题人员 监考人员 单位管理员 区县管理员 市级管理员 系统管理员 运维人员。",
        "Optional; several between 、; blank means a learner.",
    ],
    [
        "密码",
        "不在表中填写：导入时为每人生成一次性密码，首次登录时必须修改。",
        "Not in the table: everybody gets a one-time password that has to be changed at the first sign-in.",
    ],
];

const EXAMPLES: &[&[&str]] = &[
    &["zhangsan", "张三", "11010519491231002X", "370303-01", "学员"],
    &["lisi", "李四", "", "370303-01", "学员、单位管理员"],
];

/// The Excel template for people.
#[utoipa::path(get, path = "/api/v1/templates/people.xlsx", tag = "administrator",
    responses((status = 200, description = "the file"), (status = 403)))]
async fn people_template(SignedIn(identity): SignedIn) -> Result<Response, Problem> {
    identity.may(Act::ManagePeople)?;
    let roles = Role::ALL.map(Role::name_zh);
    let columns = Column::ALL.map(|column| (column.name(), if column == Column::Roles { &roles[..] } else { &[] }));
    let made = Template { name: "人员", columns: &columns, instructions: INSTRUCTIONS, examples: EXAMPLES };
    template(&made, "keju-people.xlsx")
}

/// The form of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the multipart form")]
pub struct PeopleImportForm {
    /// A workbook in the template's columns, or comma-separated values.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// `true` (the default): report only, nothing is stored.
    dry_run: Option<String>,
    /// What the dry run answered; needed when `dry_run` is `false`.
    digest: Option<String>,
}

/// A table of people as it was read.
#[derive(Serialize, ToSchema)]
pub struct PeoplePreviewView {
    /// Names this very preview for the commit.
    digest: String,
    accepted: usize,
    refused: usize,
    rows: Vec<RosterRowView>,
}

/// One row.
#[derive(Serialize, ToSchema)]
pub struct RosterRowView {
    /// As the spreadsheet numbers it.
    row: u32,
    username: String,
    name: String,
    /// Masked.
    id_number: Option<String>,
    unit: Option<String>,
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// Everything wrong with it; a row with errors is left out.
    errors: Vec<CellFaultView>,
}

/// One fault.
#[derive(Serialize, ToSchema)]
pub struct CellFaultView {
    /// The column's name in the template.
    column: Option<&'static str>,
    detail: String,
}

/// Imports people from a workbook. A dry run tells every fault of every row and a `digest`; with it the same file is
/// committed, and the answer is a workbook of one-time passwords, which are given out here and nowhere else.
#[utoipa::path(post, path = "/api/v1/people/imports", tag = "administrator",
    request_body(content = PeopleImportForm, content_type = "multipart/form-data"),
    responses((status = 200, body = PeoplePreviewView, description = "the preview; of a commit the passwords' file"),
        (status = 400), (status = 403), (status = 409), (status = 413)))]
async fn import(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    // Before the upload is read, not after.
    identity.may(Act::ManagePeople)?;
    let Upload { bytes, mut fields, .. } = read_upload(form, &["dry_run", "digest"]).await?;
    let commit = match fields.remove("dry_run").as_deref() {
        None | Some("true" | "1" | "") => false,
        Some("false" | "0") => true,
        Some(_) => return Err(Problem::field("/dry_run", "请填写 true 或 false / give true or false")),
    };
    if !commit {
        return Ok(axum::Json(preview_view(app.engine.preview_people(&identity, bytes).await?)).into_response());
    }
    let digest = fields.remove("digest").unwrap_or_default();
    if digest.is_empty() {
        return Err(Problem::field("/digest", "请填写检查时返回的 digest / give the digest that the dry run answered"));
    }
    let created = app.engine.import_people(&identity, bytes, &digest).await?;
    passwords(&created)
}

fn preview_view(preview: RosterPreview) -> PeoplePreviewView {
    let refused = preview.rows.iter().filter(|row| !row.faults.is_empty()).count();
    PeoplePreviewView {
        digest: preview.digest,
        accepted: preview.rows.len() - refused,
        refused,
        rows: preview.rows.into_iter().map(row_view).collect(),
    }
}

fn row_view(row: RosterRow) -> RosterRowView {
    let fault = |fault: exam_core::roster::RowFault| CellFaultView {
        column: fault.column.map(Column::name),
        detail: fault.detail,
    };
    RosterRowView {
        row: row.row,
        username: row.username,
        name: row.name,
        id_number: row.id_number.as_deref().map(id_number::mask),
        unit: row.unit,
        roles: row.roles,
        errors: row.faults.into_iter().map(fault).collect(),
    }
}

fn passwords(created: &[CreatedPerson]) -> Result<Response, Problem> {
    let row = |person: &CreatedPerson| -> Vec<Cell> {
        vec![person.username.clone().into(), person.name.clone().into(), person.password.clone().into()]
    };
    let heads = vec![words("用户名", "username"), words("姓名", "name"), words("一次性密码", "one-time password")];
    let grid = Grid { name: words("密码", "passwords"), heads, rows: created.iter().map(row).collect() };
    let bytes = grid.to_xlsx().map_err(|_| Problem::new("internal"))?;
    let mut response = file(bytes, XLSX, "keju-passwords.xlsx");
    response.headers_mut().insert("x-keju-created", HeaderValue::from(created.len() as u64));
    Ok(response)
}
