//! `/analytics-jobs`: the reports with amounts of money that are made in the background. The vendor's API takes them up and
//! gives their results; here they are listed, canceled and tried again.

mod change;
mod list;
mod schema;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::handle))
        .routes(routes!(change::cancel))
        .routes(routes!(change::cancel_whole))
        .routes(routes!(change::retry))
        .routes(routes!(change::retry_whole))
}
