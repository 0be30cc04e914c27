//! Settings through the router: the documented answers to the letter in both versions, and what is refused.

use crate::chartboost::testing::{Publisher, VERSIONS, owned};
use crate::testing::TestApp;
use serde_json::{Value, json};
use std::sync::Arc;

/// The vendor's request, which is also its answer but for `interstitial_allow_skip`.
fn example() -> Value {
    json!({
        "ad_blocking_settings": {
            "monetization_agefilter_check": true,
            "blocked_advertiser_store_ids": ["123456789", "987654321"],
            "blocked_iab_categories_v1_list": null
        },
        "ad_experience_settings": {
            "template_settings": {"button_type": "skip", "show_button_timer": 30, "default_muted": false},
            "video_duration_settings": {"interstitial_max_duration": 120, "rewarded_max_duration": 120}
        },
        "ad_targeting_settings": {
            "target_device_types": {
                "device_types": ["iPad Air (4th generation)", "iPad 8th gen"],
                "is_included": false
            },
            "target_os_version": {"min": "16.5.1", "max": "17.0.1"}
        }
    })
}

fn new_settings() -> Value {
    json!({
        "ad_blocking_settings": {
            "monetization_agefilter_check": false,
            "blocked_advertiser_store_ids": [],
            "blocked_iab_categories_v1_list": null
        },
        "ad_experience_settings": {
            "interstitial_allow_skip": true,
            "template_settings": {"button_type": "skip", "show_button_timer": 30, "default_muted": false},
            "video_duration_settings": {"interstitial_max_duration": 120, "rewarded_max_duration": 120}
        },
        "ad_targeting_settings": {"target_device_types": null, "target_os_version": null}
    })
}

async fn new_path(publisher: &Publisher<'_>) -> String {
    format!("/v5/apps/{}/monetization_settings", publisher.new_app(json!({})).await)
}

async fn new_list(publisher: &Publisher<'_>) -> String {
    let body = json!({"title": "L", "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-1"]});
    let made = publisher.call("POST", "/v5/lists", body).await;
    made.body["id"].as_str().unwrap().to_owned()
}

fn with_list(id: &str) -> Value {
    json!({"ad_blocking_settings": {"blocked_iab_categories_v1_list": id}})
}

#[tokio::test]
async fn both_operations_answer_as_documented() {
    for version in VERSIONS {
        let app = TestApp::new().await;
        let publisher = app.publisher().await;
        let id = publisher.new_app(json!({})).await;
        let path = format!("{version}/apps/{id}/monetization_settings");
        let new = publisher.get(&path).await;
        assert_eq!((new.status.as_u16(), &new.body), (200, &new_settings()));
        assert_eq!(new.header("etag"), Some("\"0\""));

        let mut expected = example();
        expected["ad_experience_settings"]["interstitial_allow_skip"] = json!(true);
        let changed = publisher.call("PATCH", &path, example()).await;
        assert_eq!((changed.status.as_u16(), &changed.body), (200, &expected));
        assert_eq!(changed.header("etag"), Some("\"1\""));
        let read = publisher.get(&path).await;
        assert_eq!((read.status.as_u16(), &read.body), (200, &expected));
        assert_eq!(read.header("etag"), Some("\"1\""));
        let same = publisher.call("PATCH", &path, read.body).await;
        assert_eq!((same.status.as_u16(), same.header("etag")), (200, Some("\"1\"")), "nothing has changed");
    }
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let path = new_path(&publisher).await;
    publisher.call("PATCH", &path, example()).await;
    let before = publisher.get(&path).await.body;
    for (patch, pointer, value) in [
        (json!({}), "", before.clone()),
        (json!({"ad_experience_settings": {}, "unknown": [1]}), "", before.clone()),
        (json!({"ad_experience_settings": {"interstitial_allow_skip": false}}), "", before.clone()),
        (
            json!({"ad_experience_settings": {"template_settings": {"default_muted": true}}}),
            "/ad_experience_settings/template_settings/default_muted",
            json!(true),
        ),
        (
            json!({"ad_blocking_settings": {"blocked_advertiser_store_ids": []}}),
            "/ad_blocking_settings/blocked_advertiser_store_ids",
            json!([]),
        ),
        (
            json!({"ad_targeting_settings": {"target_device_types": {"is_included": true}}}),
            "/ad_targeting_settings/target_device_types/is_included",
            json!(true),
        ),
        (
            json!({"ad_targeting_settings": {"target_os_version": {"max": null}}}),
            "/ad_targeting_settings/target_os_version/max",
            json!(null),
        ),
        (
            json!({"ad_targeting_settings": {"target_os_version": null}}),
            "/ad_targeting_settings/target_os_version",
            json!(null),
        ),
        (
            json!({"ad_targeting_settings": {"target_device_types": null}}),
            "/ad_targeting_settings/target_device_types",
            json!(null),
        ),
    ] {
        let mut expected = publisher.get(&path).await.body;
        *expected.pointer_mut(pointer).unwrap() = value;
        let changed = publisher.call("PATCH", &path, patch.clone()).await;
        assert_eq!((changed.status.as_u16(), &changed.body), (200, &expected), "{patch}");
    }
}

const AGE: &str = "ad_blocking_settings.monetization_agefilter_check";
const IDS: &str = "ad_blocking_settings.blocked_advertiser_store_ids";
const LIST: &str = "ad_blocking_settings.blocked_iab_categories_v1_list";
const BUTTON: &str = "ad_experience_settings.template_settings.button_type";
const TIMER: &str = "ad_experience_settings.template_settings.show_button_timer";
const MUTED: &str = "ad_experience_settings.template_settings.default_muted";
const INTERSTITIAL: &str = "ad_experience_settings.video_duration_settings.interstitial_max_duration";
const REWARDED: &str = "ad_experience_settings.video_duration_settings.rewarded_max_duration";
const DEVICES: &str = "ad_targeting_settings.target_device_types";
const TYPES: &str = "ad_targeting_settings.target_device_types.device_types";
const INCLUDED: &str = "ad_targeting_settings.target_device_types.is_included";
const VERSION: &str = "ad_targeting_settings.target_os_version";
const MIN: &str = "ad_targeting_settings.target_os_version.min";
const MAX: &str = "ad_targeting_settings.target_os_version.max";

/// A body that names one field.
fn only(place: &str, value: &str) -> Value {
    let value = serde_json::from_str(value).unwrap();
    place.rsplit('.').fold(value, |inner, name| json!({ name: inner }))
}

/// A list, a value that it cannot have, and what is said of its items.
type BadItems<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Fields, values that they cannot have, and what is said of them.
const BAD: &[(&[&str], &[&str], &str)] = &[
    (
        &[
            "ad_blocking_settings",
            "ad_experience_settings",
            "ad_targeting_settings",
            "ad_experience_settings.template_settings",
            "ad_experience_settings.video_duration_settings",
        ],
        &["null", "5", "\"\"", "[]", "true"],
        "type_error",
    ),
    (&[DEVICES, VERSION], &["5", "\"16\"", "[]", "false"], "type_error"),
    (&[AGE, MUTED, INCLUDED], &["null", "\"true\"", "\"\"", "1", "{}"], "type_error"),
    (&[IDS, TYPES], &["null", "\"123456789\"", "{}", "5"], "type_error"),
    (&[LIST], &["5", "[]", "false"], "type_error"),
    (
        &[LIST],
        &["\"\"", "\"x\"", "\"64054c7decf2fc7b954e98d2\"", "\"64054C7DECF2FC7B954E98D2\""],
        "unknown_list",
    ),
    (&[BUTTON], &["null", "1", "[\"skip\"]"], "type_error"),
    (&[BUTTON], &["\"\"", "\"Skip\"", "\"skip \"", "\"none\"", "\"ｓkip\""], "value_error"),
    (&[TIMER, INTERSTITIAL, REWARDED], &["null", "\"30\"", "[30]", "true"], "type_error"),
    (
        &[TIMER, INTERSTITIAL, REWARDED],
        &["0", "-5", "31", "5.5", "1e300", "18446744073709551616"],
        "value_error",
    ),
    (&[TIMER], &["120"], "value_error"),
    (&[MIN, MAX], &["16", "16.5", "[]", "{}"], "type_error"),
    (
        &[MIN, MAX],
        &["\"\"", "\"16.\"", "\"016\"", "\"1.2.3.4.5\"", "\"iOS 16\"", "\"１６\"", "\"-1\""],
        "value_error",
    ),
];

#[tokio::test]
async fn every_bad_value_of_every_field_is_refused_and_nothing_is_stored() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let path = new_path(&publisher).await;
    publisher.call("PATCH", &path, example()).await;
    let (before, head) = (publisher.get(&path).await.body, app.catalog.snapshot().seq());
    for (places, values, code) in BAD {
        for (place, value) in places.iter().flat_map(|place| values.iter().map(move |value| (place, value))) {
            let refused = publisher.call("PATCH", &path, only(place, value)).await;
            assert_eq!(refused.status, 400, "{place} {value}");
            assert_eq!(refused.details(), owned(&[(&format!("body.{place}"), code)]), "{place} {value}");
        }
    }
    let many = |count: usize| json!((0..count).map(|n| format!("{n}")).collect::<Vec<_>>()).to_string();
    let long = format!("[\"{}\"]", "ä".repeat(101));
    let items: [BadItems<'_>; 9] = [
        (IDS, "[1, null]", &[("[0]", "type_error"), ("[1]", "type_error")]),
        (
            IDS,
            "[\"\", \"1\", \"1\", \"com\"]",
            &[("[0]", "value_error"), ("[2]", "value_error"), ("[3]", "value_error")],
        ),
        (IDS, &many(1_001), &[("", "value_error")]),
        (TYPES, "[{}, \"iPad 2\"]", &[("[0]", "type_error")]),
        (
            TYPES,
            "[\"\", \" \", \"x\", \"x\", \"a\\u0007\"]",
            &[("[0]", "value_error"), ("[1]", "value_error"), ("[3]", "value_error"), ("[4]", "value_error")],
        ),
        (TYPES, &long, &[("[0]", "value_error")]),
        (TYPES, &many(1_001), &[("", "value_error")]),
        (TYPES, "[\"iPad Pro\", \"iPad 8th gen\"]", &[("", "value_error")]),
        (TYPES, "[\"galaxy a\", \"Unheard Of\", \"Pixel 7a\"]", &[("", "value_error")]),
    ];
    for (place, value, expected) in items {
        let refused = publisher.call("PATCH", &path, only(place, value)).await;
        let expected: Vec<_> =
            expected.iter().map(|(item, code)| (format!("body.{place}{item}"), (*code).to_owned())).collect();
        assert_eq!((refused.status.as_u16(), refused.details()), (400, expected), "{place}");
    }
    for (min, max) in [("17", "16.9.9"), ("10", "9"), ("16.0.0.1", "16")] {
        let patch = json!({"ad_targeting_settings": {"target_os_version": {"min": min, "max": max}}});
        let refused = publisher.call("PATCH", &path, patch).await;
        assert_eq!(refused.details(), owned(&[(&format!("body.{VERSION}"), "value_error")]), "{min} {max}");
    }
    let stored = publisher.call("PATCH", &path, only(MIN, "\"17.0.2\"")).await;
    assert_eq!(
        stored.details(),
        owned(&[(&format!("body.{VERSION}"), "value_error")]),
        "judged with what is stored"
    );
    assert_eq!(publisher.get(&path).await.body, before);
    assert_eq!(app.catalog.snapshot().seq(), head);
}

#[tokio::test]
async fn everything_wrong_is_named_at_once() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let path = new_path(&publisher).await;
    let body = json!({
        "ad_blocking_settings": {
            "monetization_agefilter_check": "yes",
            "blocked_advertiser_store_ids": ["1", 2],
            "blocked_iab_categories_v1_list": "64054c7decf2fc7b954e98d2",
        },
        "ad_experience_settings": {
            "template_settings": null,
            "video_duration_settings": {"rewarded_max_duration": 7},
        },
        "ad_targeting_settings": {
            "target_device_types": {"device_types": ["iPad Pro", "iPad 2"], "is_included": 1},
            "target_os_version": {"min": "17", "max": "16"},
        },
    });
    let refused = publisher.call("PATCH", &path, body).await;
    let expected = [
        (AGE.to_owned(), "type_error"),
        (format!("{IDS}[1]"), "type_error"),
        ("ad_experience_settings.template_settings".to_owned(), "type_error"),
        (REWARDED.to_owned(), "value_error"),
        (INCLUDED.to_owned(), "type_error"),
        (LIST.to_owned(), "unknown_list"),
        (TYPES.to_owned(), "value_error"),
        (VERSION.to_owned(), "value_error"),
    ];
    let expected = expected.map(|(place, code)| (format!("body.{place}"), code.to_owned()));
    assert_eq!((refused.status.as_u16(), refused.details()), (400, expected.to_vec()));

    let half = publisher.call("PATCH", &path, only(TYPES, "[\"iPad 2\"]")).await;
    assert_eq!(half.details(), owned(&[(&format!("body.{INCLUDED}"), "missing")]));
    for body in ["", "[]", "{\"a\":1,\"a\":2}", "{"] {
        assert_eq!(publisher.send("PATCH", &path, body, &[]).await.status, 400, "{body}");
    }
    assert_eq!(publisher.get(&path).await.body, new_settings());
}

#[tokio::test]
async fn kids_never_see_what_is_for_older_ones() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({"is_directed_at_kids_under_13": "YES"})).await;
    let path = format!("/v5/apps/{id}/monetization_settings");
    let filter = async |body: Value| body["ad_blocking_settings"]["monetization_agefilter_check"].clone();
    assert_eq!(filter(publisher.get(&path).await.body).await, true);
    let off = publisher.call("PATCH", &path, only(AGE, "false")).await;
    assert_eq!((off.status.as_u16(), filter(off.body).await), (200, json!(true)));
    let grown = json!({"is_directed_at_kids_under_13": "NO"});
    assert_eq!(publisher.call("PATCH", &format!("/v5/apps/{id}"), grown).await.status, 200);
    assert_eq!(filter(publisher.get(&path).await.body).await, false);
    let on = publisher.call("PATCH", &path, only(AGE, "true")).await;
    assert_eq!(filter(on.body).await, true);
}

#[tokio::test]
async fn settings_of_apps_that_are_not_ours_do_not_exist() {
    let app = TestApp::new().await;
    let (ours, theirs) = (app.publisher().await, app.other_publisher().await);
    let id = ours.new_app(json!({})).await;
    let list = new_list(&theirs).await;
    for id in [&id[..], "x", "64054c7decf2fc7b954e98d2", "%FF"] {
        let path = format!("/v4/apps/{id}/monetization_settings");
        for (method, body) in [("GET", Value::Null), ("PATCH", example()), ("PATCH", json!({"x": 1}))] {
            let refused = theirs.call(method, &path, body).await;
            assert_eq!(
                (refused.status.as_u16(), refused.details()),
                (404, owned(&[("", "not_found")])),
                "{id}"
            );
        }
    }
    let path = format!("/v5/apps/{id}/monetization_settings");
    let refused = ours.call("PATCH", &path, with_list(&list)).await;
    assert_eq!(refused.details(), owned(&[(&format!("body.{LIST}"), "unknown_list")]));
    assert_eq!(ours.call("DELETE", &format!("/v5/apps/{id}"), Value::Null).await.status, 204);
    assert_eq!(ours.get(&path).await.status, 404);
    assert_eq!(ours.call("PATCH", &path, example()).await.status, 404);
}

#[tokio::test]
async fn apps_of_a_list_that_goes_fall_back_to_the_default() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let (gone, kept) = (new_list(&publisher).await, new_list(&publisher).await);
    let (one, two, other) =
        (new_path(&publisher).await, new_path(&publisher).await, new_path(&publisher).await);
    for (path, list) in [(&one, &gone), (&two, &gone), (&other, &kept)] {
        let set = publisher.call("PATCH", path, with_list(list)).await;
        assert_eq!(set.body["ad_blocking_settings"]["blocked_iab_categories_v1_list"], **list);
    }
    let deleted = publisher.call("DELETE", &format!("/v5/lists/{gone}"), Value::Null).await;
    assert_eq!(deleted.status, 204);
    let list = async |path: &str| {
        let read = publisher.get(path).await;
        (
            read.header("etag").map(str::to_owned),
            read.body["ad_blocking_settings"]["blocked_iab_categories_v1_list"].clone(),
        )
    };
    for path in [&one, &two] {
        assert_eq!(list(path).await, (Some("\"2\"".to_owned()), Value::Null));
    }
    assert_eq!(list(&other).await, (Some("\"1\"".to_owned()), json!(kept)));
    assert_eq!(publisher.call("PATCH", &one, with_list(&gone)).await.status, 400);
    let default = publisher.get("/v5/lists?types_filter=iab_content_taxonomy_1.0_chartboost_default").await;
    let id = default.body["items"][0]["id"].as_str().unwrap();
    let set = publisher.call("PATCH", &one, with_list(id)).await;
    assert_eq!(set.body["ad_blocking_settings"]["blocked_iab_categories_v1_list"], id, "it may be named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_writers_lose_nothing() {
    let app = Arc::new(TestApp::new().await);
    let path = new_path(&app.publisher().await).await;
    let writers: Vec<_> = (0..64)
        .map(|number| {
            let (app, path) = (app.clone(), path.clone());
            tokio::spawn(async move {
                let publisher = app.publisher().await;
                loop {
                    let read = publisher.get(&path).await;
                    let mut ids = read.body["ad_blocking_settings"]["blocked_advertiser_store_ids"].clone();
                    ids.as_array_mut().unwrap().push(json!(format!("{number}")));
                    let patch =
                        json!({"ad_blocking_settings": {"blocked_advertiser_store_ids": ids}}).to_string();
                    let tag = read.header("etag").unwrap();
                    let written = publisher.send("PATCH", &path, &patch, &[("If-Match", tag)]).await;
                    match written.status.as_u16() {
                        200 => break,
                        status => assert_eq!(status, 412),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let read = app.publisher().await.get(&path).await;
    let ids = read.body["ad_blocking_settings"]["blocked_advertiser_store_ids"].as_array().unwrap();
    let mut numbers: Vec<u32> = ids.iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..64).collect::<Vec<_>>());
    assert_eq!(read.header("etag"), Some("\"64\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_list_that_goes_while_others_choose_it_is_nowhere_left() {
    let app = Arc::new(TestApp::new().await);
    let publisher = app.publisher().await;
    let list = new_list(&publisher).await;
    let mut paths = Vec::new();
    for _ in 0..63 {
        paths.push(new_path(&publisher).await);
    }
    let mut writers = Vec::new();
    for (number, path) in paths.iter().cloned().enumerate() {
        let (app, list) = (app.clone(), list.clone());
        writers.push(tokio::spawn(async move {
            let publisher = app.publisher().await;
            let chosen = publisher.call("PATCH", &path, with_list(&list)).await.status.as_u16();
            if number != 31 {
                return vec![chosen];
            }
            let gone = publisher.call("DELETE", &format!("/v5/lists/{list}"), Value::Null).await;
            vec![chosen, gone.status.as_u16()]
        }));
    }
    let mut statuses = Vec::new();
    for writer in writers {
        statuses.extend(writer.await.unwrap());
    }
    assert!(statuses.iter().all(|status| [200, 204, 400].contains(status)), "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1);
    for path in paths {
        assert_eq!(publisher.get(&path).await.body, new_settings());
    }
}
