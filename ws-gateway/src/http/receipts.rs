//! Checking receipts.

use super::attempts::limited;
use super::extract::{Json, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use exam_core::Timestamp;
use exam_core::access::Act;
use question_bank::Response as Said;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Checking receipts.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(verify))
}

/// A receipt, alone or as it came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBody {
    /// The signature.
    receipt: String,
    /// Checked as well when it is given.
    attempt: Option<String>,
    /// Checked as well when it is given.
    slot: Option<u32>,
    /// Checked as well when it is given.
    seq: Option<u32>,
    /// Checked as well when it is given.
    #[schema(value_type = Option<String>)]
    saved_at: Option<Timestamp>,
    /// The answer it was given for; checked as well when it is given.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    response: Option<Option<Said>>,
}

/// `null` is a response too: the cleared answer.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Said>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What the receipt is.
#[derive(Serialize, ToSchema)]
pub struct ReceiptCheckView {
    /// Whether this service signed it, its answer is kept, and everything given beside it agrees.
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    saved_at: Option<Timestamp>,
    /// Whether the answer it names is in the attempt's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<bool>,
    /// Whether the response given beside it is the one that was signed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_matches: Option<bool>,
}

/// Checks a receipt's signature and whether its answer is kept.
#[utoipa::path(post, path = "/api/v1/receipts/verify", tag = "learner", request_body = ReceiptBody,
    responses((status = 200, body = ReceiptCheckView), (status = 401)))]
async fn verify(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Json(body): Json<ReceiptBody>,
) -> Result<axum::Json<ReceiptCheckView>, Problem> {
    identity.may(Act::VerifyReceipt)?;
    limited(app.rates.request(identity.id()))?;
    let check = match app.engine.check_receipt(&body.receipt, body.response.as_ref()).await {
        Ok(check) => check,
        Err(exam_service::EngineError::NotFound) => return Ok(axum::Json(ReceiptCheckView::unknown())),
        Err(error) => return Err(error.into()),
    };
    let receipt = check.receipt;
    let agrees = body.attempt.as_ref().is_none_or(|attempt| *attempt == receipt.attempt.to_string())
        && body.slot.is_none_or(|slot| slot == receipt.slot)
        && body.seq.is_none_or(|seq| seq == receipt.seq)
        && body.saved_at.is_none_or(|at| at == receipt.saved_at)
        && check.response_matches.unwrap_or(true);
    Ok(axum::Json(ReceiptCheckView {
        valid: check.kept && agrees,
        attempt: Some(receipt.attempt.to_string()),
        slot: Some(receipt.slot),
        seq: Some(receipt.seq),
        saved_at: Some(receipt.saved_at),
        kept: Some(check.kept),
        response_matches: check.response_matches,
    }))
}

impl ReceiptCheckView {
    const fn unknown() -> Self {
        Self { valid: false, attempt: None, slot: None, seq: None, saved_at: None, kept: None, response_matches: None }
    }
}
