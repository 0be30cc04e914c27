//! `/api/v2/integrations`: the traffic of one tracker or app network, with its settings.

mod create;
mod delete;
mod list;
mod model;
mod read;
mod schema;
mod update;
mod waterfall;

pub(super) use read::find;
#[cfg(test)]
mod tests;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list::handle, create::handle)).routes(routes!(
        read::handle,
        update::handle,
        delete::handle
    ))
}
