//! `/campaigns`: what advertisers book, by the ids that events name.

mod create;
mod delete;
mod list;
mod model;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod update;

use super::Failure;
use super::auth::Principal;
use crate::ApiState;
use crate::error::{ApiError, Code};
use std::sync::Arc;
use tollgate_catalog::Stored;
use tollgate_domain::Campaign;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list::handle, create::handle)).routes(routes!(
        read::handle,
        update::handle,
        delete::handle
    ))
}

/// The campaign of an id, if it is the caller's.
fn find(principal: &Principal, id: &str) -> Result<Arc<Stored<Campaign>>, Failure> {
    let found = principal.organization().get::<Campaign>(id).cloned();
    Ok(found.ok_or_else(|| ApiError::because(Code::NotFound, "There is no such campaign."))?)
}
