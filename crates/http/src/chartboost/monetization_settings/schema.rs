//! What the document says of the settings. They are read and written by hand beside this.

use std::collections::BTreeSet;
use tollgate_domain::{
    ButtonType, DeviceType, LINE_PATTERN, MaxDuration, OsVersion, ShowButtonTimer, StoreId,
};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

/// A change: what is absent stays as it is, a list replaces a list.
#[derive(ToSchema)]
#[schema(as = MonetizationSettingsChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct SettingsRequest {
    #[schema(required = false)]
    ad_blocking_settings: BlockingRequest,
    #[schema(required = false)]
    ad_experience_settings: ExperienceRequest,
    #[schema(required = false)]
    ad_targeting_settings: TargetingRequest,
}

/// A change of whom an app blocks.
#[derive(ToSchema)]
#[schema(as = AdBlockingSettingsChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct BlockingRequest {
    /// Whether apps for 17 and older are blocked. Reads `true` while the app is directed at kids under 13.
    #[schema(required = false)]
    monetization_agefilter_check: bool,
    #[schema(required = false, schema_with = store_ids)]
    blocked_advertiser_store_ids: BTreeSet<String>,
    /// A category list of the organization; null is the default list.
    #[schema(pattern = "^[0-9a-f]{24}$")]
    blocked_iab_categories_v1_list: Option<String>,
}

/// A change of how an app's ads behave.
#[derive(ToSchema)]
#[schema(as = AdExperienceSettingsChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct ExperienceRequest {
    #[schema(required = false)]
    template_settings: TemplateRequest,
    #[schema(required = false)]
    video_duration_settings: DurationRequest,
}

/// A change of what an ad shows.
#[derive(ToSchema)]
#[schema(as = TemplateSettingsChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct TemplateRequest {
    #[schema(required = false, schema_with = button_type)]
    button_type: String,
    #[schema(required = false, schema_with = timer)]
    show_button_timer: u32,
    #[schema(required = false)]
    default_muted: bool,
}

/// A change of how long videos play.
#[derive(ToSchema)]
#[schema(as = VideoDurationSettingsChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct DurationRequest {
    #[schema(required = false, schema_with = duration)]
    interstitial_max_duration: u32,
    #[schema(required = false, schema_with = duration)]
    rewarded_max_duration: u32,
}

/// A change of which devices an app's ads are for. Null is all devices, all versions.
#[derive(ToSchema)]
#[schema(as = AdTargetingSettingsChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct TargetingRequest {
    target_device_types: Option<DevicesRequest>,
    target_os_version: Option<VersionsRequest>,
}

/// A change of the targeted devices. While none are targeted yet, both fields must be given.
#[derive(ToSchema)]
#[schema(as = TargetDeviceTypesChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct DevicesRequest {
    #[schema(required = false, schema_with = device_types)]
    device_types: BTreeSet<String>,
    #[schema(required = false)]
    is_included: bool,
}

/// A change of the targeted versions. The first must not be above the last.
#[derive(ToSchema)]
#[schema(as = TargetOsVersionChange)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct VersionsRequest {
    #[schema(required = false, schema_with = os_version)]
    min: Option<String>,
    #[schema(required = false, schema_with = os_version)]
    max: Option<String>,
}

pub(super) fn store_ids() -> ArrayBuilder {
    let id = text().pattern(Some(StoreId::PATTERN)).max_length(Some(255));
    ArrayBuilder::new()
        .description(Some("Store ids of apps that may not advertise here."))
        .items(id)
        .unique_items(true)
        .max_items(Some(StoreId::MOST))
}

pub(super) fn device_types() -> ArrayBuilder {
    let name = text().pattern(Some(LINE_PATTERN)).min_length(Some(1)).max_length(Some(DeviceType::LONGEST));
    ArrayBuilder::new()
        .description(Some("Models only or series only."))
        .items(name)
        .unique_items(true)
        .max_items(Some(DeviceType::MOST))
}

pub(super) fn button_type() -> ObjectBuilder {
    text()
        .description(Some("How viewers skip a video."))
        .enum_values(Some(ButtonType::ALL.map(ButtonType::name)))
}

pub(super) fn timer() -> ObjectBuilder {
    number(ShowButtonTimer::ALLOWED, "Seconds until the close button shows.")
}

pub(super) fn duration() -> ObjectBuilder {
    number(MaxDuration::ALLOWED, "Seconds that a video plays at most.")
}

pub(super) fn os_version() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some("A version such as 16.5.1, itself included; null is no limit."))
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .pattern(Some(OsVersion::PATTERN))
}

fn number(allowed: &[u32], about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some(about))
        .schema_type(SchemaType::Type(Type::Integer))
        .enum_values(Some(allowed.iter().copied()))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
