//! `POST /users`: answers the password, this once.

use super::{UserBody, UserWithPassword, fresh_password, role};
use crate::ApiState;
use crate::body::read_json_object;
use crate::error::{ApiError, Code};
use crate::fields::Fields;
use crate::native::Answer;
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, NativeProblem};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use tollgate_catalog::{Refused, Role, User, WriteError, new_user};
use utoipa::ToSchema;

/// A new user.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct NewUser {
    /// Where mail reaches them; no other user's of the organization, without case.
    #[schema(min_length = 3, max_length = 254, pattern = r"^[!-?A-~]+@[!-?A-~]+$")]
    email: String,
    #[schema(schema_with = role)]
    role: String,
}

/// Create a user
///
/// The answer has the password, this once. Only owners may.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "create_user",
    request_body = NewUser,
    responses(
        (status = 201, description = "The user was created.", body = UserWithPassword,
         headers(("Cache-Control" = String, description = "no-store"))),
        (status = 409, description = "A user of the organization has this address already, or there are 1,000 users.", body = NativeProblem,
         content_type = "application/problem+json"),
        BodyProblem,
    ),
)]
pub(super) async fn handle(principal: Principal, State(state): State<ApiState>, request: Request) -> Answer {
    principal.require_owner()?;
    let mut fields = Fields::lenient(read_json_object(request).await?);
    let email = fields.required("email", |fields| fields.text("email", 3..=254));
    let role = fields.required("role", |fields| fields.choice("role", &Role::ALL));
    let errors = fields.finish();
    let (Some(email), Some(role)) = (email, role) else { return Err(ApiError::invalid(errors).into()) };
    let (password, hash) = fresh_password(&state).await?;
    let user = state
        .catalog
        .write(principal.organization_id(), principal.actor(), |draft| {
            let id = new_user(draft, &email, role, hash.clone())?;
            draft.require::<User>(&id, None)
        })
        .await
        .map_err(taken)?;
    let snapshot = state.catalog.snapshot();
    let stored = snapshot.organization(principal.organization_id());
    let stored = stored.and_then(|organization| organization.get::<User>(&user.id));
    let user = UserBody::of(stored.ok_or_else(|| ApiError::new(Code::NotFound))?);
    let body = UserWithPassword { user, password: password.expose().to_owned() };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// An address that somebody has, and that there are too many users, is no fault of the request.
fn taken(error: WriteError) -> ApiError {
    match error {
        WriteError::Refused(Refused::Rule { code: code @ ("email_taken" | "too_many_users"), message }) => {
            ApiError { rule: Some(code), ..ApiError::because(Code::Conflict, message) }
        }
        other => other.into(),
    }
}
