//! The token endpoints of the control plane: RFC 6749, client credentials grant.

mod request;
#[cfg(test)]
mod tests;
mod token;

use crate::ApiState;
use axum::Router;
use axum::routing::post;

pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/oauth/token", post(token::v5))
        .route("/v5/oauth/token", post(token::v5))
        .route("/v4/token", post(token::v4))
}
