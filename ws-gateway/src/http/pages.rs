//! The pages: the files of `web/`, held by the binary. A debug build reads them from disk when it starts,
//! so that a page is changed without building anything.
//!
//! There is one document, `SHELL`, for all pages; its scripts look at the path. Everything it needs is
//! under `/assets/{version}/`, where the version is a hash of all files: what a browser once has it never
//! asks for again, and a new program means new addresses.
//!
//! How to add the next page: its path in [`PAGES`] and a line in `web/routes.js`.

use super::packed::{gzip, takes_gzip};
use super::problem::Problem;
use super::range::{Part, part};
use crate::app::App;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The document of all pages.
const SHELL: &str = "index.html";
/// What lets pages be opened without a network; its address decides what it may serve.
const WORKER: &str = "sw.js";
/// What stands in the shell and the worker for the version of the files.
const VERSION_MARK: &str = "{version}";
/// A file under the address of its version never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, and asked about every time.
const ASK_FIRST: &str = "no-cache";

/// Where the shell is served.
pub const PAGES: [&str; 27] = [
    "/",
    "/sign-in",
    "/password",
    "/courses",
    "/exams",
    "/exams/{exam}",
    "/attempts/{attempt}",
    "/attempts/{attempt}/result",
    "/history",
    "/mistakes",
    "/certificates/{year}",
    "/verify",
    "/verify/{number}",
    "/proctor",
    "/proctor/{exam}",
    "/proctor/{exam}/{attempt}",
    "/cases",
    "/cases/{case}",
    "/author/banks",
    "/author/banks/{bank}",
    "/author/exams",
    "/author/exams/{exam}",
    "/author/exams/{exam}/analysis",
    "/site/{page}",
    "/site/people/{person}",
    "/site/results/{exam}",
    "/home",
];

#[derive(rust_embed::Embed)]
#[folder = "web/"]
struct Web;

/// A file as it is sent.
struct Asset {
    kind: &'static str,
    etag: String,
    plain: Bytes,
    /// Where it is smaller.
    gzip: Option<Bytes>,
}

/// All of them, by path.
struct Site {
    version: String,
    shell: Asset,
    assets: BTreeMap<String, Asset>,
}

static SITE: LazyLock<Site> = LazyLock::new(Site::read);

/// The pages and their files.
pub fn routes() -> Router<Arc<App>> {
    let router = PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(shell)));
    router.route("/assets/{version}/{*path}", get(asset)).route("/sw.js", get(worker))
}

async fn shell(headers: HeaderMap) -> Response {
    SITE.shell.answer(&headers, ASK_FIRST)
}

async fn worker(headers: HeaderMap) -> Result<Response, Problem> {
    file(WORKER, &headers)
}

/// Another version's address gets the file of this one: while servers are replaced one by one, the page
/// may come from one and its files from another.
async fn asset(path: Result<Path<(String, String)>, PathRejection>, headers: HeaderMap) -> Result<Response, Problem> {
    let Path((version, path)) = path.map_err(|_| Problem::new("not_found"))?;
    let asset = SITE.assets.get(&path).ok_or_else(|| Problem::new("not_found"))?;
    Ok(asset.answer(&headers, if version == SITE.version { FOR_EVER } else { ASK_FIRST }))
}

/// A file at an address of its own, which stays when the file changes.
pub(super) fn file(path: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let asset = SITE.assets.get(path).ok_or_else(|| Problem::new("not_found"))?;
    Ok(asset.answer(asked, ASK_FIRST))
}

impl Site {
    fn read() -> Self {
        let mut files: Vec<(String, Vec<u8>)> = Web::iter()
            .filter_map(|path| Web::get(&path).map(|file| (path.into_owned(), file.data.into_owned())))
            .collect();
        files.sort();
        let mut hasher = blake3::Hasher::new();
        for (path, data) in &files {
            hasher.update(path.as_bytes()).update(blake3::hash(data).as_bytes());
        }
        let version = hasher.finalize().to_hex().as_str()[..12].to_owned();
        let mut assets: BTreeMap<String, Asset> = BTreeMap::new();
        let versioned = |data: &[u8]| String::from_utf8_lossy(data).replace(VERSION_MARK, &version).into_bytes();
        let mut shell = Vec::new();
        for (path, data) in files {
            match path.as_str() {
                SHELL => shell = versioned(&data),
                WORKER => drop(assets.insert(path, Asset::new(kind(WORKER), versioned(&data)))),
                _ => drop(assets.insert(path.clone(), Asset::new(kind(&path), data))),
            }
        }
        let shell = Asset::new(kind(SHELL), shell);
        Self { version, shell, assets }
    }
}

impl Asset {
    fn new(kind: &'static str, data: Vec<u8>) -> Self {
        let etag = blake3::hash(&data).to_hex().as_str()[..16].to_owned();
        // A film is packed already, and players ask for parts of it.
        let film = kind.starts_with("video/");
        let gzip = gzip(&data, Compression::best()).filter(|_| !film).map(Bytes::from);
        Self { kind, etag, plain: Bytes::from(data), gzip }
    }

    fn answer(&self, asked: &HeaderMap, caching: &'static str) -> Response {
        let (body, packed) = match self.gzip.as_ref().filter(|_| takes_gzip(asked)) {
            Some(packed) => (packed.clone(), true),
            None => (self.plain.clone(), false),
        };
        let etag = format!("\"{}{}\"", self.etag, if packed { "-gz" } else { "" });
        let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let unchanged = known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag));
        let mut response = if unchanged {
            StatusCode::NOT_MODIFIED.into_response()
        } else if packed {
            ([(header::CONTENT_ENCODING, "gzip")], body).into_response()
        } else {
            partly(body, asked)
        };
        let headers = response.headers_mut();
        if !unchanged {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        }
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

/// The whole, or the part that is asked for.
fn partly(whole: Bytes, asked: &HeaderMap) -> Response {
    let size = whole.len();
    let wanted = asked.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, body, place) = match wanted.map_or(Part::Whole, |wanted| part(wanted, size)) {
        Part::Whole => return ([(header::ACCEPT_RANGES, "bytes")], whole).into_response(),
        Part::Of(range) => {
            let place = format!("bytes {}-{}/{size}", range.start(), range.end());
            (StatusCode::PARTIAL_CONTENT, whole.slice(range), place)
        }
        Part::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), format!("bytes */{size}")),
    };
    (status, [(header::CONTENT_RANGE, place)], body).into_response()
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("webmanifest") => "application/manifest+json",
        Some("mp4") => "video/mp4",
        Some("webm") => "video/webm",
        Some("ts" | "md" | "txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
