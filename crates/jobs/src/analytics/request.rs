//! What a report is asked for. It is kept with a job's record, so that the next process can make what this one did not.

use serde::{Deserialize, Serialize};
use tollgate_domain::{CampaignType, Day, OrganizationId, Platform};
use tollgate_ledger::rollup::Step;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// By campaign.
    Campaign,
    /// By app.
    App,
    /// By app, country and place in the app.
    AppCountry,
    /// Every install.
    Install,
}

/// How long the times are that figures are told for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// A day.
    #[default]
    Daily,
    /// From Monday on.
    Weekly,
    /// A month of the calendar.
    Monthly,
}

impl Aggregate {
    /// Each with its name on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("daily", Self::Daily), ("weekly", Self::Weekly), ("monthly", Self::Monthly)];

    pub(super) fn step(self) -> Step {
        match self {
            Self::Daily => Step::Day,
            Self::Weekly => Step::Week,
            Self::Monthly => Step::Month,
        }
    }
}

/// Whose side figures are told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What apps showed, and what they earned.
    Publisher,
    /// What campaigns got, and what they spent.
    Advertiser,
}

impl Role {
    /// Each with its name on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("publisher", Self::Publisher), ("advertiser", Self::Advertiser)];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Advertiser => "advertiser",
        }
    }
}

/// What figures are told apart by, beside the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// Campaign, country and ad type.
    Country,
    /// Campaign, app and ad type.
    App,
    /// Campaign, app, creative and ad type.
    AppCreative,
    /// The promoted app and the creative.
    TargetCreative,
    /// Nothing else.
    Date,
    /// The campaign.
    Campaign,
    /// The promoted app.
    CampaignTarget,
    /// Network or cross promotion.
    CampaignType,
    /// App and place in the app.
    EventLocation,
}

impl Grouping {
    /// What campaigns can be grouped by, with the names on the wire.
    pub const OF_CAMPAIGNS: &'static [(&'static str, Self)] = &[
        ("country", Self::Country),
        ("app", Self::App),
        ("app,creative", Self::AppCreative),
        ("target_creative", Self::TargetCreative),
        ("date", Self::Date),
        ("campaign", Self::Campaign),
        ("campaign_target", Self::CampaignTarget),
        ("campaign_type", Self::CampaignType),
    ];
    /// What apps can be grouped by.
    pub const OF_APPS: &'static [(&'static str, Self)] =
        &[("app", Self::App), ("date", Self::Date), ("eventLocation", Self::EventLocation)];
}

/// A request for a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRequest {
    /// Whose figures.
    pub organization: OrganizationId,
    /// Which report.
    pub report: Report,
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
    /// How long the times are that figures are told for.
    pub aggregate: Aggregate,
    /// IANA name of the zone that days are in.
    pub zone: String,
    /// Whose side; both where nothing is said.
    pub role: Option<Role>,
    /// What they are told apart by; the report's own way where nothing is said.
    pub grouping: Option<Grouping>,
    /// Only these campaigns, by their ids in events; all where there are none.
    pub campaigns: Vec<String>,
    /// Only these apps; all where there are none.
    pub apps: Vec<String>,
    /// Only campaigns, or places, of this type.
    pub campaign_type: Option<CampaignType>,
    /// Only apps of this platform.
    pub platform: Option<Platform>,
    /// Only this place in apps.
    pub ad_location: Option<String>,
    /// Only these ad types, by their numbers.
    pub ad_types: Vec<u32>,
}

/// The vendor's numbers of ad types, and what events call them. The first of each is what is told.
const AD_TYPES: [(u32, &str); 7] = [
    (1, "interstitial"),
    (2, "more_apps"),
    (3, "in_play"),
    (4, "rewarded"),
    (5, "video_interstitial"),
    (10, "banner"),
    (11, "native"),
];

/// Every ad type's number.
pub fn ad_type_ids() -> impl Iterator<Item = u32> {
    AD_TYPES.into_iter().map(|(id, _)| id)
}

/// The number of an ad type that events name; 0 where the vendor has none for it.
pub(super) fn ad_type_id(name: &str) -> u32 {
    AD_TYPES.iter().find(|(_, known)| *known == name).map_or(0, |(id, _)| *id)
}

/// What events call the ad type of a number.
pub(super) fn ad_type_name(id: u32) -> Option<&'static str> {
    AD_TYPES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}
