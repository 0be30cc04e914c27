//! The token endpoints of the control plane: RFC 6749, client credentials grant.

mod request;
mod schema;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use schema::{TokenAnswer, TokenError};
pub(crate) use token::mark_unstored;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(token::plain)).routes(routes!(token::v5)).routes(routes!(token::v4))
}
