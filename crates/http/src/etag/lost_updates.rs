//! With `If-Match` no update is lost: of all who change the same version one wins and the others are told 412, over every
//! route that changes one object.

use crate::testing::{TestApp, all_at_once};
use serde_json::{Value, json};
use std::sync::Arc;

const WRITERS: usize = 64;
const LIST: &str = "iab_content_taxonomy_1.0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_sixty_four_wins() {
    let app = Arc::new(TestApp::new().await);
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    let location = json!({"name": "n", "ad_type": "banner", "type": "fixed_cpm",
                          "country_targeting": [{"country": "default", "price": 1}]});
    let made = publisher.call("POST", &format!("/v5/apps/{id}/ad-locations"), location).await;
    let uuid = made.body["uuid"].as_str().unwrap();
    let list = json!({"title": "t", "type": LIST, "elements": ["IAB1-1"]});
    let list = publisher.call("POST", "/v5/lists", list).await.body["id"].as_str().unwrap().to_owned();
    // The settings that an app never changed have version 0.
    let cases = [
        ("PATCH", format!("/v5/apps/{id}"), "\"1\"", "nickname"),
        ("PATCH", format!("/v5/apps/{id}/ad-locations/{uuid}"), "\"1\"", "name"),
        ("PUT", format!("/v4/lists/{list}"), "\"1\"", "title"),
        ("PATCH", format!("/v5/apps/{id}/monetization_settings"), "\"0\"", ""),
    ];
    for (method, path, tag, field) in cases {
        let writers =
            (0..WRITERS).map(|n| {
                let body = match field {
                    "" => {
                        json!({"ad_blocking_settings": {"blocked_advertiser_store_ids": [format!("{n}1")]}})
                    }
                    "title" => json!({"title": format!("w{n}"), "type": LIST, "elements": ["IAB1-1"]}),
                    field => json!({field: format!("w{n}")}),
                };
                let (app, path) = (app.clone(), path.clone());
                async move {
                    app.publisher().await.send(method, &path, &body.to_string(), &[("If-Match", tag)]).await
                }
            });
        let answered = all_at_once(writers).await;
        let won = answered.iter().filter(|one| one.status == 200).count();
        let lost: Vec<_> = answered.iter().filter(|one| one.status == 412).collect();
        assert_eq!((won, lost.len()), (1, WRITERS - 1), "{path}: {:?}", answered[0]);
        assert!(lost.iter().all(|one| one.details()[0].1 == "precondition_failed"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_who_read_again_lose_nothing() {
    let app = Arc::new(TestApp::new().await);
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({"nickname": "0"})).await;
    let path = format!("/v5/apps/{id}");
    let writer = async |app: Arc<TestApp>, path: String| {
        let publisher = app.publisher().await;
        loop {
            let read = publisher.get(&path).await;
            let tag = read.header("etag").unwrap().to_owned();
            let count: usize = read.body["nickname"].as_str().unwrap().parse().unwrap();
            let body = json!({"nickname": (count + 1).to_string()}).to_string();
            let answered = publisher.send("PATCH", &path, &body, &[("If-Match", &tag)]).await;
            match answered.status.as_u16() {
                200 => return,
                412 => {}
                _ => panic!("{answered:?}"),
            }
        }
    };
    all_at_once((0..WRITERS).map(|_| writer(app.clone(), path.clone()))).await;
    let read = publisher.get(&path).await;
    assert_eq!(read.body["nickname"], WRITERS.to_string());
    assert_eq!(read.header("etag"), Some(format!("\"{}\"", WRITERS + 1).as_str()));
}

#[tokio::test]
async fn deletions_are_conditional_too() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    let path = format!("/v5/apps/{id}");
    for tag in ["\"2\"", "W/\"1\"", "\"01\"", "\"x\""] {
        assert_eq!(publisher.send("DELETE", &path, "", &[("If-Match", tag)]).await.status, 412, "{tag}");
    }
    assert_eq!(publisher.send("DELETE", &path, "", &[("If-Match", "1")]).await.status, 400);
    assert_eq!(publisher.send("DELETE", &path, "", &[("If-Match", "\"7\", \"1\"")]).await.status, 204);
    // What is gone is 404 before any condition.
    assert_eq!(publisher.send("DELETE", &path, "", &[("If-Match", "\"1\"")]).await.status, 404);
    assert_eq!(publisher.call("DELETE", &path, Value::Null).await.status, 404);
}
