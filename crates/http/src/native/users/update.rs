//! `PATCH /users/{user_id}`: another role, in force with the user's next request.

use super::{UserBody, role};
use crate::ApiState;
use crate::body::read_json_object;
use crate::error::{ApiError, Code};
use crate::etag::{IfMatch, etag};
use crate::fields::Fields;
use crate::native::auth::Principal;
use crate::native::schema::{BodyProblem, ConflictProblem, IfMatchParams, MissingProblem};
use crate::native::{Answer, Params};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use tollgate_catalog::{Role, User, change_role};
use utoipa::ToSchema;

/// A change of a user.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct UserChange {
    #[schema(schema_with = role)]
    role: String,
}

/// Change a user's role
///
/// Only owners may. The last owner stays one.
#[utoipa::path(
    patch,
    path = "/users/{user_id}",
    operation_id = "update_user",
    params(("user_id" = String, Path, description = "The user's id."), IfMatchParams),
    request_body = UserChange,
    responses(
        (status = 200, description = "The user as it is now.", body = UserBody,
         headers(("ETag" = String, description = "The user's version."))),
        MissingProblem,
        ConflictProblem,
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    principal: Principal,
    State(state): State<ApiState>,
    Params(id): Params<String>,
    if_match: IfMatch,
    request: Request,
) -> Answer {
    principal.require_owner()?;
    if principal.organization().get::<User>(&id).is_none() {
        return Err(ApiError::new(Code::NotFound).into());
    }
    let mut fields = Fields::lenient(read_json_object(request).await?);
    let role = fields.required("role", |fields| fields.choice("role", &Role::ALL));
    let errors = fields.finish();
    let Some(role) = role else { return Err(ApiError::invalid(errors).into()) };
    let user = state
        .catalog
        .write(principal.organization_id(), principal.actor(), |draft| {
            if_match.require::<User>(draft, &id)?;
            change_role(draft, &id, role, None)?;
            draft.require::<User>(&id, None)
        })
        .await?;
    Ok((etag(user.meta.version), Json(UserBody::of(&user))).into_response())
}
