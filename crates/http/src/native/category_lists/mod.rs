//! What the vendor's lists lack: which apps use one, the categories that every app blocks, and the names of
//! categories and devices that settings may use.

mod apps;
mod devices;
mod mandatory;
mod taxonomy;
#[cfg(test)]
mod tests;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(apps::handle))
        .routes(routes!(mandatory::read, mandatory::replace))
        .routes(routes!(taxonomy::handle))
        .routes(routes!(devices::handle))
}
