//! `GET /download-center/exports/{export_id}`

use super::object::object;
use super::schema::DownloadExport;
use super::{missing, unavailable};
use crate::ApiState;
use crate::auth::Reader;
use crate::clickshield::schema::MissingProblem;
use crate::clickshield::{Answer, Params};
use crate::origin::Origin;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;

/// Read an export
///
/// Once its file is whole, `download_link` leads to it for a quarter of an hour.
#[utoipa::path(
    get,
    path = "/download-center/exports/{export_id}",
    operation_id = "read_export",
    tag = "Download center",
    params(("export_id" = String, Path, description = "The export's id.")),
    responses(
        (status = 200, description = "The export.", body = DownloadExport),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Reader(caller): Reader,
    origin: Origin,
    Params(id): Params<String>,
) -> Answer {
    let organization = caller.organization_id();
    let found = state.exports.find(organization, &id).await.map_err(|error| unavailable(&error))?;
    let export = found.ok_or_else(missing)?;
    let signer = state.exports.signer(organization).await.map_err(|error| unavailable(&error))?;
    Ok(Json(object(&export, Some(&signer), &origin)).into_response())
}
