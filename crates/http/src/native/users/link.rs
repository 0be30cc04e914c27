//! `POST /users/{user_id}/link`: a way in for somebody who has no password yet, or forgot it.

use super::UserBody;
use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::native::auth::Principal;
use crate::native::schema::MissingProblem;
use crate::native::{Answer, Params};
use crate::origin::Origin;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_catalog::{INVITATION_LIFETIME_SECONDS, User};
use utoipa::ToSchema;

/// A link at which a user chooses a password and is signed in.
#[derive(Debug, Serialize, ToSchema)]
struct UserLink {
    user: UserBody,
    /// What `POST /session` takes once, with the new password.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    invitation: String,
    /// The page that asks for the password.
    url: String,
    /// When it is good for nothing any more.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Make a link for a user
///
/// Whoever opens it within a day chooses the user's password and is signed in; it works once, and links that were made before end. The
/// password and the sessions that there are stay until then. Who made it stands in the user's history. Only owners may.
#[utoipa::path(
    post,
    path = "/users/{user_id}/link",
    operation_id = "invite_user",
    params(("user_id" = String, Path, description = "The user's id.")),
    responses(
        (status = 201, description = "The link, this once.", body = UserLink,
         headers(("Cache-Control" = String, description = "no-store"))),
        MissingProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    origin: Origin,
) -> Answer {
    principal.require_owner()?;
    let user = principal.organization().get::<User>(&id);
    let user = UserBody::of(user.ok_or_else(|| ApiError::new(Code::NotFound))?);
    let expires_at = state.catalog.now().plus_millis(INVITATION_LIFETIME_SECONDS * 1000);
    let invitation =
        state.catalog.link_to_password(principal.organization_id(), principal.actor(), &id).await?;
    let body = UserLink {
        user,
        invitation: invitation.expose().to_owned(),
        url: origin.choose_password(&invitation),
        expires_at: expires_at.to_string(),
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
