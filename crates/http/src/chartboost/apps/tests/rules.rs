//! What apps do over time: test mode, reviews, disclosures, versions, keys of requests.

use super::golden::create_example;
use crate::chartboost::apps::tests::{change_organization, details, make_app, names, send};
use crate::testing::TestApp;
use serde_json::{Value, json};
use tollgate_catalog::AppReview;

#[tokio::test]
async fn test_mode_ends_by_the_clock() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let path = format!("/v5/apps/{}", make_app(&publisher, "n").await);
    let on = json!({"is_test_mode_on": true, "test_mode_duration": 2});
    let updated = publisher.call("PATCH", &path, on.clone()).await.body;
    assert_eq!((&updated["is_test_mode_on"], &updated["test_mode_duration"]), (&json!(true), &json!(2)));
    home.clock.advance_seconds(119);
    let read = publisher.call("GET", &path, Value::Null).await.body;
    assert_eq!((&read["is_test_mode_on"], &read["test_mode_duration"]), (&json!(true), &json!(2)));
    home.clock.advance_seconds(1);
    let read = publisher.call("GET", &path, Value::Null).await.body;
    assert_eq!((&read["is_test_mode_on"], &read["test_mode_duration"]), (&json!(false), &Value::Null));

    publisher.call("PATCH", &path, on).await;
    publisher.call("PATCH", &path, json!({"is_test_mode_on": true})).await;
    home.clock.advance_seconds(80_000);
    let read = publisher.call("GET", &path, Value::Null).await.body;
    assert_eq!((&read["is_test_mode_on"], &read["test_mode_duration"]), (&json!(true), &Value::Null));
    let off = json!({"is_test_mode_on": false, "test_mode_duration": 5});
    assert_eq!(publisher.call("PATCH", &path, off).await.body["is_test_mode_on"], false);
    let ignored = publisher.call("PATCH", &path, json!({"test_mode_duration": 5})).await;
    assert_eq!((ignored.status.as_u16(), &ignored.body["is_test_mode_on"]), (200, &json!(false)));
}

#[tokio::test]
async fn an_app_goes_live_and_stays_so() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let path = format!("/v4/apps/{}", make_app(&publisher, "n").await);
    let refused = publisher.call("PATCH", &path, json!({"is_live": true, "store_app_id": "com.a"})).await;
    let missing =
        ["body.store_app_url", "body.store_bundle_id"].map(|at| (at.to_owned(), "missing".to_owned()));
    assert_eq!((refused.status.as_u16(), details(&refused)), (400, missing.into()));
    assert_eq!(
        publisher.call("GET", &path, Value::Null).await.body["store_app_id"],
        Value::Null,
        "nothing stored"
    );
    let live = json!({"is_live": true, "store_app_id": "com.a", "store_app_url": "https://a.b/c",
        "store_bundle_id": "c"});
    assert_eq!(publisher.call("PATCH", &path, live).await.body["is_live"], true);
    let back =
        json!({"is_live": false, "store_app_id": null, "store_app_url": null, "store_bundle_id": null});
    let refused = publisher.call("PATCH", &path, back).await;
    let fields = ["is_live", "store_app_id", "store_app_url", "store_bundle_id"];
    let expected = fields.map(|name| (format!("body.{name}"), "value_error".to_owned()));
    assert_eq!((refused.status.as_u16(), details(&refused)), (400, expected.into()));
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let made = publisher.call("POST", "/v5/apps", create_example()).await.body;
    let path = format!("/v5/apps/{}", made["id"].as_str().unwrap());
    let read = publisher.call("GET", &path, Value::Null).await;
    let updated = publisher.call("PATCH", &path, read.body.clone()).await;
    assert_eq!((updated.status.as_u16(), updated.header("etag")), (200, Some("\"1\"")), "{updated:?}");
    assert_eq!(publisher.call("GET", &path, Value::Null).await.body, read.body);
    let named =
        publisher.call("PATCH", &path, json!({"name": "In the store", "nickname": "Nick"})).await.body;
    assert_eq!((&named["name"], &named["nickname"]), (&json!("In the store"), &json!("Nick")));
    assert_eq!(publisher.call("PATCH", &path, json!({"name": null})).await.body["name"], Value::Null);
    let platform = publisher.call("PATCH", &path, json!({"platform": "ios", "id": "x"})).await;
    assert_eq!(
        (platform.status.as_u16(), &platform.body["platform"]),
        (200, &json!("android")),
        "never changes"
    );
}

#[tokio::test]
async fn manual_reviews_wait() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    change_organization(&home, |one| one.app_review = AppReview::Manual).await;
    let path = format!("/v5/apps/{}", make_app(&publisher, "n").await);
    let read = publisher.call("GET", &path, Value::Null).await.body;
    let expected = json!({
        "status": "Pending", "created_at": 1_700_000_000, "reviewed_by": null, "reviewed_at": null,
        "reviewer_notes": "", "reject_reason": null, "reject_detail": null, "rejected_at": null
    });
    assert_eq!(read["publishing_application"], expected);
}

#[tokio::test]
async fn nothing_changes_before_the_disclosures_are_accepted() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let id = make_app(&publisher, "n").await;
    let location = json!({"name": "l", "type": "fixed_cpm", "ad_type": "banner",
        "country_targeting": [{"country": "US", "price": 1}]});
    let locations = format!("/v5/apps/{id}/ad-locations");
    let made = publisher.call("POST", &locations, location.clone()).await.body;
    change_organization(&home, |one| one.disclosures_accepted = false).await;
    let (app, one) = (format!("/v5/apps/{id}"), format!("{locations}/{}", made["uuid"].as_str().unwrap()));
    for (method, path, body) in [
        ("POST", "/v5/apps", create_example()),
        ("POST", "/v5/apps", json!({})),
        ("PATCH", app.as_str(), json!({"nickname": "m"})),
        ("DELETE", app.as_str(), Value::Null),
        ("POST", locations.as_str(), location),
        ("PATCH", one.as_str(), json!({"name": "m"})),
        ("DELETE", one.as_str(), Value::Null),
    ] {
        let answered = publisher.call(method, path, body).await;
        let expected = vec![(String::new(), "disclosure_not_accepted".to_owned())];
        assert_eq!((answered.status.as_u16(), details(&answered)), (403, expected), "{method} {path}");
    }
    let read = publisher.call("GET", &app, Value::Null).await.body;
    assert_eq!((&read["nickname"], &read["is_coppa_disclosure_read"]), (&json!("n"), &json!(false)));
    assert_eq!(
        publisher.call("GET", &locations, Value::Null).await.body["items"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn no_update_is_lost() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let path = format!("/v5/apps/{}", make_app(&publisher, "n").await);
    let with = |tag: &'static str| [("if-match", tag)];
    let first = send(&publisher, "PATCH", &path, &with("\"1\""), json!({"nickname": "a"})).await;
    assert_eq!((first.status.as_u16(), first.header("etag")), (200, Some("\"2\"")));
    for (method, body) in [("PATCH", json!({"nickname": "b"})), ("DELETE", Value::Null)] {
        let late = send(&publisher, method, &path, &with("\"1\""), body).await;
        let expected = vec![(String::new(), "precondition_failed".to_owned())];
        assert_eq!((late.status.as_u16(), details(&late)), (412, expected));
    }
    assert_eq!(publisher.call("GET", &path, Value::Null).await.body["nickname"], "a");
    assert_eq!(send(&publisher, "DELETE", &path, &with("\"2\""), Value::Null).await.status, 204);
}

#[tokio::test]
async fn a_creation_that_is_sent_again_is_done_once() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let key = [("idempotency-key", "k1")];
    let first = send(&publisher, "POST", "/v5/apps", &key, create_example()).await;
    let again = send(&publisher, "POST", "/v5/apps", &key, create_example()).await;
    assert_eq!((again.status.as_u16(), &again.body, again.header("etag")), (200, &first.body, Some("\"1\"")));
    let mut other = create_example();
    other["nickname"] = json!("other");
    assert_eq!(send(&publisher, "POST", "/v5/apps", &key, other).await.status, 422);
    assert_eq!(publisher.call("GET", "/v5/apps", Value::Null).await.body["total"], 1);
    assert_eq!(names(&first.body).len(), 14);
}
