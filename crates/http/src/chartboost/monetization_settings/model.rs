//! Settings as they are asked for and as they are answered.

use super::schema;
use crate::fields::{Fields, Given};
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_domain::{
    App, ButtonType, CategoryListId, DeviceTargetPatch, DeviceType, Invalid, MaxDuration,
    MonetizationSettings, OsTargetPatch, OsVersion, SettingsPatch, ShowButtonTimer, StoreId,
    TargetDeviceTypes, TargetOsVersion,
};
use utoipa::ToSchema;

const BUTTONS: &[(&str, ButtonType)] = &[
    (ButtonType::Skip.name(), ButtonType::Skip),
    (ButtonType::Worded.name(), ButtonType::Worded),
    (ButtonType::Close.name(), ButtonType::Close),
];

/// What a body names, as far as it can be read, and everything that cannot be. `interstitial_allow_skip`, which is no
/// setting, is ignored like any unknown field.
pub(super) fn read(map: Map<String, Value>) -> (SettingsPatch, Vec<Invalid>) {
    let mut patch = SettingsPatch::default();
    let mut fields = Fields::lenient(map);
    section(&mut fields, "ad_blocking_settings", |fields| blocking(fields, &mut patch));
    section(&mut fields, "ad_experience_settings", |fields| {
        section(fields, "template_settings", |fields| template(fields, &mut patch));
        section(fields, "video_duration_settings", |fields| durations(fields, &mut patch));
    });
    section(&mut fields, "ad_targeting_settings", |fields| targeting(fields, &mut patch));
    (patch, fields.finish())
}

/// An object that is always there, so that null says nothing.
fn section(fields: &mut Fields, name: &str, read: impl FnOnce(&mut Fields)) {
    fields.not_null(name, |fields| fields.nested(name, read));
}

fn blocking(fields: &mut Fields, patch: &mut SettingsPatch) {
    let name = "monetization_agefilter_check";
    patch.monetization_agefilter_check = fields.not_null(name, |fields| fields.boolean(name)).value();
    let name = "blocked_advertiser_store_ids";
    let ids = fields.not_null(name, |fields| fields.items(name, 0..=StoreId::MOST, StoreId::parse));
    patch.blocked_advertiser_store_ids = ids.value();
    let list = fields.parsed("blocked_iab_categories_v1_list", |place, text| {
        // An id of another form is as unknown as one that was never given out.
        text.parse::<CategoryListId>()
            .map_err(|_| Invalid::coded(place, "must be the ID of a category list, or null", "unknown_list"))
    });
    patch.blocked_iab_categories_v1_list = list.nullable();
}

fn template(fields: &mut Fields, patch: &mut SettingsPatch) {
    let name = "button_type";
    patch.button_type = fields.not_null(name, |fields| fields.choice(name, BUTTONS)).value();
    let name = "show_button_timer";
    let timer = fields.not_null(name, |fields| fields.number_among(name, ShowButtonTimer::ALLOWED));
    patch.show_button_timer = timer.value().and_then(ShowButtonTimer::from_seconds);
    let name = "default_muted";
    patch.default_muted = fields.not_null(name, |fields| fields.boolean(name)).value();
}

fn durations(fields: &mut Fields, patch: &mut SettingsPatch) {
    let mut duration = |name| {
        let seconds = fields.not_null(name, |fields| fields.number_among(name, MaxDuration::ALLOWED));
        seconds.value().and_then(MaxDuration::from_seconds)
    };
    patch.interstitial_max_duration = duration("interstitial_max_duration");
    patch.rewarded_max_duration = duration("rewarded_max_duration");
}

fn targeting(fields: &mut Fields, patch: &mut SettingsPatch) {
    // What can be read is judged although something beside it cannot, so the parts are taken out as they are found.
    let (mut devices, mut versions) = (None, None);
    let given = fields.nested("target_device_types", |fields| {
        let name = "device_types";
        let types =
            fields.not_null(name, |fields| fields.items(name, 0..=DeviceType::MOST, DeviceType::parse));
        let name = "is_included";
        let is_included = fields.not_null(name, |fields| fields.boolean(name)).value();
        devices = Some(DeviceTargetPatch { device_types: types.value(), is_included });
    });
    patch.target_device_types = if given == Given::Null { Some(None) } else { devices.map(Some) };
    let given = fields.nested("target_os_version", |fields| {
        let mut version = |name| fields.parsed(name, OsVersion::parse).nullable();
        versions = Some(OsTargetPatch { min: version("min"), max: version("max") });
    });
    patch.target_os_version = if given == Given::Null { Some(None) } else { versions.map(Some) };
}

/// The settings of an app.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonetizationSettings)]
pub(super) struct SettingsBody {
    ad_blocking_settings: BlockingBody,
    ad_experience_settings: ExperienceBody,
    ad_targeting_settings: TargetingBody,
}

/// Whom an app blocks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdBlockingSettings)]
struct BlockingBody {
    /// Whether apps for 17 and older are blocked; always true while the app is directed at kids under 13.
    monetization_agefilter_check: bool,
    #[schema(schema_with = schema::store_ids)]
    blocked_advertiser_store_ids: Vec<StoreId>,
    /// The category list; null is the default list.
    #[schema(pattern = "^[0-9a-f]{24}$", required = true)]
    blocked_iab_categories_v1_list: Option<String>,
}

/// How an app's ads behave.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdExperienceSettings)]
struct ExperienceBody {
    /// Always true.
    interstitial_allow_skip: bool,
    template_settings: TemplateBody,
    video_duration_settings: DurationBody,
}

/// What an ad shows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TemplateSettings)]
struct TemplateBody {
    #[schema(schema_with = schema::button_type)]
    button_type: &'static str,
    #[schema(schema_with = schema::timer)]
    show_button_timer: u32,
    /// Whether ads start without sound.
    default_muted: bool,
}

/// How long videos play.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VideoDurationSettings)]
struct DurationBody {
    #[schema(schema_with = schema::duration)]
    interstitial_max_duration: u32,
    #[schema(schema_with = schema::duration)]
    rewarded_max_duration: u32,
}

/// Which devices an app's ads are for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdTargetingSettings)]
struct TargetingBody {
    /// Null is all devices.
    #[schema(required = true)]
    target_device_types: Option<DevicesBody>,
    /// Null is all versions.
    #[schema(required = true)]
    target_os_version: Option<VersionsBody>,
}

/// Devices by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TargetDeviceTypes)]
struct DevicesBody {
    #[schema(schema_with = schema::device_types)]
    device_types: Vec<DeviceType>,
    /// Whether ads are for these devices only, or for all but these.
    is_included: bool,
}

/// A range of versions, both ends included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TargetOsVersion)]
struct VersionsBody {
    #[schema(schema_with = schema::os_version, required = true)]
    min: Option<OsVersion>,
    #[schema(schema_with = schema::os_version, required = true)]
    max: Option<OsVersion>,
}

impl SettingsBody {
    pub(super) fn of(settings: &MonetizationSettings, app: &App) -> Self {
        let blocking = &settings.ad_blocking_settings;
        let template = &settings.ad_experience_settings.template_settings;
        let durations = &settings.ad_experience_settings.video_duration_settings;
        let targeting = &settings.ad_targeting_settings;
        Self {
            ad_blocking_settings: BlockingBody {
                monetization_agefilter_check: blocking.age_filter(app.is_directed_at_kids_under_13),
                blocked_advertiser_store_ids: blocking.blocked_advertiser_store_ids.clone(),
                blocked_iab_categories_v1_list: blocking
                    .blocked_iab_categories_v1_list
                    .map(|id| id.to_string()),
            },
            ad_experience_settings: ExperienceBody {
                interstitial_allow_skip: true,
                template_settings: TemplateBody {
                    button_type: template.button_type.name(),
                    show_button_timer: template.show_button_timer.seconds(),
                    default_muted: template.default_muted,
                },
                video_duration_settings: DurationBody {
                    interstitial_max_duration: durations.interstitial_max_duration.seconds(),
                    rewarded_max_duration: durations.rewarded_max_duration.seconds(),
                },
            },
            ad_targeting_settings: TargetingBody {
                target_device_types: targeting.target_device_types.clone().map(DevicesBody::from),
                target_os_version: targeting.target_os_version.clone().map(VersionsBody::from),
            },
        }
    }
}

impl From<TargetDeviceTypes> for DevicesBody {
    fn from(TargetDeviceTypes { device_types, is_included }: TargetDeviceTypes) -> Self {
        Self { device_types, is_included }
    }
}

impl From<TargetOsVersion> for VersionsBody {
    fn from(TargetOsVersion { min, max }: TargetOsVersion) -> Self {
        Self { min, max }
    }
}
