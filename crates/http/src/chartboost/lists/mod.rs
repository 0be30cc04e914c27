//! Category lists: which content categories the ads of an app may not have. The default list stands among the others,
//! but cannot be changed or deleted.

mod create;
mod delete;
mod list;
mod model;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod update;

pub(crate) use schema::CategoryCode;

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
