//! `GET /analytics-jobs`: the reports with amounts of money that are made in the background, and how far each is. Their
//! results are fetched where they were asked for, under `/v5/analytics/jobs`.

use super::schema::AnalyticsJob;
use crate::ApiState;
use crate::error::ApiError;
use crate::native::Answer;
use crate::native::auth::Principal;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// The jobs of an organization.
#[derive(Debug, Serialize, ToSchema)]
struct AnalyticsJobs {
    /// Every job that is kept, the newest first.
    items: Vec<AnalyticsJob>,
}

/// List the jobs of reports
///
/// Reports with amounts of money that may take their time are made in the background, and their results kept for an hour.
#[utoipa::path(
    get,
    path = "/analytics-jobs",
    operation_id = "list_analytics_jobs",
    responses((status = 200, description = "The jobs.", body = AnalyticsJobs)),
)]
pub(super) async fn handle(principal: Principal, State(state): State<ApiState>) -> Answer {
    let (analytics, organization) = (state.analytics.clone(), principal.organization_id());
    let listing = tokio::task::spawn_blocking(move || analytics.list(organization));
    let found = listing.await.map_err(|error| ApiError::internal("listing jobs", &error))?;
    Ok(Json(AnalyticsJobs { items: found.into_iter().map(AnalyticsJob::of).collect() }).into_response())
}
