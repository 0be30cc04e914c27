//! How far a job is, and its result. An id has a slash in it: both of its halves stand in the path, or the whole with the
//! slash written as `%2F`.

use super::file;
use super::schema::{JobAnswer, JobParams, JobProblem, JobStatus};
use super::{Answer, Asked};
use crate::ApiState;
use crate::error::{ApiError, Code};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;
use tollgate_jobs::analytics::{FileForm, JobState};

/// Ask for a job, or for its result
///
/// With `status=true`: 201 once the result is there. Without: the result itself, for an hour. Before that 404 while nobody
/// began with it, and 200 with a word about it while it is being made.
#[utoipa::path(
    get,
    path = "/jobs/{job_hex}/{job_uuid}",
    operation_id = "read_job",
    tag = "Analytics",
    params(
        ("job_hex" = String, Path, description = "What stands before the slash of the id.", pattern = "^[0-9a-f]{32}$"),
        ("job_uuid" = String, Path, description = "What stands after it.",
         pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
        JobParams,
    ),
    responses(
        (status = 200, description = "The result; or, as JSON, that it is not there yet.", content(
            (String = "text/tab-separated-values"), (String = "text/csv"), (JobAnswer = "application/json"))),
        (status = 201, description = "The result can be fetched.", body = JobStatus),
        JobProblem,
    ),
)]
pub(super) async fn split_job(
    State(state): State<ApiState>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    asked: Asked,
) -> Answer {
    let id = path.map(|Path((hex, uuid))| format!("{hex}/{uuid}")).unwrap_or_default();
    answer(&state, asked, &id).await
}

/// Ask for a job, or for its result, by the whole id
///
/// The same for clients that write the slash of an id as `%2F`.
#[utoipa::path(
    get,
    path = "/jobs/{job_id}",
    operation_id = "read_job_by_whole_id",
    tag = "Analytics",
    params(
        ("job_id" = String, Path, description = "The id, its slash written as %2F."),
        JobParams,
    ),
    responses(
        (status = 200, description = "The result; or, as JSON, that it is not there yet.", content(
            (String = "text/tab-separated-values"), (String = "text/csv"), (JobAnswer = "application/json"))),
        (status = 201, description = "The result can be fetched.", body = JobStatus),
        JobProblem,
    ),
)]
pub(super) async fn job(
    State(state): State<ApiState>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    asked: Asked,
) -> Answer {
    let id = path.map(|Path(id)| id).unwrap_or_default();
    answer(&state, asked, &id).await
}

async fn answer(state: &ApiState, mut asked: Asked, id: &str) -> Answer {
    let wants_status = asked.query.boolean("status").unwrap_or(false);
    let form = asked.query.choice("csv_format", FileForm::NAMES);
    let organization = asked.organization.id();
    asked.finish()?;
    let missing = |why: &str| asked.refuse(ApiError::because(Code::NotFound, why));
    match state.analytics.state(organization, id) {
        None => Err(missing("There is no such job, or not any more: results are kept for 60 minutes.")),
        Some(JobState::Waiting) => Err(missing("The job has not been started yet.")),
        // Some clients read this as Python: texts only.
        Some(JobState::Running) => {
            let body = json!({"status": "running", "message": "The job is not finished yet."});
            Ok(Json(body).into_response())
        }
        Some(JobState::Failed(why)) => Err(asked.refuse(ApiError::because(Code::RuleBroken, why))),
        Some(JobState::Canceled) => {
            Err(asked.refuse(ApiError::because(Code::RuleBroken, "The job was canceled.")))
        }
        Some(JobState::Done) if wants_status => {
            Ok((StatusCode::CREATED, Json(json!({"status": "created"}))).into_response())
        }
        Some(JobState::Done) => {
            let (analytics, id) = (state.analytics.clone(), id.to_owned());
            let opening = tokio::task::spawn_blocking(move || analytics.result(organization, &id, form));
            match opening.await {
                Ok(Ok(Some(result))) => Ok(file::answer(result)),
                Ok(Ok(None)) => Err(missing("There is no such job any more.")),
                Ok(Err(error)) => Err(asked.refuse(ApiError::internal("opening a result", &error))),
                Err(error) => Err(asked.refuse(ApiError::internal("opening a result", &error))),
            }
        }
    }
}
