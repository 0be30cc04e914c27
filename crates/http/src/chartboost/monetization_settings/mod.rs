//! Monetization settings of an app: whom it blocks, how its ads behave, which devices they are for. An app has them
//! from the start; they come and go with it.

#[cfg(test)]
mod merge_tests;
mod model;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod update;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read::handle, update::handle))
}
