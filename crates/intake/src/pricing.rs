//! What an event is worth: an impression its ad location's price for its country, kept on it in micro-dollars per thousand;
//! where its campaign pays for something else, that its bid, kept as what the advertiser pays and the publisher gets.
//!
//! The price is that of the configuration at the moment of judgement and never changes afterwards. Whether the event
//! counts is the verdict's business, not this one's.

use crate::traffic::News;
use std::sync::Arc;
use tollgate_catalog::{MAX_AD_LOCATION_NAMES, OrganizationSnapshot, Snapshot, Stored};
use tollgate_domain::{
    AdLocation, AdLocationName, AdLocationType, AdType, App, AppId, Campaign, Country, Event, EventKind,
    Invalid, Money, Number, OrganizationId, Text,
};

/// An impression's app.
struct Shown<'a> {
    organization: &'a Arc<OrganizationSnapshot>,
    app: &'a Arc<Stored<App>>,
}

/// The app that `event` names, when it belongs to `organization`.
fn shown<'a>(snapshot: &'a Snapshot, organization: OrganizationId, event: &Event) -> Option<Shown<'a>> {
    let id: AppId = event.text(Text::AppId)?.parse().ok()?;
    let (owner, app) = snapshot.app(id)?;
    (owner.id() == organization).then_some(Shown { organization: owner, app })
}

/// An impression names an app of its integration's organization, if it names any.
pub(crate) fn check(snapshot: &Snapshot, organization: OrganizationId, event: &Event) -> Result<(), Invalid> {
    let named = event.kind == EventKind::Impression && event.text(Text::AppId).is_some();
    if named && shown(snapshot, organization, event).is_none() {
        return Err(Invalid::new("app_id", "is not the id of an app of this organization"));
    }
    Ok(())
}

/// Prices an impression whose country is known, marks it when its app is in test mode, and answers what it tells about
/// the app that the configuration does not know yet.
pub(crate) fn price(snapshot: &Snapshot, organization: OrganizationId, event: &mut Event) -> Option<News> {
    let shown = shown(snapshot, organization, event)?;
    let at = event.at();
    if shown.app.test_mode.is_on(at) {
        event.set_number(Number::TestMode, 1);
    }
    let place = shown.place(event);
    let country = event.text(Text::Country).and_then(|country| country.parse().ok());
    let price = shown.price(&place, country);
    if let (Place::Known(location), None) = (&place, event.text(Text::AdType)) {
        event.set_text(Text::AdType, location.ad_type.name());
    }
    if let Some(price) = price {
        let earned = if shown.app.earns(at) { price } else { Money::default() };
        event.set_number(Number::Price, earned.micros());
    }
    let location = match place {
        Place::New(name, ad_type) => Some((name, ad_type)),
        Place::Known(_) | Place::Nowhere => None,
    };
    let is_news = location.is_some() || !shown.app.is_sdk_active;
    is_news.then_some(News { organization, app: shown.app.id, location })
}

/// Writes onto an event what its campaign pays for it, where that is registered. What the caller said stays, but an app
/// that is not approved or in test mode gets nothing, whoever says so.
pub(crate) fn charge(snapshot: &Snapshot, organization: OrganizationId, event: &mut Event) {
    let owner = snapshot.organization(organization);
    // An app that was deleted earns what it did when it was. One that nobody registered is its caller's word.
    let app = event.text(Text::AppId).zip(owner).and_then(|(id, owner)| owner.table::<App>().ever(id));
    let earns = app.is_none_or(|app| app.earns(event.at()));
    if !earns && event.number(Number::Payout).is_some() {
        event.set_number(Number::Payout, 0);
    }
    let Some(owner) = owner else { return };
    let named = event.text(Text::Campaign);
    let Some(campaign) = named.and_then(|id| owner.get::<Campaign>(id)) else { return };
    if event.kind == EventKind::Impression && !campaign.pays_by_impression() {
        event.set_number(Number::Price, 0);
    }
    let country = event.text(Text::Country).and_then(|country| country.parse().ok());
    let is_later = [Text::EventId, Text::EventName].iter().any(|column| event.text(*column).is_some());
    let is_completed = event.flag(Number::VideoCompleted);
    let Some(bid) = campaign.bid(event.kind, is_later, is_completed, country) else { return };
    let bid = if earns { bid } else { Money::default() };
    for column in [Number::Revenue, Number::Payout] {
        if event.number(column).is_none() {
            event.set_number(column, bid.micros());
        }
    }
}

/// Where in its app an impression was shown.
enum Place<'a> {
    /// A location of the app.
    Known(&'a AdLocation),
    /// One that the app does not have yet, and may have.
    New(AdLocationName, AdType),
    /// No location that there is or could be.
    Nowhere,
}

impl<'a> Shown<'a> {
    fn place(&self, event: &Event) -> Place<'a> {
        let Some(name) = event.text(Text::AdLocation) else { return Place::Nowhere };
        let named = |ad_type| self.organization.ad_location(self.app.id, name, ad_type);
        let Some(given) = event.text(Text::AdType) else {
            // Without an ad type the name alone must tell.
            let mut found = AdType::NAMES.iter().filter_map(|(_, ad_type)| named(*ad_type));
            return match (found.next(), found.next()) {
                (Some(only), None) => Place::Known(only),
                _ => Place::Nowhere,
            };
        };
        let Some(ad_type) = AdType::from_name(given) else { return Place::Nowhere };
        match (named(ad_type), name.parse()) {
            (Some(location), _) => Place::Known(location),
            (None, Ok(name)) if self.has_room(ad_type) => Place::New(name, ad_type),
            (None, _) => Place::Nowhere,
        }
    }

    fn has_room(&self, ad_type: AdType) -> bool {
        self.organization.table::<AdLocation>().count(self.app.id, ad_type) < MAX_AD_LOCATION_NAMES
    }

    /// Per thousand; `None` where nobody set a price and nobody could have.
    fn price(&self, place: &Place<'_>, country: Option<Country>) -> Option<Money> {
        let automatic = |ad_type| {
            let operator = self.organization.organization()?;
            Some(operator.auto_cpm.prices(ad_type).price(country).unwrap_or_default())
        };
        match place {
            Place::New(_, ad_type) => automatic(*ad_type),
            Place::Known(location) => match location.location_type {
                AdLocationType::FixedCpm => {
                    location.prices.price(country).or_else(|| automatic(location.ad_type))
                }
                AdLocationType::AutoCpm => automatic(location.ad_type),
                AdLocationType::CrossPromo | AdLocationType::MockResponse => Some(Money::default()),
                // The auction said what it is worth, and Tollgate was not there.
                AdLocationType::Bidding => None,
            },
            Place::Nowhere => None,
        }
    }
}
