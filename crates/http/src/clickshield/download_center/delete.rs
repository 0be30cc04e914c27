//! `DELETE /download-center/exports/{export_id}`

use super::{missing, unavailable};
use crate::ApiState;
use crate::auth::Writer;
use crate::clickshield::schema::{Done, MissingProblem};
use crate::clickshield::{Answer, Params, done};
use axum::extract::State;

/// Delete an export
///
/// Its file goes with it; when it is being written, that stops.
#[utoipa::path(
    delete,
    path = "/download-center/exports/{export_id}",
    operation_id = "delete_export",
    tag = "Download center",
    params(("export_id" = String, Path, description = "The export's id.")),
    responses(
        (status = 200, description = "The export is gone.", body = Done),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    Params(id): Params<String>,
) -> Answer {
    match state.exports.delete(caller.organization_id(), &id).await {
        Ok(true) => Ok(done()),
        Ok(false) => Err(missing().into()),
        Err(error) => Err(unavailable(&error).into()),
    }
}
