//! The SDK for course players, at addresses that do not change, and the page that demonstrates it.
//!
//! Other sites load the SDK, so any origin may read it. It holds nothing that is anybody's own: what a page may do with
//! it is decided by its ticket and by the `Origin` of its socket.

use super::pages;
use super::problem::Problem;
use crate::app::App;
use axum::Router;
use axum::extract::Path;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{Redirect, Response};
use axum::routing::get;
use std::future::ready;
use std::sync::Arc;

const CROSS_ORIGIN: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The SDK and its demo.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/sdk/{file}", get(script))
        .route("/lesson", get(|| ready(Redirect::permanent("/lesson/"))))
        .route("/lesson/", get(async |asked: HeaderMap| demo(Path("index.html".to_owned()), asked).await))
        .route("/lesson/{file}", get(demo))
}

async fn script(Path(file): Path<String>, asked: HeaderMap) -> Result<Response, Problem> {
    let mut response = pages::file(&format!("sdk/{file}"), &asked)?;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CROSS_ORIGIN, HeaderValue::from_static("cross-origin"));
    Ok(response)
}

async fn demo(Path(file): Path<String>, asked: HeaderMap) -> Result<Response, Problem> {
    pages::file(&format!("lesson-demo/{file}"), &asked)
}
