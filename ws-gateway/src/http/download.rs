//! Files that pages offer to keep: their form, their name, and tables as workbooks or comma-separated values.

use super::problem::{LANGUAGE, Problem};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use question_bank::Points;
use question_bank::formats::grid::{Cell, Grid, Template};
use question_bank::formats::{Finding, Language};
use serde::Deserialize;
use utoipa::IntoParams;

/// The media type of workbooks.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// A workbook.
    #[default]
    Xlsx,
    /// Comma-separated values.
    Csv,
}

/// Which file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TableParams {
    /// `xlsx` (the default) or `csv`.
    #[param(value_type = Option<String>)]
    #[serde(default)]
    pub format: TableFormat,
}

/// The words of whoever asks: Chinese, and English where it is asked for.
pub fn words(chinese: &str, english: &str) -> String {
    match LANGUAGE.try_with(|language| *language).unwrap_or_default() {
        Language::Chinese => chinese,
        Language::English => english,
    }
    .to_owned()
}

/// The header row in the reader's language.
pub fn heads(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().map(|(chinese, english)| words(chinese, english)).collect()
}

/// Points or hours as a number.
pub fn amount(points: Points) -> Cell {
    Cell::Number(points.hundredths() as f64 / 100.0)
}

/// A table to be kept under `name`, which has no ending yet.
///
/// # Errors
/// It does not fit a sheet.
pub async fn table(grid: Grid, format: TableFormat, name: &str) -> Result<Response, Problem> {
    let (ending, media_type) = match format {
        TableFormat::Xlsx => ("xlsx", XLSX),
        TableFormat::Csv => ("csv", "text/csv; charset=utf-8"),
    };
    let written = tokio::task::spawn_blocking(move || match format {
        TableFormat::Xlsx => grid.to_xlsx(),
        TableFormat::Csv => Ok(grid.to_csv()),
    });
    let bytes = written.await.map_err(|_| Problem::new("internal"))?.map_err(|finding| unwritten(&finding))?;
    Ok(file(bytes, media_type, &format!("{name}.{ending}")))
}

/// A workbook to fill in.
///
/// # Errors
/// It cannot be written.
pub fn template(template: &Template<'_>, name: &str) -> Result<Response, Problem> {
    Ok(file(template.to_xlsx().map_err(|finding| unwritten(&finding))?, XLSX, name))
}

fn unwritten(finding: &Finding) -> Problem {
    tracing::error!(reason = finding.message(Language::English), "a table could not be written");
    Problem::new("internal")
}

/// A file to be kept under its name.
pub fn file(bytes: Vec<u8>, media_type: &str, name: &str) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    for (header, value) in [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header, value);
        }
    }
    response
}
