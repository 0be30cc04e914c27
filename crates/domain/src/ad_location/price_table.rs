//! Prices per country. A table is sorted once and shared by every location that has the same one; it also remembers the
//! order its prices were given in, since that is the order they are told in.

use crate::{Country, Invalid, Money};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::sync::Arc;

/// Where a price holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Market {
    /// Wherever the table names no price: `default`.
    Default,
    /// In this country.
    Country(Country),
}

impl Market {
    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Default => "default",
            Self::Country(country) => country.as_str(),
        }
    }
}

impl Serialize for Market {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Market {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text == "default" {
            return Ok(Self::Default);
        }
        text.parse()
            .map(Self::Country)
            .map_err(|_| Invalid::new("country", "must be an upper-case ISO 3166-1 alpha-2 code or default"))
    }
}

/// One price. Eight bytes, so that a table of all countries is two kilobytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Price {
    market: Market,
    /// Its place in the order the prices were given in.
    place: u8,
    micros: u32,
}

/// Prices per country, at most 250, without duplicates. A clone shares them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<(String, i64)>", into = "Vec<(String, i64)>")]
pub struct PriceTable(Arc<[Price]>);

impl Default for PriceTable {
    /// A table without any price.
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl PriceTable {
    /// Most prices of a table.
    pub const MOST: usize = 250;
    /// The lowest price per thousand: a cent.
    pub const LOWEST: Money = Money::from_micros(10_000);
    /// The highest price per thousand: 500 dollars.
    pub const HIGHEST: Money = Money::from_micros(500_000_000);

    /// A table of at most 250 prices, or what is wrong with them: fields are named `[2].country` and `[2].price`.
    pub fn new(prices: &[(Market, Money)]) -> Result<Self, Vec<Invalid>> {
        if prices.len() > Self::MOST {
            let message = format!("must have at most {} items", Self::MOST);
            return Err(vec![Invalid::new("", message)]);
        }
        let mut violated = Vec::new();
        let mut table: Vec<Price> = Vec::with_capacity(prices.len());
        for ((market, money), place) in prices.iter().zip(0..=u8::MAX) {
            let micros = u32::try_from(money.micros()).unwrap_or(0);
            if !(Self::LOWEST..=Self::HIGHEST).contains(money) {
                violated.push(Invalid::new(format!("[{place}].price"), "must be from 0.01 to 500"));
            }
            table.push(Price { market: *market, place, micros });
        }
        table.sort_unstable_by_key(|price| (price.market, price.place));
        let repeated = table.windows(2).filter(|pair| pair[0].market == pair[1].market);
        violated
            .extend(repeated.map(|pair| {
                Invalid::new(format!("[{}].country", pair[1].place), "stands in the list twice")
            }));
        if violated.is_empty() { Ok(Self(table.into())) } else { Err(violated) }
    }

    /// The price per thousand for an event of `country`: the country's own, else the default's, else none.
    pub fn price(&self, country: Option<Country>) -> Option<Money> {
        let own = country.and_then(|country| self.exact(Market::Country(country)));
        own.or_else(|| self.exact(Market::Default))
    }

    /// The price that the table itself names for `market`.
    pub fn exact(&self, market: Market) -> Option<Money> {
        let at = self.0.binary_search_by_key(&market, |price| price.market).ok()?;
        Some(Money::from_micros(self.0[at].micros.into()))
    }

    /// Every price, in the order they were given in.
    pub fn iter(&self) -> impl Iterator<Item = (Market, Money)> {
        let mut given: Vec<&Price> = self.0.iter().collect();
        given.sort_unstable_by_key(|price| price.place);
        given.into_iter().map(|price| (price.market, Money::from_micros(price.micros.into())))
    }

    /// How many prices there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both are the same piece of memory.
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How many tables share this piece of memory.
    pub fn sharers(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl From<PriceTable> for Vec<(String, i64)> {
    fn from(table: PriceTable) -> Self {
        table.iter().map(|(market, money)| (market.as_str().to_owned(), money.micros())).collect()
    }
}

impl TryFrom<Vec<(String, i64)>> for PriceTable {
    type Error = Invalid;

    fn try_from(prices: Vec<(String, i64)>) -> Result<Self, Invalid> {
        let prices: Result<Vec<_>, Invalid> = prices
            .into_iter()
            .map(|(market, micros)| Ok((market.parse()?, Money::from_micros(micros))))
            .collect();
        Self::new(&prices?).map_err(|mut violated| violated.swap_remove(0))
    }
}
