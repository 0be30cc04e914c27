//! `/integrations/{integration_id}/postback-deliveries`: the log of what was told to whom, and sending again.

mod body;
mod list;
mod retry;

use crate::ApiState;
use crate::error::{ApiError, Code};
use tollgate_jobs::postbacks::StoreError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list::handle)).routes(routes!(retry::handle))
}

/// The log cannot be read: a full disk, a file held too long by another process. It may pass.
fn unavailable(error: &StoreError) -> ApiError {
    tracing::error!(%error, "the log of postbacks failed");
    ApiError { retry_after: Some(1), ..ApiError::new(Code::Unavailable) }
}
