//! `/account`: what was earned, spent, paid out, paid in and transferred; `/restatements`: what was taken back.

mod entries;
mod read;
mod restatements;
mod schema;
mod sums;
#[cfg(test)]
mod tests;

pub(crate) use entries::{EntryBody, read_entry};
pub(crate) use sums::{Books, Sums, add, sums, totals};

use crate::ApiState;
use crate::error::{ApiError, Code};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read::handle))
        .routes(routes!(entries::list, entries::create))
        .routes(routes!(restatements::handle))
}

/// There was no place for a request.
fn busy() -> ApiError {
    let busy = ApiError::because(Code::Unavailable, "Other reports are being made; try again soon.");
    ApiError { retry_after: Some(1), ..busy }
}
