//! What requests say about ad locations, field by field.

use super::body::CountryPrice;
use super::schema;
use crate::fields::{Fields, Given};
use serde_json::{Map, Value};
use std::collections::HashSet;
use tollgate_domain::{
    AdLocation, AdLocationId, AdLocationName, AdLocationType, AdType, Invalid, Market, Money, PriceTable,
};
use utoipa::ToSchema;

/// A location that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedLocation {
    name: AdLocationName,
    ad_type: AdType,
    location_type: AdLocationType,
    prices: PriceTable,
}

impl WantedLocation {
    /// Reads the body of a creation; `types` are the types that can be made.
    pub(super) fn read(map: Map<String, Value>, types: &[AdLocationType]) -> Result<Self, Vec<Invalid>> {
        let mut fields = Fields::lenient(map);
        let types: Vec<_> = types.iter().map(|one| (one.name(), *one)).collect();
        let name = fields.required("name", read_name);
        let ad_type = fields.required("ad_type", |f| f.choice("ad_type", AdType::NAMES));
        let location_type = fields.required("type", |f| f.choice("type", &types));
        let prices = match location_type {
            // Without a type that can be made, what is asked for is taken to be the common one.
            Some(AdLocationType::FixedCpm) | None => fields.required("country_targeting", read_prices),
            Some(_) => refuse_prices(&mut fields),
        };
        match (name, ad_type, location_type, prices, fields.finish()) {
            (Some(name), Some(ad_type), Some(location_type), Some(prices), errors) if errors.is_empty() => {
                Ok(Self { name, ad_type, location_type, prices })
            }
            (.., errors) => Err(errors),
        }
    }

    /// The location, under an id.
    pub(super) fn make(&self, id: AdLocationId) -> AdLocation {
        let Self { name, ad_type, location_type, prices } = self.clone();
        AdLocation { id, name, ad_type, location_type, prices }
    }
}

/// What is to become of a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocationChange {
    name: Option<AdLocationName>,
    prices: Option<PriceTable>,
}

impl LocationChange {
    /// Reads the body of an update of `location`. What never changes may be sent as it is.
    pub(super) fn read(map: Map<String, Value>, location: &AdLocation) -> Result<Self, Vec<Invalid>> {
        let fixed = [
            ("uuid", location.id.uuid().as_str()),
            ("ad_type", location.ad_type.name()),
            ("type", location.location_type.name()),
        ];
        let differs = |name: &str, stored: &str| map.get(name).is_some_and(|given| given != stored);
        let immutable: Vec<Invalid> = fixed
            .into_iter()
            .filter(|(name, stored)| differs(name, stored))
            .map(|(name, stored)| Invalid::coded(name, format!("must stay {stored}"), "immutable_field"))
            .collect();
        let mut fields = Fields::lenient(map);
        let name = fields.not_null("name", read_name).value();
        let prices = match location.location_type {
            AdLocationType::FixedCpm => fields.not_null("country_targeting", read_prices).value(),
            _ => refuse_prices(&mut fields),
        };
        fields.refuse_all(immutable);
        match fields.finish() {
            errors if errors.is_empty() => Ok(Self { name, prices }),
            errors => Err(errors),
        }
    }

    /// `location` after this change.
    pub(super) fn apply(&self, location: &AdLocation) -> AdLocation {
        let Self { name, prices } = self.clone();
        AdLocation {
            name: name.unwrap_or_else(|| location.name.clone()),
            prices: prices.unwrap_or_else(|| location.prices.clone()),
            ..location.clone()
        }
    }
}

fn read_name(fields: &mut Fields) -> Given<AdLocationName> {
    fields.parsed("name", |place, text| {
        text.parse().map_err(|error: Invalid| Invalid { field: place.to_owned(), ..error })
    })
}

/// The prices of a `fixed_cpm` location.
fn read_prices(fields: &mut Fields) -> Given<PriceTable> {
    read_price_table(fields, "country_targeting", 1)
}

/// A price table of at least so many prices. Also read by the native API.
pub(crate) fn read_price_table(fields: &mut Fields, name: &str, least: usize) -> Given<PriceTable> {
    let mut seen = HashSet::new();
    let prices = fields.objects(name, least..=PriceTable::MOST, |f| {
        let market = f.required("country", |f| {
            f.parsed("country", |place, text| {
                text.parse::<Market>().map_err(|error| Invalid { field: place.to_owned(), ..error })
            })
        });
        if market.is_some_and(|market| !seen.insert(market)) {
            f.refuse("country", "stands in the list twice");
        }
        let price = f.required("price", |f| f.money("price", PriceTable::LOWEST..=PriceTable::HIGHEST));
        Some((market?, price?))
    });
    let prices: Vec<(Market, Money)> = match prices {
        Given::Absent => return Given::Absent,
        Given::Null => return Given::Null,
        Given::Value(prices) => prices,
    };
    match PriceTable::new(&prices) {
        Ok(table) => Given::Value(table),
        Err(errors) => {
            let named = |error: Invalid| Invalid { field: format!("{name}{}", error.field), ..error };
            fields.refuse_all(errors.into_iter().map(named));
            Given::Absent
        }
    }
}

/// Only `fixed_cpm` locations have prices. An empty list is what the others are answered with, so it may be sent back.
fn refuse_prices(fields: &mut Fields) -> Option<PriceTable> {
    let empty = !fields.has("country_targeting")
        || fields.objects("country_targeting", 0..=0, |_| Some(())) == Given::Value(Vec::new());
    Some(PriceTable::default()).filter(|_| empty)
}

/// The body of a creation under version 4.
#[derive(ToSchema)]
#[schema(as = NewAdLocation)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct NewFixedCpm {
    /// Unique with `ad_type` in the app, unless it replaces an `auto_cpm` location.
    #[schema(schema_with = schema::name)]
    name: String,
    #[schema(schema_with = schema::ad_type)]
    ad_type: String,
    #[schema(schema_with = schema::fixed_cpm)]
    r#type: String,
    /// What a thousand impressions cost, by country, each country once.
    #[schema(min_items = 1, max_items = 250)]
    country_targeting: Vec<CountryPrice>,
}

/// The body of a creation of a `bidding` location.
#[derive(ToSchema)]
#[schema(as = NewBiddingAdLocation)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct NewBidding {
    /// Unique with `ad_type` in the app.
    #[schema(schema_with = schema::name)]
    name: String,
    #[schema(schema_with = schema::ad_type)]
    ad_type: String,
    #[schema(schema_with = schema::bidding)]
    r#type: String,
    /// Absent or empty.
    #[schema(required = false, max_items = 0)]
    country_targeting: Vec<CountryPrice>,
}

/// The body of a creation under version 5.
#[derive(ToSchema)]
#[schema(as = NewAdLocationOrBidding)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) enum NewLocation {
    FixedCpm(NewFixedCpm),
    Bidding(NewBidding),
}

/// The body of an update: what is absent stays as it is.
#[derive(ToSchema)]
#[schema(as = AdLocationChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct ChangeRequest {
    #[schema(required = false, schema_with = schema::name)]
    name: String,
    /// Replaces all prices; `fixed_cpm` locations only.
    #[schema(required = false, min_items = 1, max_items = 250)]
    country_targeting: Vec<CountryPrice>,
}
