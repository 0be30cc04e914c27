//! Any object of the caller's organization, whatever its kind, deleted ones too: its history, its past states, and the
//! way back to one of them.

pub(super) mod body;
mod history;
mod restore;
#[cfg(test)]
mod tests;
mod version;

use super::Failure;
use crate::ApiState;
use crate::error::{ApiError, Code};
use tollgate_catalog::KINDS;
use utoipa::IntoParams;
use utoipa::openapi::{ObjectBuilder, schema::Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(history::handle))
        .routes(routes!(version::handle))
        .routes(routes!(restore::handle))
}

/// Which object is meant.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct ObjectParams {
    /// The object's kind.
    #[param(schema_with = kind_schema, required)]
    kind: String,
    /// The object's id; an ad location's is that of its app, an encoded slash and its UUID: `APP%2FUUID`.
    id: String,
}

/// The kind of a name; what has none does not exist.
pub(super) fn kind_named(name: &str) -> Result<&'static str, Failure> {
    KINDS.iter().copied().find(|kind| *kind == name).ok_or_else(missing)
}

/// What is answered for a kind, an id or a version that the caller's organization never had.
fn missing() -> Failure {
    ApiError::because(Code::NotFound, "There is no such object.").into()
}

/// A kind's name, for the document.
pub(super) fn kind_schema() -> utoipa::openapi::schema::Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(KINDS.iter().copied())).build()
}
