//! `GET /users`: who may sign in.

use super::UserBody;
use crate::native::Answer;
use crate::native::auth::Principal;
use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use tollgate_catalog::User;
use utoipa::ToSchema;

/// The users of the organization.
#[derive(Debug, Serialize, ToSchema)]
struct Users {
    /// Ordered by their addresses.
    items: Vec<UserBody>,
}

/// List the users
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "list_users",
    responses((status = 200, description = "The users.", body = Users)),
)]
pub(super) async fn handle(principal: Principal) -> Answer {
    let users = principal.organization().table::<User>().iter();
    let mut items: Vec<UserBody> = users.map(|user| UserBody::of(user)).collect();
    items.sort_by(|one, other| one.email.cmp(&other.email));
    Ok(Json(Users { items }).into_response())
}
