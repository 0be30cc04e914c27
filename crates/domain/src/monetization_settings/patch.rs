//! A change of the settings: what a request names, merged into what is stored. Objects merge field by field, a list
//! replaces a list, and the rules are about the result.

use super::{
    AdTargetingSettings, ButtonType, DeviceType, MaxDuration, MonetizationSettings, OsVersion,
    ShowButtonTimer, StoreId, TargetDeviceTypes, targets::check_mixture,
};
use crate::{CategoryListId, Invalid};
use std::cmp::Ordering;

/// What a request names. `None` leaves a setting as it is; where a setting can be null, `Some(None)` makes it so.
/// Fields are named as in the API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "each is the setting of its name")]
pub struct SettingsPatch {
    pub monetization_agefilter_check: Option<bool>,
    pub blocked_advertiser_store_ids: Option<Vec<StoreId>>,
    pub blocked_iab_categories_v1_list: Option<Option<CategoryListId>>,
    pub button_type: Option<ButtonType>,
    pub show_button_timer: Option<ShowButtonTimer>,
    pub default_muted: Option<bool>,
    pub interstitial_max_duration: Option<MaxDuration>,
    pub rewarded_max_duration: Option<MaxDuration>,
    pub target_device_types: Option<Option<DeviceTargetPatch>>,
    pub target_os_version: Option<Option<OsTargetPatch>>,
}

/// A change of the targeted devices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "each is the setting of its name")]
pub struct DeviceTargetPatch {
    pub device_types: Option<Vec<DeviceType>>,
    pub is_included: Option<bool>,
}

/// A change of the targeted versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "each is the setting of its name")]
pub struct OsTargetPatch {
    pub min: Option<Option<OsVersion>>,
    pub max: Option<Option<OsVersion>>,
}

const DEVICES: &str = "ad_targeting_settings.target_device_types";
const VERSIONS: &str = "ad_targeting_settings.target_os_version";

impl SettingsPatch {
    /// The settings after this change, or every rule that they would break.
    pub fn apply(&self, settings: &MonetizationSettings) -> Result<MonetizationSettings, Vec<Invalid>> {
        let mut next = settings.clone();
        let mut errors = Vec::new();
        let blocking = &mut next.ad_blocking_settings;
        set(&mut blocking.monetization_agefilter_check, self.monetization_agefilter_check);
        set(&mut blocking.blocked_iab_categories_v1_list, self.blocked_iab_categories_v1_list);
        set(&mut blocking.blocked_advertiser_store_ids, self.blocked_advertiser_store_ids.clone());
        let template = &mut next.ad_experience_settings.template_settings;
        set(&mut template.button_type, self.button_type);
        set(&mut template.show_button_timer, self.show_button_timer);
        set(&mut template.default_muted, self.default_muted);
        let durations = &mut next.ad_experience_settings.video_duration_settings;
        set(&mut durations.interstitial_max_duration, self.interstitial_max_duration);
        set(&mut durations.rewarded_max_duration, self.rewarded_max_duration);
        self.target_devices(&mut next.ad_targeting_settings, &mut errors);
        self.target_versions(&mut next.ad_targeting_settings, &mut errors);
        if errors.is_empty() { Ok(next) } else { Err(errors) }
    }

    fn target_devices(&self, targeting: &mut AdTargetingSettings, errors: &mut Vec<Invalid>) {
        let patch = match &self.target_device_types {
            None => return,
            Some(None) => {
                targeting.target_device_types = None;
                return;
            }
            Some(Some(patch)) => patch,
        };
        let list = format!("{DEVICES}.device_types");
        if let Some(types) = &patch.device_types {
            errors.extend(check_mixture(&list, types).err());
        }
        let stored = targeting.target_device_types.take();
        let (types, included) =
            stored.map_or((None, None), |one| (Some(one.device_types), Some(one.is_included)));
        let types = patch.device_types.clone().or(types);
        let included = patch.is_included.or(included);
        // Nothing is stored to merge with, and half a target is none: whether devices are meant or all but them
        // differs.
        if types.is_none() {
            errors.push(missing(list));
        }
        if included.is_none() {
            errors.push(missing(format!("{DEVICES}.is_included")));
        }
        targeting.target_device_types = types
            .zip(included)
            .map(|(device_types, is_included)| TargetDeviceTypes { device_types, is_included });
    }

    fn target_versions(&self, targeting: &mut AdTargetingSettings, errors: &mut Vec<Invalid>) {
        let patch = match &self.target_os_version {
            None => return,
            Some(None) => {
                targeting.target_os_version = None;
                return;
            }
            Some(Some(patch)) => patch,
        };
        let range = targeting.target_os_version.get_or_insert_default();
        set(&mut range.min, patch.min.clone());
        set(&mut range.max, patch.max.clone());
        if let (Some(min), Some(max)) = (&range.min, &range.max)
            && min.compare(max) == Ordering::Greater
        {
            let message = format!("min {} must not be above max {}", min.as_str(), max.as_str());
            errors.push(Invalid::new(VERSIONS, message));
        }
    }
}

fn set<T>(place: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *place = value;
    }
}

fn missing(field: String) -> Invalid {
    Invalid::coded(field, "must be given while no devices are targeted yet", "missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<OsVersion> {
        OsVersion::parse("", text).ok()
    }

    fn device(name: &str) -> DeviceType {
        DeviceType::parse("", name).unwrap()
    }

    fn refused(patch: &SettingsPatch, settings: &MonetizationSettings) -> Vec<(String, &'static str)> {
        let errors = patch.apply(settings).unwrap_err();
        errors.into_iter().map(|error| (error.field, error.code)).collect()
    }

    #[test]
    fn nothing_named_changes_nothing() {
        let settings = MonetizationSettings::default();
        assert_eq!(SettingsPatch::default().apply(&settings), Ok(settings));
    }

    #[test]
    fn a_range_is_judged_with_what_is_stored() {
        let patch = |min: Option<Option<OsVersion>>, max| SettingsPatch {
            target_os_version: Some(Some(OsTargetPatch { min, max })),
            ..SettingsPatch::default()
        };
        let new = MonetizationSettings::default();
        let stored = patch(Some(version("9.3")), Some(version("10"))).apply(&new).unwrap();
        let range = vec![("ad_targeting_settings.target_os_version".to_owned(), "value_error")];
        assert_eq!(refused(&patch(Some(version("10.0.1")), None), &stored), range);
        assert_eq!(refused(&patch(None, Some(version("9"))), &stored), range);
        assert!(patch(Some(version("10.0")), None).apply(&stored).is_ok(), "both ends are included");
        let open = patch(Some(None), None).apply(&stored).unwrap();
        let versions = open.ad_targeting_settings.target_os_version.clone().unwrap();
        assert_eq!((versions.min, versions.max), (None, version("10")));
        let all = SettingsPatch { target_os_version: Some(None), ..SettingsPatch::default() };
        assert_eq!(all.apply(&open), Ok(new));
    }

    #[test]
    fn half_a_device_target_needs_a_stored_one() {
        let patch = |device_types: Option<&str>, is_included| SettingsPatch {
            target_device_types: Some(Some(DeviceTargetPatch {
                device_types: device_types.map(|name| vec![device(name)]),
                is_included,
            })),
            ..SettingsPatch::default()
        };
        let new = MonetizationSettings::default();
        let place = |name: &str| (format!("ad_targeting_settings.target_device_types.{name}"), "missing");
        assert_eq!(refused(&patch(None, None), &new), [place("device_types"), place("is_included")]);
        assert_eq!(refused(&patch(Some("iPad Pro"), None), &new), [place("is_included")]);
        assert_eq!(refused(&patch(None, Some(true)), &new), [place("device_types")]);
        let stored = patch(Some("iPad Pro"), Some(false)).apply(&new).unwrap();
        let changed = patch(None, Some(true)).apply(&stored).unwrap();
        let expected = TargetDeviceTypes { device_types: vec![device("iPad Pro")], is_included: true };
        assert_eq!(changed.ad_targeting_settings.target_device_types, Some(expected));
    }

    #[test]
    fn every_broken_rule_is_named_at_once() {
        let patch = SettingsPatch {
            target_device_types: Some(Some(DeviceTargetPatch {
                device_types: Some(vec![device("iPad Pro"), device("iPad 2")]),
                is_included: None,
            })),
            target_os_version: Some(Some(OsTargetPatch { min: Some(version("2")), max: Some(version("1")) })),
            ..SettingsPatch::default()
        };
        let found: Vec<String> =
            refused(&patch, &MonetizationSettings::default()).into_iter().map(|(field, _)| field).collect();
        assert_eq!(
            found,
            [
                "ad_targeting_settings.target_device_types.device_types",
                "ad_targeting_settings.target_device_types.is_included",
                "ad_targeting_settings.target_os_version",
            ]
        );
    }
}
