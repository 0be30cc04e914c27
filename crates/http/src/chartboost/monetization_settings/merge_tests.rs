//! Merging, against the simplest thing that could be right: a recursive merge of JSON values and the rules written
//! out once more.

use super::model::{SettingsBody, read};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollgate_domain::{
    App, AppChange, Entropy, MonetizationSettings, NewApp, Orientation, Platform, PublishingApplication,
    Timestamp,
};

struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn app(is_directed_at_kids_under_13: bool) -> App {
    let change = AppChange {
        nickname: Some("app".to_owned()),
        platform: Some(Platform::Ios),
        orientations: Some(vec![Orientation::Portrait]),
        is_live: Some(false),
        is_test_mode_on: Some(false),
        is_directed_at_kids_under_13: Some(is_directed_at_kids_under_13),
        ..AppChange::default()
    };
    let now = Timestamp::from_millis(0);
    let publishing_application = PublishingApplication::automatic(now);
    let new = NewApp {
        id: tollgate_domain::AppId::random(&Zeros),
        signature: tollgate_domain::AppSignature::random(&Zeros),
        publishing_application,
        now,
    };
    change.create(new).unwrap()
}

/// An object that has each of `members` or not.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| prop::option::of(value).prop_map(move |value| (name, value)))
        .collect();
    members
        .prop_map(|members| {
            let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Value::Object(given.collect::<Map<_, _>>())
        })
        .boxed()
}

fn among(values: &[Value]) -> BoxedStrategy<Value> {
    prop::sample::select(values.to_vec()).boxed()
}

fn subset(names: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop::sample::subsequence(names, 0..=names.len()).prop_shuffle().prop_map(|names| json!(names)).boxed()
}

fn or_null(value: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 3 => value].boxed()
}

fn patch() -> BoxedStrategy<Value> {
    let truth = || any::<bool>().prop_map(Value::from).boxed();
    let seconds = || among(&[json!(5), json!(45), json!(90)]);
    let version = || or_null(among(&["9", "9.10", "9.9.1", "10", "10.0"].map(Value::from)));
    let list = "64054c7decf2fc7b954e98d2";
    object(vec![
        (
            "ad_blocking_settings",
            object(vec![
                ("monetization_agefilter_check", truth()),
                ("blocked_advertiser_store_ids", subset(&["1", "com.example.app", "B00JZHEW3Q"])),
                ("blocked_iab_categories_v1_list", or_null(Just(json!(list)).boxed())),
            ]),
        ),
        (
            "ad_experience_settings",
            object(vec![
                ("interstitial_allow_skip", truth()),
                (
                    "template_settings",
                    object(vec![
                        ("button_type", among(&["skip", "worded", "close"].map(Value::from))),
                        ("show_button_timer", seconds()),
                        ("default_muted", truth()),
                    ]),
                ),
                (
                    "video_duration_settings",
                    object(vec![
                        ("interstitial_max_duration", seconds()),
                        ("rewarded_max_duration", seconds()),
                    ]),
                ),
            ]),
        ),
        (
            "ad_targeting_settings",
            object(vec![
                (
                    "target_device_types",
                    or_null(object(vec![
                        ("device_types", subset(&["iPad Pro", "iPad 2", "iPhone", "Unheard Of"])),
                        ("is_included", truth()),
                    ])),
                ),
                ("target_os_version", or_null(object(vec![("min", version()), ("max", version())]))),
            ]),
        ),
    ])
}

fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

/// The merged settings, when they keep the rules.
fn naive(settings: &Value, patch: &Value) -> Option<Value> {
    let mut merged = settings.clone();
    merge(&mut merged, patch);
    merged["ad_experience_settings"]["interstitial_allow_skip"] = json!(true);
    let targeting = &mut merged["ad_targeting_settings"];
    if let Value::Object(devices) = &targeting["target_device_types"] {
        devices.get("is_included")?;
        let types = devices.get("device_types")?.as_array()?;
        if types.contains(&json!("iPad Pro")) && types.contains(&json!("iPad 2")) {
            return None;
        }
    }
    if let Value::Object(range) = &mut targeting["target_os_version"] {
        range.entry("min").or_insert(Value::Null);
        range.entry("max").or_insert(Value::Null);
        let rank = |end: &str| {
            let version = range[end].as_str()?;
            ["9", "9.9.1", "9.10", "10"].iter().position(|one| *one == version.trim_end_matches(".0"))
        };
        if rank("min").zip(rank("max")).is_some_and(|(min, max)| min > max) {
            return None;
        }
    }
    Some(merged)
}

proptest! {
    #[test]
    fn changes_merge_as_json_does(patches in prop::collection::vec(patch(), 1..8), kids: bool) {
        let app = app(kids);
        let body = |settings: &MonetizationSettings, app: &App| {
            serde_json::to_value(SettingsBody::of(settings, app)).unwrap()
        };
        let grown = self::app(false);
        let mut settings = MonetizationSettings::default();
        for patch in patches {
            let expected = naive(&body(&settings, &grown), &patch);
            let (change, unread) = read(patch.as_object().cloned().unwrap());
            prop_assert_eq!(unread, []);
            match (change.apply(&settings), expected) {
                (Ok(next), Some(mut expected)) => {
                    prop_assert_eq!(&body(&next, &grown), &expected);
                    if kids {
                        expected["ad_blocking_settings"]["monetization_agefilter_check"] = json!(true);
                    }
                    prop_assert_eq!(body(&next, &app), expected);
                    let document = serde_json::to_string(&next).unwrap();
                    prop_assert_eq!(serde_json::from_str::<MonetizationSettings>(&document).unwrap(), next.clone());
                    settings = next;
                }
                (Err(errors), None) => prop_assert!(!errors.is_empty()),
                (applied, expected) => prop_assert!(false, "{:?} {:?} {:?}", patch, applied, expected),
            }
        }
    }
}
