//! `GET /objects/{kind}/{id}/versions/{version}`: one object as it was.

use super::body::ObjectState;
use super::{ObjectParams, kind_named, missing};
use crate::ApiState;
use crate::etag::etag;
use crate::native::auth::Principal;
use crate::native::schema::MissingProblem;
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;

/// Read a past state
///
/// An object as it was at a version, also when it is deleted since.
#[utoipa::path(
    get,
    path = "/objects/{kind}/{id}/versions/{version}",
    operation_id = "read_version",
    params(
        ObjectParams,
        ("version" = u64, Path, description = "The version.", minimum = 1),
    ),
    responses(
        (status = 200, description = "The object as it was.", body = ObjectState,
         headers(("ETag" = String, description = "The version."))),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params((kind, id, version)): Params<(String, String, u64)>,
) -> Answer {
    let kind = kind_named(&kind)?;
    let revision = state.catalog.revision(principal.organization_id(), kind, &id, version).await?;
    let revision = revision.ok_or_else(missing)?;
    Ok((etag(version), Json(ObjectState::of(revision))).into_response())
}
