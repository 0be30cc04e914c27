use super::*;
use crate::Invalid;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn new_app() -> NewApp {
    NewApp {
        id: "64054c7decf2fc7b954e98d2".parse().unwrap(),
        signature: "05908d540aecdb0d6eae6f43d5806769dfa33b2c".parse().unwrap(),
        publishing_application: PublishingApplication::automatic(NOW),
        now: NOW,
    }
}

/// A creation that breaks no rule: not live, one orientation.
fn creation() -> AppChange {
    AppChange {
        nickname: Some("n".into()),
        platform: Some(Platform::Android),
        orientations: Some(vec![Orientation::Portrait]),
        is_live: Some(false),
        is_test_mode_on: Some(false),
        is_directed_at_kids_under_13: Some(false),
        ..AppChange::default()
    }
}

fn live() -> AppChange {
    AppChange {
        is_live: Some(true),
        store_app_id: Some(Some("com.example.app".into())),
        store_app_url: Some(Some("https://play.google.com/store/apps/example".into())),
        store_bundle_id: Some(Some("com.example.app".into())),
        ..creation()
    }
}

fn fields(violated: &[Invalid]) -> Vec<(&str, &str)> {
    violated.iter().map(|one| (one.field.as_str(), one.code)).collect()
}

#[test]
fn an_empty_creation_lacks_every_required_field() {
    let violated = AppChange::default().create(new_app()).unwrap_err();
    let names = [
        "nickname",
        "platform",
        "orientations",
        "is_live",
        "is_test_mode_on",
        "is_directed_at_kids_under_13",
    ];
    assert_eq!(fields(&violated), names.map(|name| (name, "missing")));
}

#[test]
fn a_single_orientation_is_its_own_default() {
    assert_eq!(creation().create(new_app()).unwrap().default_orientation, Orientation::Portrait);
    let other = AppChange { default_orientation: Some(Some(Orientation::Landscape)), ..creation() };
    assert_eq!(fields(&other.create(new_app()).unwrap_err()), [("default_orientation", "value_error")]);
    let null = AppChange { default_orientation: Some(None), ..creation() };
    assert_eq!(null.create(new_app()).unwrap().default_orientation, Orientation::Portrait);
}

#[test]
fn two_orientations_need_a_default() {
    let both = Some(vec![Orientation::Landscape, Orientation::Portrait]);
    let mut change = AppChange { orientations: both.clone(), ..creation() };
    assert_eq!(fields(&change.create(new_app()).unwrap_err()), [("default_orientation", "missing")]);
    change.default_orientation = Some(Some(Orientation::Landscape));
    assert_eq!(change.create(new_app()).unwrap().default_orientation, Orientation::Landscape);

    let app = creation().create(new_app()).unwrap();
    let change = AppChange { orientations: both, ..AppChange::default() };
    assert_eq!(
        change.apply(&app, NOW).unwrap().default_orientation,
        Orientation::Portrait,
        "the stored one is kept"
    );
    let null = AppChange { default_orientation: Some(None), ..change };
    assert_eq!(fields(&null.apply(&app, NOW).unwrap_err()), [("default_orientation", "missing")]);
    let foreign =
        AppChange { default_orientation: Some(Some(Orientation::Landscape)), ..AppChange::default() };
    assert_eq!(fields(&foreign.apply(&app, NOW).unwrap_err()), [("default_orientation", "value_error")]);
}

#[test]
fn a_patch_to_one_orientation_makes_it_the_default() {
    let app = creation().create(new_app()).unwrap();
    let change = AppChange { orientations: Some(vec![Orientation::Landscape]), ..AppChange::default() };
    assert_eq!(change.apply(&app, NOW).unwrap().default_orientation, Orientation::Landscape);
}

#[test]
fn a_live_app_has_its_place_in_the_store() {
    let bare = AppChange { is_live: Some(true), ..creation() };
    let missing = ["store_app_id", "store_app_url", "store_bundle_id"].map(|name| (name, "missing"));
    assert_eq!(fields(&bare.create(new_app()).unwrap_err()), missing);
    let app = creation().create(new_app()).unwrap();
    let go_live = AppChange { is_live: Some(true), ..AppChange::default() };
    assert_eq!(fields(&go_live.apply(&app, NOW).unwrap_err()), missing);
    let app = live().create(new_app()).unwrap();
    let back = AppChange {
        is_live: Some(false),
        store_app_id: Some(None),
        store_app_url: Some(None),
        store_bundle_id: Some(None),
        ..AppChange::default()
    };
    assert_eq!(
        back.apply(&app, NOW).unwrap_err().len(),
        4,
        "neither the store nor a store field is left again"
    );
    let nulls = AppChange { store_app_id: Some(None), ..AppChange::default() };
    assert!(nulls.apply(&creation().create(new_app()).unwrap(), NOW).is_ok(), "null stays null");
}

#[test]
fn each_platform_has_its_own_ids() {
    for (platform, legal, others) in [
        (Platform::Ios, "1234567890", ["com.example", "B00ABCDEF1", "12a", ""]),
        (Platform::Android, "com.Example_2.app", ["1234567890", "B00ABCDEF1", "com..app", "com.a-b"]),
        (Platform::Amazon, "B00ABCDEF1", ["com.example", "b00abcdef1", "B00ABCDEF", "B00ABCDEF12"]),
    ] {
        let with =
            |id: &str| AppChange { platform: Some(platform), store_app_id: Some(Some(id.into())), ..live() };
        assert!(with(legal).create(new_app()).is_ok(), "{platform:?}");
        for other in others {
            let violated = with(other).create(new_app()).unwrap_err();
            assert_eq!(fields(&violated), [("store_app_id", "value_error")], "{platform:?} {other}");
        }
    }
}

#[test]
fn addresses_and_bundles_have_a_form() {
    for url in ["https://apps.apple.com/de/app/x/id1?l=en#top", "http://a.b:8080", "https://example.com/ä"] {
        assert!(is_store_url(url), "{url}");
    }
    for url in [
        "",
        "ftp://a.b",
        "https://",
        "https://a b",
        "javascript:alert(1)",
        "https://a..b/",
        "https://u@h/",
        "https://a/ b",
        "HTTPS://a.b",
    ] {
        assert!(!is_store_url(url), "{url}");
    }
    for (bundle, legal) in
        [("com.example.a-b_2", true), ("a", true), ("", false), (".a", false), ("a b", false), ("ä", false)]
    {
        assert_eq!(is_bundle_id(bundle), legal, "{bundle}");
    }
    assert!(!is_bundle_id(&"a".repeat(256)));
}

#[test]
fn test_mode_runs_out() {
    let on = |minutes| AppChange { is_test_mode_on: Some(true), test_mode_duration: minutes, ..creation() };
    let app = on(Some(Some(90))).create(new_app()).unwrap();
    let after = |minutes: i64| NOW.plus_millis(minutes * 60_000);
    assert!(app.test_mode.is_on(after(89)) && !app.test_mode.is_on(after(90)));
    assert_eq!((app.test_mode.duration(after(89)), app.test_mode.duration(after(90))), (Some(90), None));
    assert!(!app.earns(after(89)) && app.earns(after(90)));

    let longer = AppChange { test_mode_duration: Some(Some(30)), ..AppChange::default() };
    let app = longer.apply(&app, after(80)).unwrap();
    assert!(app.test_mode.is_on(after(109)) && !app.test_mode.is_on(after(110)));
    assert_eq!(longer.apply(&app, after(120)).unwrap(), app, "a duration alone does not switch it on");
    let endless = AppChange { is_test_mode_on: Some(true), ..AppChange::default() };
    assert_eq!(endless.apply(&app, after(100)).unwrap().test_mode, TestMode::On, "clears the old duration");
    let off = AppChange { is_test_mode_on: Some(false), ..longer };
    assert_eq!(off.apply(&app, after(100)).unwrap().test_mode, TestMode::Off);
    assert_eq!(on(Some(None)).create(new_app()).unwrap().test_mode, TestMode::On);
    assert_eq!(creation().create(new_app()).unwrap().test_mode.duration(NOW), None);
}

#[test]
fn reviews_follow_each_other() {
    let pending = PublishingApplication::pending(NOW);
    let reject = Decision::Reject { reason: "dau".into(), detail: Some("low-dau".into()) };
    let later = NOW.plus_millis(1);
    let rejected = pending.decided(reject, "user:1", "see me".into(), later);
    assert_eq!((rejected.status, rejected.rejected_at), (PublishingStatus::Rejected, Some(later)));
    let approved = rejected.decided(Decision::Approve, "user:2", String::new(), later);
    assert_eq!(approved.rejected_at.or(approved.reject_reason.map(|_| NOW)), None);
    assert_eq!((approved.status, approved.created_at), (PublishingStatus::Approved, NOW));
}

/// `pattern` without its anchors, in the syntax of the generator.
fn texts(pattern: &str) -> impl Strategy<Value = String> {
    let mut syntax = String::new();
    let mut rest = pattern.trim_start_matches('^').trim_end_matches('$');
    while let Some((before, after)) = rest.split_once(r"\u") {
        syntax.push_str(&format!("{before}\\x{{{}}}", &after[..4]));
        rest = &after[4..];
    }
    syntax.push_str(rest);
    proptest::string::string_regex(&syntax).unwrap()
}

proptest! {
    /// What the patterns of the schemas allow is taken.
    #[test]
    fn patterns_and_rules_agree(
        ios in texts(Platform::Ios.store_app_id_pattern()),
        android in texts(Platform::Android.store_app_id_pattern()),
        amazon in texts(Platform::Amazon.store_app_id_pattern()),
        bundle in texts(BUNDLE_ID_PATTERN),
        url in texts(STORE_URL_PATTERN),
    ) {
        prop_assert!(Platform::Ios.is_store_app_id(&ios));
        prop_assert!(Platform::Android.is_store_app_id(&android) || android.len() > 255);
        prop_assert!(Platform::Amazon.is_store_app_id(&amazon));
        prop_assert!(is_bundle_id(&bundle) || bundle.len() > 255);
        prop_assert!(is_store_url(&url) || url.chars().count() > 2048);
    }
}

fn change() -> impl Strategy<Value = AppChange> {
    let orientations = prop_oneof![
        Just(vec![Orientation::Landscape]),
        Just(vec![Orientation::Portrait]),
        Just(vec![Orientation::Portrait, Orientation::Landscape]),
    ];
    let default = prop_oneof![Just(Orientation::Landscape), Just(Orientation::Portrait)];
    let text = prop::option::of(prop::option::of("com\\.[a-z]{1,3}|x y"));
    (
        (
            prop::option::of("[a-z]{1,3}"),
            prop::option::of(orientations),
            prop::option::of(prop::option::of(default)),
        ),
        (prop::option::of(any::<bool>()), text.clone(), text.clone(), text),
        (
            prop::option::of(any::<bool>()),
            prop::option::of(prop::option::of(1..100u32)),
            prop::option::of(any::<bool>()),
        ),
    )
        .prop_map(|(a, b, c)| AppChange {
            nickname: a.0,
            platform: Some(Platform::Android),
            orientations: a.1,
            default_orientation: a.2,
            is_live: b.0,
            store_app_id: b.1,
            store_app_url: b.2.map(|text| text.map(|text| format!("https://{text}"))),
            store_bundle_id: b.3,
            is_test_mode_on: c.0,
            test_mode_duration: c.1,
            is_directed_at_kids_under_13: c.2,
            ..AppChange::default()
        })
}

proptest! {
    /// Whatever is asked, an app is what the rules say an app is.
    #[test]
    fn no_request_makes_an_illegal_app(first in change(), then in prop::collection::vec(change(), 0..6)) {
        let Ok(mut app) = first.create(new_app()) else { return Ok(()) };
        for change in [first].iter().chain(&then) {
            let before = app.clone();
            if let Ok(after) = change.apply(&app, NOW) {
                app = after;
            }
            prop_assert!(app.orientations.contains(&app.default_orientation));
            prop_assert!(app.is_live || !before.is_live);
            for (now, old) in [
                (&app.store_app_id, &before.store_app_id),
                (&app.store_app_url, &before.store_app_url),
                (&app.store_bundle_id, &before.store_bundle_id),
            ] {
                prop_assert!(now.is_some() || (old.is_none() && !app.is_live));
                prop_assert!(now.as_ref().is_none_or(|text| !text.contains(' ')));
            }
        }
    }
}
