//! An ad location as it is answered.

use super::schema;
use serde::Serialize;
use tollgate_domain::{AdLocation, Market, Money};
use utoipa::ToSchema;

/// An ad location.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdLocation)]
pub(super) struct Body<'a> {
    #[schema(schema_with = schema::uuid)]
    uuid: &'a str,
    #[schema(schema_with = schema::name)]
    name: &'a str,
    #[schema(schema_with = schema::ad_type)]
    ad_type: &'static str,
    #[schema(schema_with = schema::any_type)]
    r#type: &'static str,
    /// Empty unless the type is `fixed_cpm`.
    #[schema(max_items = 250)]
    country_targeting: Vec<CountryPrice>,
}

/// What a thousand impressions cost in a country.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CountryTargeting)]
pub(crate) struct CountryPrice {
    #[schema(schema_with = schema::country)]
    country: Market,
    /// US dollars.
    #[schema(schema_with = schema::price)]
    price: f64,
}

impl<'a> Body<'a> {
    pub(super) fn of(location: &'a AdLocation) -> Self {
        let prices = location.prices.iter();
        Self {
            uuid: location.id.uuid().as_str(),
            name: location.name.as_str(),
            ad_type: location.ad_type.name(),
            r#type: location.location_type.name(),
            country_targeting: prices.map(CountryPrice::of).collect(),
        }
    }
}

impl CountryPrice {
    pub(crate) fn of((country, price): (Market, Money)) -> Self {
        Self { country, price: price.to_f64() }
    }
}
