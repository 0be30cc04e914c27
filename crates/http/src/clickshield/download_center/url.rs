//! `GET /download-center/url`: a link to a file.

use super::schema::{FileUrl, UrlParams};
use super::unavailable;
use crate::ApiState;
use crate::auth::Reader;
use crate::clickshield::Answer;
use crate::clickshield::query::Query;
use crate::clickshield::schema::{MissingProblem, QueryProblem};
use crate::error::{ApiError, Code};
use crate::origin::Origin;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use serde_json::json;

/// Get a link to a file
///
/// Whoever has the link can download the file for a quarter of an hour, without a key.
#[utoipa::path(
    get,
    path = "/download-center/url",
    operation_id = "read_export_url",
    tag = "Download center",
    params(UrlParams),
    responses(
        (status = 200, description = "The link.", body = FileUrl),
        QueryProblem,
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    origin: Origin,
    RawQuery(raw): RawQuery,
) -> Answer {
    let mut query = Query::parse(raw.as_deref())?;
    let name = query.required("artifact_name").unwrap_or_default();
    query.finish()?;
    let organization = caller.organization_id();
    let found = state.exports.find_file(organization, &name).await.map_err(|error| unavailable(&error))?;
    let export =
        found.ok_or_else(|| ApiError::because(Code::NotFound, "There is no whole file of this name."))?;
    let signer = state.exports.signer(organization).await.map_err(|error| unavailable(&error))?;
    Ok(Json(json!({"url": origin.link(&signer.link(&export.artifact))})).into_response())
}
