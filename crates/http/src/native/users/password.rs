//! `POST /users/{user_id}/password`: a new password in place of one that was forgotten or told.

use super::{UserBody, UserWithPassword, fresh_password};
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::native::schema::MissingProblem;
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use tollgate_catalog::User;

/// Make a new password for a user
///
/// The answer has it, this once; the old one and the user's sessions end at once. Only owners may.
#[utoipa::path(
    post,
    path = "/users/{user_id}/password",
    operation_id = "renew_password",
    params(("user_id" = String, Path, description = "The user's id.")),
    responses(
        (status = 200, description = "The user, and the new password.", body = UserWithPassword,
         headers(("Cache-Control" = String, description = "no-store"))),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
) -> Answer {
    principal.require_owner()?;
    if principal.organization().get::<User>(&id).is_none() {
        return Err(ApiError::new(Code::NotFound).into());
    }
    let (password, hash) = fresh_password(&state).await?;
    let user = state
        .catalog
        .write_ending_sessions(principal.organization_id(), principal.actor(), &id, |draft| {
            draft.set_secret::<User>(&id, Some(hash.clone()))?;
            draft.require::<User>(&id, None)
        })
        .await?;
    let body = UserWithPassword { user: UserBody::of(&user), password: password.expose().to_owned() };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
