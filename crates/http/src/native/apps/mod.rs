//! What the vendor's API lacks about apps: the decision of a review, and settings that only the operator needs.

mod review;
mod settings;
#[cfg(test)]
pub(super) mod tests;

use super::Failure;
use super::auth::Principal;
use crate::ApiState;
use crate::error::{ApiError, Code};
use tollgate_domain::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(review::handle)).routes(routes!(settings::read, settings::change))
}

/// Refuses an id that names no app of the caller's organization.
fn require_app(principal: &Principal, id: &str) -> Result<(), Failure> {
    match principal.organization().get::<App>(id) {
        Some(_) => Ok(()),
        None => Err(ApiError::because(Code::NotFound, format!("There is no app with ID {id}")).into()),
    }
}
