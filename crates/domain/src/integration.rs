//! Integrations: the traffic of one tracker or app network.

use crate::{EventKind, IntegrationId, OrganizationId};
use serde::{Deserialize, Serialize};

/// How far the integration's callers are believed (design: architecture.md, "Trust").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Any caller may send addresses, times and postbacks: the vendor's way.
    #[default]
    Open,
    /// Only from listed source addresses, or with an API key.
    Listed,
    /// Only with an API key, or a signature that covers the parameters.
    Strict,
}

/// What is stored of a user's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum IpPrivacy {
    /// The whole address.
    #[default]
    Full,
    /// IPv4 without its last 8 bits, IPv6 without its last 80.
    Truncated,
}

/// A tracking link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id, as callers send it in `url_id`.
    pub url_id: String,
    /// Friendly name.
    #[serde(default)]
    pub name: String,
    /// The offer it leads to.
    #[serde(default)]
    pub offer: Option<String>,
    /// Where approved users go; macros in braces.
    #[serde(default)]
    pub redirect_url: Option<String>,
    /// Where rejected users go.
    #[serde(default)]
    pub fallback_url: Option<String>,
}

/// Offers in order of preference, for the waterfall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferGroup {
    /// Friendly name.
    pub name: String,
    /// Offer ids, the preferred first.
    pub offers: Vec<String>,
}

/// An integration's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Its public id.
    pub id: IntegrationId,
    /// Its owner.
    pub organization: OrganizationId,
    /// Friendly name, 1 to 255 characters.
    pub name: String,
    /// An inactive integration rejects every click and imports no conversion.
    pub active: bool,
    /// Verdicts are recorded, not enforced.
    pub monitoring_mode: bool,
    /// Rejected clicks are offered to `rtb_endpoint`.
    #[serde(default)]
    pub rtb_enabled: bool,
    /// OpenRTB 2.6 endpoint.
    #[serde(default)]
    pub rtb_endpoint: Option<String>,
    /// Milliseconds an RTB answer may take, 10 to 5,000.
    #[serde(default)]
    pub rtb_tmax_ms: Option<u32>,
    /// IANA name of the zone its report days are in.
    pub time_zone: String,
    /// Where approved users go when their link does not say.
    #[serde(default)]
    pub redirect_url: Option<String>,
    /// Where rejected users go.
    #[serde(default)]
    pub fallback_url: Option<String>,
    /// Where users go when nothing else is known.
    #[serde(default)]
    pub preview_url: Option<String>,
    /// Hosts that callers' `redirect_url` may point at; `*.` matches sub-domains.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// How far callers are believed.
    #[serde(default)]
    pub trust: Trust,
    /// Source addresses (CIDR) that `listed` trust accepts.
    #[serde(default)]
    pub trusted_sources: Vec<String>,
    /// What is stored of addresses.
    #[serde(default)]
    pub ip_privacy: IpPrivacy,
    /// Days events are kept whose kind has no number of its own; `None` is for ever.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// Days clicks are kept; `None` is as long as `retention_days` says. So of the others.
    #[serde(default)]
    pub click_retention_days: Option<u32>,
    /// Days conversions are kept.
    #[serde(default)]
    pub conversion_retention_days: Option<u32>,
    /// Days impressions are kept.
    #[serde(default)]
    pub impression_retention_days: Option<u32>,
    /// Tracking links.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Waterfalls.
    #[serde(default)]
    pub offer_groups: Vec<OfferGroup>,
}

impl Integration {
    /// Days events of a kind are kept; `None` is for ever.
    pub fn keeps(&self, kind: EventKind) -> Option<u32> {
        let own = match kind {
            EventKind::Click => self.click_retention_days,
            EventKind::Conversion => self.conversion_retention_days,
            EventKind::Impression => self.impression_retention_days,
        };
        own.or(self.retention_days)
    }
}
