//! What the vendor's Download Center lacks: an export can be canceled and tried again, and links can be revoked.

mod change;
mod revoke;

use crate::ApiState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(change::cancel))
        .routes(routes!(change::retry))
        .routes(routes!(revoke::handle))
}
