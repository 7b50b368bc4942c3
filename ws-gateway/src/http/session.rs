//! Signing in and out.

use super::attempts::limited;
use super::extract::{COOKIE, ClientAddress, Json, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use exam_core::Timestamp;
use exam_core::person::Roles;
use exam_service::EngineError;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Signing in and out.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(sign_in, sign_out))
}

/// Username and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    username: String,
    password: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// For `Authorization: Bearer`.
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    user: UserView,
}

/// Whoever is signed in.
#[derive(Serialize, ToSchema)]
pub struct UserView {
    id: String,
    name: String,
    #[schema(value_type = Vec<String>)]
    roles: Roles,
    /// Whether nothing but a new password is allowed.
    must_change_password: bool,
}

/// Signs in.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", security(()), request_body = Credentials,
    responses((status = 200, body = SessionView), (status = 401), (status = 429)))]
async fn sign_in(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    Json(body): Json<Credentials>,
) -> Result<Response, Problem> {
    // Nobody has a longer one: nothing is looked up, hashed or counted under it.
    if body.username.chars().count() > 64 || body.password.chars().count() > 1_000 {
        return Err(Problem::new("wrong_credentials"));
    }
    limited(app.rates.before_sign_in(&body.username, address))?;
    let _place = app.rates.sign_in_place().await;
    // Once more: those who waited before may have used the allowance up.
    limited(app.rates.before_sign_in(&body.username, address))?;
    let signed_in = match app.engine.sign_in(&body.username, body.password).await {
        Err(EngineError::Unauthenticated) => {
            app.rates.failed_sign_in(&body.username, address);
            return Err(Problem::new("wrong_credentials"));
        }
        other => other?,
    };
    let identity = signed_in.identity;
    let seconds = identity.expires_at.since(app.engine.now()) / 1_000;
    let cookie = cookie(&signed_in.token, seconds, app.config.secure_cookies);
    let view = SessionView {
        token: signed_in.token,
        expires_at: identity.expires_at,
        user: UserView {
            id: identity.id().to_string(),
            name: identity.person.name.clone(),
            roles: identity.person.roles,
            must_change_password: identity.person.must_change_password,
        },
    };
    Ok(with_cookie(axum::Json(view).into_response(), &cookie))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses((status = 204), (status = 401)))]
async fn sign_out(State(app): State<Arc<App>>, SignedIn(identity): SignedIn) -> Result<Response, Problem> {
    app.engine.sign_out(&identity).await?;
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), &cookie("", 0, app.config.secure_cookies)))
}

fn cookie(token: &str, seconds: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}
