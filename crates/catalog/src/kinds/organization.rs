//! The tenant that owns everything else, and the settings that hold for all of it.

use crate::draft::{Draft, Refused};
use crate::object::Object;
use serde::{Deserialize, Serialize};
use tollgate_domain::{AdType, Category, OrganizationId, PriceTable};

/// Who decides whether a new app may earn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppReview {
    /// Every app is approved when it is made.
    #[default]
    Automatic,
    /// A person decides.
    Manual,
}

/// The operator's own prices for `auto_cpm` locations, a table to an ad type. What it does not name costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoCpm {
    /// For interstitials.
    pub interstitial: PriceTable,
    /// For rewarded ads.
    pub rewarded: PriceTable,
    /// For banners.
    pub banner: PriceTable,
}

impl AutoCpm {
    /// The prices of an ad type.
    pub fn prices(&self, ad_type: AdType) -> &PriceTable {
        match ad_type {
            AdType::Interstitial => &self.interstitial,
            AdType::Rewarded => &self.rewarded,
            AdType::Banner => &self.banner,
        }
    }
}

/// An organization. It is the first object of its own part of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, 1 to 255 characters.
    pub name: String,
    /// Whether the disclosures that the control plane asks for were accepted.
    #[serde(default)]
    pub disclosures_accepted: bool,
    /// Who reviews its new apps.
    #[serde(default)]
    pub app_review: AppReview,
    /// The operator's own lines of an app-ads.txt.
    #[serde(default)]
    pub seller_lines: Vec<String>,
    /// What `auto_cpm` locations earn.
    #[serde(default)]
    pub auto_cpm: AutoCpm,
    /// Categories that every app blocks, whatever its own list says; each once.
    #[serde(default = "Category::mandatory_by_default")]
    pub mandatory_categories: Vec<Category>,
}

impl Organization {
    /// One with the default settings, whose disclosures are still to be accepted.
    pub fn new(id: OrganizationId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            disclosures_accepted: false,
            app_review: AppReview::default(),
            seller_lines: Vec::new(),
            auto_cpm: AutoCpm::default(),
            mandatory_categories: Category::mandatory_by_default(),
        }
    }
}

impl Object for Organization {
    const KIND: &'static str = "organization";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    /// What was accepted stays accepted.
    fn restored(self, last: &Self, _: &mut Draft<'_>) -> Result<Self, Refused> {
        Ok(Self { disclosures_accepted: last.disclosures_accepted, ..self })
    }
}
