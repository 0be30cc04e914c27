//! `POST /integrations/{integration_id}/postbacks/{postback_id}/test`: sends a postback now, for a made-up conversion.

use super::{find, schema};
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::native::schema::{MissingProblem, NativeProblem};
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_jobs::postbacks::{Sample, SampleError};
use utoipa::ToSchema;

/// Seconds after which a caller may try again who found too many others.
const RETRY_AFTER: u32 = 5;

/// What was sent, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PostbackTest {
    /// The id of the made-up delivery.
    delivery_id: String,
    #[schema(schema_with = schema::method)]
    method: &'static str,
    /// Where it was sent, macros filled in.
    url: String,
    /// The form that was sent, macros filled in.
    #[schema(required)]
    body: Option<String>,
    /// Whether the receiver answered 2xx.
    delivered: bool,
    /// The status of the answer; null without one.
    #[schema(required)]
    status_code: Option<u16>,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// Why there was no answer, in one word.
    #[schema(required)]
    error: Option<String>,
}

impl PostbackTest {
    fn of(sample: Sample) -> Self {
        Self {
            delivery_id: sample.id,
            method: sample.method.name(),
            url: sample.url,
            body: sample.body,
            delivered: sample.attempt.is_success(),
            status_code: sample.attempt.status,
            duration_ms: sample.attempt.millis,
            error: sample.attempt.error,
        }
    }
}

/// Send a postback for a made-up conversion
///
/// At once, whatever its delay and whether it is active or not, and once only. It does not stand in the log.
#[utoipa::path(
    post,
    path = "/integrations/{integration_id}/postbacks/{postback_id}/test",
    operation_id = "test_postback",
    params(
        ("integration_id" = String, Path, description = "The integration's id."),
        ("postback_id" = String, Path, description = "The postback's id."),
    ),
    responses(
        (status = 200, description = "What was sent, and what came of it.", body = PostbackTest),
        (status = 409, description = "It is too long once its macros are filled in.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params((integration, id)): Params<(String, String)>,
) -> Answer {
    let postback = find(&principal, &integration, &id)?;
    let place = state.limits.samples.take(principal.organization_id()).await;
    let sent = match place {
        Some(_place) => state.postbacks.send_sample(&postback).await,
        None => Err(SampleError::Busy),
    };
    let error = match sent {
        Ok(sample) => return Ok(Json(PostbackTest::of(sample)).into_response()),
        Err(SampleError::Busy) => ApiError {
            retry_after: Some(RETRY_AFTER),
            ..ApiError::because(Code::Unavailable, "Too many postbacks are being tested; try again.")
        },
        Err(SampleError::TooLong) => ApiError {
            rule: Some("too_long"),
            ..ApiError::because(Code::Conflict, "The postback is too long once its macros are filled in.")
        },
    };
    Err(error.into())
}
