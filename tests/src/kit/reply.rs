//! An answer of the service, read whole.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// Status, headers, body.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// The body, when it is JSON; else `null`.
    pub json: Value,
}

impl Reply {
    pub(super) async fn read(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?.to_vec();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Self { status, headers, body, json })
    }

    /// A header's value; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether this is the first result of a repeated command.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.header("idempotency-replayed") == "true"
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json
    }

    /// An answer that must be the problem `code`: its shape is checked as RFC 9457 and the protocol
    /// have it, and returned.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let body = self.text();
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{body}");
        assert_eq!(self.json["type"], format!("/problems/{code}"), "{body}");
        assert_eq!(self.json["status"], status, "{body}");
        for words in ["title", "detail"] {
            assert!(self.json[words].as_str().is_some_and(|words| !words.is_empty()), "no {words}: {body}");
        }
        self.check_retry();
        let errors = self.json.get("errors").map(|errors| errors.as_array().cloned().unwrap_or_default());
        for error in errors.unwrap_or_default() {
            assert!(error["pointer"].is_string() && error["detail"].is_string(), "{body}");
        }
        self.json
    }

    /// The header and the member say the same.
    #[track_caller]
    fn check_retry(&self) {
        let member = self.json.get("retry_after_ms").map(|ms| ms.as_i64().unwrap_or(-1));
        let header = self.headers.get("retry-after").map(|_| self.header("retry-after").parse().unwrap_or(-1));
        assert_eq!(member.map(|ms| (ms + 999) / 1_000), header, "{}", self.text());
        assert!(member.is_none_or(|ms| ms > 0), "{}", self.text());
    }
}
