//! Campaigns: what an advertiser books. A campaign promotes an app, says what is paid for, and names its creatives. Events
//! name it by its id; an event may name one that nobody registered, and is told under that id then.

use crate::{AppId, Country, Day, EventKind, Invalid, Money, PriceTable, check_line};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What names a campaign in events: chosen by whoever registers it, so that it can be the tracker's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CampaignId(String);

impl CampaignId {
    /// What an id looks like, as a regular expression for documents of the API.
    pub const PATTERN: &'static str = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$";

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CampaignId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if !begins || text.len() > 64 || !text.bytes().all(inner) {
            let message =
                "must be 1 to 64 characters of A-Z, a-z, 0-9, ., _, : and -, the first a letter or a digit";
            return Err(Invalid::new("id", message));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for CampaignId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<CampaignId> for String {
    fn from(id: CampaignId) -> Self {
        id.0
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose apps a campaign promotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignType {
    /// An advertiser pays for it.
    #[default]
    Network,
    /// A publisher promotes an app of its own in others of its own. Nobody pays.
    CrossPromo,
}

impl CampaignType {
    /// Both with their names on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("network", Self::Network), ("cross_promo", Self::CrossPromo)];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::CrossPromo => "cross_promo",
        }
    }
}

/// Whether a campaign runs. Events are taken whatever it says: what was shown was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignStatus {
    /// It runs.
    #[default]
    Active,
    /// It rests.
    Paused,
    /// It is over.
    Archived,
}

impl CampaignStatus {
    /// Every status with its name on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("active", Self::Active), ("paused", Self::Paused), ("archived", Self::Archived)];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Archived => "archived",
        }
    }
}

/// What is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    /// Each impression, at its ad location's price.
    #[default]
    Cpm,
    /// Each click, at the campaign's bid.
    Cpc,
    /// Each install, at the campaign's bid.
    Cpi,
    /// Each video that was watched to its end, at the campaign's bid.
    Cpcv,
}

impl Billing {
    /// Every way with its name on the wire.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("cpm", Self::Cpm), ("cpc", Self::Cpc), ("cpi", Self::Cpi), ("cpcv", Self::Cpcv)];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpm => "cpm",
            Self::Cpc => "cpc",
            Self::Cpi => "cpi",
            Self::Cpcv => "cpcv",
        }
    }
}

/// An ad of a campaign, by the id that events name it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creative {
    /// What events say.
    pub id: String,
    /// What people say.
    pub name: String,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// What names it in events; never changes.
    pub id: CampaignId,
    /// Its name, 1 to 255 characters.
    pub name: String,
    /// Whose apps it promotes; never changes.
    pub campaign_type: CampaignType,
    /// The app that it promotes; never changes.
    pub app: AppId,
    /// Whether it runs.
    #[serde(default)]
    pub status: CampaignStatus,
    /// What is paid for.
    #[serde(default)]
    pub billing: Billing,
    /// What is paid for one, by country; empty where `billing` is `cpm`, and in cross promotion.
    #[serde(default)]
    pub bids: PriceTable,
    /// Its first day.
    #[serde(default)]
    pub date_min: Option<Day>,
    /// Its last day.
    #[serde(default)]
    pub date_max: Option<Day>,
    /// The apps it is shown in; empty: in any.
    #[serde(default)]
    pub promote_in: Vec<AppId>,
    /// Its ads.
    #[serde(default)]
    pub creatives: Vec<Creative>,
}

impl Campaign {
    /// Most apps that a campaign names.
    pub const MOST_APPS: usize = 1000;
    /// Most ads of a campaign.
    pub const MOST_CREATIVES: usize = 1000;

    /// What breaks the rules that need nothing but the campaign.
    pub fn check(&self) -> Vec<Invalid> {
        let mut wrong = Vec::new();
        wrong.extend(check_line("name", &self.name, 255).err());
        let is_free = self.billing == Billing::Cpm || self.campaign_type == CampaignType::CrossPromo;
        match (is_free, self.bids.is_empty()) {
            (true, false) => {
                let message =
                    "must be empty where billing is cpm and in cross promotion: nothing is paid by bid";
                wrong.push(Invalid::new("bids", message));
            }
            (false, true) => {
                wrong.push(Invalid::coded("bids", "must be given unless billing is cpm", "missing"))
            }
            _ => {}
        }
        if self.campaign_type == CampaignType::CrossPromo && self.billing != Billing::Cpm {
            wrong.push(Invalid::new("billing", "must be cpm in cross promotion, which nobody pays for"));
        }
        if self.date_min.zip(self.date_max).is_some_and(|(first, last)| last < first) {
            wrong.push(Invalid::new("date_max", "must not be before date_min"));
        }
        if self.promote_in.len() > Self::MOST_APPS {
            wrong.push(Invalid::new("promote_in", format!("must have at most {} items", Self::MOST_APPS)));
        }
        if self.creatives.len() > Self::MOST_CREATIVES {
            let message = format!("must have at most {} items", Self::MOST_CREATIVES);
            wrong.push(Invalid::new("creatives", message));
        }
        for (n, creative) in self.creatives.iter().enumerate() {
            wrong.extend(check_line(&format!("creatives[{n}].id"), &creative.id, 255).err());
            wrong.extend(check_line(&format!("creatives[{n}].name"), &creative.name, 255).err());
            if self.creatives[..n].iter().any(|other| other.id == creative.id) {
                wrong.push(Invalid::new(format!("creatives[{n}].id"), "stands in the list twice"));
            }
        }
        wrong
    }

    /// What an event of `kind` in `country` is paid for; `None` where it is not the campaign that says so.
    pub fn bid(
        &self,
        kind: EventKind,
        is_later: bool,
        is_completed: bool,
        country: Option<Country>,
    ) -> Option<Money> {
        let is_paid = match self.billing {
            Billing::Cpm => false,
            Billing::Cpc => kind == EventKind::Click,
            Billing::Cpi => kind == EventKind::Conversion && !is_later,
            Billing::Cpcv => kind == EventKind::Impression && is_completed,
        };
        if is_paid { self.bids.price(country) } else { None }
    }

    /// Whether impressions of it are paid at their ad location's price.
    pub fn pays_by_impression(&self) -> bool {
        self.billing == Billing::Cpm && self.campaign_type == CampaignType::Network
    }

    /// The name of a creative; its id where it has none here.
    pub fn creative_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.creatives.iter().find(|one| one.id == id).map_or(id, |one| &one.name)
    }
}
