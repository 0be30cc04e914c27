//! What the native API says of lists, through the router.

use crate::chartboost::testing::Publisher;
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tollgate_catalog::Scope;

async fn by_key(app: &TestApp, key: &str, method: &str, path: &str, body: Value) -> Answered {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("API-KEY", key)
        .header("Content-Type", "application/json")
        .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) });
    app.send(request.unwrap()).await
}

async fn list(publisher: &Publisher<'_>, filter: &str) -> Value {
    publisher.get(&format!("/v5/lists?types_filter={filter}")).await.body["items"][0].clone()
}

#[tokio::test]
async fn the_apps_of_a_list_are_those_that_use_it() {
    let app = TestApp::new().await;
    let (publisher, other) = (app.publisher().await, app.other_publisher().await);
    let body = json!({"title": "L", "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-1"]});
    let made = publisher.call("POST", "/v5/lists", body).await.body;
    let (id, default) =
        (made["id"].as_str().unwrap(), list(&publisher, "iab_content_taxonomy_1.0_chartboost_default").await);
    let default = default["id"].as_str().unwrap();
    let mut apps = Vec::new();
    for nickname in ["b", "A", "c"] {
        apps.push(publisher.new_app(json!({ "nickname": nickname })).await);
    }
    for (index, list) in [(0, json!(id)), (1, json!(id)), (2, json!(default))] {
        let patch = json!({"ad_blocking_settings": {"blocked_iab_categories_v1_list": list}});
        let path = format!("/v5/apps/{}/monetization_settings", apps[index]);
        assert_eq!(publisher.call("PATCH", &path, patch).await.status, 200);
    }
    let user = |index: usize, nickname: &str| json!({"id": apps[index], "nickname": nickname, "platform": "android"});
    for (list, query, items, total) in [
        (id, "", json!([user(1, "A"), user(0, "b")]), 2),
        (id, "?direction=desc&limit=1", json!([user(0, "b")]), 2),
        (default, "", json!([user(2, "c")]), 1),
    ] {
        let found = publisher.get(&format!("/tollgate/v1/lists/{list}/apps{query}")).await;
        assert_eq!((found.status.as_u16(), &found.body["items"]), (200, &items), "{query}");
        assert_eq!(found.body["total"], total);
    }
    assert_eq!(publisher.get(&format!("/tollgate/v1/lists/{id}/apps?page=0")).await.status, 400);
    for (caller, list) in [(&other, id), (&other, default), (&publisher, "x"), (&publisher, "%FF")] {
        let refused = caller.get(&format!("/tollgate/v1/lists/{list}/apps")).await;
        assert_eq!((refused.status.as_u16(), &refused.body["code"]), (404, &json!("not_found")));
    }
    assert_eq!(publisher.call("DELETE", &format!("/v5/lists/{id}"), Value::Null).await.status, 204);
    let fallen = publisher.get(&format!("/tollgate/v1/lists/{default}/apps")).await;
    assert_eq!(fallen.body["total"], 3);
    assert_eq!(publisher.get(&format!("/tollgate/v1/lists/{id}/apps")).await.status, 404);
}

#[tokio::test]
async fn mandatory_categories_are_the_default_lists_elements() {
    let app = TestApp::new().await;
    let (publisher, other) = (app.publisher().await, app.other_publisher().await);
    let path = "/tollgate/v1/mandatory-categories";
    let read = publisher.get(path).await;
    assert_eq!((read.status.as_u16(), read.body["elements"].as_array().unwrap().len()), (200, 11));
    let tag = read.header("etag").unwrap().to_owned();
    app.clock.advance_seconds(60);
    let body = json!({"elements": ["IAB9-7", "IAB26-1"]});
    let put =
        async |body: &Value| publisher.send("PUT", path, &body.to_string(), &[("If-Match", &tag)]).await;
    let replaced = put(&body).await;
    assert_eq!((replaced.status.as_u16(), &replaced.body), (200, &body));
    assert_ne!(replaced.header("etag"), Some(&tag[..]));
    assert_eq!(put(&json!({"elements": []})).await.status, 412);
    assert_eq!(publisher.get(path).await.body, body);
    let default = list(&publisher, "iab_content_taxonomy_1.0_chartboost_default").await;
    assert_eq!(default["elements"], body["elements"]);
    assert_eq!(default["date_modified"].as_i64().unwrap() - default["date_created"].as_i64().unwrap(), 60);
    assert_eq!(other.get(path).await.body["elements"].as_array().unwrap().len(), 11, "nobody else's");

    for (elements, fields) in [
        (json!(null), &["elements"][..]),
        (json!("IAB1-1"), &["elements"]),
        (
            json!(["IAB1", 1, "IAB1-1", "IAB1-1", "x"]),
            &["elements[0]", "elements[1]", "elements[3]", "elements[4]"],
        ),
    ] {
        let refused = publisher.call("PUT", path, json!({ "elements": elements })).await;
        assert_eq!((refused.status.as_u16(), refused.error_fields()), (400, fields.to_vec()));
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }
    assert_eq!(publisher.call("PUT", path, json!({})).await.error_fields(), ["elements"]);
    assert_eq!(publisher.get(path).await.body, body);
    let none = publisher.call("PUT", path, json!({"elements": []})).await;
    assert_eq!((none.status.as_u16(), &none.body["elements"]), (200, &json!([])));

    let reader = app.key_with(&[Scope::Read]).await;
    assert_eq!(by_key(&app, &reader, "GET", path, Value::Null).await.status, 200);
    assert_eq!(by_key(&app, &reader, "PUT", path, body).await.status, 403);
}

#[tokio::test]
async fn categories_and_devices_are_listed_whole() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let taxonomy = publisher.get("/tollgate/v1/iab-categories").await;
    let items = taxonomy.body["items"].as_array().unwrap();
    assert_eq!((taxonomy.status.as_u16(), items.len()), (200, 26 + 366));
    assert_eq!(items[0], json!({"code": "IAB1", "name": "Arts & Entertainment", "tier": 1, "parent": null}));
    assert_eq!(
        items[1],
        json!({"code": "IAB1-1", "name": "Books & Literature", "tier": 2, "parent": "IAB1"})
    );
    assert!(taxonomy.body["source"].as_str().unwrap().contains("CC BY 3.0"));
    let devices = publisher.get("/tollgate/v1/devices").await;
    let items = devices.body["items"].as_array().unwrap();
    assert!(items.contains(&json!({"name": "iPad 8th gen", "type": "model", "platform": "ios"})));
    assert!(items.contains(&json!({"name": "Galaxy A", "type": "series", "platform": "android"})));
    for path in ["/tollgate/v1/iab-categories", "/tollgate/v1/devices", "/tollgate/v1/mandatory-categories"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(app.send(request).await.status, 401, "{path}");
    }
}
