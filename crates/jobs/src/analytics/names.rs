//! What apps, campaigns and places are called, those too that were deleted since. Whatever nobody registered is told under
//! its id.

use std::sync::Arc;
use tollgate_catalog::OrganizationSnapshot;
use tollgate_domain::{AdLocationType, AdType, App, Campaign, CampaignType, Platform};

/// The names of an organization's objects.
pub struct Names<'o>(pub &'o Arc<OrganizationSnapshot>);

/// An app as reports tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AppNames<'o> {
    pub(super) name: &'o str,
    pub(super) bundle: &'o str,
    pub(super) platform: &'static str,
}

/// A platform's name in reports.
pub fn platform_name(platform: Platform) -> &'static str {
    match platform {
        Platform::Ios => "iOS",
        Platform::Android => "Google Play",
        Platform::Amazon => "Amazon",
    }
}

impl<'o> Names<'o> {
    pub(super) fn app<'s>(&self, id: &'s str) -> AppNames<'s>
    where
        'o: 's,
    {
        match self.0.table::<App>().ever(id) {
            None => AppNames { name: id, bundle: "", platform: "" },
            Some(app) => AppNames {
                name: app.name.as_deref().unwrap_or(&app.nickname),
                bundle: app.store_bundle_id.as_deref().unwrap_or_default(),
                platform: platform_name(app.platform),
            },
        }
    }

    /// What an app is called.
    pub fn app_name<'s>(&self, id: &'s str) -> &'s str
    where
        'o: 's,
    {
        self.app(id).name
    }

    /// The id of an app that is or was registered; empty for any other.
    pub(crate) fn known_app<'s>(&self, id: &'s str) -> &'s str {
        if self.0.table::<App>().ever(id).is_some() { id } else { "" }
    }

    pub(super) fn platform(&self, app: &str) -> Option<Platform> {
        self.0.table::<App>().ever(app).map(|app| app.platform)
    }

    pub(super) fn campaign(&self, id: &str) -> Option<&'o Campaign> {
        self.0.table::<Campaign>().ever(id).map(|campaign| &campaign.value)
    }

    /// Every campaign that is or was registered.
    pub(super) fn campaigns(&self) -> impl Iterator<Item = &'o Campaign> {
        let table = self.0.table::<Campaign>();
        table.iter().chain(table.iter_former()).map(|campaign| &campaign.value)
    }

    pub(super) fn campaign_name<'s>(&self, id: &'s str) -> &'s str
    where
        'o: 's,
    {
        self.campaign(id).map_or(id, |campaign| &campaign.name)
    }

    /// A campaign that nobody registered is the network's.
    pub(super) fn campaign_type(&self, id: &str) -> CampaignType {
        self.campaign(id).map_or(CampaignType::Network, |campaign| campaign.campaign_type)
    }

    /// What a place in an app is for.
    pub(super) fn location_type(&self, app: &str, location: &str, ad_type: &str) -> CampaignType {
        let place = app.parse().ok().zip(AdType::from_name(ad_type));
        let found = place.and_then(|(app, ad_type)| self.0.ad_location(app, location, ad_type));
        match found.map(|location| location.location_type) {
            Some(AdLocationType::CrossPromo) => CampaignType::CrossPromo,
            _ => CampaignType::Network,
        }
    }
}
