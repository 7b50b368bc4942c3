//! The SDK for course players, at addresses that do not change, and the page that demonstrates it.
//!
//! Other sites load the SDK, so any origin may read it. It holds nothing that is anybody's own: what a page may do with
//! it is decided by its ticket and by the `Origin` of its socket.

use crate::app::App;
use axum::Router;
use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Redirect, Response};
use axum::routing::get;
use std::future::ready;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A file as it is served.
#[derive(Clone, Copy)]
struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($path:literal, $kind:literal, $file:literal;)*) => {
        [$(File { path: $path, kind: $kind, bytes: include_bytes!(concat!("../../web/", $file)) }),*]
    };
}

const SCRIPTS: [File; 4] = files! {
    "/sdk/exam-lesson.js", "text/javascript; charset=utf-8", "sdk/exam-lesson.js";
    "/sdk/exam-lesson-core.js", "text/javascript; charset=utf-8", "sdk/exam-lesson-core.js";
    "/sdk/exam-lesson.d.ts", "text/plain; charset=utf-8", "sdk/exam-lesson.d.ts";
    "/sdk/exam-lesson-core.d.ts", "text/plain; charset=utf-8", "sdk/exam-lesson-core.d.ts";
};

const DEMO: [File; 4] = files! {
    "/lesson/", "text/html; charset=utf-8", "lesson-demo/index.html";
    "/lesson/lesson.js", "text/javascript; charset=utf-8", "lesson-demo/lesson.js";
    "/lesson/lesson.css", "text/css; charset=utf-8", "lesson-demo/lesson.css";
    "/lesson/clip.webm", "video/webm", "lesson-demo/clip.webm";
};

const CROSS_ORIGIN: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The SDK and its demo.
pub fn routes() -> Router<Arc<App>> {
    let router = Router::new().route("/lesson", get(|| ready(Redirect::permanent("/lesson/"))));
    let router = DEMO.into_iter().fold(router, |router, file| serve(router, file, |_| {}));
    SCRIPTS.into_iter().fold(router, |router, file| {
        serve(router, file, |headers| {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers.insert(CROSS_ORIGIN, HeaderValue::from_static("cross-origin"));
        })
    })
}

fn serve(router: Router<Arc<App>>, file: File, more: fn(&mut HeaderMap)) -> Router<Arc<App>> {
    let tag = tag(file.bytes);
    let handler = move |asked: HeaderMap| {
        let mut response = answer(&file, &tag, &asked);
        more(response.headers_mut());
        ready(response)
    };
    router.route(file.path, get(handler))
}

fn tag(bytes: &[u8]) -> HeaderValue {
    let hash = blake3::hash(bytes).to_hex();
    // Hexadecimal digits in quotes are a header value.
    HeaderValue::try_from(format!("\"{}\"", &hash[..16])).unwrap_or(HeaderValue::from_static("\"\""))
}

/// The file, the part of it that is asked for, or the word that it has not changed. Players ask for parts when they seek.
fn answer(file: &File, tag: &HeaderValue, asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ETAG, tag.clone());
    if asked.get(header::IF_NONE_MATCH) == Some(tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let size = file.bytes.len();
    let wanted = asked.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, bytes, place) = match wanted.map_or(Part::Whole, |wanted| part(wanted, size)) {
        Part::Whole => (StatusCode::OK, file.bytes, None),
        Part::Of(range) => {
            let place = format!("bytes {}-{}/{size}", range.start(), range.end());
            (StatusCode::PARTIAL_CONTENT, file.bytes.get(range).unwrap_or_default(), Some(place))
        }
        Part::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, [].as_slice(), Some(format!("bytes */{size}"))),
    };
    if let Some(Ok(place)) = place.map(HeaderValue::try_from) {
        headers.insert(header::CONTENT_RANGE, place);
    }
    *response.status_mut() = status;
    *response.body_mut() = Body::from(bytes);
    response
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Also for what is not understood, such as several ranges: the standard allows to ignore it.
    Whole,
    Of(RangeInclusive<usize>),
    Beyond,
}

fn part(wanted: &str, size: usize) -> Part {
    let Some((from, to)) = wanted.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let range = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) if from <= to => from..=to.min(size.saturating_sub(1)),
        (Ok(from), Err(_)) if to.is_empty() => from..=size.saturating_sub(1),
        (Err(_), Ok(last)) if from.is_empty() && last > 0 => size.saturating_sub(last)..=size.saturating_sub(1),
        _ => return Part::Whole,
    };
    if *range.start() < size { Part::Of(range) } else { Part::Beyond }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_players_write_them() {
        for (wanted, expected) in [
            ("bytes=0-", Part::Of(0..=99)),
            ("bytes=10-19", Part::Of(10..=19)),
            ("bytes=90-500", Part::Of(90..=99)),
            ("bytes=-10", Part::Of(90..=99)),
            ("bytes=-500", Part::Of(0..=99)),
            ("bytes=99-99", Part::Of(99..=99)),
            ("bytes=100-", Part::Beyond),
            ("bytes=20-10", Part::Whole),
            ("bytes=-0", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=x-", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(part(wanted, 100), expected, "{wanted}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Beyond);
    }

    #[test]
    fn a_part_of_a_file_says_which() {
        let file = File { path: "/x", kind: "text/plain", bytes: b"0123456789" };
        let tag = tag(file.bytes);
        let asked = |name: HeaderName, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::try_from(value).unwrap_or(tag.clone()));
            answer(&file, &tag, &headers)
        };
        let some = asked(header::RANGE, "bytes=2-5");
        assert_eq!(some.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(some.headers()[header::CONTENT_RANGE], "bytes 2-5/10");
        assert_eq!(asked(header::RANGE, "bytes=10-").status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(asked(header::ACCEPT, "*/*").status(), StatusCode::OK);
        assert_eq!(asked(header::IF_NONE_MATCH, tag.to_str().unwrap_or_default()).status(), StatusCode::NOT_MODIFIED);
    }
}
