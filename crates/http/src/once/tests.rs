//! Creations sent again, through the router and over every route that takes a key.

use crate::chartboost::testing::Publisher;
use crate::testing::{Answered, TestApp, all_at_once};
use serde_json::{Value, json};
use std::sync::Arc;
use tollgate_domain::App;

fn app_body(nickname: &str) -> Value {
    json!({"nickname": nickname, "orientations": ["portrait"], "is_live": false, "is_test_mode_on": false,
           "is_directed_at_kids_under_13": "NO", "platform": "ios"})
}

async fn post(publisher: &Publisher<'_>, path: &str, key: &str, body: &Value) -> Answered {
    publisher.send("POST", path, &body.to_string(), &[("Idempotency-Key", key)]).await
}

fn assert_first(answered: &Answered) {
    assert!(answered.status.is_success(), "{answered:?}");
    assert_eq!(answered.header("idempotent-replayed"), None);
}

fn assert_again(answered: &Answered, first: &Answered) {
    assert_eq!(answered.header("idempotent-replayed"), Some("true"), "{answered:?}");
    assert_eq!((answered.status, &answered.body), (first.status, &first.body));
    for name in ["content-type", "etag"] {
        assert_eq!(answered.header(name), first.header(name), "{name}");
    }
}

fn apps(app: &TestApp) -> usize {
    app.catalog.snapshot().organization(app.made.organization_id).unwrap().table::<App>().len()
}

#[tokio::test]
async fn every_creation_is_done_once() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    let location = json!({"name": "n", "ad_type": "banner", "type": "fixed_cpm",
                          "country_targeting": [{"country": "default", "price": 1}]});
    let list = json!({"title": "t", "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-1"]});
    for version in ["v4", "v5"] {
        let locations = format!("/{version}/apps/{id}/ad-locations");
        let mut location = location.clone();
        location["name"] = version.into();
        let routes = [
            (format!("/{version}/apps"), app_body("a"), "nickname"),
            (locations, location, "name"),
            (format!("/{version}/lists"), list.clone(), "title"),
        ];
        for (path, body, field) in routes {
            let first = post(&publisher, &path, "k", &body).await;
            assert_first(&first);
            assert_again(&post(&publisher, &path, "k", &body).await, &first);
            let mut other = body.clone();
            other[field] = format!("other {version}").into();
            let reused = post(&publisher, &path, "k", &other).await;
            assert_eq!(
                (reused.status.as_u16(), reused.details()[0].1.as_str()),
                (422, "idempotency_key_reused")
            );
            assert_first(&post(&publisher, &path, "other", &other).await);
        }
    }
}

#[tokio::test]
async fn what_was_refused_is_not_remembered() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let refused = post(&publisher, "/v5/apps", "k", &json!({"nickname": "n"})).await;
    assert_eq!((refused.status.as_u16(), apps(&app)), (400, 0));
    assert_first(&post(&publisher, "/v5/apps", "k", &app_body("n")).await);
    let id = publisher.new_app(json!({})).await;
    let path = format!("/v5/apps/{id}/ad-locations");
    let body = json!({"name": "n", "ad_type": "banner", "type": "fixed_cpm",
                      "country_targeting": [{"country": "default", "price": 1}]});
    let first = publisher.call("POST", &path, body.clone()).await;
    let taken = post(&publisher, &path, "k", &body).await;
    assert_eq!((taken.status.as_u16(), taken.details()[0].1.as_str()), (400, "existing_fixed_cpm"));
    let uuid = first.body["uuid"].as_str().unwrap();
    publisher.call("DELETE", &format!("{path}/{uuid}"), Value::Null).await;
    assert_first(&post(&publisher, &path, "k", &body).await);
}

#[tokio::test]
async fn a_key_belongs_to_one_credential_and_lives_a_day() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let other = app.other_publisher().await;
    let list = json!({"title": "t", "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-1"]});
    let first = post(&publisher, "/v5/lists", "k", &list).await;
    let theirs = post(&other, "/v5/lists", "k", &list).await;
    assert_first(&theirs);
    assert_ne!(theirs.body, first.body);
    app.clock.advance_seconds(86_399);
    assert_again(&post(&publisher, "/v5/lists", "k", &list).await, &first);
    app.clock.advance_seconds(2);
    // The token lived a day too.
    let publisher = app.publisher().await;
    assert_first(&post(&publisher, "/v5/lists", "k", &list).await);
}

#[tokio::test]
async fn other_keys_are_refused() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let body = app_body("n").to_string();
    for key in ["", "a b", "ä", &"k".repeat(256)] {
        let refused = publisher.send("POST", "/v5/apps", &body, &[("Idempotency-Key", key)]).await;
        assert_eq!(refused.status, 400, "{key:?}");
        assert_eq!(refused.body["detail"][0]["loc"], json!(["header", "Idempotency-Key"]));
    }
    let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")];
    assert_eq!(publisher.send("POST", "/v5/apps", &body, &twice).await.status, 400);
    assert_eq!(apps(&app), 0);
    let longest = "k".repeat(255);
    assert_first(&post(&publisher, "/v5/apps", &longest, &app_body("n")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_the_same_time_are_one() {
    let app = Arc::new(TestApp::new().await);
    let all = all_at_once((0..64).map(|_| {
        let app = app.clone();
        async move { post(&app.publisher().await, "/v5/apps", "k", &app_body("n")).await }
    }))
    .await;
    let first = all.iter().find(|one| one.header("idempotent-replayed").is_none()).unwrap();
    assert_eq!(all.iter().filter(|one| one.header("idempotent-replayed").is_none()).count(), 1);
    assert!(all.iter().all(|one| one.status == 200 && one.body == first.body));
    assert_eq!(apps(&app), 1);
}
