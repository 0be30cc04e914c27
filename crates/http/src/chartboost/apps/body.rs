//! Apps as they are answered: four bodies, each with the fields of its own table and example in the vendor's document.

use super::schema;
use serde::Serialize;
use tollgate_catalog::OrganizationSnapshot;
use tollgate_domain::{AdLocation, AdType, App, Orientation, PublishingApplication, Timestamp};
use utoipa::ToSchema;

/// An app in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppListItem)]
pub(super) struct Item<'a> {
    #[schema(schema_with = schema::id)]
    id: &'a str,
    nickname: &'a str,
    /// Address of its icon in the store.
    #[schema(required)]
    icon: Option<&'a str>,
    #[schema(schema_with = schema::platform)]
    platform: &'static str,
    /// Whether it is in the store.
    is_live: bool,
    /// Its id in the store.
    #[schema(required)]
    store_app_id: Option<&'a str>,
    /// Its name in the store.
    #[schema(required)]
    name: Option<&'a str>,
    publishing_application: Publishing<'a>,
    metadata: Metadata,
}

/// The part of a new app that a creation answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppCreated)]
pub(super) struct Created<'a> {
    #[serde(flatten)]
    core: Core<'a>,
}

/// An app.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = App)]
pub(super) struct Whole<'a> {
    #[serde(flatten)]
    core: Core<'a>,
    #[serde(flatten)]
    more: More<'a>,
    /// What the last look at the developer's app-ads.txt found; null before the first.
    #[schema(schema_with = schema::app_ads_txt_status)]
    app_ads_txt_status: Option<&'static str>,
    metadata: Metadata,
}

/// An app after an update.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppUpdated)]
pub(super) struct Updated<'a> {
    #[serde(flatten)]
    core: Core<'a>,
    #[serde(flatten)]
    more: More<'a>,
}

/// What every answer about one app has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppCore)]
struct Core<'a> {
    #[schema(schema_with = schema::id)]
    id: &'a str,
    nickname: &'a str,
    #[schema(schema_with = schema::orientations)]
    orientations: Vec<&'static str>,
    #[schema(schema_with = schema::orientation)]
    default_orientation: &'static str,
    #[schema(schema_with = schema::platform)]
    platform: &'static str,
    /// Whether it is in the store.
    is_live: bool,
    /// What its code signs requests with.
    #[schema(schema_with = schema::signature)]
    signature: &'a str,
    /// Whether the organization accepted the disclosures.
    is_coppa_disclosure_read: bool,
    /// Whether an event of it was ever seen.
    is_sdk_active: bool,
    /// Whether it gets test ads now.
    is_test_mode_on: bool,
    /// Its id in the store.
    #[schema(required)]
    store_app_id: Option<&'a str>,
    /// Its page in the store.
    #[schema(required)]
    store_app_url: Option<&'a str>,
    /// Its bundle or package in the store.
    #[schema(required)]
    store_bundle_id: Option<&'a str>,
    #[schema(schema_with = schema::yes_or_no)]
    is_directed_at_kids_under_13: &'static str,
}

/// What reading and updating an app answer besides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppMore)]
struct More<'a> {
    /// The minutes that test mode was asked to last, while it is on.
    #[schema(required, minimum = 1)]
    test_mode_duration: Option<u32>,
    /// Its name in the store.
    #[schema(required)]
    name: Option<&'a str>,
    /// Address of its icon in the store.
    #[schema(required)]
    icon: Option<&'a str>,
    publishing_application: Publishing<'a>,
}

/// An app's review. Times are Unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublishingApplication)]
pub(crate) struct Publishing<'a> {
    #[schema(schema_with = schema::publishing_status)]
    status: &'static str,
    created_at: i64,
    /// `automatic_review`, or who decided.
    #[schema(required)]
    reviewed_by: Option<&'a str>,
    #[schema(required)]
    reviewed_at: Option<i64>,
    reviewer_notes: &'a str,
    #[schema(required)]
    reject_reason: Option<&'a str>,
    #[schema(required)]
    reject_detail: Option<&'a str>,
    #[schema(required)]
    rejected_at: Option<i64>,
}

/// Counts of what belongs to an app.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppMetadata)]
struct Metadata {
    ad_location_counts: Counts,
}

/// How many ad locations there are of each ad type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdLocationCounts)]
struct Counts {
    interstitial: usize,
    rewarded: usize,
    banner: usize,
}

impl<'a> Item<'a> {
    pub(super) fn of(app: &'a App, organization: &OrganizationSnapshot) -> Self {
        Self {
            id: app.id.as_str(),
            nickname: &app.nickname,
            icon: app.icon.as_deref(),
            platform: app.platform.name(),
            is_live: app.is_live,
            store_app_id: app.store_app_id.as_deref(),
            name: app.name.as_deref(),
            publishing_application: Publishing::of(&app.publishing_application),
            metadata: Metadata::of(app, organization),
        }
    }
}

impl<'a> Created<'a> {
    pub(super) fn of(app: &'a App, organization: &OrganizationSnapshot, now: Timestamp) -> Self {
        Self { core: Core::of(app, organization, now) }
    }
}

impl<'a> Whole<'a> {
    pub(super) fn of(app: &'a App, organization: &OrganizationSnapshot, now: Timestamp) -> Self {
        Self {
            core: Core::of(app, organization, now),
            more: More::of(app, now),
            app_ads_txt_status: app.app_ads_txt_status.map(|status| status.name()),
            metadata: Metadata::of(app, organization),
        }
    }
}

impl<'a> Updated<'a> {
    pub(super) fn of(app: &'a App, organization: &OrganizationSnapshot, now: Timestamp) -> Self {
        Self { core: Core::of(app, organization, now), more: More::of(app, now) }
    }
}

impl<'a> Core<'a> {
    fn of(app: &'a App, organization: &OrganizationSnapshot, now: Timestamp) -> Self {
        Self {
            id: app.id.as_str(),
            nickname: &app.nickname,
            orientations: app.orientations.iter().copied().map(Orientation::name).collect(),
            default_orientation: app.default_orientation.name(),
            platform: app.platform.name(),
            is_live: app.is_live,
            signature: app.signature.as_str(),
            is_coppa_disclosure_read: organization.organization().is_some_and(|one| one.disclosures_accepted),
            is_sdk_active: app.is_sdk_active,
            is_test_mode_on: app.test_mode.is_on(now),
            store_app_id: app.store_app_id.as_deref(),
            store_app_url: app.store_app_url.as_deref(),
            store_bundle_id: app.store_bundle_id.as_deref(),
            is_directed_at_kids_under_13: if app.is_directed_at_kids_under_13 { "YES" } else { "NO" },
        }
    }
}

impl<'a> More<'a> {
    fn of(app: &'a App, now: Timestamp) -> Self {
        Self {
            test_mode_duration: app.test_mode.duration(now),
            name: app.name.as_deref(),
            icon: app.icon.as_deref(),
            publishing_application: Publishing::of(&app.publishing_application),
        }
    }
}

impl<'a> Publishing<'a> {
    pub(crate) fn of(application: &'a PublishingApplication) -> Self {
        Self {
            status: application.status.name(),
            created_at: application.created_at.seconds(),
            reviewed_by: application.reviewed_by.as_deref(),
            reviewed_at: application.reviewed_at.map(Timestamp::seconds),
            reviewer_notes: &application.reviewer_notes,
            reject_reason: application.reject_reason.as_deref(),
            reject_detail: application.reject_detail.as_deref(),
            rejected_at: application.rejected_at.map(Timestamp::seconds),
        }
    }
}

impl Metadata {
    fn of(app: &App, organization: &OrganizationSnapshot) -> Self {
        let locations = organization.table::<AdLocation>();
        let count = |ad_type| locations.count(app.id, ad_type);
        Self {
            ad_location_counts: Counts {
                interstitial: count(AdType::Interstitial),
                rewarded: count(AdType::Rewarded),
                banner: count(AdType::Banner),
            },
        }
    }
}
