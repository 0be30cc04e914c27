//! `/api/v2/integrations`: the traffic of one tracker or app network, with its settings.

mod create;
mod delete;
mod list;
mod model;
mod read;
mod update;

pub(super) use read::find;
#[cfg(test)]
mod tests;

use crate::ApiState;
use axum::Router;
use axum::routing::get;

pub(super) fn routes() -> Router<ApiState> {
    Router::new().route("/api/v2/integrations", get(list::handle).post(create::handle)).route(
        "/api/v2/integrations/{integration_id}",
        get(read::handle).patch(update::handle).delete(delete::handle),
    )
}
