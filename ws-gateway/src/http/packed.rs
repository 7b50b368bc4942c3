//! Packing answers: what learners' phones read most is words, of which a third is left.
//!
//! Only where a response holds no secret beside what somebody else could put into it: from the length of such a
//! mixture the secret can be told. So routes are packed by name, see [`super::api`]; sessions, tickets, keys and
//! passwords that were made are never among them.

use super::problem::Problem;
use crate::limits::{PACK_BYTES_MAX, PACK_BYTES_MIN};
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Packs what is worth it for clients that take it.
pub async fn packed(request: Request, next: Next) -> Response {
    let wanted = takes_gzip(request.headers());
    let mut response = next.run(request).await;
    if !is_json(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    // Whole bodies only: of one that is still being made nobody knows the size.
    let size = response.body().size_hint().exact().unwrap_or(0);
    if !wanted || !(PACK_BYTES_MIN..=PACK_BYTES_MAX).contains(&size) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = axum::body::to_bytes(body, PACK_BYTES_MAX as usize).await else {
        return Problem::new("internal").into_response();
    };
    let Some(small) = gzip(&plain, Compression::fast()) else {
        return Response::from_parts(parts, Body::from(plain));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(small))
}

fn is_json(response: &Response) -> bool {
    let plain = !response.headers().contains_key(header::CONTENT_ENCODING);
    plain && response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json")
}

/// Every browser that takes it says so without a weight; `gzip;q=0` does not count as taking it.
pub fn takes_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim() == "gzip")
}

/// `None` if that fails, which writing to memory does not, or if nothing is won.
pub fn gzip(data: &[u8], how: Compression) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(data.len() / 2), how);
    encoder.write_all(data).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < data.len())
}
