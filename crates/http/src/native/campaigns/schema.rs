//! What the document says of the bodies for campaigns, which are read by hand in `model`.

use crate::chartboost::ad_locations::CountryPrice;
use crate::native::schema::strict_bodies;
use serde_json::Value;
use tollgate_domain::{Billing, Campaign, CampaignId, CampaignStatus, CampaignType, LINE_PATTERN};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};

strict_bodies! {
    /// A campaign as it is to be made.
    NewCampaign of NewCampaignFields;
    /// What is to change of a campaign: what is absent stays as it is, null clears, a list replaces a list.
    CampaignChange of CampaignChangeFields;
    /// An ad of a campaign.
    NewCreative of NewCreativeFields;
}

/// A campaign as it is to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct NewCampaignFields {
    /// What events name it by; made up unless given.
    #[schema(required = false, schema_with = campaign_id)]
    id: String,
    #[schema(schema_with = name)]
    name: String,
    /// `network` unless given. In cross promotion nothing is paid.
    #[schema(required = false, schema_with = campaign_type)]
    campaign_type: String,
    /// The app that it promotes: one of the organization's.
    #[schema(schema_with = app_id)]
    app_id: String,
    #[schema(required = false, schema_with = status)]
    status: String,
    /// What is paid for: impressions at their ad location's price (`cpm`), or clicks, installs or completed videos by `bids`.
    #[schema(required = false, schema_with = billing)]
    billing: String,
    /// What is paid for one, by country, each country once; empty where `billing` is `cpm`, and given elsewhere.
    #[schema(required = false, max_items = 250)]
    bids: Vec<CountryPrice>,
    #[schema(schema_with = day)]
    date_min: Option<String>,
    /// Not before `date_min`.
    #[schema(schema_with = day)]
    date_max: Option<String>,
    #[schema(required = false, schema_with = apps)]
    promote_in: Vec<String>,
    /// Its ads, each id once.
    #[schema(required = false, max_items = 1000)]
    creatives: Vec<NewCreative>,
    /// Ignored.
    created_at: Option<Value>,
    /// Ignored.
    updated_at: Option<Value>,
}

/// What is to change of a campaign: what is absent stays as it is, null clears, a list replaces a list.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct CampaignChangeFields {
    /// If given, as in the path.
    #[schema(required = false, schema_with = campaign_id)]
    id: String,
    #[schema(required = false, schema_with = name)]
    name: String,
    /// If given, as it is.
    #[schema(required = false, schema_with = campaign_type)]
    campaign_type: String,
    /// If given, as it is.
    #[schema(required = false, schema_with = app_id)]
    app_id: String,
    #[schema(required = false, schema_with = status)]
    status: String,
    #[schema(required = false, schema_with = billing)]
    billing: String,
    /// What is paid for one, by country, each country once. What events were paid stays as it is.
    #[schema(required = false, max_items = 250)]
    bids: Vec<CountryPrice>,
    #[schema(schema_with = day)]
    date_min: Option<String>,
    /// Not before `date_min`.
    #[schema(schema_with = day)]
    date_max: Option<String>,
    #[schema(required = false, schema_with = apps)]
    promote_in: Vec<String>,
    /// Its ads, each id once.
    #[schema(required = false, max_items = 1000)]
    creatives: Vec<NewCreative>,
    /// Ignored.
    created_at: Option<Value>,
    /// Ignored.
    updated_at: Option<Value>,
}

/// An ad of a campaign.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct NewCreativeFields {
    /// What events name it by.
    #[schema(schema_with = name)]
    id: String,
    #[schema(schema_with = name)]
    name: String,
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

fn names<T>(known: &[(&'static str, T)]) -> ObjectBuilder {
    text().enum_values(Some(known.iter().map(|(name, _)| *name)))
}

fn name() -> ObjectBuilder {
    text().pattern(Some(LINE_PATTERN)).min_length(Some(1)).max_length(Some(255))
}

pub(super) fn campaign_id() -> ObjectBuilder {
    text().pattern(Some(CampaignId::PATTERN))
}

pub(super) fn campaign_type() -> ObjectBuilder {
    names(CampaignType::NAMES)
}

pub(super) fn status() -> ObjectBuilder {
    names(CampaignStatus::NAMES)
}

pub(super) fn billing() -> ObjectBuilder {
    names(Billing::NAMES)
}

pub(super) fn app_id() -> ObjectBuilder {
    text().pattern(Some("^[0-9a-f]{24}$"))
}

/// The apps that it is shown in; empty: any.
fn apps() -> utoipa::openapi::schema::Array {
    ArrayBuilder::new().items(app_id()).max_items(Some(Campaign::MOST_APPS)).unique_items(true).build()
}

pub(super) fn day() -> ObjectBuilder {
    let years = "^(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-";
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
        .pattern(Some(years))
}
