//! `GET /session`: who is signed in. It is how a page that was just opened learns the token of its requests.

use super::SessionBody;
use crate::ApiState;
use crate::native::Answer;
use crate::session::{cookie, ended};
use axum::extract::State;
use axum::http::request::Parts;

/// Get the session
///
/// Who is signed in with this request's cookie, and what the session's other requests must have in `X-CSRF-Token`.
#[utoipa::path(
    get,
    path = "/session",
    operation_id = "get_session",
    responses((status = 200, description = "The session.", body = SessionBody,
               headers(("Cache-Control" = String, description = "no-store")))),
)]
pub(super) async fn handle(State(state): State<ApiState>, parts: Parts) -> Answer {
    let text = cookie(&parts, &state).ok_or_else(ended)?;
    let session = state.catalog.session(text).ok_or_else(ended)?;
    state.limits.count(&session.user.meta.id)?;
    Ok(SessionBody::of(&session, text).respond(None))
}
