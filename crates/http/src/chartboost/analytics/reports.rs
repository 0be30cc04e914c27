//! The reports themselves: told at once, or taken up as a job.

use super::schema::{
    AppFigures, AppParams, CampaignFigures, CampaignParams, CountryFigures, CountryParams, InstallParams,
    JobTaken, ReportProblem,
};
use super::streamed::at_once;
use super::{Answer, Asked, params};
use crate::ApiState;
use crate::error::{ApiError, Code};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;
use tollgate_jobs::analytics::{AskError, FileForm, Report, ReportRequest};

/// Report on campaigns
///
/// Without `groupBy` the figures of each campaign and ad type, at once; with it a job, whose result is a file.
#[utoipa::path(
    get,
    path = "/campaign",
    operation_id = "report_campaigns",
    tag = "Analytics",
    params(CampaignParams),
    responses(
        (status = 200, description = "The figures.", body = Vec<CampaignFigures>),
        (status = 202, description = "A job was taken up.", body = JobTaken),
        ReportProblem,
    ),
)]
pub(super) async fn campaign(State(state): State<ApiState>, mut asked: Asked) -> Answer {
    let (request, form) = params::take(&state, &mut asked, Report::Campaign)?;
    match request.grouping {
        Some(_) => take_up(&state, &asked, request, form).await,
        None => at_once(&state, &asked, request).await,
    }
}

/// Report on apps
///
/// What apps showed and earned, and what was shown and spent for those that campaigns promote.
#[utoipa::path(
    get,
    path = "/app",
    operation_id = "report_apps",
    tag = "Analytics",
    params(AppParams),
    responses((status = 200, description = "The figures.", body = Vec<AppFigures>), ReportProblem),
)]
pub(super) async fn app(State(state): State<ApiState>, mut asked: Asked) -> Answer {
    let (request, _) = params::take(&state, &mut asked, Report::App)?;
    at_once(&state, &asked, request).await
}

/// Report on apps by country
///
/// By app, country, ad type and ad location.
#[utoipa::path(
    get,
    path = "/appcountry",
    operation_id = "report_countries",
    tag = "Analytics",
    params(CountryParams),
    responses((status = 200, description = "The figures.", body = Vec<CountryFigures>), ReportProblem),
)]
pub(super) async fn appcountry(State(state): State<ApiState>, mut asked: Asked) -> Answer {
    let (request, _) = params::take(&state, &mut asked, Report::AppCountry)?;
    at_once(&state, &asked, request).await
}

/// Report on installs
///
/// A line for each install: always a job.
#[utoipa::path(
    get,
    path = "/install",
    operation_id = "report_installs",
    tag = "Analytics",
    params(InstallParams),
    responses((status = 202, description = "A job was taken up.", body = JobTaken), ReportProblem),
)]
pub(super) async fn install(State(state): State<ApiState>, mut asked: Asked) -> Answer {
    let (request, form) = params::take(&state, &mut asked, Report::Install)?;
    take_up(&state, &asked, request, form).await
}

async fn take_up(state: &ApiState, asked: &Asked, request: ReportRequest, form: Option<FileForm>) -> Answer {
    if asked.is_head {
        // A HEAD makes nothing.
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    match state.analytics.ask(request, form).await {
        Ok(id) => Ok((StatusCode::ACCEPTED, Json(json!({"jobId": id}))).into_response()),
        Err(error @ AskError::TooMany(_)) => {
            let busy = ApiError::because(Code::TooManyRequests, error.to_string());
            Err(asked.refuse(ApiError { retry_after: Some(60), ..busy }))
        }
        Err(AskError::Store(error)) => {
            tracing::error!(%error, "a report's job could not be written down");
            Err(asked.refuse(ApiError { retry_after: Some(5), ..ApiError::new(Code::Unavailable) }))
        }
    }
}
