//! What is around every handler: language, request id, admission, metrics, headers, panics.

use super::problem::{LANGUAGE, Problem, ProblemCode};
use crate::admission::Class;
use crate::app::App;
use crate::messages::language;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layers.
pub fn around(router: Router) -> Router {
    router.layer(from_fn(outermost))
}

async fn outermost(request: Request, next: Next) -> Response {
    let language = language(request.headers());
    let id = request_id(&request);
    // The route's pattern, never the path: ids of people's things stay out of the logs.
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id = %id, method = %request.method(), route);
    let mut response = LANGUAGE.scope(language, next.run(request).instrument(span.clone())).await;
    let problem = response.extensions().get::<ProblemCode>().map(|code| code.0);
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), problem, "answered"));
    security_headers(&mut response);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The client's own id, if it is a harmless one, else a new one.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let harmless =
        |id: &&str| (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    given.filter(harmless).map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned)
}

fn security_headers(response: &mut Response) {
    const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                          form-action 'self'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Lets requests of a class in while there is room, and counts and times them.
pub async fn admitted(State((app, class)): State<(Arc<App>, Class)>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let response = match app.admission.enter(class) {
        Some(_place) => next.run(request).await,
        None => Problem::new("overloaded").retry_after_ms(1_000).into_response(),
    };
    let problem = response.extensions().get::<ProblemCode>().map(|code| code.0);
    app.metrics.request(class, response.status().as_u16(), problem, started.elapsed());
    response
}

/// No such route.
pub async fn no_route() -> Problem {
    Problem::new("not_found")
}

/// A route, but not by this method.
pub async fn no_method() -> Problem {
    Problem::new("method_not_allowed")
}
