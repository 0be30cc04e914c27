//! Ad locations: neighbours of their app's others by id, found by app, ad type and name. The rules between the locations
//! of an app are plain checks in the write, so no number of writers gets around them.

use crate::draft::{Draft, Refused};
use crate::object::{NUL, Object, Stored, Table};
use crate::pool::Pool;
use std::sync::Arc;
use tollgate_domain::{AdLocation, AdLocationId, AdLocationName, AdLocationType, AdType, App, AppId, Uuid};

/// Most locations of one ad type that an app has.
pub const MAX_AD_LOCATION_NAMES: usize = 100;

impl Object for AdLocation {
    const KIND: &'static str = "ad_location";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn order(&self) -> Option<String> {
        Order::of(self.id.app(), self.ad_type, self.name.as_str()).map(|order| order.named().to_owned())
    }

    fn group(&self) -> Option<String> {
        Order::of(self.id.app(), self.ad_type, "").map(|order| order.of_type().to_owned())
    }

    fn restored(self, _: &Self, draft: &mut Draft<'_>) -> Result<Self, Refused> {
        draft.require::<App>(self.id.app().as_str(), None)?;
        make_room(draft, &self)?;
        Ok(self)
    }

    fn share(&mut self, pool: &mut Pool) {
        pool.share(&mut self.prices);
    }
}

/// What locations are found by: the app's id, a digit for the ad type, the name. On the stack, for the gateway asks for
/// every impression.
struct Order {
    text: [u8; Self::NAME_AT + AdLocationName::LENGTH + 1],
    length: usize,
}

impl Order {
    const NAME_AT: usize = AppId::LENGTH + 1;

    /// `None` for a name that is longer than a location's can be.
    fn of(app: AppId, ad_type: AdType, name: &str) -> Option<Self> {
        let mut text = [NUL as u8; _];
        text[..AppId::LENGTH].copy_from_slice(app.as_bytes());
        text[AppId::LENGTH] = match ad_type {
            AdType::Interstitial => b'0',
            AdType::Rewarded => b'1',
            AdType::Banner => b'2',
        };
        let end = Self::NAME_AT + name.len();
        // One byte is left for the end of the name.
        if end >= text.len() {
            return None;
        }
        text[Self::NAME_AT..end].copy_from_slice(name.as_bytes());
        Some(Self { text, length: end })
    }

    /// App, ad type and name.
    fn named(&self) -> &str {
        self.first(self.length)
    }

    /// The same with the end of the name, so that no longer name begins alike.
    fn exactly(&self) -> &str {
        self.first(self.length + 1)
    }

    /// App and ad type.
    fn of_type(&self) -> &str {
        self.first(Self::NAME_AT)
    }

    fn first(&self, bytes: usize) -> &str {
        // Cut at ends of whole strings only.
        std::str::from_utf8(&self.text[..bytes]).unwrap_or_default()
    }
}

impl Table<AdLocation> {
    /// The location of an app with this name and ad type; there is one at most. No allocation.
    pub fn named(&self, app: AppId, name: &str, ad_type: AdType) -> Option<&Arc<Stored<AdLocation>>> {
        let order = Order::of(app, ad_type, name)?;
        let found = self.first_under(order.exactly())?;
        // A name from outside may hold a NUL, which no location's does.
        (found.name.as_str() == name).then_some(found)
    }

    /// An app's locations, sorted by ad type and name.
    pub fn of_app<'a>(&'a self, app: &'a AppId) -> impl Iterator<Item = &'a Arc<Stored<AdLocation>>> {
        self.ordered_under(app.as_str())
    }

    /// How many locations of an ad type an app has.
    pub fn count(&self, app: AppId, ad_type: AdType) -> usize {
        Order::of(app, ad_type, "").map_or(0, |order| self.count_of(order.of_type()) as usize)
    }
}

/// Adds a location under a new UUID. Its name and ad type must be free in its app, except that a `fixed_cpm` replaces an
/// `auto_cpm`, and the app must have less than [`MAX_AD_LOCATION_NAMES`] of that ad type.
pub fn new_ad_location(
    draft: &mut Draft<'_>,
    app: AppId,
    make: impl FnOnce(AdLocationId) -> AdLocation,
) -> Result<AdLocationId, Refused> {
    draft.require::<App>(app.as_str(), None)?;
    let location = make(AdLocationId::new(app, Uuid::random(draft.entropy())));
    make_room(draft, &location)?;
    let id = location.id;
    draft.create(location)?;
    Ok(id)
}

/// Sees to it that `location` can be stored: its name is free, or is freed, and if it is new there is room for one more.
fn make_room(draft: &mut Draft<'_>, location: &AdLocation) -> Result<(), Refused> {
    let table = draft.table::<AdLocation>();
    let is_new = table.get(location.id.as_str()).is_none();
    let old = table.named(location.id.app(), location.name.as_str(), location.ad_type);
    if let Some(old) = old.filter(|old| old.id != location.id).cloned() {
        match (location.location_type, old.location_type) {
            (AdLocationType::FixedCpm, AdLocationType::AutoCpm) if is_new => {
                draft.delete::<AdLocation>(old.id.as_str(), None)?;
            }
            (_, taken) => return Err(existing(taken)),
        }
    }
    let count = draft.table::<AdLocation>().count(location.id.app(), location.ad_type);
    if is_new && count >= MAX_AD_LOCATION_NAMES {
        return Err(Refused::Rule {
            code: "too_many_ad_locations",
            message: format!("An app has at most {MAX_AD_LOCATION_NAMES} locations of an ad-type"),
        });
    }
    Ok(())
}

/// Stores a changed location; a new name must be free in its app.
pub fn update_ad_location(draft: &mut Draft<'_>, location: AdLocation) -> Result<(), Refused> {
    let table = draft.table::<AdLocation>();
    match table.named(location.id.app(), location.name.as_str(), location.ad_type) {
        Some(taken) if taken.id != location.id => Err(existing(taken.location_type)),
        _ => draft.update(location, None),
    }
}

fn existing(taken: AdLocationType) -> Refused {
    let code = match taken {
        AdLocationType::FixedCpm => "existing_fixed_cpm",
        AdLocationType::AutoCpm => "existing_auto_cpm",
        AdLocationType::CrossPromo => "existing_cross_promo",
        AdLocationType::MockResponse => "existing_mock_response",
        AdLocationType::Bidding => "existing_bidding",
    };
    let name = taken.name();
    Refused::Rule {
        code,
        message: format!("A {name} location with the same name and ad-type already exists"),
    }
}
