//! Every request example of the vendor's document, in both versions: its status, and exactly its fields.

use crate::chartboost::apps::tests::make_app;
use crate::chartboost::testing::VERSIONS;
use crate::testing::TestApp;
use serde_json::{Value, json};

/// The body of "Create a new App".
pub(super) fn create_example() -> Value {
    json!({
        "nickname": "example app",
        "orientations": ["portrait"],
        "is_live": true,
        "is_test_mode_on": false,
        "store_app_id": "com.chartboost.example",
        "store_app_url": "https://play.google.com/store/apps/example",
        "store_bundle_id": "com.chartboost.example",
        "is_directed_at_kids_under_13": "NO",
        "platform": "android"
    })
}

fn approved() -> Value {
    json!({
        "status": "Approved", "created_at": 1_700_000_000, "reviewed_by": "automatic_review",
        "reviewed_at": 1_700_000_000, "reviewer_notes": "", "reject_reason": null, "reject_detail": null,
        "rejected_at": null
    })
}

#[tokio::test]
async fn an_app_is_created_as_documented() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    for version in VERSIONS {
        let made = publisher.call("POST", &format!("{version}/apps"), create_example()).await;
        assert_eq!(made.status, 200, "{made:?}");
        let (id, signature) = (made.body["id"].as_str().unwrap(), made.body["signature"].as_str().unwrap());
        let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        assert!(id.len() == 24 && hex(id) && signature.len() == 40 && hex(signature));
        let expected = json!({
            "id": id, "nickname": "example app", "orientations": ["portrait"], "default_orientation": "portrait",
            "platform": "android", "is_live": true, "signature": signature, "is_coppa_disclosure_read": true,
            "is_sdk_active": false, "is_test_mode_on": false, "store_app_id": "com.chartboost.example",
            "store_app_url": "https://play.google.com/store/apps/example",
            "store_bundle_id": "com.chartboost.example", "is_directed_at_kids_under_13": "NO"
        });
        assert_eq!(made.body, expected);
        assert_eq!(
            (made.header("etag"), made.header("content-type")),
            (Some("\"1\""), Some("application/json"))
        );
    }
}

#[tokio::test]
async fn an_app_is_read_as_documented() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    for version in VERSIONS {
        let body = json!({
            "nickname": "android_test_app", "orientations": ["landscape", "portrait"],
            "default_orientation": "landscape", "platform": "android", "is_live": false, "is_test_mode_on": true,
            "is_directed_at_kids_under_13": "NO"
        });
        let made = publisher.call("POST", &format!("{version}/apps"), body).await;
        let id = made.body["id"].as_str().unwrap();
        let location = json!({"name": "l", "type": "fixed_cpm", "ad_type": "rewarded",
            "country_targeting": [{"country": "default", "price": 1}]});
        let path = format!("{version}/apps/{id}");
        assert_eq!(publisher.call("POST", &format!("{path}/ad-locations"), location).await.status, 200);
        let read = publisher.call("GET", &path, Value::Null).await;
        let expected = json!({
            "id": id, "nickname": "android_test_app", "orientations": ["landscape", "portrait"],
            "default_orientation": "landscape", "platform": "android", "is_live": false,
            "signature": made.body["signature"], "is_coppa_disclosure_read": true, "is_sdk_active": false,
            "is_test_mode_on": true, "test_mode_duration": null, "name": null, "icon": null, "store_app_id": null,
            "store_app_url": null, "store_bundle_id": null, "publishing_application": approved(),
            "app_ads_txt_status": null,
            "metadata": {"ad_location_counts": {"interstitial": 0, "rewarded": 1, "banner": 0}},
            "is_directed_at_kids_under_13": "NO"
        });
        assert_eq!((read.status.as_u16(), &read.body), (200, &expected));
        assert_eq!(read.header("etag"), Some("\"1\""));
    }
}

#[tokio::test]
async fn an_app_is_updated_as_documented() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    for version in VERSIONS {
        let made = publisher.call("POST", &format!("{version}/apps"), create_example()).await.body;
        let path = format!("{version}/apps/{}", made["id"].as_str().unwrap());
        let body = json!({
            "nickname": "example app", "orientations": ["portrait", "landscape"], "default_orientation": "landscape"
        });
        let updated = publisher.call("PATCH", &path, body).await;
        let mut expected = made.clone();
        expected["orientations"] = json!(["portrait", "landscape"]);
        expected["default_orientation"] = json!("landscape");
        expected["publishing_application"] = approved();
        // Of the field table, beyond the example.
        for name in ["name", "icon", "test_mode_duration"] {
            expected[name] = Value::Null;
        }
        assert_eq!((updated.status.as_u16(), &updated.body), (200, &expected));
        assert_eq!(updated.header("etag"), Some("\"2\""));
    }
}

#[tokio::test]
async fn apps_are_listed_as_documented() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let made = publisher.call("POST", "/v5/apps", create_example()).await.body;
    for version in VERSIONS {
        let listed = publisher.call("GET", &format!("{version}/apps?page=1&limit=5"), Value::Null).await;
        let expected = json!({
            "items": [{
                "id": made["id"], "nickname": "example app", "icon": null, "platform": "android", "is_live": true,
                "store_app_id": "com.chartboost.example", "name": null, "publishing_application": approved(),
                "metadata": {"ad_location_counts": {"interstitial": 0, "rewarded": 0, "banner": 0}}
            }],
            "page": 1, "limit": 5, "total": 1
        });
        assert_eq!((listed.status.as_u16(), &listed.body), (200, &expected));
    }
}

#[tokio::test]
async fn an_app_is_deleted_as_documented() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    for version in VERSIONS {
        let id = make_app(&publisher, "n").await;
        let path = format!("{version}/apps/{id}");
        let deleted = publisher.call("DELETE", &path, Value::Null).await;
        assert_eq!((deleted.status.as_u16(), deleted.body), (204, Value::Null));
        let gone = json!({"detail": [{"msg": format!("There is no app with ID {id}"), "type": "not_found"}]});
        for (method, path, body) in [
            ("GET", path.clone(), Value::Null),
            ("PATCH", path.clone(), json!({})),
            ("DELETE", path.clone(), Value::Null),
            ("GET", format!("{path}/ad-locations"), Value::Null),
            ("POST", format!("{path}/ad-locations"), json!({})),
        ] {
            let answered = publisher.call(method, &path, body).await;
            assert_eq!((answered.status.as_u16(), &answered.body), (404, &gone), "{method} {path}");
        }
        assert_eq!(publisher.call("GET", &format!("{version}/apps"), Value::Null).await.body["total"], 0);
    }
}
