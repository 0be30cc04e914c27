//! `DELETE /campaigns/{campaign_id}`: its events stay, and are told under its id from then on.

use super::find;
use crate::ApiState;
use crate::etag::IfMatch;
use crate::native::auth::Principal;
use crate::native::schema::{ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Params};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tollgate_domain::Campaign;

/// Delete a campaign
///
/// Its events stay as they are, and reports tell them under its id.
#[utoipa::path(
    delete,
    path = "/campaigns/{campaign_id}",
    operation_id = "delete_campaign",
    params(("campaign_id" = String, Path, description = "The campaign's id."), IfMatchParams),
    responses(
        (status = 204, description = "The campaign is gone."),
        MissingProblem,
        ConflictProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
) -> Answer {
    find(&principal, &id)?;
    state
        .catalog
        .write(principal.organization_id(), principal.actor(), |draft| {
            if_match.require::<Campaign>(draft, &id)?;
            draft.delete::<Campaign>(&id, None)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
