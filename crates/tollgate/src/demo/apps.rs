//! The demonstration's apps: what a publisher of the management API would have made, so that impressions have a price.

use crate::compose::OpenHouse;
use crate::failure::Failure;
use tollgate_catalog::{Actor, Draft, Refused, new_ad_location, new_app};
use tollgate_domain::{
    AdLocation, AdLocationType, AdType, App, AppChange, AppId, IntegrationId, Invalid, Market, Money,
    Orientation, Platform, PriceTable,
};

/// The app that the demonstration's impressions are of.
const TRAFFIC: &str = "Game Quest";

/// The location of it.
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
        let there = draft.table::<App>().iter().find(|app| app.nickname == TRAFFIC).map(|app| app.id);
        there.map_or_else(|| new(draft), Ok)
    });
    open.house.runtime.block_on(write).map_err(Failure::new)
}

/// Nickname, package, and the locations with what they show.
type Other = (&'static str, &'static str, &'static [(&'static str, AdType)]);

/// The apps beside the one that has traffic.
const OTHERS: [Other; 2] = [
    (
        "Word Garden",
        "com.example.wordgarden",
        &[("Level End", AdType::Interstitial), ("Hint", AdType::Rewarded)],
    ),
    (
        "Night Racer",
        "com.example.nightracer",
        &[("Garage", AdType::Banner), ("Second Chance", AdType::Rewarded)],
    ),
];

/// Makes all of them; answers the one that has traffic.
fn new(draft: &mut Draft<'_>) -> Result<AppId, Refused> {
    for (nickname, package, locations) in OTHERS {
        let app = new_one(draft, nickname, package)?;
        for (name, ad_type) in locations {
            locate(draft, app, name, *ad_type)?;
        }
    }
    let app = new_one(draft, TRAFFIC, "com.example.gamequest")?;
    locate(draft, app, LOCATION, AdType::Interstitial)?;
    locate(draft, app, "Daily Reward", AdType::Rewarded)?;
    Ok(app)
}

fn new_one(draft: &mut Draft<'_>, nickname: &str, package: &str) -> Result<AppId, Refused> {
    let package = package.to_owned();
    let change = AppChange {
        nickname: Some(nickname.to_owned()),
        platform: Some(Platform::Android),
        orientations: Some(vec![Orientation::Portrait]),
        is_live: Some(true),
        store_app_id: Some(Some(package.clone())),
        store_app_url: Some(Some(format!("https://play.google.com/store/apps/details?id={package}"))),
        store_bundle_id: Some(Some(package)),
        is_test_mode_on: Some(false),
        is_directed_at_kids_under_13: Some(false),
        ..AppChange::default()
    };
    new_app(draft, &change)
}

fn locate(draft: &mut Draft<'_>, app: AppId, name: &str, ad_type: AdType) -> Result<(), Refused> {
    let prices: Result<Vec<(Market, Money)>, Invalid> = PRICES
        .iter()
        .map(|(market, cents)| Ok((market.parse()?, Money::from_micros(cents * 10_000))))
        .collect();
    let prices = PriceTable::new(&prices?).map_err(Refused::Invalid)?;
    let name = name.parse()?;
    let location_type = AdLocationType::FixedCpm;
    new_ad_location(draft, app, |id| AdLocation { id, name, ad_type, location_type, prices }).map(drop)
}
