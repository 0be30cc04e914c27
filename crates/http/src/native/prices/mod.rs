//! The prices of all ad locations, or of one app's, as one CSV file: read it, change it, send it back. A file is taken as a
//! whole or not at all; every line that is wrong is named with its column.

mod change;
mod export;
mod import;
mod sheet;
#[cfg(test)]
mod tests;

use super::Failure;
use super::auth::Principal;
use crate::ApiState;
use crate::error::{ApiError, Code};
use tollgate_catalog::{Stored, Table};
use tollgate_domain::{AdLocation, AdLocationType, App, AppId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(export::of_all, import::replace_all, import::merge_all))
        .routes(routes!(export::of_app, import::replace_app, import::merge_app))
}

/// The columns of a file, in the order they are written in.
const COLUMNS: [&str; 6] = ["app_id", "ad_location", "name", "ad_type", "country", "price"];

/// The caller's app of an id.
fn find_app(principal: &Principal, id: &str) -> Result<AppId, Failure> {
    let found = principal.organization().get::<App>(id);
    found.map(|app| app.id).ok_or_else(|| ApiError::because(Code::NotFound, "There is no such app.").into())
}

/// The locations that have prices: of one app or of all that there are, ordered by app and id.
fn priced<'a>(
    apps: &'a Table<App>,
    locations: &'a Table<AdLocation>,
    app: Option<AppId>,
) -> impl Iterator<Item = &'a Stored<AdLocation>> {
    let apps = apps.iter().map(|app| &app.id).filter(move |id| app.is_none_or(|app| app == **id));
    let all = apps.flat_map(|id| locations.of_app(id)).map(|location| &**location);
    all.filter(|location| location.location_type == AdLocationType::FixedCpm)
}

/// The version of a file: it differs from that of every earlier file with other prices, names or locations. Every change
/// has a new seq, and a location that goes lowers the count.
fn version<'a>(locations: impl Iterator<Item = &'a Stored<AdLocation>>) -> u64 {
    let (count, newest) =
        locations.fold((0, 0), |(count, newest), one| (count + 1, u64::max(newest, one.meta.seq)));
    (newest << COUNT_BITS) | (count & ((1 << COUNT_BITS) - 1))
}

/// A million locations before the count wraps; the seq keeps room for 17 trillion.
const COUNT_BITS: u32 = 20;
