//! Problems (RFC 9457): the one map from what the engine says to what clients see.

use crate::messages::{self, Language};
use crate::queue::Wait;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use exam_core::Refusal;
use exam_core::ids::AttemptId;
use exam_service::{EngineError, FieldFault};
use exam_store::StoreError;
use question_bank::draw::BlueprintFault;
use serde::Serialize;

/// The ticket of a place in the queue of starts, both ways.
pub const QUEUE_TICKET: HeaderName = HeaderName::from_static("keju-queue");

tokio::task_local! {
    /// The language of the request at hand; set once, outside all handlers.
    pub static LANGUAGE: Language;
    /// The id of the request at hand, for what is logged of it.
    pub static REQUEST_ID: HeaderValue;
}

/// The id of the request at hand; empty outside of one.
fn request() -> HeaderValue {
    REQUEST_ID.try_with(HeaderValue::clone).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// What went wrong, before it is put into words.
#[derive(Debug)]
pub struct Problem {
    code: &'static str,
    detail: Option<String>,
    retry_after_ms: Option<i64>,
    errors: Vec<FieldFault>,
    attempt: Option<AttemptId>,
    // Seldom there, and large.
    place: Option<Box<(usize, String)>>,
}

#[derive(Serialize)]
struct Body_<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorItem<'a>>,
}

#[derive(Serialize)]
struct ErrorItem<'a> {
    pointer: &'a str,
    detail: &'a str,
}

impl Problem {
    /// A problem of a code of the catalogue.
    #[must_use]
    pub fn new(code: &'static str) -> Self {
        Self { code, detail: None, retry_after_ms: None, errors: Vec::new(), attempt: None, place: None }
    }

    /// With words for this case.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With faults of fields.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldFault>) -> Self {
        self.errors = errors;
        self
    }

    /// One wrong field.
    #[must_use]
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new("invalid").errors(vec![FieldFault::new(pointer, detail)])
    }

    /// With the time to wait; a fifth of it is spread at random, so that nobody comes back in step.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: i64) -> Self {
        let spread = rand::random_range(0..=(ms / 5).max(1));
        self.retry_after_ms = Some(ms.max(1) + spread);
        self
    }

    /// A place in the queue of starts.
    #[must_use]
    pub fn queued(wait: Wait) -> Self {
        let position = wait.position;
        let words = format!(
            "前面连同您共 {position} 人，请保持页面打开，轮到您时考试才开始计时 / \
             you are number {position} in the line; your time starts with the paper"
        );
        // The queue has spread it already, and expects them then.
        let retry_after_ms = Some(wait.retry_after_ms);
        Self { retry_after_ms, place: Some(Box::new((position, wait.ticket))), ..Self::new("queued").detail(words) }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// How long to wait, where waiting helps.
    #[must_use]
    pub const fn wait_ms(&self) -> Option<i64> {
        self.retry_after_ms
    }

    /// What is wrong in words, where the code alone does not say it.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        self.detail.clone().or_else(|| self.errors.first().map(|error| error.detail.clone()))
    }

    /// The status by HTTP.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let found = messages::PROBLEMS.iter().find(|(code, _)| *code == self.code);
        found.and_then(|(_, status)| StatusCode::from_u16(*status).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn from_refusal(refusal: Refusal) -> Self {
        let words = refusal.to_string();
        match refusal {
            Refusal::AttemptClosed => Self::new("attempt_closed"),
            Refusal::AttemptPaused => Self::new("attempt_paused"),
            Refusal::DeadlinePassed => Self::new("deadline_passed"),
            Refusal::AttemptsExhausted { .. } => Self::new("attempts_exhausted").detail(words),
            Refusal::AttemptOpen { attempt } => Self { attempt: Some(attempt), ..Self::new("attempt_open") },
            Refusal::PracticeRequired => Self::new("practice_required"),
            Refusal::PracticeOff => Self::new("practice_off"),
            Refusal::WindowClosed { .. } => Self::new("window_closed").detail(words),
            Refusal::Cooldown { retry_after_ms, .. } => {
                Self { retry_after_ms: Some(retry_after_ms), ..Self::new("cooldown").detail(words) }
            }
            Refusal::NoSuchSlot { .. } => Self::new("not_found").detail(words),
            Refusal::InvalidResponse { detail } => Self::field("/response", detail),
            Refusal::CommandReused => Self::new("idempotency_mismatch"),
            Refusal::ChallengeClosed => Self::new("challenge_closed"),
            Refusal::ChallengeLapsed => Self::new("challenge_lapsed"),
            Refusal::StudyTaken => Self::new("study_taken"),
            Refusal::NotQualified => Self::new("not_qualified"),
            Refusal::CertificateRevoked => Self::new("certificate_revoked"),
            Refusal::TooManyChanges => Self::new("too_many_changes"),
            Refusal::WrongState(words) => Self::new("wrong_state").detail(words),
            Refusal::InvalidArgument { pointer, detail } => Self::field(pointer, detail),
        }
    }

    fn from_store(error: &StoreError) -> Self {
        match error {
            StoreError::Taken { field } => Self::new("taken").errors(vec![taken(field)]),
            StoreError::NotFound => Self::new("not_found"),
            StoreError::Full => Self::new("storage_full"),
            StoreError::Unavailable(_) | StoreError::Unknown(_) => Self::new("unavailable").retry_after_ms(1_000),
            StoreError::Corrupt(_) => Self::new("internal"),
        }
    }

    fn infeasible(faults: &[BlueprintFault]) -> Self {
        let errors = faults
            .iter()
            .map(|fault| FieldFault::new(format!("/blueprint{}", fault.pointer), fault.detail()))
            .collect();
        Self::new("infeasible").errors(errors)
    }
}

fn taken(field: &str) -> FieldFault {
    FieldFault::new(format!("/{field}"), "已被占用，请换一个 / this is taken: give another")
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::from_refusal(refusal)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => Self::from_refusal(refusal),
            EngineError::NotFound => Self::new("not_found"),
            EngineError::Unauthenticated => Self::new("unauthenticated"),
            EngineError::Forbidden => Self::new("forbidden"),
            EngineError::PasswordChangeRequired => Self::new("password_change_required"),
            EngineError::Invalid(errors) => Self::new("invalid").errors(errors),
            EngineError::Taken(field) => Self::new("taken").errors(vec![taken(field)]),
            EngineError::Infeasible(faults) => Self::infeasible(&faults),
            EngineError::WrongState(words) => Self::new("wrong_state").detail(words),
            EngineError::Overloaded => Self::new("overloaded").retry_after_ms(1_000),
            EngineError::Store(error) => {
                tracing::error!(request = ?request(), %error, "the store failed");
                Self::from_store(&error)
            }
            EngineError::Internal(reason) => {
                tracing::error!(request = ?request(), %reason, "internal error");
                Self::new("internal")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let language = LANGUAGE.try_with(|language| *language).unwrap_or_default();
        let title = messages::title(self.code, language);
        let body = Body_ {
            r#type: format!("/problems/{}", self.code),
            title,
            status: status.as_u16(),
            detail: self.detail.as_deref().unwrap_or(title),
            code: self.code,
            retry_after_ms: self.retry_after_ms,
            attempt: self.attempt.map(|attempt| attempt.to_string()),
            position: self.place.as_deref().map(|(position, _)| *position),
            ticket: self.place.as_deref().map(|(_, ticket)| ticket.as_str()),
            errors: self.errors.iter().map(|e| ErrorItem { pointer: &e.pointer, detail: &e.detail }).collect(),
        };
        // Strings and numbers only: this serializes.
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.saturating_add(999) as u64 / 1_000));
        }
        let ticket = self.place.and_then(|place| HeaderValue::try_from(place.1).ok());
        if let Some(ticket) = ticket {
            headers.insert(QUEUE_TICKET, ticket);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(ProblemCode(self.code));
        response
    }
}

/// Left on the response for logs and metrics.
#[derive(Clone, Copy, Debug)]
pub struct ProblemCode(pub &'static str);
