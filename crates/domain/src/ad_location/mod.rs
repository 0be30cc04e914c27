//! Ad locations: the named places of an app where ads are shown, each with its prices per country. The values of a
//! location and the rules about each of them; rules between locations stand where they are stored.

mod id;
mod name;
mod price_table;
#[cfg(test)]
mod tests;

pub use id::{AdLocationId, Uuid};
pub use name::AdLocationName;
pub use price_table::{Market, PriceTable};

use serde::{Deserialize, Serialize};

/// The format of a location's ads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdType {
    /// Over the whole screen.
    Interstitial,
    /// For a reward.
    Rewarded,
    /// A strip.
    Banner,
}

impl AdType {
    /// Every ad type with its name on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("interstitial", Self::Interstitial), ("rewarded", Self::Rewarded), ("banner", Self::Banner)];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interstitial => "interstitial",
            Self::Rewarded => "rewarded",
            Self::Banner => "banner",
        }
    }

    /// The ad type of a name, exactly as on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, ad_type)| *ad_type)
    }
}

/// How a location earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdLocationType {
    /// A price per country that the publisher sets.
    FixedCpm,
    /// The operator's own prices. Comes into being with traffic.
    AutoCpm,
    /// For the publisher's own apps.
    CrossPromo,
    /// Answers test ads.
    MockResponse,
    /// Sold by auction.
    Bidding,
}

impl AdLocationType {
    /// Every type with its name on the wire.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("fixed_cpm", Self::FixedCpm),
        ("auto_cpm", Self::AutoCpm),
        ("cross_promo", Self::CrossPromo),
        ("mock_response", Self::MockResponse),
        ("bidding", Self::Bidding),
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FixedCpm => "fixed_cpm",
            Self::AutoCpm => "auto_cpm",
            Self::CrossPromo => "cross_promo",
            Self::MockResponse => "mock_response",
            Self::Bidding => "bidding",
        }
    }
}

/// An ad location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdLocation {
    /// Its app and its own id.
    pub id: AdLocationId,
    /// Its name, unique with `ad_type` in the app.
    pub name: AdLocationName,
    /// The format of its ads; never changes.
    pub ad_type: AdType,
    /// How it earns; never changes.
    #[serde(rename = "type")]
    pub location_type: AdLocationType,
    /// Its prices per country; empty unless it is `fixed_cpm`.
    #[serde(default)]
    pub prices: PriceTable,
}
