//! `/api/v2/integrations/{integrationID}/filter-groups`: which filters judge which events.

mod bulk;
mod create;
mod delete;
mod list;
mod model;
mod preset;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod update;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::handle, create::handle, bulk::update, bulk::delete))
        .routes(routes!(read::handle, update::handle, delete::handle))
}
