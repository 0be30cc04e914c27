//! `GET /integrations/{integrationID}`

use super::super::Answer;
use super::model::object;
use super::schema;
use crate::auth::{Caller, Reader};
use crate::clickshield::Failure;
use crate::clickshield::Params;
use crate::clickshield::schema::MissingProblem;
use crate::error::{ApiError, Code};
use axum::Json;
use axum::response::IntoResponse;
use std::sync::Arc;
use tollgate_catalog::Stored;
use tollgate_domain::Integration;

/// Read an integration
#[utoipa::path(
    get,
    path = "/integrations/{integration_id}",
    operation_id = "read_integration",
    tag = "Integrations",
    params(("integration_id" = String, Path, description = "The integration's id.")),
    responses(
        (status = 200, description = "The integration.", body = schema::Integration),
        MissingProblem,
    ),
)]
pub(super) async fn handle(Reader(caller): Reader, Params(id): Params<String>) -> Answer {
    Ok(Json(object(&*find(&caller, &id)?)).into_response())
}

/// The caller's integration of an id; that of another organization does not exist.
pub(in crate::clickshield) fn find(caller: &Caller, id: &str) -> Result<Arc<Stored<Integration>>, Failure> {
    let found = caller.organization().get::<Integration>(id);
    found.cloned().ok_or_else(|| Failure(ApiError::new(Code::NotFound)))
}
