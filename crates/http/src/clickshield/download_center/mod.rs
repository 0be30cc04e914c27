//! `/api/v2/download-center`: files of events. They are asked for, written in the background, and fetched by a link that
//! is signed and expires.

mod body;
mod create;
mod delete;
mod file;
mod list;
mod object;
mod range;
mod read;
mod request;
mod schema;
#[cfg(test)]
mod tests;
mod url;

pub(crate) use create::refused;
pub(crate) use object::object;
pub(crate) use request::read as read_request;
pub(crate) use schema::DownloadExport;

use crate::ApiState;
use crate::error::{ApiError, Code};
use tollgate_jobs::exports::StoreError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Everything that asks for a key.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create::get_clicks, create::post_clicks))
        .routes(routes!(create::get_conversions, create::post_conversions))
        .routes(routes!(create::get_impressions, create::post_impressions))
        .routes(routes!(list::handle))
        .routes(routes!(read::handle, delete::handle))
        .routes(routes!(url::handle))
}

/// The files themselves, for whoever has a link.
pub(super) fn files() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(file::handle))
}

/// The records cannot be read or written: a full disk, a file held too long by another process. It may pass.
pub(crate) fn unavailable(error: &StoreError) -> ApiError {
    tracing::error!(%error, "the records of exports failed");
    ApiError { retry_after: Some(1), ..ApiError::new(Code::Unavailable) }
}

/// There is no such export, as far as the caller is concerned.
fn missing() -> ApiError {
    ApiError::because(Code::NotFound, "There is no export of this id.")
}
