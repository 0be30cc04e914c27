//! The columns of a job's file.

use super::figures::{Counts, Row};
use super::names::Names;
use super::request::{Grouping, Role, ad_type_id};

/// A column of a grouped campaign report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Date,
    ToCampaignName,
    ToCampaignId,
    ToAppName,
    ToAppId,
    ToAppBundle,
    ToAppPlatform,
    FromCampaignId,
    FromCampaignName,
    FromAppName,
    FromAppId,
    FromAppBundle,
    FromAppPlatform,
    CampaignType,
    Creative,
    Country,
    Role,
    AdType,
    Impressions,
    Clicks,
    Installs,
    Ctr,
    InstallRate,
    MoneyEarned,
    EcpmEarned,
    MoneySpent,
    EcpmSpent,
    CompletedView,
}

use Column as C;

const TARGET: &[Column] = &[C::ToAppName, C::ToAppId, C::ToAppBundle, C::ToAppPlatform];
const CAMPAIGN: &[Column] = &[C::ToCampaignName, C::ToCampaignId];
const SOURCE: &[Column] = &[
    C::FromCampaignId,
    C::FromCampaignName,
    C::FromAppName,
    C::FromAppId,
    C::FromAppBundle,
    C::FromAppPlatform,
];
const FIGURES: &[Column] = &[
    C::Impressions,
    C::Clicks,
    C::Installs,
    C::Ctr,
    C::InstallRate,
    C::MoneyEarned,
    C::EcpmEarned,
    C::MoneySpent,
    C::EcpmSpent,
    C::CompletedView,
];

/// The columns of a grouping: those of `app,creative` that apply, in their order.
pub(super) fn of(grouping: Grouping) -> Vec<Column> {
    let about: &[&[Column]] = match grouping {
        Grouping::AppCreative => {
            &[CAMPAIGN, TARGET, SOURCE, &[C::CampaignType, C::Creative, C::Role, C::AdType]]
        }
        Grouping::App => &[CAMPAIGN, TARGET, SOURCE, &[C::CampaignType, C::Role, C::AdType]],
        Grouping::Country => &[CAMPAIGN, TARGET, &[C::CampaignType, C::Country, C::Role, C::AdType]],
        Grouping::TargetCreative => &[TARGET, &[C::CampaignType, C::Creative, C::Role]],
        Grouping::Campaign => &[CAMPAIGN, TARGET, &[C::CampaignType, C::Role]],
        Grouping::CampaignTarget => &[TARGET, &[C::CampaignType, C::Role]],
        Grouping::CampaignType => &[&[C::CampaignType, C::Role]],
        Grouping::Date | Grouping::EventLocation => &[&[C::Role]],
    };
    let groups = about.iter().chain(std::iter::once(&FIGURES));
    std::iter::once(C::Date).chain(groups.flat_map(|group| group.iter().copied())).collect()
}

impl Column {
    /// What stands above it.
    pub(super) fn title(self) -> &'static str {
        match self {
            C::Date => "Date",
            C::ToCampaignName => "To Campaign Name",
            C::ToCampaignId => "To Campaign ID",
            C::ToAppName => "To App Name",
            C::ToAppId => "To App ID",
            C::ToAppBundle => "To App Bundle",
            C::ToAppPlatform => "To App Platform",
            C::FromCampaignId => "From Campaign ID",
            C::FromCampaignName => "From Campaign Name",
            C::FromAppName => "From App Name",
            C::FromAppId => "From App ID",
            C::FromAppBundle => "From App Bundle",
            C::FromAppPlatform => "From App Platform",
            C::CampaignType => "Campaign Type",
            C::Creative => "Creative",
            C::Country => "Country",
            C::Role => "Role",
            C::AdType => "Ad Type",
            C::Impressions => "Impressions",
            C::Clicks => "Clicks",
            C::Installs => "Installs",
            C::Ctr => "CTR",
            C::InstallRate => "IR",
            C::MoneyEarned => "Money Earned",
            C::EcpmEarned => "eCPM Earned",
            C::MoneySpent => "Money Spent",
            C::EcpmSpent => "eCPM Spent",
            C::CompletedView => "Completed View",
        }
    }

    /// What stands in it of one side of a row.
    pub(super) fn value(self, row: &Row, role: Role, names: &Names<'_>) -> String {
        let about = &row.about;
        let counts = if role == Role::Publisher { &row.delivered } else { &row.received };
        let of = |wanted: Role| if role == wanted { *counts } else { Counts::default() };
        match self {
            C::Date => row.date.to_string(),
            C::ToCampaignName => names.campaign_name(&about.campaign).to_owned(),
            C::ToCampaignId => about.campaign.clone(),
            C::ToAppName => names.app(&about.target).name.to_owned(),
            C::ToAppId => about.target.clone(),
            C::ToAppBundle => names.app(&about.target).bundle.to_owned(),
            C::ToAppPlatform => names.app(&about.target).platform.to_owned(),
            // A publisher's own campaigns, which Tollgate does not have.
            C::FromCampaignId | C::FromCampaignName => String::new(),
            C::FromAppName => names.app(&about.app).name.to_owned(),
            C::FromAppId => about.app.clone(),
            C::FromAppBundle => names.app(&about.app).bundle.to_owned(),
            C::FromAppPlatform => names.app(&about.app).platform.to_owned(),
            C::CampaignType => about.campaign_type.to_owned(),
            C::Creative => {
                let campaign = names.campaign(&about.campaign);
                campaign.map_or(&*about.creative, |one| one.creative_name(&about.creative)).to_owned()
            }
            C::Country => about.country.clone(),
            C::Role => role.name().to_owned(),
            C::AdType => ad_type_id(&about.ad_type).to_string(),
            C::Impressions => counts.impressions.to_string(),
            C::Clicks => counts.clicks.to_string(),
            C::Installs => counts.installs.to_string(),
            C::Ctr => counts.ctr().to_string(),
            C::InstallRate => counts.install_rate().to_string(),
            C::MoneyEarned => of(Role::Publisher).money().to_string(),
            C::EcpmEarned => of(Role::Publisher).ecpm().to_string(),
            C::MoneySpent => of(Role::Advertiser).money().to_string(),
            C::EcpmSpent => of(Role::Advertiser).ecpm().to_string(),
            C::CompletedView => counts.completed.to_string(),
        }
    }
}

/// Titles of columns that hold numbers, in files of either report.
const NUMBERS: [&str; 12] = [
    "Ad Type",
    "Impressions",
    "Clicks",
    "Installs",
    "CTR",
    "IR",
    "Money Earned",
    "eCPM Earned",
    "Money Spent",
    "eCPM Spent",
    "Completed View",
    "Cost Value",
];

/// Whether a column of this title holds numbers.
pub(super) fn is_number(title: &str) -> bool {
    NUMBERS.contains(&title)
}
