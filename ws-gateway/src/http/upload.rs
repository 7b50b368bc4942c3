//! Files that come in a multipart form.

use super::problem::Problem;
use crate::limits::UPLOAD_READ_TIMEOUT;
use axum::extract::Multipart;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::http::StatusCode;
use std::collections::BTreeMap;

/// What a form held.
pub struct Upload {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its name, where one was given.
    pub file_name: Option<String>,
    /// The other fields, by name.
    pub fields: BTreeMap<String, String>,
}

/// Reads a form with a field `file` and those of `known`, within the time for uploads.
///
/// # Errors
/// It is no such form, or did not arrive in time.
pub async fn read_upload(form: Result<Multipart, MultipartRejection>, known: &[&str]) -> Result<Upload, Problem> {
    let form = form
        .map_err(|_| Problem::field("", "请以 multipart/form-data 上传文件 / send the file as multipart/form-data"))?;
    tokio::time::timeout(UPLOAD_READ_TIMEOUT, read(form, known)).await.map_err(|_| Problem::new("timeout"))?
}

async fn read(mut form: Multipart, known: &[&str]) -> Result<Upload, Problem> {
    let (mut file, mut fields) = (None, BTreeMap::new());
    while let Some(field) = form.next_field().await.map_err(|error| form_problem(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|error| form_problem(&error))?;
        if name == "file" {
            file = Some((bytes.to_vec(), file_name));
        } else if known.contains(&name.as_str()) {
            fields.insert(name, std::str::from_utf8(&bytes).unwrap_or_default().trim().to_owned());
        } else {
            let words = known.join("、");
            let detail = format!("未知字段：表单只有 file、{words} / unknown: the form has file, {}", known.join(", "));
            return Err(Problem::field(format!("/{name}"), detail));
        }
    }
    let (bytes, file_name) = file.ok_or_else(|| {
        Problem::field("/file", "请在表单字段 file 中上传文件 / send the file in the form's field `file`")
    })?;
    Ok(Upload { bytes, file_name, fields })
}

fn form_problem(error: &MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new("too_large"),
        _ => Problem::new("invalid").detail(error.body_text()),
    }
}
