//! `DELETE /integrations/{integration_id}/postbacks/{postback_id}`: deliveries that wait are canceled; the log stays.

use super::find;
use crate::ApiState;
use crate::etag::IfMatch;
use crate::native::auth::Principal;
use crate::native::schema::{ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Params};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tollgate_domain::Postback;

/// Delete a postback
///
/// Its deliveries that wait are canceled; the log of the others stays.
#[utoipa::path(
    delete,
    path = "/integrations/{integration_id}/postbacks/{postback_id}",
    operation_id = "delete_postback",
    params(
        ("integration_id" = String, Path, description = "The integration's id."),
        ("postback_id" = String, Path, description = "The postback's id."),
        IfMatchParams,
    ),
    responses(
        (status = 204, description = "The postback is gone."),
        MissingProblem,
        ConflictProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params((integration, id)): Params<(String, String)>,
    if_match: IfMatch,
) -> Answer {
    find(&principal, &integration, &id)?;
    state
        .catalog
        .write(principal.organization_id(), principal.actor(), |draft| {
            if_match.require::<Postback>(draft, &id)?;
            draft.delete::<Postback>(&id, None)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
