//! `/integrations/{integration_id}/postbacks`: who is told of an integration's conversions; and the log of what was told.

mod create;
mod delete;
mod deliveries;
mod list;
mod model;
mod read;
mod sample;
mod schema;
#[cfg(test)]
mod tests;
mod update;

use super::auth::Principal;
use super::{Failure, find_integration};
use crate::ApiState;
use crate::error::{ApiError, Code};
use std::sync::Arc;
use tollgate_catalog::Stored;
use tollgate_domain::Postback;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::handle, create::handle))
        .routes(routes!(read::handle, update::handle, delete::handle))
        .routes(routes!(sample::handle))
        .merge(deliveries::routes())
}

/// The postback of an id, if it is of that integration.
fn find(principal: &Principal, integration: &str, id: &str) -> Result<Arc<Stored<Postback>>, Failure> {
    let integration = find_integration(principal, integration)?;
    let found = principal.organization().get::<Postback>(id);
    let found = found.filter(|postback| postback.integration == integration).cloned();
    Ok(found.ok_or_else(|| ApiError::because(Code::NotFound, "There is no such postback."))?)
}
