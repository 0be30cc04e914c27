//! Ad locations of an app: list, create, update, delete. The vendor documents them for version 4; version 5 answers the same
//! and can also create `bidding` locations.

mod body;
mod create;
mod delete;
mod list;
mod model;
mod schema;
#[cfg(test)]
mod tests;
mod update;

pub(crate) use body::CountryPrice;
pub(crate) use model::read_price_table;

use crate::ApiState;
use crate::chartboost::{ApiVersion, Client, Failure, apps};
use std::sync::Arc;
use tollgate_catalog::{Object, Stored};
use tollgate_domain::{AdLocation, AdLocationId, Uuid};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes(version: ApiVersion) -> OpenApiRouter<ApiState> {
    let router = OpenApiRouter::new().routes(routes!(update::handle, delete::handle));
    match version {
        ApiVersion::V4 => router.routes(routes!(list::handle, create::handle)),
        ApiVersion::V5 => router.routes(routes!(list::handle, create::with_bidding::handle)),
    }
}

/// The caller's location of a path. That of another organization or of another app does not exist.
fn find<'a>(
    client: &'a Client,
    (app, uuid): &(String, String),
) -> Result<&'a Arc<Stored<AdLocation>>, Failure> {
    let app = apps::find(client, app)?.id;
    let id = uuid.parse::<Uuid>().map(|uuid| AdLocationId::new(app, uuid));
    let location = id.ok().and_then(|id| client.organization().get::<AdLocation>(id.as_str()));
    location.ok_or_else(|| Failure::no_such(AdLocation::KIND, uuid))
}
