//! The demonstration's app: what a publisher of the management API would have made, so that impressions have a price.

use crate::compose::OpenHouse;
use crate::failure::Failure;
use tollgate_catalog::{Actor, Draft, Refused, new_ad_location, new_app};
use tollgate_domain::{
    AdLocation, AdLocationType, AdType, App, AppChange, AppId, IntegrationId, Invalid, Market, Money,
    Orientation, Platform, PriceTable,
};

/// The location that the demonstration's impressions are of.
pub(super) const LOCATION: &str = "Home Screen";

/// The location's price per thousand, in cents.
const PRICES: [(&str, i64); 4] = [("US", 900), ("GB", 750), ("DE", 600), ("default", 150)];

/// The app of the organization that owns `integration`; an interrupted start may have made it already.
pub(super) fn make(open: &OpenHouse, integration: IntegrationId) -> Result<AppId, Failure> {
    let catalog = &open.house.catalog;
    let snapshot = catalog.snapshot();
    let entry = snapshot.integration(integration);
    let entry = entry.ok_or_else(|| Failure::new("the demonstration's integration is gone"))?;
    let actor = Actor::system("demo");
    let write = catalog.write(entry.organization, &actor, |draft| {
        let there = draft.table::<App>().iter().next().map(|app| app.id);
        there.map_or_else(|| new(draft), Ok)
    });
    open.house.runtime.block_on(write).map_err(Failure::new)
}

fn new(draft: &mut Draft<'_>) -> Result<AppId, Refused> {
    let store_page = "https://play.google.com/store/apps/details?id=com.example.gamequest";
    let app = new_app(
        draft,
        &AppChange {
            nickname: Some("Game Quest".to_owned()),
            platform: Some(Platform::Android),
            orientations: Some(vec![Orientation::Portrait]),
            is_live: Some(true),
            store_app_id: Some(Some("com.example.gamequest".to_owned())),
            store_app_url: Some(Some(store_page.to_owned())),
            store_bundle_id: Some(Some("com.example.gamequest".to_owned())),
            is_test_mode_on: Some(false),
            is_directed_at_kids_under_13: Some(false),
            ..AppChange::default()
        },
    )?;
    let prices: Result<Vec<(Market, Money)>, Invalid> = PRICES
        .iter()
        .map(|(market, cents)| Ok((market.parse()?, Money::from_micros(cents * 10_000))))
        .collect();
    let prices = PriceTable::new(&prices?).map_err(Refused::Invalid)?;
    let name = LOCATION.parse()?;
    new_ad_location(draft, app, |id| AdLocation {
        id,
        name,
        ad_type: AdType::Interstitial,
        location_type: AdLocationType::FixedCpm,
        prices,
    })?;
    Ok(app)
}
