//! `GET /analytics-jobs`: the reports with amounts of money that are made in the background, and how far each is. Their
//! results are fetched where they were asked for, under `/v5/analytics/jobs`.

use super::Answer;
use super::auth::Principal;
use crate::ApiState;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_domain::Day;
use tollgate_jobs::analytics::{JobState, Listed, Report};
use utoipa::ToSchema;

/// The jobs of an organization.
#[derive(Debug, Serialize, ToSchema)]
struct AnalyticsJobs {
    /// Every job that is kept, the newest first.
    items: Vec<AnalyticsJob>,
}

/// A report that is made in the background.
#[derive(Debug, Serialize, ToSchema)]
struct AnalyticsJob {
    /// Its id, with a slash in it.
    #[schema(pattern = "^[0-9a-f]{32}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    id: String,
    /// Which report.
    report: AnalyticsReport,
    /// The first day.
    #[schema(format = Date)]
    date_min: String,
    /// The last day.
    #[schema(format = Date)]
    date_max: String,
    /// IANA name of the zone that days are in.
    timezone: String,
    /// How far it is.
    status: AnalyticsJobStatus,
    /// Why there is no result.
    #[schema(required)]
    error: Option<String>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    asked_at: String,
    /// When it came to an end.
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    /// Until when it is kept; null while it has not come to an end.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// Bytes of the result, as it is stored.
    #[schema(required)]
    bytes: Option<u64>,
}

/// Which report a job makes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AnalyticsReport {
    Campaign,
    App,
    AppCountry,
    Install,
}

/// How far a job is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AnalyticsJobStatus {
    Waiting,
    Running,
    Done,
    Failed,
}

impl AnalyticsJob {
    fn of(job: Listed) -> Self {
        let (status, error) = match job.state {
            JobState::Waiting => (AnalyticsJobStatus::Waiting, None),
            JobState::Running => (AnalyticsJobStatus::Running, None),
            JobState::Done => (AnalyticsJobStatus::Done, None),
            JobState::Failed(why) => (AnalyticsJobStatus::Failed, Some(why)),
        };
        let report = match job.request.report {
            Report::Campaign => AnalyticsReport::Campaign,
            Report::App => AnalyticsReport::App,
            Report::AppCountry => AnalyticsReport::AppCountry,
            Report::Install => AnalyticsReport::Install,
        };
        let day = |day: Day| day.to_string();
        Self {
            id: job.id,
            report,
            date_min: day(job.request.first),
            date_max: day(job.request.last),
            timezone: job.request.zone,
            status,
            error,
            asked_at: job.asked_at.to_string(),
            ended_at: job.ended_at.map(|at| at.to_string()),
            expires_at: job.kept_until.map(|at| at.to_string()),
            bytes: job.bytes,
        }
    }
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
