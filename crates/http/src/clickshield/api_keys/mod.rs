//! `/api/v2/api-keys`: made, named, listed and revoked one by one. A key is shown once, when it is made.

mod create;
mod model;
mod revoke;
mod schema;
mod show;
#[cfg(test)]
mod tests;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(show::list, create::handle))
        .routes(routes!(show::read, revoke::handle))
}
