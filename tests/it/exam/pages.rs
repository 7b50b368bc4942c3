//! The pages as HTTP serves them: one document, files under the address of their version, asked for once.
//! What they do is tested in a browser, see `tests/browser`.

#![expect(clippy::unwrap_used, reason = "tests")]

use keju_tests::kit::Site;
use reqwest::header::{ACCEPT_ENCODING, IF_NONE_MATCH};
use reqwest::{Client, Response};
use ws_gateway::http::pages::PAGES;

async fn get(site: &Site, path: &str, headers: &[(reqwest::header::HeaderName, &str)]) -> Response {
    let url = format!("{}{path}", site.admin.base());
    let request = headers.iter().fold(Client::new().get(url), |request, (name, value)| request.header(name, *value));
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The addresses of the files that the document names.
async fn named(site: &Site) -> Vec<String> {
    let page = get(site, "/", &[]).await.text().await.unwrap();
    let addresses = page.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned);
    addresses.collect()
}

#[tokio::test]
async fn every_page_is_the_same_document_under_a_strict_policy() {
    let site = Site::start().await;
    let document = get(&site, "/", &[]).await.text().await.unwrap();
    assert!(document.contains("lang=\"zh-CN\"") && !document.contains("{version}"), "{document}");
    assert!(!document.contains("style=") && !document.contains("<script>"), "nothing inline: {document}");
    for path in PAGES {
        let response = get(&site, &path.replace(['{', '}'], ""), &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(header(&response, "cache-control"), "no-cache", "{path}");
        let policy = header(&response, "content-security-policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(response.text().await.unwrap(), document, "{path}");
    }
}

#[tokio::test]
async fn files_are_packed_kept_for_ever_and_not_sent_twice() {
    let site = Site::start().await;
    let files = named(&site).await;
    assert!(files.len() > 5, "{files:?}");
    for file in &files {
        let whole = get(&site, file, &[]).await;
        assert_eq!(whole.status(), 200, "{file}");
        assert_eq!(header(&whole, "cache-control"), "public, max-age=31536000, immutable", "{file}");
        assert_eq!(header(&whole, "vary"), "accept-encoding", "{file}");
        let kind = header(&whole, "content-type").to_owned();
        let script = std::path::Path::new(file).extension().is_some_and(|extension| extension == "js");
        assert!(!script || kind.starts_with("text/javascript"), "{file}: {kind}");
        let plain = whole.bytes().await.unwrap();
        let packed = get(&site, file, &[(ACCEPT_ENCODING, "br, gzip")]).await;
        assert_eq!(header(&packed, "content-encoding"), "gzip", "{file}");
        let etag = header(&packed, "etag").to_owned();
        assert!(packed.bytes().await.unwrap().len() < plain.len(), "{file}");
        let again = get(&site, file, &[(ACCEPT_ENCODING, "br, gzip"), (IF_NONE_MATCH, &etag)]).await;
        assert_eq!(again.status(), 304, "{file}");
        assert!(again.bytes().await.unwrap().is_empty(), "{file}");
        let unpacked = get(&site, file, &[(IF_NONE_MATCH, &etag)]).await;
        assert_eq!(unpacked.status(), 200, "the packed one is another: {file}");
    }
}

#[tokio::test]
async fn a_page_of_one_version_gets_its_files_from_a_server_of_another() {
    let site = Site::start().await;
    let response = get(&site, "/assets/0123456789ab/app.js", &[]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "cache-control"), "no-cache", "it must not be kept as that version's file");
    for path in
        ["/assets/x/nothing.js", "/assets/x/../../Cargo.toml", "/assets/x/%2e%2e/app.js", "/assets/", "/index.html"]
    {
        let response = get(&site, path, &[]).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(header(&response, "content-type"), "application/problem+json", "{path}");
    }
}
