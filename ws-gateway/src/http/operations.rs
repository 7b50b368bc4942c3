//! Operations: alive, ready, metrics, documents.

use super::problem::Problem;
use crate::app::App;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Operations.
pub fn routes(document: OpenApi) -> Router<Arc<App>> {
    let docs = SwaggerUi::new("/docs").url("/openapi.json", document).config(Config::default().use_base_layout());
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/asyncapi.json", get(crate::stream::asyncapi::serve))
        .merge(docs)
}

/// Alive.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Able to take work.
async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    app.engine.ready().await?;
    Ok("ready\n")
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let text = app.metrics.text(&app.engine, app.admission.taken(), &app.queue);
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
