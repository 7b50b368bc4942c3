//! What is around every handler: language, request id, admission, metrics, headers, panics.

use super::problem::{LANGUAGE, Problem, ProblemCode, REQUEST_ID as ID};
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

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layers.
pub fn around(router: Router) -> Router {
    router.layer(from_fn(outermost))
}

async fn outermost(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    around_one(request, route.as_ref().map_or("-", MatchedPath::as_str), |request| next.run(request)).await
}

/// What is around a request to a route, given by its pattern, never by the path: ids of people's things
/// stay out of the logs. A span would say the same to every line of the log, and cost every request more
/// than finding out who asks; so lines name the request where there is something to tell.
pub async fn around_one<F: Future<Output = Response>>(
    request: Request,
    route: &str,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let language = language(request.headers());
    let id = request_id(&request);
    let method = request.method().clone();
    let mut response = ID.scope(id.clone(), LANGUAGE.scope(language, answer(request))).await;
    let status = response.status().as_u16();
    let problem = response.extensions().get::<ProblemCode>().map(|code| code.0);
    if status == 500 {
        tracing::error!(request = ?id, %method, route, status, problem, "a request failed");
    }
    tracing::debug!(request = ?id, %method, route, status, problem, "answered");
    security_headers(&mut response);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The client's own id, if it is a harmless one, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let harmless = |id: &&HeaderValue| {
        (8..=64).contains(&id.len()) && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    if let Some(given) = request.headers().get(REQUEST_ID).filter(harmless) {
        return given.clone();
    }
    let mut id = [0; 32];
    // Two digits a byte: it fits, and digits are a header's value.
    let _ = hex::encode_to_slice(rand::random::<[u8; 16]>(), &mut id);
    HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("-"))
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
    admitted_one(&app, class, next.run(request)).await
}

/// The same for the answer to one request.
pub async fn admitted_one(app: &App, class: Class, answer: impl Future<Output = Response>) -> Response {
    let started = Instant::now();
    let response = match app.admission.enter(class) {
        Some(_place) => answer.await,
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
