//! The OpenAPI document: what is common to all routes. The routes add themselves.

use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Keju 科举",
        description = "Online examinations: banks, papers, attempts, grades, hours.\n\nErrors are RFC 9457 \
                       `application/problem+json` with `code`, and `errors` with JSON pointers.",
        license(name = "Apache-2.0 OR MIT")
    ),
    security(("bearer" = []), ("cookie" = [])),
    tags(
        (name = "session", description = "Signing in"),
        (name = "learner", description = "Practice, exams, hours"),
        (name = "stream", description = "The WebSocket; its messages are in /asyncapi.json"),
        (name = "author", description = "Banks, courses, exams"),
        (name = "proctor", description = "Watching and acting"),
        (name = "administrator", description = "People and the audit log"),
    )
)]
struct Document;

/// The document without its paths.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let components = document.components.get_or_insert_with(Default::default);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::new(super::extract::COOKIE);
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document
}
