//! `DELETE /session`: signing out.

use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::native::{Answer, Failure};
use crate::session::{cookie, csrf_token, ended, set_cookie};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::IntoResponse;

/// Sign out
///
/// The session ends at once, in every window of the browser.
#[utoipa::path(
    delete,
    path = "/session",
    operation_id = "delete_session",
    responses((status = 204, description = "The session has ended.",
               headers(("Set-Cookie" = String, description = "Removes the cookie.")))),
)]
pub(super) async fn handle(State(state): State<ApiState>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    let text = cookie(&parts, &state).ok_or_else(ended)?;
    state.catalog.session(text).ok_or_else(ended)?;
    let given = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
    if given != Some(csrf_token(text).as_str()) {
        return Err(Failure(ApiError::new(Code::CsrfRefused)));
    }
    state.catalog.end_session(text).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, set_cookie("", &parts, &state))]).into_response())
}
