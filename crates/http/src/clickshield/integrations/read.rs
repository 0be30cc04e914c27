//! `GET /integrations/{integrationID}`

use super::super::Answer;
use super::model::object;
use crate::auth::{Caller, Reader};
use crate::clickshield::Failure;
use crate::clickshield::Params;
use crate::error::{ApiError, Code};
use axum::Json;
use axum::response::IntoResponse;
use std::sync::Arc;
use tollgate_catalog::Stored;
use tollgate_domain::Integration;

pub(super) async fn handle(Reader(caller): Reader, Params(id): Params<String>) -> Answer {
    Ok(Json(object(&*find(&caller, &id)?)).into_response())
}

/// The caller's integration of an id; that of another organization does not exist.
pub(in crate::clickshield) fn find(caller: &Caller, id: &str) -> Result<Arc<Stored<Integration>>, Failure> {
    let found = caller.organization().get::<Integration>(id);
    found.cloned().ok_or_else(|| Failure(ApiError::new(Code::NotFound)))
}
