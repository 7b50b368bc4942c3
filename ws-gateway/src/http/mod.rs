//! HTTP: one file per noun; each handler parses, asks the engine, and puts the answer into the
//! protocol's words. Decisions are the engine's.
//!
//! How to add the next route: a handler with `#[utoipa::path]` in its noun's file, a line in that
//! file's `routes`; the route × role matrix in the tests fails until the new route is in it.

pub mod analysis;
pub mod attempts;
pub mod audit;
pub mod banks;
pub mod cases;
pub mod certificates;
pub mod courses;
pub mod download;
pub mod exams;
pub mod extract;
pub mod faults;
pub mod hours;
pub mod layers;
pub mod lessons;
pub mod me;
pub mod notebook;
pub mod openapi;
pub mod operations;
pub mod overrides;
pub mod packed;
pub mod pages;
pub mod partners;
pub mod people;
pub mod people_import;
pub mod problem;
pub mod proctor;
pub mod range;
pub mod receipts;
pub mod results;
pub mod sdk;
pub mod session;
pub mod tickets;
pub mod units;
pub mod upload;
pub mod views;

use crate::admission::Class;
use crate::app::App;
use crate::limits::{ADMIN_BYTES_MAX, BATCH_BYTES_MAX, BODY_BYTES_MAX, ROSTER_BYTES_MAX, UPLOAD_BYTES_MAX};
use crate::stream;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use std::sync::Arc;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

/// The whole site.
pub fn router(app: &Arc<App>) -> Router {
    let (api, document) = api(app).split_for_parts();
    let router = api
        .merge(operations::routes(document))
        .merge(pages::routes())
        .merge(sdk::routes())
        .fallback(layers::no_route)
        .method_not_allowed_fallback(layers::no_method)
        .with_state(Arc::clone(app));
    layers::around(router)
}

/// Answers one request.
pub async fn respond(app: Arc<App>, router: Router, request: Request) -> Response {
    match attempts::put_answer_directly(&app, request).await {
        Ok(response) => response,
        // A router refuses nobody: what it does not know is its fallback's.
        Err(request) => router.oneshot(request).await.unwrap_or_else(|never| match never {}),
    }
}

/// The documented API, before its state is filled in.
pub fn api(app: &Arc<App>) -> OpenApiRouter<Arc<App>> {
    let class = |router: OpenApiRouter<Arc<App>>, class: Class, bytes: usize| {
        let admitted = from_fn_with_state((Arc::clone(app), class), layers::admitted);
        router.layer(DefaultBodyLimit::max(bytes)).layer(admitted)
    };
    let packed = |router: OpenApiRouter<Arc<App>>| router.layer(from_fn(packed::packed));
    OpenApiRouter::with_openapi(openapi::document())
        .merge(class(attempts::answer_routes(), Class::Answer, BODY_BYTES_MAX))
        .merge(class(attempts::batch_routes(), Class::Answer, BATCH_BYTES_MAX))
        .merge(class(attempts::submit_routes(), Class::Submit, BODY_BYTES_MAX))
        .merge(class(packed(attempts::resume_routes()), Class::Resume, BODY_BYTES_MAX))
        .merge(class(packed(attempts::start_routes()), Class::Start, BODY_BYTES_MAX))
        .merge(class(session::routes(), Class::Start, BODY_BYTES_MAX))
        .merge(class(attempts::telemetry_routes(), Class::Telemetry, BODY_BYTES_MAX))
        .merge(class(receipts::routes(), Class::Telemetry, BODY_BYTES_MAX))
        .merge(class(tickets::routes(), Class::Start, BODY_BYTES_MAX))
        .merge(class(stream::routes(), Class::Resume, BODY_BYTES_MAX))
        .merge(class(partners::ticket_routes(), Class::Start, BODY_BYTES_MAX))
        .merge(class(partners::routes(), Class::Report, ADMIN_BYTES_MAX))
        .merge(class(packed(lessons::routes()), Class::Report, BODY_BYTES_MAX))
        .merge(class(packed(me::routes()), Class::Report, BODY_BYTES_MAX))
        .merge(class(certificates::routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(hours::routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(packed(notebook::routes()), Class::Report, BODY_BYTES_MAX))
        .merge(class(packed(courses::routes()), Class::Report, BODY_BYTES_MAX))
        .merge(class(analysis::routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(packed(exams::routes()), Class::Report, ADMIN_BYTES_MAX))
        .merge(class(proctor::routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(overrides::routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(results::routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(audit::routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(units::routes(), Class::Report, ADMIN_BYTES_MAX))
        .merge(class(people_import::template_routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(people_import::routes(), Class::Report, ROSTER_BYTES_MAX))
        .merge(class(cases::routes(), Class::Report, BODY_BYTES_MAX))
        .merge(class(people::routes(), Class::Report, ADMIN_BYTES_MAX))
        .merge(class(banks::routes(), Class::Report, ADMIN_BYTES_MAX))
        .merge(class(banks::upload_routes(), Class::Report, UPLOAD_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<F>(_: impl FnOnce(Arc<App>, Router, Request) -> F) -> usize {
        size_of::<F>()
    }

    /// It is moved for every request, to where hyper keeps it until it is answered.
    #[test]
    fn what_is_moved_for_a_request_is_small() {
        assert!(bytes(respond) <= 2_048, "{} bytes", bytes(respond));
    }
}
