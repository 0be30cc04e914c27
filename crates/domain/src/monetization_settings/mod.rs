//! Monetization settings of an app: whom it blocks, how its ads behave, which devices they are for. Written as the
//! API writes them, so that the documents of the log read like its answers.

mod choices;
mod os_version;
mod patch;
mod targets;

pub use choices::{ButtonType, MaxDuration, ShowButtonTimer};
pub use os_version::OsVersion;
pub use patch::{DeviceTargetPatch, OsTargetPatch, SettingsPatch};
pub use targets::{DeviceType, StoreId};

use crate::CategoryListId;
use serde::{Deserialize, Serialize};

/// The settings of one app. The default is what a new app has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MonetizationSettings {
    /// Whom it blocks.
    pub ad_blocking_settings: AdBlockingSettings,
    /// How its ads behave.
    pub ad_experience_settings: AdExperienceSettings,
    /// Whom its ads are for.
    pub ad_targeting_settings: AdTargetingSettings,
}

/// Whom an app blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdBlockingSettings {
    /// Whether apps for 17 and older are blocked. This is what the app's makers chose: see
    /// [`AdBlockingSettings::age_filter`].
    pub monetization_agefilter_check: bool,
    /// Store ids of apps that may not advertise here, up to [`StoreId::MOST`], each once.
    pub blocked_advertiser_store_ids: Vec<StoreId>,
    /// The list of blocked categories; `None` is the default list.
    pub blocked_iab_categories_v1_list: Option<CategoryListId>,
}

impl AdBlockingSettings {
    /// Whether apps for 17 and older are blocked: always while the app is directed at kids under 13.
    pub fn age_filter(&self, is_directed_at_kids_under_13: bool) -> bool {
        self.monetization_agefilter_check || is_directed_at_kids_under_13
    }
}

/// How an app's ads behave. That interstitials can be skipped is not a setting: they always can.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdExperienceSettings {
    /// What is shown.
    pub template_settings: TemplateSettings,
    /// How long it is shown.
    pub video_duration_settings: VideoDurationSettings,
}

/// What an ad shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSettings {
    /// How it is skipped.
    pub button_type: ButtonType,
    /// When it can be closed.
    pub show_button_timer: ShowButtonTimer,
    /// Whether it starts without sound.
    pub default_muted: bool,
}

impl Default for TemplateSettings {
    fn default() -> Self {
        Self { button_type: ButtonType::Skip, show_button_timer: ShowButtonTimer::NEW, default_muted: false }
    }
}

/// How long videos play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoDurationSettings {
    /// Of interstitials.
    pub interstitial_max_duration: MaxDuration,
    /// Of rewarded videos.
    pub rewarded_max_duration: MaxDuration,
}

impl Default for VideoDurationSettings {
    fn default() -> Self {
        Self { interstitial_max_duration: MaxDuration::NEW, rewarded_max_duration: MaxDuration::NEW }
    }
}

/// Which devices an app's ads are for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdTargetingSettings {
    /// By name; `None` is all devices.
    pub target_device_types: Option<TargetDeviceTypes>,
    /// By version of the operating system; `None` is all versions.
    pub target_os_version: Option<TargetOsVersion>,
}

/// Devices by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetDeviceTypes {
    /// Models or series, each once, up to [`DeviceType::MOST`]. None at all is no targeting.
    pub device_types: Vec<DeviceType>,
    /// Whether ads are for these devices only, or for all but these.
    pub is_included: bool,
}

/// A range of versions, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TargetOsVersion {
    /// The first version; `None` is any.
    pub min: Option<OsVersion>,
    /// The last version, not before the first; `None` is any.
    pub max: Option<OsVersion>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_new_app_has_the_documented_settings() {
        let settings = MonetizationSettings::default();
        assert_eq!(
            serde_json::to_value(&settings).unwrap(),
            json!({
                "ad_blocking_settings": {
                    "monetization_agefilter_check": false,
                    "blocked_advertiser_store_ids": [],
                    "blocked_iab_categories_v1_list": null,
                },
                "ad_experience_settings": {
                    "template_settings": {"button_type": "skip", "show_button_timer": 30, "default_muted": false},
                    "video_duration_settings": {"interstitial_max_duration": 120, "rewarded_max_duration": 120},
                },
                "ad_targeting_settings": {"target_device_types": null, "target_os_version": null},
            })
        );
    }

    #[test]
    fn the_age_filter_is_on_for_kids() {
        let mut blocking = AdBlockingSettings::default();
        assert!(!blocking.age_filter(false));
        assert!(blocking.age_filter(true));
        blocking.monetization_agefilter_check = true;
        assert!(blocking.age_filter(false));
    }
}
