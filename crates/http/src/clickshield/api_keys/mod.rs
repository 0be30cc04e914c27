//! `/api/v2/api-keys`: made, named, listed and revoked one by one. A key is shown once, when it is made.

mod create;
mod model;
mod revoke;
mod show;
#[cfg(test)]
mod tests;

use crate::ApiState;
use axum::Router;
use axum::routing::get;

pub(super) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v2/api-keys", get(show::list).post(create::handle))
        .route("/api/v2/api-keys/{api_key_id}", get(show::read).delete(revoke::handle))
}
