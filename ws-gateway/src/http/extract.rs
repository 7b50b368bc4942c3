//! What handlers take from requests, each with a problem of its own.

use super::faults::{NUL, faults, nuls, pointer_name};
use super::problem::Problem;
use crate::app::App;
use crate::config::Config;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, header};
use exam_core::integrity::Origin;
use exam_service::{FieldFault, Identity, PartnerIdentity, token_hash};
use serde::de::{self, DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Deserializer};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use utoipa::ToSchema;

/// The name of the session cookie.
pub const COOKIE: &str = "keju_session";

/// Whoever is signed in. Nothing is allowed by this alone: the engine asks for every act.
pub struct SignedIn(pub Identity);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = match bearer(&parts.headers) {
            Some(token) => token,
            None => {
                let token = cookie(&parts.headers).ok_or_else(|| Problem::new("unauthenticated"))?;
                same_origin(parts, app)?;
                token
            }
        };
        Ok(Self(app.engine.identify(token).await?))
    }
}

/// A partner system, by its key.
pub struct WithKey(pub PartnerIdentity);

impl FromRequestParts<Arc<App>> for WithKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let key = bearer(&parts.headers).ok_or_else(|| Problem::new("unauthenticated"))?;
        Ok(Self(app.engine.identify_partner(key).await?))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs =
        headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// A cookie is sent by the browser whoever asks: a change needs a page of our own to have asked.
fn same_origin(parts: &Parts, app: &App) -> Result<(), Problem> {
    let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || is_own_origin(&parts.headers, &app.config) {
        return Ok(());
    }
    Err(Problem::new("foreign_origin"))
}

/// Whether a page of our own, or of an origin that is allowed by name, sends this; false when nobody says so.
#[must_use]
pub fn is_own_origin(headers: &HeaderMap, config: &Config) -> bool {
    let only = |name| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().and_then(|value| value.to_str().ok());
        first.filter(|_| values.next().is_none()).unwrap_or_default()
    };
    let (origin, host) = (only(header::ORIGIN), only(header::HOST));
    let own = origin.split_once("://").is_some_and(|(scheme, rest)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && rest.eq_ignore_ascii_case(host)
    });
    own || (!origin.is_empty() && config.allowed_origins.iter().any(|allowed| allowed == origin))
}

/// The address a request came from; X-Forwarded-For counts only from a trusted proxy.
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        client_address(parts, app).map(Self)
    }
}

fn client_address(parts: &Parts, app: &App) -> Result<IpAddr, Problem> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.ok_or_else(|| Problem::new("internal"))?.to_canonical();
    Ok(forwarded(&parts.headers, peer, &app.config.trusted_proxies))
}

/// The last address in the chain that is no proxy of ours.
fn forwarded(headers: &HeaderMap, peer: IpAddr, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&peer) {
        return peer;
    }
    let written = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<&str> = written.flat_map(|value| value.split(',')).collect();
    // From the end, where proxies write. Before anything that is no address stands what a client made up.
    let mut addresses = chain.into_iter().rev().map_while(|text| text.trim().parse::<IpAddr>().ok());
    addresses.find(|address| !trusted.contains(address)).unwrap_or(peer)
}

/// Where a command comes from, as the integrity layer sees it, and the address itself.
pub struct From(pub Origin, pub IpAddr);

impl FromRequestParts<Arc<App>> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).or_else(|| cookie(&parts.headers)).unwrap_or_default();
        Self::of(parts, app, &token_hash(token))
    }
}

impl From {
    /// The same where the session, by its token's hash, is known already.
    ///
    /// # Errors
    /// The connection's address is not known: a fault of ours.
    pub fn of(parts: &Parts, app: &App, session: &[u8; 32]) -> Result<Self, Problem> {
        let address = client_address(parts, app)?;
        let device = device_digest(session);
        Ok(Self(Origin { address: address.to_string(), agent: agent_digest(&parts.headers), device }, address))
    }
}

/// Of the browser's name.
#[must_use]
pub fn agent_digest(headers: &HeaderMap) -> String {
    short_digest(headers.get(header::USER_AGENT).map_or(&b""[..], |value| value.as_bytes()))
}

/// Of the session a command comes by: HTTP and socket of one session are one device.
#[must_use]
pub fn device_digest(session: &[u8]) -> String {
    short_digest(session)
}

/// Enough to tell two apart, not enough to find out what it was made of.
fn short_digest(bytes: &[u8]) -> String {
    let hash = blake3::keyed_hash(b"keju origin digest, not a secret", bytes);
    let mut digits = [0; 16];
    // Two digits a byte: it fits, and digits are text.
    let _ = hex::encode_to_slice(&hash.as_bytes()[..8], &mut digits);
    std::str::from_utf8(&digits).unwrap_or_default().to_owned()
}

/// A JSON body, read strictly; what is wrong is named by its pointer.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + ToSchema> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Problem> {
        let is_json =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
            });
        if !is_json {
            return Err(Problem::new("unsupported_media_type"));
        }
        let bytes = body(request, app).await?;
        parse(&bytes).map(Self)
    }
}

/// The body's bytes within the route's limit and time.
pub async fn body(request: Request<Body>, app: &Arc<App>) -> Result<Bytes, Problem> {
    let reading = Bytes::from_request(request, app);
    match tokio::time::timeout(crate::limits::BODY_READ_TIMEOUT, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Problem::new("too_large"))
        }
        Ok(Err(_)) => Err(Problem::new("invalid").detail("请求内容不完整 / the body did not arrive whole")),
        Err(_) => Err(Problem::new("timeout")),
    }
}

fn parse<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, Problem> {
    // The one way a NUL character comes in JSON; no database keeps it in a text. Most bodies end here with a scan.
    if memchr::memmem::find(bytes, br"\u0000").is_some()
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        let mut errors = nuls(&value);
        if !errors.is_empty() {
            errors.extend(faults::<T>(&value));
            return Err(Problem::new("invalid").errors(errors));
        }
    }
    // The quick way first; only a wrong body is read again to find its faults.
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize::<_, T>(&mut deserializer);
    let Err(first) = read else {
        return Err(Problem::field("", "JSON 之后还有多余内容 / there is more after the end of the value"));
    };
    let place = json_pointer(first.path());
    let mut errors = serde_json::from_slice(bytes).map_or_else(|_| Vec::new(), |value| faults::<T>(&value));
    // What no schema says: the reader's own word, unless that place is named already.
    let told = errors.iter().any(|fault| fault.pointer == place || fault.pointer.starts_with(&format!("{place}/")));
    if !told {
        errors.push(FieldFault::new(place, first.into_inner().to_string()));
    }
    Err(Problem::new("invalid").errors(errors))
}

fn json_pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", pointer_name(key)),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}

/// An id from the path; anything that is no id of ours is simply not found.
pub struct Id<T>(pub T);

/// Ids that paths may carry.
pub trait PathId: Sized {
    /// Reads it.
    fn read(text: &str) -> Option<Self>;
}

macro_rules! path_ids {
    ($($name:ident)*) => {$(
        impl PathId for exam_core::ids::$name {
            fn read(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }
    )*};
}

path_ids!(AttemptId BankId CourseId ExamId LessonId PartnerId PersonId);

impl<T: PathId, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| Problem::new("not_found"))?;
        T::read(&text).map(Self).ok_or_else(|| Problem::new("not_found"))
    }
}

/// The query, read strictly.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Problem::field("/query", NUL));
        }
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(value) = query.map_err(|rejection| query_fault(&rejection.body_text()))?;
        Ok(Self(value))
    }
}

/// Names the parameter that does not read; the reader's words end in `name: why`.
fn query_fault(told: &str) -> Problem {
    let told = told.strip_prefix("Failed to deserialize query string: ").unwrap_or(told);
    match told.split_once(": ") {
        Some((name, why)) if !name.contains(' ') => Problem::field(
            format!("/query/{}", pointer_name(name)),
            format!("参数有误：{why} / not a right parameter: {why}"),
        ),
        _ => Problem::field("/query", told),
    }
}

/// A number of the query; `year=` means none is asked for.
pub fn number_or_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.filter(|text| !text.is_empty()).map(|text| text.parse().map_err(de::Error::custom)).transpose()
}

/// A word of the query; `subject=` means none is asked for.
pub fn word_or_none<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.filter(|text| !text.is_empty()).map(|text| T::deserialize(text.into_deserializer())).transpose()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2".parse().unwrap());
        let proxies = [address("10.0.0.1"), address("10.0.0.2")];
        assert_eq!(forwarded(&headers, address("9.9.9.9"), &proxies), address("9.9.9.9"));
        assert_eq!(forwarded(&headers, address("10.0.0.1"), &proxies), address("1.2.3.4"));
        assert_eq!(forwarded(&HeaderMap::new(), address("10.0.0.1"), &proxies), address("10.0.0.1"));
        headers.insert("x-forwarded-for", "6.6.6.6, 1.2.3.4:80, 10.0.0.2".parse().unwrap());
        assert_eq!(forwarded(&headers, address("10.0.0.1"), &proxies), address("10.0.0.1"));
    }
}
