//! `DELETE /users/{user_id}`: sessions end at once, and the user's API keys with them.

use crate::ApiState;
use crate::etag::IfMatch;
use crate::native::auth::Principal;
use crate::native::schema::{ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Params};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tollgate_catalog::{User, delete_user};

/// Delete a user
///
/// The user's sessions and API keys end at once. Only owners may; the last owner stays.
#[utoipa::path(
    delete,
    path = "/users/{user_id}",
    operation_id = "delete_user",
    params(("user_id" = String, Path, description = "The user's id."), IfMatchParams),
    responses(
        (status = 204, description = "The user is gone."),
        (status = 400, description = "The user is the last owner.", body = crate::native::schema::NativeProblem,
         content_type = "application/problem+json"),
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
    principal.require_owner()?;
    state
        .catalog
        .write_ending_sessions(principal.organization_id(), principal.actor(), &id, |draft| {
            if_match.require::<User>(draft, &id)?;
            delete_user(draft, &id, None)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
