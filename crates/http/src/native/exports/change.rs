//! `POST /exports/{export_id}/cancel` and `POST /exports/{export_id}/retry`.

use crate::ApiState;
use crate::clickshield::download_center::{DownloadExport, object, refused, unavailable};
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::native::schema::{MissingProblem, NativeProblem};
use crate::native::{Answer, Params};
use crate::origin::Origin;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use tollgate_jobs::Changed;

/// Cancel an export
///
/// One that waits or is being written. Its record stays, and it can be tried again.
#[utoipa::path(
    post,
    path = "/exports/{export_id}/cancel",
    operation_id = "cancel_export",
    params(("export_id" = String, Path, description = "The export's id.")),
    responses(
        (status = 200, description = "The export; it is canceled.", body = DownloadExport),
        (status = 409, description = "It has come to an end already.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn cancel(
    principal: Principal,
    State(state): State<ApiState>,
    origin: Origin,
    Params(id): Params<String>,
) -> Answer {
    let by = principal.actor().to_string();
    let changed = state.exports.cancel(principal.organization_id(), &id, &by).await;
    let changed = changed.map_err(|error| unavailable(&error))?;
    answer(&principal, &state, &origin, &id, (changed, "It has come to an end already.")).await
}

/// Try an export again
///
/// One that failed or was canceled. It waits again, and shows the history as it is when it begins.
#[utoipa::path(
    post,
    path = "/exports/{export_id}/retry",
    operation_id = "retry_export",
    params(("export_id" = String, Path, description = "The export's id.")),
    responses(
        (status = 200, description = "The export; it waits.", body = DownloadExport),
        (status = 409, description = "It neither failed nor was canceled.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn retry(
    principal: Principal,
    State(state): State<ApiState>,
    origin: Origin,
    Params(id): Params<String>,
) -> Answer {
    let by = principal.actor().to_string();
    let changed = state.exports.retry(principal.organization_id(), &id, &by).await.map_err(refused)?;
    answer(&principal, &state, &origin, &id, (changed, "It neither failed nor was canceled.")).await
}

/// The export as it is now, or why it was not changed.
async fn answer(
    principal: &Principal,
    state: &ApiState,
    origin: &Origin,
    id: &str,
    (changed, not_now): (Changed, &str),
) -> Answer {
    let missing = || ApiError::because(Code::NotFound, "There is no such export.");
    match changed {
        Changed::Missing => return Err(missing().into()),
        Changed::NotNow => return Err(ApiError::because(Code::Conflict, not_now).into()),
        Changed::Done => {}
    }
    let found = state.exports.find(principal.organization_id(), id).await;
    let export = found.map_err(|error| unavailable(&error))?.ok_or_else(missing)?;
    Ok(Json(object(&export, None, origin)).into_response())
}
