//! History, past states and restoration, through the router: by API key and by token, of one's own organization only.

use crate::chartboost::testing::Publisher;
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use tollgate_catalog::Scope;

async fn call(app: &TestApp, key: &str, method: &str, path: &str, body: Value) -> Answered {
    let request = Request::builder()
        .method(method)
        .uri(format!("/tollgate/v1{path}"))
        .header("API-KEY", key)
        .header(header::CONTENT_TYPE, "application/json");
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    app.send(request.body(body).unwrap()).await
}

fn key(app: &TestApp) -> &str {
    app.made.api_key.secret.expose()
}

async fn get(app: &TestApp, path: &str) -> Answered {
    call(app, key(app), "GET", path, Value::Null).await
}

async fn restore(app: &TestApp, object: &str, version: u64) -> Answered {
    call(app, key(app), "POST", &format!("/objects/{object}/restore"), json!({"version": version})).await
}

fn assert_problem(answered: &Answered, status: u16, code: &str) {
    assert_eq!(
        (answered.status.as_u16(), answered.body["code"].as_str()),
        (status, Some(code)),
        "{answered:?}"
    );
    assert_eq!(answered.header("content-type"), Some("application/problem+json"));
    assert_eq!(answered.body["status"], status);
    assert!(answered.body["type"].as_str().unwrap().starts_with("/docs/errors#"), "{answered:?}");
}

/// A location of the app; answers its UUID.
async fn locate(publisher: &Publisher<'_>, app: &str, name: &str) -> String {
    let body = json!({"name": name, "ad_type": "interstitial", "type": "fixed_cpm",
                      "country_targeting": [{"country": "US", "price": 1.5}]});
    let made = publisher.call("POST", &format!("/v5/apps/{app}/ad-locations"), body).await;
    assert_eq!(made.status, 200, "{made:?}");
    made.body["uuid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_apps_history_is_told_and_undone() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({"nickname": "first"})).await;
    let renamed = publisher.call("PATCH", &format!("/v5/apps/{id}"), json!({"nickname": "second"})).await;
    assert_eq!((renamed.status.as_u16(), renamed.header("etag")), (200, Some("\"2\"")), "{renamed:?}");
    publisher.call("DELETE", &format!("/v5/apps/{id}"), Value::Null).await;
    let client = format!("oauth_client:{}", app.made.v5.id);
    let history = get(&app, &format!("/objects/app/{id}/history")).await;
    let items = history.body["items"].as_array().unwrap();
    let told: Vec<_> = items
        .iter()
        .map(|item| (item["action"].as_str().unwrap(), item["actor"].as_str().unwrap()))
        .collect();
    let by = client.as_str();
    assert_eq!(told, [("deleted", by), ("updated", by), ("created", by)]);
    assert_eq!(items[1]["changes"], json!([{"field": "nickname", "old": "first", "new": "second"}]));
    assert_eq!(history.body["next_cursor"], Value::Null);
    let was = get(&app, &format!("/objects/app/{id}/versions/1")).await;
    assert_eq!(
        (was.body["document"]["nickname"].as_str(), was.header("etag")),
        (Some("first"), Some("\"1\""))
    );
    assert_eq!(publisher.get(&format!("/v5/apps/{id}")).await.status, 404);
    let back = restore(&app, &format!("app/{id}"), 1).await;
    assert_eq!((back.status.as_u16(), back.header("etag")), (200, Some("\"4\"")), "{back:?}");
    assert_eq!(back.body["actor"], format!("api_key:{}", app.made.api_key.id));
    let read = publisher.get(&format!("/v5/apps/{id}")).await;
    assert_eq!((read.body["nickname"].as_str(), read.header("etag")), (Some("first"), Some("\"4\"")));
    let newest = get(&app, &format!("/objects/app/{id}/history?limit=1")).await;
    assert_eq!(newest.body["items"][0]["action"], "restored");
    let cursor = newest.body["next_cursor"].as_str().unwrap();
    let rest = get(&app, &format!("/objects/app/{id}/history?cursor={cursor}")).await;
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_restoration_keeps_the_rules_of_a_write() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({"is_live": false, "store_app_id": null})).await;
    let uuid = locate(&publisher, &id, "Main").await;
    let location = format!("ad_location/{id}%2F{uuid}");
    let path = format!("/v5/apps/{id}/ad-locations/{uuid}");
    publisher.call("PATCH", &path, json!({"name": "Other"})).await;
    locate(&publisher, &id, "Main").await;
    assert_problem(&restore(&app, &location, 1).await, 400, "existing_fixed_cpm");
    publisher.call("DELETE", &format!("/v5/apps/{id}"), Value::Null).await;
    assert_problem(&restore(&app, &location, 1).await, 400, "parent_missing");
    assert_eq!(restore(&app, &format!("app/{id}"), 1).await.status, 200);
    let live = json!({"is_live": true, "store_app_id": "com.a.b"});
    assert_eq!(publisher.call("PATCH", &format!("/v5/apps/{id}"), live).await.status, 200);
    let refused = restore(&app, &format!("app/{id}"), 1).await;
    assert_problem(&refused, 400, "invalid_parameters");
    assert_eq!(refused.error_fields(), ["is_live", "store_app_id"]);
    let credential = format!("api_key/{}", app.made.api_key.id);
    assert_problem(&restore(&app, &credential, 1).await, 400, "not_restorable");
}

#[tokio::test]
async fn lists_and_settings_come_back_in_their_order() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    let list = publisher
        .call(
            "POST",
            "/v5/lists",
            json!({"title": "t", "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-1"]}),
        )
        .await;
    let list = list.body["id"].as_str().unwrap().to_owned();
    let settings = format!("/v5/apps/{id}/monetization_settings");
    let blocked = json!({"ad_blocking_settings": {"blocked_iab_categories_v1_list": list}});
    let changed = publisher.call("PATCH", &settings, blocked).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    publisher.call("DELETE", &format!("/v5/lists/{list}"), Value::Null).await;
    let object = format!("monetization_settings/{id}");
    let refused = restore(&app, &object, 1).await;
    assert_problem(&refused, 400, "invalid_parameters");
    assert_eq!(refused.body["errors"][0]["code"], "unknown_list");
    assert_eq!(restore(&app, &format!("category_list/{list}"), 1).await.status, 200);
    assert_eq!(restore(&app, &object, 1).await.status, 200);
    let read = publisher.get(&settings).await;
    assert_eq!(
        read.body["ad_blocking_settings"]["blocked_iab_categories_v1_list"],
        list.as_str(),
        "{read:?}"
    );
}

#[tokio::test]
async fn a_restoration_is_conditional_and_done_once() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({"nickname": "first"})).await;
    publisher.call("PATCH", &format!("/v5/apps/{id}"), json!({"nickname": "second"})).await;
    let path = format!("/tollgate/v1/objects/app/{id}/restore");
    let send = |tag: &'static str, key: &'static str, body: &'static str| {
        let (publisher, path) = (&publisher, &path);
        async move { publisher.send("POST", path, body, &[("If-Match", tag), ("Idempotency-Key", key)]).await }
    };
    assert_problem(&send("\"1\"", "k", "{\"version\":1}").await, 412, "precondition_failed");
    let first = send("\"2\"", "k", "{\"version\":1}").await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (200, None), "{first:?}");
    let again = send("\"2\"", "k", "{ \"version\": 1 }").await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
    assert_problem(&send("\"3\"", "k", "{\"version\":2}").await, 422, "idempotency_key_reused");
    assert_problem(&send("3", "k", "{\"version\":2}").await, 400, "invalid_parameters");
}

#[tokio::test]
async fn the_audit_log_tells_everything_by_whoever_did_it() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    app.clock.advance_seconds(60);
    let id = publisher.new_app(json!({})).await;
    let made = app.call("POST", "/integrations", json!({"name": "n"})).await.created_id();
    let log = get(&app, "/audit-log").await;
    let items = log.body["items"].as_array().unwrap();
    let seqs: Vec<_> = items.iter().map(|item| item["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] > pair[1]));
    assert!(items.iter().all(|item| !item["actor"].as_str().unwrap().is_empty()));
    assert_eq!(items.last().unwrap()["actor"], "cli");
    let secret = app.made.api_key.secret.expose();
    assert!(!log.body.to_string().contains(secret));
    let count = |query: &str| {
        let (app, path) = (&app, format!("/audit-log?{query}"));
        async move { get(app, &path).await.body["items"].as_array().unwrap().len() }
    };
    assert_eq!(count(&format!("id={id}")).await, 1);
    assert_eq!(count(&format!("kind=integration&id={made}")).await, 1);
    assert_eq!(count("kind=integration").await, 2, "init made one");
    assert_eq!(count(&format!("actor=oauth_client:{}", app.made.v5.id)).await, 1);
    assert_eq!(count("from=2023-11-14T22:14:20Z").await, 3, "an app, an integration and its Default group");
    assert_eq!(count("to=2023-11-14T22:14:20Z").await, items.len() - 3);
    assert_eq!(count("limit=2").await, 2);
    let refused = get(&app, "/audit-log?kind=x&from=yesterday&limit=0&cursor=x").await;
    assert_problem(&refused, 400, "invalid_parameters");
    let mut fields = refused.error_fields();
    fields.sort_unstable();
    assert_eq!(fields, ["cursor", "from", "kind", "limit"]);
}

#[tokio::test]
async fn nobody_sees_or_restores_what_is_anothers() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = publisher.new_app(json!({})).await;
    let neighbour = app.neighbour().await;
    let mine = format!("/objects/app/{id}");
    for (method, path, body) in [
        ("GET", format!("{mine}/history"), Value::Null),
        ("GET", format!("{mine}/versions/1"), Value::Null),
        ("POST", format!("{mine}/restore"), json!({"version": 1})),
    ] {
        let theirs = call(&app, &neighbour.api_key, method, &path, body.clone()).await;
        // An app that never was is answered the same.
        let nothing = call(&app, &neighbour.api_key, method, &path.replace(&id, "ffff"), body).await;
        if path.ends_with("restore") && theirs.status == 403 {
            assert_problem(&theirs, 403, "disclosure_not_accepted");
        } else {
            assert_problem(&theirs, 404, "not_found");
        }
        assert_eq!(theirs.body, nothing.body);
    }
    let log = call(&app, &neighbour.api_key, "GET", "/audit-log", Value::Null).await;
    assert!(!log.body.to_string().contains(&id));
    assert!(!log.body["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_caller_needs_a_credential_and_the_scope_of_the_method() {
    let app = TestApp::new().await;
    let object = format!("/objects/api_key/{}", app.made.api_key.id);
    let bare = Request::get("/tollgate/v1/audit-log").body(Body::empty()).unwrap();
    let refused = app.send(bare).await;
    assert_problem(&refused, 401, "unauthorized");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    assert_problem(&call(&app, "nonsense", "GET", "/audit-log", Value::Null).await, 401, "unauthorized");
    let reader = app.key_with(&[Scope::Read]).await;
    assert_eq!(call(&app, &reader, "GET", &format!("{object}/history"), Value::Null).await.status, 200);
    let body = json!({"version": 1});
    let write = call(&app, &reader, "POST", &format!("{object}/restore"), body).await;
    assert_problem(&write, 403, "missing_scope");
    let writer = app.key_with(&[Scope::Write]).await;
    assert_problem(&call(&app, &writer, "GET", "/audit-log", Value::Null).await, 403, "missing_scope");
    assert_problem(&get(&app, "/objects/teapot/x/history").await, 404, "not_found");
    assert_problem(&get(&app, &format!("{object}/versions/x")).await, 404, "not_found");
    assert_problem(&restore(&app, &object[9..], 99).await, 404, "not_found");
    for body in [json!({}), json!({"version": 0}), json!({"version": "1"}), json!({"version": null})] {
        let refused = call(&app, key(&app), "POST", &format!("{object}/restore"), body).await;
        assert_problem(&refused, 400, "invalid_parameters");
        assert_eq!(refused.error_fields(), ["version"]);
    }
}
