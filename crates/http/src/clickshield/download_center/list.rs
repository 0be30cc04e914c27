//! `GET /download-center/exports`: newest first.

use super::object::{FIELDS, object};
use super::schema::{DownloadExportPage, ListParams};
use super::unavailable;
use crate::ApiState;
use crate::auth::Reader;
use crate::clickshield::Answer;
use crate::clickshield::list::ListRequest;
use crate::clickshield::schema::QueryProblem;
use crate::error::ApiError;
use crate::origin::Origin;
use axum::extract::{RawQuery, State};

/// List exports
///
/// The newest first, unless sorted. `download_link` expires a quarter of an hour after the answer.
#[utoipa::path(
    get,
    path = "/download-center/exports",
    operation_id = "list_exports",
    tag = "Download center",
    params(ListParams),
    responses(
        (status = 200, description = "A page of exports.", body = DownloadExportPage),
        QueryProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    origin: Origin,
    RawQuery(raw): RawQuery,
) -> Answer {
    let request = ListRequest::read(raw.as_deref(), FIELDS)?;
    let organization = caller.organization_id();
    let exports = state.exports.list(organization).await.map_err(|error| unavailable(&error))?;
    let signer = state.exports.signer(organization).await.map_err(|error| unavailable(&error))?;
    // There may be thousands: not on a thread that serves the gateway.
    let answering = tokio::task::spawn_blocking(move || {
        request.answer(exports.iter().map(|export| object(export, Some(&signer), &origin)).collect())
    });
    Ok(answering.await.map_err(|error| ApiError::internal("listing exports", &error))?)
}
