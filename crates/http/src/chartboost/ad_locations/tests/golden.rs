//! Every request example of the vendor's document, in both versions: its status, and exactly its fields.

use crate::chartboost::apps::tests::make_app;
use crate::chartboost::testing::{Publisher, VERSIONS};
use crate::testing::{Answered, TestApp};
use serde_json::{Value, json};

/// The body of "Create a new Ad-Location".
pub(super) fn create_example() -> Value {
    json!({
        "name": "example",
        "type": "fixed_cpm",
        "ad_type": "rewarded",
        "country_targeting": [{"country": "DE", "price": 29.99}, {"country": "FR", "price": 15.55}]
    })
}

/// Makes the example under a name and answers its path and itself.
pub(super) async fn make(publisher: &Publisher<'_>, locations: &str, name: &str) -> (String, Value) {
    let mut body = create_example();
    body["name"] = json!(name);
    let made = publisher.call("POST", locations, body).await;
    assert_eq!(made.status, 200, "{made:?}");
    (format!("{locations}/{}", made.body["uuid"].as_str().unwrap()), made.body)
}

fn assert_uuid(answered: &Answered) {
    let uuid = answered.body["uuid"].as_str().unwrap();
    let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    assert!(uuid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{uuid}");
}

#[tokio::test]
async fn the_examples_are_answered_as_documented() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    for version in VERSIONS {
        let locations = format!("{version}/apps/{}/ad-locations", make_app(&publisher, "n").await);
        let made = publisher.call("POST", &locations, create_example()).await;
        assert_uuid(&made);
        let mut expected = create_example();
        expected["uuid"] = made.body["uuid"].clone();
        assert_eq!((made.status.as_u16(), &made.body, made.header("etag")), (200, &expected, Some("\"1\"")));

        let listed =
            publisher.call("GET", &format!("{locations}?type_filter=%22fixed_cpm%22"), Value::Null).await;
        assert_eq!((listed.status.as_u16(), &listed.body), (200, &json!({"items": [expected]})));

        let path = format!("{locations}/{}", made.body["uuid"].as_str().unwrap());
        let change = json!({"country_targeting": [{"country": "default", "price": 5.00}]});
        let updated = publisher.call("PATCH", &path, change).await;
        expected["country_targeting"] = json!([{"country": "default", "price": 5.0}]);
        assert_eq!(
            (updated.status.as_u16(), &updated.body, updated.header("etag")),
            (200, &expected, Some("\"2\""))
        );

        let clash = publisher.call("POST", &locations, create_example()).await;
        let error = json!({"detail": [{
            "msg": "A fixed_cpm location with the same name and ad-type already exists", "type": "existing_fixed_cpm"
        }]});
        assert_eq!((clash.status.as_u16(), &clash.body), (400, &error));

        let deleted = publisher.call("DELETE", &path, Value::Null).await;
        assert_eq!((deleted.status.as_u16(), deleted.body), (204, Value::Null));
        for (method, body) in [("DELETE", Value::Null), ("PATCH", json!({}))] {
            assert_eq!(publisher.call(method, &path, body).await.status, 404);
        }
        assert_eq!(publisher.call("GET", &locations, Value::Null).await.body, json!({"items": []}));
    }
}

#[tokio::test]
async fn prices_are_floats_to_the_micro_dollar_in_the_order_they_came() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let locations = format!("/v5/apps/{}/ad-locations", make_app(&publisher, "n").await);
    let mut body = create_example();
    body["country_targeting"] = json!([
        {"country": "US", "price": 6}, {"country": "CA", "price": 2.55}, {"country": "default", "price": 0.01},
        {"country": "DE", "price": 0.123_456_4}, {"country": "AT", "price": 500}
    ]);
    let made = publisher.call("POST", &locations, body).await.body;
    let text = made["country_targeting"].to_string();
    assert_eq!(
        text,
        concat!(
            r#"[{"country":"US","price":6.0},{"country":"CA","price":2.55},{"country":"default","price":0.01},"#,
            r#"{"country":"DE","price":0.123456},{"country":"AT","price":500.0}]"#
        )
    );
    let listed = publisher.call("GET", &locations, Value::Null).await.body;
    assert_eq!(listed["items"][0], made);
}
