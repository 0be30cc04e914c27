//! What the vendor has besides analytics for a user id and its signature: campaigns, apps and the account, at the root.

mod account;
mod apps;
mod campaigns;
#[cfg(test)]
mod tests;

use super::analytics::{Proof, proven};
use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    let routes = OpenApiRouter::new()
        .routes(routes!(campaigns::list))
        .routes(routes!(apps::list))
        .routes(routes!(apps::one))
        .routes(routes!(account::read))
        .routes(routes!(account::transfer));
    proven(routes, Proof::Signature, "legacy")
}
