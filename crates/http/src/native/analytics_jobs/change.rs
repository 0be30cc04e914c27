//! `POST /analytics-jobs/{job_hex}/{job_uuid}/cancel` and `…/retry`. An id has a slash in it: both of its halves stand in the
//! path, or the whole with the slash written as `%2F`.

use super::schema::AnalyticsJob;
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::native::schema::{MissingProblem, NativeProblem};
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use std::io;
use tollgate_jobs::Changed;
use utoipa::IntoParams;

/// The id of a job, in two parts.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct JobPath {
    /// What stands before the slash of the id.
    #[param(pattern = "^[0-9a-f]{32}$")]
    job_hex: String,
    /// What stands after it.
    #[param(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    job_uuid: String,
}

/// Cancel a job
///
/// One that waits or is being made. It is kept for an hour as one that failed is, and can be tried again.
#[utoipa::path(
    post,
    path = "/analytics-jobs/{job_hex}/{job_uuid}/cancel",
    operation_id = "cancel_analytics_job",
    params(JobPath),
    responses(
        (status = 200, description = "The job; it is canceled.", body = AnalyticsJob),
        (status = 409, description = "It has come to an end already.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn cancel(
    principal: Principal,
    State(state): State<ApiState>,
    Params((hex, uuid)): Params<(String, String)>,
) -> Answer {
    canceled(&principal, &state, format!("{hex}/{uuid}")).await
}

/// Cancel a job, by the whole id
///
/// The same for clients that write the slash of an id as `%2F`.
#[utoipa::path(
    post,
    path = "/analytics-jobs/{job_id}/cancel",
    operation_id = "cancel_analytics_job_by_whole_id",
    params(("job_id" = String, Path, description = "The id, its slash written as %2F.")),
    responses(
        (status = 200, description = "The job; it is canceled.", body = AnalyticsJob),
        (status = 409, description = "It has come to an end already.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn cancel_whole(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
) -> Answer {
    canceled(&principal, &state, id).await
}

/// Try a job again
///
/// One that failed or was canceled. It waits again, and shows the history as it is when it begins.
#[utoipa::path(
    post,
    path = "/analytics-jobs/{job_hex}/{job_uuid}/retry",
    operation_id = "retry_analytics_job",
    params(JobPath),
    responses(
        (status = 200, description = "The job; it waits.", body = AnalyticsJob),
        (status = 409, description = "It neither failed nor was canceled.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn retry(
    principal: Principal,
    State(state): State<ApiState>,
    Params((hex, uuid)): Params<(String, String)>,
) -> Answer {
    retried(&principal, &state, format!("{hex}/{uuid}")).await
}

/// Try a job again, by the whole id
///
/// The same for clients that write the slash of an id as `%2F`.
#[utoipa::path(
    post,
    path = "/analytics-jobs/{job_id}/retry",
    operation_id = "retry_analytics_job_by_whole_id",
    params(("job_id" = String, Path, description = "The id, its slash written as %2F.")),
    responses(
        (status = 200, description = "The job; it waits.", body = AnalyticsJob),
        (status = 409, description = "It neither failed nor was canceled.", body = NativeProblem,
         content_type = "application/problem+json"),
        MissingProblem,
    ),
)]
pub(super) async fn retry_whole(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
) -> Answer {
    retried(&principal, &state, id).await
}

async fn canceled(principal: &Principal, state: &ApiState, id: String) -> Answer {
    let changed = state.analytics.cancel(principal.organization_id(), &id).await;
    answer(principal, state, id, (changed, "It has come to an end already.")).await
}

async fn retried(principal: &Principal, state: &ApiState, id: String) -> Answer {
    let changed = state.analytics.retry(principal.organization_id(), &id).await;
    answer(principal, state, id, (changed, "It neither failed nor was canceled.")).await
}

/// The job as it is now, or why it was not changed.
async fn answer(
    principal: &Principal,
    state: &ApiState,
    id: String,
    (changed, not_now): (io::Result<Changed>, &str),
) -> Answer {
    let missing = || ApiError::because(Code::NotFound, "There is no such job, or not any more.");
    match changed {
        Ok(Changed::Done) => {}
        Ok(Changed::Missing) => return Err(missing().into()),
        Ok(Changed::NotNow) => return Err(ApiError::because(Code::Conflict, not_now).into()),
        Err(error) => {
            tracing::error!(%error, "a change of a job could not be written down");
            return Err(ApiError { retry_after: Some(5), ..ApiError::new(Code::Unavailable) }.into());
        }
    }
    let (analytics, organization) = (state.analytics.clone(), principal.organization_id());
    let finding = tokio::task::spawn_blocking(move || analytics.find(organization, &id));
    let found = finding.await.map_err(|error| ApiError::internal("reading a job", &error))?;
    Ok(Json(AnalyticsJob::of(found.ok_or_else(missing)?)).into_response())
}
