//! Prices of impressions, and what the configuration learns from them.

use crate::test_house::House;
use crate::{Draft, Outcome};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tollgate_catalog::{
    Actor, MAX_AD_LOCATION_NAMES, Organization, OrganizationSnapshot, Refused, Stored, new_ad_location,
    new_app, new_campaign,
};
use tollgate_domain::{
    AdLocation, AdLocationType, AdType, App, AppChange, AppId, Campaign, Event, EventKind, Market, Money,
    Number, Orientation, Platform, PriceTable, PublishingApplication, Text,
};

const CENT: i64 = 10_000;

fn table(prices: &[(&str, i64)]) -> PriceTable {
    let prices: Vec<(Market, Money)> = prices
        .iter()
        .map(|(market, cents)| (market.parse().unwrap(), Money::from_micros(cents * CENT)))
        .collect();
    PriceTable::new(&prices).unwrap()
}

impl House {
    fn write<T>(&self, change: impl FnMut(&mut tollgate_catalog::Draft<'_>) -> Result<T, Refused>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let organization = self.organization().id();
        let actor = Actor::command_line();
        runtime.block_on(self.intake.catalog().write(organization, &actor, change)).unwrap()
    }

    fn organization(&self) -> Arc<OrganizationSnapshot> {
        let snapshot = self.intake.catalog().snapshot();
        snapshot.organizations().next().unwrap().clone()
    }

    fn learn(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.intake.learn()).unwrap();
    }

    fn app(&self) -> AppId {
        let change = AppChange {
            nickname: Some("Game".to_owned()),
            orientations: Some(vec![Orientation::Portrait]),
            is_live: Some(false),
            is_test_mode_on: Some(false),
            is_directed_at_kids_under_13: Some(false),
            platform: Some(Platform::Ios),
            ..AppChange::default()
        };
        self.write(|draft| new_app(draft, &change))
    }

    fn location(&self, app: AppId, name: &str, ad_type: AdType, of: AdLocationType, prices: PriceTable) {
        self.write(|draft| {
            let (name, prices) = (name.parse().unwrap(), prices.clone());
            new_ad_location(draft, app, |id| AdLocation { id, name, ad_type, location_type: of, prices })
        });
    }

    fn change_app(&self, app: AppId, change: impl Fn(&mut App)) {
        self.write(|draft| {
            let mut changed = draft.require::<App>(app.as_str(), None)?.value.clone();
            change(&mut changed);
            draft.update(changed, None)
        });
    }

    /// An impression in `country`, judged.
    fn impression(&mut self, parameters: &[(&str, &str)], country: &str) -> Event {
        let mut draft = Draft::new(EventKind::Impression, self.integration);
        parameters.iter().for_each(|(name, value)| draft.set(name, value));
        draft.finish(self.intake.now()).unwrap();
        draft.event.set_text(Text::Country, country);
        let (outcome, draft) = self.submit(draft);
        assert!(matches!(outcome, Outcome::Judged(_)));
        draft.event
    }

    /// Its price in cents per thousand.
    fn price(&mut self, app: AppId, name: &str, ad_type: &str, country: &str) -> Option<i64> {
        let mut parameters = vec![("app_id", app.as_str()), ("ad_location", name)];
        if !ad_type.is_empty() {
            parameters.push(("ad_type", ad_type));
        }
        self.impression(&parameters, country).number(Number::Price).map(|micros| micros / CENT)
    }

    fn found(&self, app: AppId, name: &str, ad_type: AdType) -> Option<Arc<Stored<AdLocation>>> {
        self.organization().ad_location(app, name, ad_type).cloned()
    }
}

#[test]
fn an_impression_costs_what_its_location_says_for_its_country() {
    let mut house = House::new();
    let app = house.app();
    let fixed = AdLocationType::FixedCpm;
    house.location(app, "Home", AdType::Banner, fixed, table(&[("DE", 250), ("default", 100)]));
    house.location(app, "Shop", AdType::Banner, fixed, table(&[("US", 700)]));
    house.location(app, "Shop", AdType::Rewarded, fixed, table(&[("US", 900)]));
    house.location(app, "Sold", AdType::Banner, AdLocationType::Bidding, PriceTable::default());
    house.location(app, "Own", AdType::Banner, AdLocationType::CrossPromo, PriceTable::default());
    let operator = table(&[("FR", 33)]);
    house.write(|draft| {
        let id = draft.organization_id();
        let mut changed = draft.require::<Organization>(id.as_str(), None)?.value.clone();
        changed.auto_cpm.banner = operator.clone();
        draft.update(changed, None)
    });
    for (name, ad_type, country, cents) in [
        ("Home", "banner", "DE", Some(250)),
        ("Home", "banner", "FR", Some(100)),
        ("Home", "", "DE", Some(250)),
        ("Shop", "banner", "US", Some(700)),
        ("Shop", "rewarded", "US", Some(900)),
        ("Shop", "", "US", None),
        ("Shop", "banner", "FR", Some(33)),
        ("Shop", "banner", "DE", Some(0)),
        ("Sold", "banner", "US", None),
        ("Own", "banner", "US", Some(0)),
        ("Home", "in_play", "DE", None),
        ("Häuser", "banner", "DE", None),
        ("New", "banner", "FR", Some(33)),
        ("New", "interstitial", "FR", Some(0)),
    ] {
        assert_eq!(house.price(app, name, ad_type, country), cents, "{name} {ad_type} {country}");
    }
    let event = house.impression(&[("app_id", app.as_str()), ("ad_location", "Home")], "DE");
    assert_eq!(event.text(Text::AdType), Some("banner"), "the only location of the name tells the ad type");
}

#[test]
fn what_is_not_approved_or_only_tested_earns_nothing() {
    let mut house = House::new();
    let app = house.app();
    house.location(app, "Home", AdType::Banner, AdLocationType::FixedCpm, table(&[("default", 100)]));
    let now = house.intake.now();
    house.change_app(app, |app| app.publishing_application = PublishingApplication::pending(now));
    assert_eq!(house.price(app, "Home", "banner", "DE"), Some(0));
}

#[test]
fn test_mode_marks_until_it_runs_out() {
    let mut house = House::new();
    let app = house.app();
    house.location(app, "Home", AdType::Banner, AdLocationType::FixedCpm, table(&[("default", 100)]));
    let change =
        AppChange { is_test_mode_on: Some(true), test_mode_duration: Some(Some(10)), ..AppChange::default() };
    house.write(|draft| {
        let stored = draft.require::<App>(app.as_str(), None)?;
        tollgate_catalog::update_app(draft, &stored, &change)
    });
    let parameters = [("app_id", app.as_str()), ("ad_location", "Home"), ("ad_type", "banner")];
    let event = house.impression(&parameters, "DE");
    assert_eq!((event.number(Number::TestMode), event.number(Number::Price)), (Some(1), Some(0)));
    house.clock.0.fetch_add(11 * 60_000, Ordering::Relaxed);
    let event = house.impression(&parameters, "DE");
    assert_eq!((event.number(Number::TestMode), event.number(Number::Price)), (None, Some(100 * CENT)));
}

#[test]
fn an_impression_of_an_unknown_app_is_refused() {
    let house = House::new();
    let live = house.intake.live().get(house.integration).cloned().unwrap();
    for app in ["0123456789abcdef01234567", "no id"] {
        let mut draft = Draft::new(EventKind::Impression, house.integration);
        draft.set("app_id", app);
        draft.set("ad_location", "Home");
        house.intake.check_app(&live, &mut draft);
        let errors = draft.finish(house.intake.now()).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["app_id"]);
    }
    let mut click = Draft::new(EventKind::Click, house.integration);
    click.set("app_id", "a tracker's own");
    house.intake.check_app(&live, &mut click);
    assert!(click.finish(house.intake.now()).is_ok(), "clicks may name apps of elsewhere");
}

#[test]
fn the_configuration_learns_locations_up_to_their_limit() {
    let mut house = House::new();
    let app = house.app();
    for _ in 0..2 {
        house.price(app, "Level 1", "rewarded", "DE");
    }
    assert!(!house.organization().get::<App>(app.as_str()).unwrap().is_sdk_active);
    house.learn();
    let made = house.found(app, "Level 1", AdType::Rewarded).unwrap();
    assert_eq!(made.location_type, AdLocationType::AutoCpm);
    assert_eq!(&*made.meta.updated_by, "system:traffic");
    assert!(house.organization().get::<App>(app.as_str()).unwrap().is_sdk_active);

    for number in 2..=MAX_AD_LOCATION_NAMES + 20 {
        house.price(app, &format!("Level {number}"), "rewarded", "DE");
    }
    (0..4).for_each(|_| house.learn());
    let rewarded = house.organization().table::<AdLocation>().count(app, AdType::Rewarded);
    assert_eq!(rewarded, MAX_AD_LOCATION_NAMES);
    assert_eq!(house.price(app, "One more", "rewarded", "DE"), None, "kept without a price");
    house.learn();
    assert!(house.found(app, "One more", AdType::Rewarded).is_none());
}

#[test]
fn a_campaign_pays_for_what_it_is_billed_by_and_for_nothing_twice() {
    let mut house = House::new();
    let app = house.app();
    house.location(app, "Home", AdType::Banner, AdLocationType::FixedCpm, table(&[("default", 100)]));
    for (id, kind, billing, bids) in [
        ("by-click", "network", "cpc", &[("default", 20), ("DE", 30)][..]),
        ("by-view", "network", "cpcv", &[("default", 5)]),
        ("by-price", "network", "cpm", &[]),
        ("own", "cross_promo", "cpm", &[]),
    ] {
        let campaign = Campaign {
            bids: table(bids),
            ..serde_json::from_value(serde_json::json!({
                "id": id, "name": id, "campaign_type": kind, "app": app, "billing": billing,
            }))
            .unwrap()
        };
        house.write(|draft| new_campaign(draft, campaign.clone()));
    }
    let paid = |event: &Event| {
        [Number::Price, Number::Revenue, Number::Payout]
            .map(|column| event.number(column).map(|micros| micros / CENT))
    };
    let mut shown = |campaign: &str, more: &[(&str, &str)]| {
        let about = [("app_id", app.as_str()), ("ad_location", "Home"), ("ad_type", "banner")];
        let parameters = [&about[..], &[("campaign", campaign)], more].concat();
        paid(&house.impression(&parameters, "DE"))
    };
    assert_eq!(shown("by-price", &[]), [Some(100), None, None]);
    assert_eq!(shown("nobody's", &[]), [Some(100), None, None]);
    assert_eq!(shown("own", &[]), [Some(0), None, None]);
    assert_eq!(shown("by-click", &[]), [Some(0), None, None]);
    assert_eq!(shown("by-view", &[]), [Some(0), None, None]);
    assert_eq!(shown("by-view", &[("video_completed", "true")]), [Some(0), Some(5), Some(5)]);
    assert_eq!(
        shown("by-view", &[("video_completed", "true"), ("payout", "0.01")]),
        [Some(0), Some(5), Some(1)]
    );
    let mut click = Draft::new(EventKind::Click, house.integration);
    [("campaign", "by-click"), ("app_id", app.as_str())]
        .iter()
        .for_each(|(name, value)| click.set(name, value));
    click.finish(house.intake.now()).unwrap();
    click.event.set_text(Text::Country, "DE");
    let (_, draft) = house.submit(click);
    assert_eq!(paid(&draft.event), [None, Some(30), Some(30)]);
    let now = house.intake.now();
    house.change_app(app, |app| app.publishing_application = PublishingApplication::pending(now));
    let mut click = Draft::new(EventKind::Click, house.integration);
    [("campaign", "by-click"), ("app_id", app.as_str())]
        .iter()
        .for_each(|(name, value)| click.set(name, value));
    click.finish(now).unwrap();
    let (_, draft) = house.submit(click);
    assert_eq!(paid(&draft.event), [None, Some(0), Some(0)], "an app that is not approved earns nothing");
    for campaign in ["by-click", "nobody's", ""] {
        let mut conversion = Draft::new(EventKind::Conversion, house.integration);
        let given = [("app_id", app.as_str()), ("payout", "0.07"), ("revenue", "0.09")];
        given.iter().for_each(|(name, value)| conversion.set(name, value));
        if !campaign.is_empty() {
            conversion.set("campaign", campaign);
        }
        conversion.set("external_transaction_id", &format!("of {campaign}"));
        conversion.finish(now).unwrap();
        let (_, draft) = house.submit(conversion);
        assert_eq!(paid(&draft.event), [None, Some(9), Some(0)], "nor does it by what its caller says");
    }
}
