//! A job as the native API tells it.

use serde::Serialize;
use tollgate_domain::Day;
use tollgate_jobs::analytics::{JobState, Listed, Report};
use utoipa::ToSchema;

/// A report that is made in the background.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnalyticsJob {
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
    Canceled,
}

impl AnalyticsJob {
    pub(super) fn of(job: Listed) -> Self {
        let (status, error) = match job.state {
            JobState::Waiting => (AnalyticsJobStatus::Waiting, None),
            JobState::Running => (AnalyticsJobStatus::Running, None),
            JobState::Done => (AnalyticsJobStatus::Done, None),
            JobState::Failed(why) => (AnalyticsJobStatus::Failed, Some(why)),
            JobState::Canceled => (AnalyticsJobStatus::Canceled, None),
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
