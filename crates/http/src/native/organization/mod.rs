//! The caller's organization: its acceptance of the disclosures and its settings.

mod disclosures;
mod settings;
#[cfg(test)]
mod tests;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(disclosures::handle))
        .routes(routes!(settings::read, settings::change))
}
