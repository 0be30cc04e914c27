//! `/users`: who may sign in to the console, and as what. Only owners change them. A password is made here and shown once, or
//! chosen by its user at the end of a link; it is kept as a hash.

mod create;
mod delete;
mod link;
mod list;
mod password;
mod update;

use crate::ApiState;
use crate::error::ApiError;
use serde::Serialize;
use tollgate_catalog::{Role, Secret, Stored, StoredSecret, User};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::handle, create::handle))
        .routes(routes!(update::handle, delete::handle))
        .routes(routes!(password::handle))
        .routes(routes!(link::handle))
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
struct UserBody {
    #[schema(pattern = "^[0-9a-f]{24}$")]
    id: String,
    email: String,
    #[schema(schema_with = role)]
    role: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    /// What `ETag` says of one user: the version that `If-Match` may name.
    #[schema(minimum = 1)]
    version: u64,
}

/// A user, and the password, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct UserWithPassword {
    #[serde(flatten)]
    user: UserBody,
    password: String,
}

impl UserBody {
    fn of(user: &Stored<User>) -> Self {
        Self {
            id: user.id.clone(),
            email: user.email.clone(),
            role: user.role.name(),
            created_at: user.meta.created_at.to_string(),
            version: user.meta.version,
        }
    }
}

fn role() -> ObjectBuilder {
    let names = Role::ALL.map(|(name, _)| name);
    let about = "`owner`: everything; `manager`: all but users and API keys; `analyst`: reading.";
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).description(Some(about))
}

/// A password and its hash, made where waiting does no harm.
async fn fresh_password(state: &ApiState) -> Result<(Secret, StoredSecret), ApiError> {
    let (place, catalog) = (state.limits.place_for_password().await?, state.catalog.clone());
    let failed = |error: &dyn std::fmt::Display| ApiError::internal("a password could not be made", error);
    let making = move || {
        let _place = place;
        catalog.fresh_password()
    };
    let made = tokio::task::spawn_blocking(making).await;
    made.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}
