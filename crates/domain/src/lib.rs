//! What things are and which values are legal: ids, money, time, countries, events, filter groups, integrations.
//!
//! This crate knows no I/O, no async and no clock of its own; every other room of the house imports it and it
//! imports none of them. Strings from outside become these types at the edge, or an [`Invalid`] that names the field.

mod account;
mod ad_location;
mod amendment;
mod app;
pub mod app_ads;
mod auction;
mod campaign;
mod category_list;
mod clock;
mod column;
mod country;
mod decimal;
mod devices;
mod error;
mod event;
mod facts;
mod filter_group;
mod hex;
mod iab;
mod id;
mod integration;
mod line;
mod monetization_settings;
mod money;
mod postback;
mod reason;
pub mod row;
mod template;
mod time;
mod tx_id;
pub mod web_address;

pub use account::{AccountEntry, EntryKind};
pub use ad_location::{
    AdLocation, AdLocationId, AdLocationName, AdLocationType, AdType, Market, PriceTable, Uuid,
};
pub use amendment::{AMENDABLE, Amendment};
pub use app::{
    App, AppAdsTxtStatus, AppChange, BUNDLE_ID_PATTERN, Decision, MAX_TEST_MODE_MINUTES, NewApp, Orientation,
    Platform, PublishingApplication, PublishingStatus, STORE_URL_PATTERN, TestMode, is_bundle_id,
    is_store_url,
};
pub use auction::{Auction, AuctionOutcome};
pub use campaign::{Billing, Campaign, CampaignId, CampaignStatus, CampaignType, Creative};
pub use category_list::{CategoryList, CategoryListType};
pub use clock::{Clock, Entropy};
pub use column::{Column, ColumnType, KINDS_ALL, Number, Text};
pub use country::Country;
pub use devices::{Device, DeviceKind, device_kind, devices};
pub use error::Invalid;
pub use event::{Event, EventKind, Status, first_reason};
pub use facts::{BotClass, ProxyKind};
pub use filter_group::{FilterAction, FilterGroup, FilterSpec};
pub use hex::{hex, unhex};
pub use iab::{Category, TierOne};
pub use id::{AppId, AppSignature, CategoryListId, FilterGroupId, IntegrationId, OrganizationId, PostbackId};
pub use integration::{Integration, IpPrivacy, Link, OfferGroup, Trust};
pub use line::{LINE_PATTERN, check_line};
pub use monetization_settings::{
    AdBlockingSettings, AdExperienceSettings, AdTargetingSettings, ButtonType, DeviceTargetPatch, DeviceType,
    MaxDuration, MonetizationSettings, OsTargetPatch, OsVersion, SettingsPatch, ShowButtonTimer, StoreId,
    TargetDeviceTypes, TargetOsVersion, TemplateSettings, VideoDurationSettings,
};
pub use money::Money;
pub use postback::{
    MAX_POSTBACK_DELAY_SECONDS, Postback, PostbackEventType, PostbackMethod, PostbackTrigger,
};
pub use reason::{InvalidTraffic, Reason};
pub use template::{Macros, Template, UNRESERVED};
pub use time::{Day, Timestamp};
pub use tx_id::{TxId, TxIdKey};
