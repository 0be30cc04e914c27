//! A campaign as this dialect writes and reads it.

use super::schema::{app_id, billing, campaign_id, campaign_type, day, status};
use crate::body::Encoding;
use crate::chartboost::ad_locations::{CountryPrice, read_price_table};
use crate::error::ApiError;
use crate::fields::{Fields, Given};
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_catalog::{Refused, Stored};
use tollgate_domain::{
    AppId, Billing, Campaign, CampaignId, CampaignStatus, CampaignType, Creative, Day, Invalid, PriceTable,
};
use utoipa::ToSchema;

/// Most characters of names, and of a creative's id.
const NAME_LENGTH: usize = 255;

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Campaign)]
pub(super) struct CampaignBody<'a> {
    #[schema(schema_with = campaign_id)]
    id: &'a str,
    /// Friendly name.
    name: &'a str,
    #[schema(schema_with = campaign_type)]
    campaign_type: &'static str,
    /// The app that it promotes.
    #[schema(schema_with = app_id)]
    app_id: &'a str,
    #[schema(schema_with = status)]
    status: &'static str,
    #[schema(schema_with = billing)]
    billing: &'static str,
    /// What is paid for one of what `billing` names, by country; empty where that is `cpm`.
    bids: Vec<CountryPrice>,
    /// The first day.
    #[schema(required, schema_with = day)]
    date_min: Option<String>,
    /// The last day.
    #[schema(required, schema_with = day)]
    date_max: Option<String>,
    /// The apps that it is shown in; empty: any.
    promote_in: Vec<&'a str>,
    creatives: Vec<CreativeBody<'a>>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// An ad of a campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Creative)]
pub(super) struct CreativeBody<'a> {
    /// What events name it by.
    #[schema(min_length = 1, max_length = 255)]
    id: &'a str,
    /// Friendly name.
    #[schema(min_length = 1, max_length = 255)]
    name: &'a str,
}

impl<'a> CampaignBody<'a> {
    pub(super) fn of(stored: &'a Stored<Campaign>) -> Self {
        let day = |day: Option<Day>| day.map(|day| day.to_string());
        Self {
            id: stored.id.as_str(),
            name: &stored.name,
            campaign_type: stored.campaign_type.name(),
            app_id: stored.app.as_str(),
            status: stored.status.name(),
            billing: stored.billing.name(),
            bids: stored.bids.iter().map(CountryPrice::of).collect(),
            date_min: day(stored.date_min),
            date_max: day(stored.date_max),
            promote_in: stored.promote_in.iter().map(AppId::as_str).collect(),
            creatives: stored
                .creatives
                .iter()
                .map(|one| CreativeBody { id: &one.id, name: &one.name })
                .collect(),
            created_at: stored.meta.created_at.to_string(),
            updated_at: stored.meta.updated_at.to_string(),
        }
    }
}

/// What a body says of a campaign.
#[derive(Debug, Clone)]
pub(super) struct Change {
    id: Option<CampaignId>,
    campaign_type: Option<CampaignType>,
    name: Given<String>,
    app: Option<AppId>,
    status: Given<CampaignStatus>,
    billing: Given<Billing>,
    bids: Given<PriceTable>,
    date_min: Given<Day>,
    date_max: Given<Day>,
    promote_in: Given<Vec<AppId>>,
    creatives: Given<Vec<Creative>>,
}

impl Change {
    /// Reads a body. `old` is what is to be changed; without it the campaign is new. What was read can be sent back.
    pub(super) fn read(map: Map<String, Value>, old: Option<&Campaign>) -> Result<Self, ApiError> {
        let mut fields = Fields::new(map, Encoding::Json);
        let f = &mut fields;
        for ours in ["created_at", "updated_at"] {
            f.ignore(ours);
        }
        let (mut id, mut campaign_type) = (None, None);
        match old {
            Some(old) => {
                f.agree("id", old.id.as_str());
                f.agree("campaign_type", old.campaign_type.name());
                // Figures of the past are told by what was promoted.
                f.agree("app_id", old.app.as_str());
            }
            None => {
                ["name", "app_id"].into_iter().for_each(|name| f.must_have(name));
                id = f.not_null("id", |f| parsed(f, "id")).value();
                let choice = |f: &mut Fields| f.choice("campaign_type", CampaignType::NAMES);
                campaign_type = f.not_null("campaign_type", choice).value();
            }
        }
        let change = Self {
            id,
            campaign_type,
            name: f.not_null("name", |f| f.text("name", 1..=NAME_LENGTH)),
            app: f.not_null("app_id", |f| parsed(f, "app_id")).value(),
            status: f.not_null("status", |f| f.choice("status", CampaignStatus::NAMES)),
            billing: f.not_null("billing", |f| f.choice("billing", Billing::NAMES)),
            bids: f.not_null("bids", |f| read_price_table(f, "bids", 0)),
            date_min: f.parsed("date_min", Day::parse),
            date_max: f.parsed("date_max", Day::parse),
            promote_in: f.not_null("promote_in", read_apps),
            creatives: f.not_null("creatives", |f| {
                f.objects("creatives", 0..=Campaign::MOST_CREATIVES, read_creative)
            }),
        };
        match fields.finish() {
            errors if errors.is_empty() => Ok(change),
            errors => Err(ApiError::invalid(errors)),
        }
    }

    /// The id that a new campaign is to have.
    pub(super) fn id(&self) -> Option<&CampaignId> {
        self.id.as_ref()
    }

    /// A new campaign under `id`, if that makes sense.
    pub(super) fn create(&self, id: CampaignId) -> Result<Campaign, Refused> {
        // A new campaign without an app or a name was refused when it was read.
        let Some(app) = self.app else { return Err(Refused::Invalid(Vec::new())) };
        let blank = Campaign {
            id,
            name: String::new(),
            campaign_type: self.campaign_type.unwrap_or_default(),
            app,
            status: CampaignStatus::default(),
            billing: Billing::default(),
            bids: PriceTable::default(),
            date_min: None,
            date_max: None,
            promote_in: Vec::new(),
            creatives: Vec::new(),
        };
        self.apply(&blank)
    }

    /// `old` as it is to be, if that makes sense.
    pub(super) fn apply(&self, old: &Campaign) -> Result<Campaign, Refused> {
        let (this, mut new) = (self.clone(), old.clone());
        this.name.set(&mut new.name);
        this.status.set(&mut new.status);
        this.billing.set(&mut new.billing);
        this.bids.set(&mut new.bids);
        this.date_min.set_option(&mut new.date_min);
        this.date_max.set_option(&mut new.date_max);
        this.promote_in.set(&mut new.promote_in);
        this.creatives.set(&mut new.creatives);
        match new.check() {
            errors if errors.is_empty() => Ok(new),
            errors => Err(Refused::Invalid(errors)),
        }
    }
}

fn parsed<T: std::str::FromStr<Err = Invalid>>(fields: &mut Fields, name: &str) -> Given<T> {
    fields.parsed(name, |place, text| {
        text.parse().map_err(|error: Invalid| Invalid { field: place.to_owned(), ..error })
    })
}

fn read_apps(fields: &mut Fields) -> Given<Vec<AppId>> {
    fields.items("promote_in", 0..=Campaign::MOST_APPS, |place, text| {
        text.parse().map_err(|error: Invalid| Invalid { field: place.to_owned(), ..error })
    })
}

fn read_creative(fields: &mut Fields) -> Option<Creative> {
    let id = fields.required("id", |f| f.text("id", 1..=NAME_LENGTH));
    let name = fields.required("name", |f| f.text("name", 1..=NAME_LENGTH));
    Some(Creative { id: id?, name: name? })
}
