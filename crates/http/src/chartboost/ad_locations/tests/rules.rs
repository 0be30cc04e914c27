//! What holds between the locations of an app: names, replacement, types, limits, writers at the same time.

use super::golden::{create_example, make};
use crate::chartboost::apps::tests::{details, make_app, names, send};
use crate::chartboost::testing::VERSIONS;
use crate::testing::TestApp;
use serde_json::{Value, json};
use std::sync::Arc;
use tollgate_catalog::{Actor, new_ad_location};
use tollgate_domain::{AdLocation, AdLocationType, AdType, AppId, PriceTable};

/// Adds a location that no request can make.
async fn add(home: &TestApp, app: &str, name: &str, location_type: AdLocationType) {
    let app: AppId = app.parse().unwrap();
    let actor = Actor::system("test");
    let write = home.catalog.write(home.made.organization_id, &actor, |draft| {
        new_ad_location(draft, app, |id| AdLocation {
            id,
            name: name.parse().unwrap(),
            ad_type: AdType::Rewarded,
            location_type,
            prices: PriceTable::default(),
        })
    });
    write.await.unwrap();
}

fn rule(code: &str) -> (u16, Vec<(String, String)>) {
    (400, vec![(String::new(), code.to_owned())])
}

#[tokio::test]
async fn filters_choose() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let app = make_app(&publisher, "n").await;
    for (number, location_type) in AdLocationType::NAMES.iter().map(|(_, one)| *one).enumerate() {
        add(&home, &app, &format!("l{number}"), location_type).await;
    }
    let locations = format!("/v5/apps/{app}/ad-locations");
    let mut banner = create_example();
    banner["ad_type"] = json!("banner");
    publisher.call("POST", &locations, banner).await;
    for version in VERSIONS {
        for (query, count) in [
            ("", 6),
            ("?type_filter=fixed_cpm", 2),
            ("?type_filter=%22auto_cpm%22", 1),
            ("?type_filter=cross_promo", 1),
            ("?type_filter=mock_response", 1),
            ("?type_filter=bidding", 1),
            ("?ad_type_filter=banner", 1),
            ("?ad_type_filter=rewarded&type_filter=fixed_cpm", 1),
            ("?ad_type_filter=interstitial", 0),
        ] {
            let path = format!("{version}/apps/{app}/ad-locations{query}");
            let listed = publisher.call("GET", &path, Value::Null).await;
            assert_eq!(listed.body["items"].as_array().unwrap().len(), count, "{query}");
            for item in listed.body["items"].as_array().unwrap() {
                assert_eq!(names(item), ["ad_type", "country_targeting", "name", "type", "uuid"]);
                assert!(item["type"] == "fixed_cpm" || item["country_targeting"] == json!([]), "{item}");
            }
        }
        let path = format!("{version}/apps/{app}/ad-locations?type_filter=x&ad_type_filter=");
        let refused = publisher.call("GET", &path, Value::Null).await;
        let at =
            ["query.ad_type_filter", "query.type_filter"].map(|at| (at.to_owned(), "value_error".to_owned()));
        assert_eq!((refused.status.as_u16(), details(&refused)), (400, at.into()));
    }
}

#[tokio::test]
async fn a_name_is_taken_once_per_ad_type() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let app = make_app(&publisher, "n").await;
    let locations = format!("/v4/apps/{app}/ad-locations");
    for ad_type in ["interstitial", "rewarded", "banner"] {
        let mut body = create_example();
        body["ad_type"] = json!(ad_type);
        assert_eq!(publisher.call("POST", &locations, body.clone()).await.status, 200);
        let again = publisher.call("POST", &locations, body).await;
        assert_eq!((again.status.as_u16(), details(&again)), rule("existing_fixed_cpm"));
    }
    let other = format!("/v4/apps/{}/ad-locations", make_app(&publisher, "m").await);
    assert_eq!(
        publisher.call("POST", &other, create_example()).await.status,
        200,
        "another app is another matter"
    );
    for (name, location_type, code) in [
        ("c", AdLocationType::CrossPromo, "existing_cross_promo"),
        ("m", AdLocationType::MockResponse, "existing_mock_response"),
        ("b", AdLocationType::Bidding, "existing_bidding"),
    ] {
        add(&home, &app, name, location_type).await;
        let mut body = create_example();
        body["name"] = json!(name);
        let clash = publisher.call("POST", &locations, body).await;
        assert_eq!((clash.status.as_u16(), details(&clash)), rule(code));
    }
    let (path, _) = make(&publisher, &locations, "free").await;
    let clash = publisher.call("PATCH", &path, json!({"name": "example"})).await;
    assert_eq!((clash.status.as_u16(), details(&clash)), rule("existing_fixed_cpm"));
    assert_eq!(
        publisher.call("PATCH", &path, json!({"name": "free"})).await.status,
        200,
        "its own name is free"
    );
    add(&home, &app, "auto", AdLocationType::AutoCpm).await;
    let clash = publisher.call("PATCH", &path, json!({"name": "auto"})).await;
    assert_eq!((clash.status.as_u16(), details(&clash)), rule("existing_auto_cpm"), "only creation replaces");
}

#[tokio::test]
async fn a_new_fixed_price_replaces_an_automatic_one() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let app = make_app(&publisher, "n").await;
    let locations = format!("/v5/apps/{app}/ad-locations");
    add(&home, &app, "example", AdLocationType::AutoCpm).await;
    let bidding = json!({"name": "example", "type": "bidding", "ad_type": "rewarded"});
    let clash = publisher.call("POST", &locations, bidding).await;
    assert_eq!((clash.status.as_u16(), details(&clash)), rule("existing_auto_cpm"));
    let (_, made) = make(&publisher, &locations, "example").await;
    assert_eq!(publisher.call("GET", &locations, Value::Null).await.body, json!({"items": [made]}));
}

#[tokio::test]
async fn bidding_is_made_under_version_5_only() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let app = make_app(&publisher, "n").await;
    let body = json!({"name": "example", "type": "bidding", "ad_type": "banner"});
    let refused = publisher.call("POST", &format!("/v4/apps/{app}/ad-locations"), body.clone()).await;
    let expected = [("body.country_targeting", "missing"), ("body.type", "value_error")];
    let expected = expected.map(|(at, code)| (at.to_owned(), code.to_owned())).to_vec();
    assert_eq!((refused.status.as_u16(), details(&refused)), (400, expected));
    let locations = format!("/v5/apps/{app}/ad-locations");
    let mut priced = body.clone();
    priced["country_targeting"] = create_example()["country_targeting"].clone();
    let refused = publisher.call("POST", &locations, priced).await;
    let at_prices = vec![("body.country_targeting".to_owned(), "value_error".to_owned())];
    assert_eq!((refused.status.as_u16(), details(&refused)), (400, at_prices.clone()));
    let made = publisher.call("POST", &locations, body).await;
    let uuid = made.body["uuid"].as_str().unwrap();
    let expected = json!({"uuid": uuid, "name": "example", "ad_type": "banner", "type": "bidding",
        "country_targeting": []});
    assert_eq!((made.status.as_u16(), &made.body), (200, &expected));
    let path = format!("{locations}/{uuid}");
    assert_eq!(
        publisher.call("PATCH", &path, made.body.clone()).await.status,
        200,
        "what was read can be sent back"
    );
    let change = json!({"country_targeting": [{"country": "US", "price": 1}]});
    let refused = publisher.call("PATCH", &path, change).await;
    assert_eq!((refused.status.as_u16(), details(&refused)), (400, at_prices));
    assert_eq!(publisher.call("PATCH", &path, json!({"name": "other"})).await.body["name"], "other");
}

#[tokio::test]
async fn what_a_location_is_never_changes() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let locations = format!("/v4/apps/{}/ad-locations", make_app(&publisher, "n").await);
    let (path, made) = make(&publisher, &locations, "example").await;
    let same = publisher.call("PATCH", &path, made.clone()).await;
    assert_eq!((same.status.as_u16(), &same.body, same.header("etag")), (200, &made, Some("\"1\"")));
    let change = json!({"uuid": "00af4377-c503-4559-b50f-37950bf9acd7", "ad_type": "banner", "type": null,
        "name": ""});
    let refused = publisher.call("PATCH", &path, change).await;
    let mut expected = ["body.ad_type", "body.type", "body.uuid"]
        .map(|at| (at.to_owned(), "immutable_field".to_owned()))
        .to_vec();
    expected.push(("body.name".to_owned(), "value_error".to_owned()));
    expected.sort();
    assert_eq!((refused.status.as_u16(), details(&refused)), (400, expected));
    assert_eq!(publisher.call("GET", &locations, Value::Null).await.body, json!({"items": [made]}));
}

#[tokio::test]
async fn an_app_has_a_hundred_names_of_an_ad_type() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let app = make_app(&publisher, "n").await;
    let id: AppId = app.parse().unwrap();
    let actor = Actor::system("test");
    let write = home.catalog.write(home.made.organization_id, &actor, |draft| {
        (0..100).try_for_each(|number| {
            let name = format!("l{number}").parse()?;
            new_ad_location(draft, id, |id| AdLocation {
                id,
                name,
                ad_type: AdType::Rewarded,
                location_type: AdLocationType::FixedCpm,
                prices: PriceTable::default(),
            })
            .map(drop)
        })
    });
    write.await.unwrap();
    let locations = format!("/v5/apps/{app}/ad-locations");
    let full = publisher.call("POST", &locations, create_example()).await;
    assert_eq!((full.status.as_u16(), details(&full)), rule("too_many_ad_locations"));
    let mut body = create_example();
    body["ad_type"] = json!("banner");
    assert_eq!(publisher.call("POST", &locations, body).await.status, 200);
    let read = publisher.call("GET", &format!("/v5/apps/{app}"), Value::Null).await.body;
    let counts = json!({"ad_location_counts": {"interstitial": 0, "rewarded": 100, "banner": 1}});
    assert_eq!(read["metadata"], counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_requests_gets_the_name_and_one_change_the_version() {
    let home = Arc::new(TestApp::new().await);
    let publisher = home.publisher().await;
    let locations = format!("/v5/apps/{}/ad-locations", make_app(&publisher, "n").await);
    let made = race(&home, "POST", &locations, |_| create_example()).await;
    assert_eq!(made.iter().filter(|status| **status == 200).count(), 1, "{made:?}");
    assert!(made.iter().all(|status| matches!(status, 200 | 400)), "{made:?}");
    let items = publisher.call("GET", &locations, Value::Null).await.body;
    assert_eq!(items["items"].as_array().unwrap().len(), 1);
    let path = format!("{locations}/{}", items["items"][0]["uuid"].as_str().unwrap());
    let changed = race(&home, "PATCH", &path, |number| json!({"name": format!("n{number}")})).await;
    assert_eq!(changed.iter().filter(|status| **status == 200).count(), 1, "{changed:?}");
    assert!(changed.iter().all(|status| matches!(status, 200 | 412)), "{changed:?}");
}

/// The statuses of 64 requests at the same time; changes are for version 1.
async fn race(
    home: &Arc<TestApp>,
    method: &'static str,
    path: &str,
    body: impl Fn(usize) -> Value,
) -> Vec<u16> {
    let writers: Vec<_> = (0..64)
        .map(|number| {
            let (home, path, body) = (home.clone(), path.to_owned(), body(number));
            tokio::spawn(async move {
                let headers = if method == "PATCH" { &[("if-match", "\"1\"")][..] } else { &[] };
                send(&home.publisher().await, method, &path, headers, body).await.status.as_u16()
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for writer in writers {
        statuses.push(writer.await.unwrap());
    }
    statuses
}
