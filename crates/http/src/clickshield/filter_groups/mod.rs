//! `/api/v2/integrations/{integrationID}/filter-groups`: which filters judge which events.

mod bulk;
mod create;
mod delete;
mod list;
mod model;
mod preset;
mod read;
#[cfg(test)]
mod tests;
mod update;

use crate::ApiState;
use axum::Router;
use axum::routing::get;

pub(super) fn routes() -> Router<ApiState> {
    Router::new()
        .route(
            "/api/v2/integrations/{integration_id}/filter-groups",
            get(list::handle).post(create::handle).patch(bulk::update).delete(bulk::delete),
        )
        .route(
            "/api/v2/integrations/{integration_id}/filter-groups/{filter_group_id}",
            get(read::handle).patch(update::handle).delete(delete::handle),
        )
}
