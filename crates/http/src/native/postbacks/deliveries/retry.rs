//! `POST /integrations/{integration_id}/postback-deliveries/{delivery_id}/retry`: sends a delivery again.

use super::body::DeliveryBody;
use super::unavailable;
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::native::schema::{MissingProblem, NativeProblem};
use crate::native::{Answer, Params, find_integration};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use tollgate_jobs::postbacks::RetryError;

/// Send a delivery again
///
/// Whatever became of it, at once and under the id it has; when it fails it is tried again for another day.
#[utoipa::path(
    post,
    path = "/integrations/{integration_id}/postback-deliveries/{delivery_id}/retry",
    operation_id = "retry_postback_delivery",
    params(
        ("integration_id" = String, Path, description = "The integration's id."),
        ("delivery_id" = String, Path, description = "The delivery's id."),
    ),
    responses(
        (status = 200, description = "The delivery; it waits to be sent.", body = DeliveryBody),
        (status = 409, description = "Its postback is deleted or not active, or it is too long to be sent.",
         body = NativeProblem, content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params((integration, id)): Params<(String, String)>,
) -> Answer {
    let integration = find_integration(&principal, &integration)?;
    let conflict =
        |rule, message: &str| ApiError { rule: Some(rule), ..ApiError::because(Code::Conflict, message) };
    let error = match state.postbacks.retry(principal.organization_id(), integration, &id).await {
        Ok(delivery) => return Ok(Json(DeliveryBody::of(delivery)).into_response()),
        Err(RetryError::NoDelivery) => ApiError::because(Code::NotFound, "There is no such delivery."),
        Err(RetryError::Inactive) => {
            conflict("postback_inactive", "The delivery's postback is deleted or not active.")
        }
        Err(RetryError::Unsendable) => {
            conflict("too_long", "The delivery is too long to be sent, macros filled in.")
        }
        Err(RetryError::Store(error)) => unavailable(&error),
    };
    Err(error.into())
}
