use crate::testing::TestApp;
use serde_json::{Value, json};
use tollgate_catalog::{Scope, User};

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_revoked() {
    let app = TestApp::new().await;
    let made = app.call("POST", "/api-keys", json!({"name": "Reports", "scopes": ["write", "read"]})).await;
    let (id, key) = (made.created_id(), made.body["api_key"].as_str().unwrap().to_owned());
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(app.call_as(&key, "GET", "/integrations", Value::Null).await.status, 200);
    let listed = app.call("GET", "/api-keys?sort=name", Value::Null).await;
    assert_eq!(listed.body["meta"]["total_count"], 2);
    assert!(!listed.body.to_string().contains(&key));
    let path = format!("/api-keys/{id}");
    let read = app.call("GET", &path, Value::Null).await.body;
    assert_eq!(
        (&read["name"], &read["scopes"], &read["user"]),
        (&json!("Reports"), &json!(["read", "write"]), &Value::Null)
    );
    assert_eq!(app.call("DELETE", &path, Value::Null).await.body, json!({}));
    assert_eq!(app.call_as(&key, "GET", "/integrations", Value::Null).await.status, 401);
    assert_eq!(app.call("DELETE", &path, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_users_own_key_goes_with_the_user() {
    let app = TestApp::new().await;
    let organization = app.made.organization_id;
    let user = app
        .catalog
        .snapshot()
        .organization(organization)
        .unwrap()
        .table::<User>()
        .iter()
        .next()
        .unwrap()
        .id
        .clone();
    let made = app.call("POST", "/api-keys", json!({"name": "Mine", "user": user})).await;
    let key = made.body["api_key"].as_str().unwrap();
    assert_eq!(app.call_as(key, "GET", "/integrations", Value::Null).await.status, 200);
    assert_eq!(app.call_as(key, "POST", "/integrations", json!({"name": "x"})).await.status, 403);
    let actor = tollgate_catalog::Actor::command_line();
    app.catalog.write(organization, &actor, |draft| draft.delete::<User>(&user, None)).await.unwrap();
    assert_eq!(app.call_as(key, "GET", "/integrations", Value::Null).await.status, 401);
}

#[tokio::test]
async fn bad_requests_are_named_and_no_key_gives_more_than_it_has() {
    let app = TestApp::new().await;
    let bad = json!({"scopes": ["read", "admin"], "user": "nobody", "odd": 1});
    let answered = app.call("POST", "/api-keys", bad).await;
    assert_eq!(answered.error_fields(), ["name", "scopes", "user", "odd"]);
    assert_eq!(
        app.call("POST", "/api-keys", json!({"name": "x", "scopes": []})).await.error_fields(),
        ["scopes"]
    );
    let writer = app.key_with(&[Scope::Write]).await;
    let escalation =
        app.call_as(&writer, "POST", "/api-keys", json!({"name": "x", "scopes": ["read"]})).await;
    assert_eq!(escalation.status, 403);
}
