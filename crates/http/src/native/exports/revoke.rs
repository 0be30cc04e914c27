//! `POST /exports/links/revoke`: no link that was given so far leads to a file any more.

use crate::ApiState;
use crate::clickshield::download_center::unavailable;
use crate::native::Answer;
use crate::native::auth::Principal;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;

/// Revoke all links to files
///
/// The organization's links are signed with another key from now on. Downloads that are under way go on.
#[utoipa::path(
    post,
    path = "/exports/links/revoke",
    operation_id = "revoke_export_links",
    responses((status = 204, description = "The links are revoked.")),
)]
pub(super) async fn handle(principal: Principal, State(state): State<ApiState>) -> Answer {
    let revoked = state.exports.revoke_links(principal.organization_id()).await;
    revoked.map_err(|error| unavailable(&error))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
