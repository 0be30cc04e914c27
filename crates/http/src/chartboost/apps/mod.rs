//! Apps: list, create, read, update, delete. Every answer has exactly the fields that the vendor's document gives it, and
//! they differ from answer to answer.

mod body;
mod create;
mod delete;
mod list;
mod model;
mod read;
mod schema;
#[cfg(test)]
pub(crate) mod tests;
mod update;

pub(crate) use body::Publishing;
pub(super) use read::find;

use crate::ApiState;
use crate::chartboost::{Client, Failure};
use crate::error::{ApiError, Code};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list::handle, create::handle)).routes(routes!(
        read::handle,
        update::handle,
        delete::handle
    ))
}

/// Apps and their locations are changed only by organizations that accepted the disclosures.
pub(super) fn require_disclosures(client: &Client) -> Result<(), Failure> {
    match client.organization().organization() {
        Some(organization) if organization.disclosures_accepted => Ok(()),
        _ => Err(ApiError::new(Code::DisclosureNotAccepted).into()),
    }
}
