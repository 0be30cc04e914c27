//! What holds on every route of the dialect: keys, scopes, unknown routes and methods, bodies, other organizations.

use crate::testing::TestApp;
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use tollgate_catalog::Scope;

async fn with_headers(app: &TestApp, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request = Request::get("/api/v2/integrations");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answered = app.send(request.body(Body::empty()).unwrap()).await;
    if answered.status == 401 {
        assert_eq!(answered.header("www-authenticate"), Some("Bearer"));
    }
    (answered.status.as_u16(), answered.body)
}

#[tokio::test]
async fn keys_come_in_either_header() {
    let app = TestApp::new().await;
    let key = app.made.api_key.secret.expose();
    let bearer = format!("Bearer {key}");
    for headers in [
        &[("API-KEY", key)][..],
        &[("api-key", key)],
        &[("Authorization", &bearer)],
        &[("API-KEY", key), ("Authorization", &bearer)],
    ] {
        assert_eq!(with_headers(&app, headers).await.0, 200);
    }
    for headers in [
        &[][..],
        &[("API-KEY", "")],
        &[("API-KEY", "wrong")],
        &[("API-KEY", key), ("API-KEY", key)],
        &[("API-KEY", key), ("Authorization", "Bearer other")],
        &[("Authorization", key)],
        &[("Authorization", "Basic YTpi")],
        &[("Authorization", "Bearer ")],
        &[("API-KEY", app.made.v5.secret.expose())],
    ] {
        let (status, body) = with_headers(&app, headers).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthorized")), "{headers:?}");
        assert!(!body.to_string().contains(key));
    }
}

#[tokio::test]
async fn an_oauth_token_is_no_api_key() {
    let app = TestApp::new().await;
    let client = app.catalog.snapshot();
    let client = client.oauth_client(&app.made.v5.id, app.made.v5.secret.expose()).unwrap();
    let token = app.catalog.issue_token(app.made.organization_id, &client.object).await.unwrap();
    assert!(app.catalog.token(token.expose()).is_some());
    assert_eq!(with_headers(&app, &[("Authorization", &format!("Bearer {}", token.expose()))]).await.0, 401);
}

#[tokio::test]
async fn scopes_are_asked_for() {
    let app = TestApp::new().await;
    let (reader, writer) = (app.key_with(&[Scope::Read]).await, app.key_with(&[Scope::Write]).await);
    let integration = format!("/integrations/{}", app.made.integration_id);
    for (key, method, path, body, status) in [
        (&reader, "GET", "/integrations", Value::Null, 200),
        (&reader, "POST", "/integrations", json!({"name": "x"}), 403),
        (&reader, "DELETE", integration.as_str(), Value::Null, 403),
        (&writer, "GET", "/integrations", Value::Null, 403),
        (&writer, "POST", "/integrations", json!({"name": "x"}), 201),
    ] {
        let answered = app.call_as(key, method, path, body).await;
        assert_eq!(answered.status.as_u16(), status, "{method} {path}: {answered:?}");
        if status == 403 {
            assert_eq!(answered.body["code"], "missing_scope");
        }
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_in_the_dialect() {
    let app = TestApp::new().await;
    let answered = app.call("GET", "/nothing", Value::Null).await;
    assert_eq!((answered.status.as_u16(), &answered.body["code"]), (404, &json!("not_found")));
    for path in
        ["/integrations/%FF", "/integrations/a%2Fb", "/integrations/%FF/filter-groups/a", "/api-keys/%C3%28"]
    {
        let answered = app.call("GET", path, Value::Null).await;
        assert_eq!((answered.status.as_u16(), &answered.body["code"]), (404, &json!("not_found")), "{path}");
    }
    let answered = app.call("PUT", "/integrations", Value::Null).await;
    assert_eq!((answered.status.as_u16(), &answered.body["code"]), (405, &json!("method_not_allowed")));
    let allow = answered.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    let answered = app.send(Request::get("/v5/nothing").body(Body::empty()).unwrap()).await;
    assert_eq!((answered.status.as_u16(), &answered.body["detail"][0]["type"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_named() {
    let app = TestApp::new().await;
    let send = async |kind: Option<&str>, body: Vec<u8>| {
        let mut request =
            Request::post("/api/v2/integrations").header("API-KEY", app.made.api_key.secret.expose());
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let answered = app.send(request.body(Body::from(body)).unwrap()).await;
        (answered.status.as_u16(), answered.body["code"].as_str().unwrap_or_default().to_owned())
    };
    let json = Some("application/json");
    let malformed = (400, "malformed_body".to_owned());
    for body in ["{", "[]", "{\"name\":\"a\",\"name\":\"b\"}", "{\"name\":1e999}", "\"\\ud800\""] {
        assert_eq!(send(json, body.into()).await, malformed, "{body}");
    }
    assert_eq!(send(json, b"{\"name\":\"\xff\"}".to_vec()).await, malformed);
    assert_eq!(send(Some("application/x-www-form-urlencoded"), b"name=%ff".to_vec()).await, malformed);
    let deep = format!("{{\"a\":{}}}", "[".repeat(50_000));
    assert_eq!(send(json, deep.into()).await, malformed);
    let unsupported = (415, "unsupported_media_type".to_owned());
    assert_eq!(send(Some("text/xml"), b"<a/>".to_vec()).await, unsupported);
    assert_eq!(send(None, b"{}".to_vec()).await, unsupported);
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(send(json, large.into()).await, (413, "body_too_large".to_owned()));
    assert_eq!(app.call("GET", "/integrations", Value::Null).await.body["meta"]["total_count"], 1);
}

#[tokio::test]
async fn other_organizations_do_not_exist() {
    let app = TestApp::new().await;
    let theirs = app.neighbour().await;
    let one = format!("/integrations/{}", theirs.integration);
    let groups = format!("{one}/filter-groups");
    let listed = app.call_as(&theirs.api_key, "GET", &groups, Value::Null).await;
    let group = format!("{groups}/{}", listed.body["data"][0]["id"].as_str().unwrap());
    let keys = app.call_as(&theirs.api_key, "GET", "/api-keys", Value::Null).await;
    let key = format!("/api-keys/{}", keys.body["data"][0]["id"].as_str().unwrap());
    let own = app.call("GET", "/integrations", Value::Null).await;
    assert_eq!(own.body["meta"]["total_count"], 1);
    for (method, path, body) in [
        ("GET", &one, Value::Null),
        ("PATCH", &one, json!({"name": "mine"})),
        ("DELETE", &one, Value::Null),
        ("GET", &groups, Value::Null),
        ("POST", &groups, json!({"name": "mine", "priority": 1})),
        ("PATCH", &groups, json!({"data": ["a"], "monitoring_mode": true})),
        ("DELETE", &groups, json!({"data": ["a"]})),
        ("GET", &group, Value::Null),
        ("PATCH", &group, json!({"name": "mine"})),
        ("DELETE", &group, Value::Null),
        ("GET", &key, Value::Null),
        ("DELETE", &key, Value::Null),
    ] {
        let answered = app.call(method, path, body).await;
        assert_eq!(answered.status.as_u16(), 404, "{method} {path}: {answered:?}");
    }
    assert_eq!(app.call_as(&theirs.api_key, "GET", &group, Value::Null).await.body["name"], "Default");
}
