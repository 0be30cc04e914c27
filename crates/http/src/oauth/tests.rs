//! Golden tests of the token endpoints, errors first and in the order in which they are judged.

use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tollgate_catalog::{Actor, ClientVersion, refresh_oauth_client};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const AUDIENCE: &str = "https://public.api.gateway.chartboost.com";

async fn post(app: &TestApp, path: &str, kind: &str, basic: Option<(&str, &str)>, body: &str) -> Answered {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, kind);
    if let Some((id, secret)) = basic {
        let encoded = STANDARD.encode(format!("{id}:{secret}"));
        request = request.header(header::AUTHORIZATION, format!("Basic {encoded}"));
    }
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn credentials(app: &TestApp) -> (String, String) {
    (app.made.v5.id.clone(), app.made.v5.secret.expose().to_owned())
}

async fn post_v5(app: &TestApp, body: Value) -> Answered {
    post(app, "/oauth/token", JSON, None, &body.to_string()).await
}

fn assert_error(answered: &Answered, status: u16, code: &str) {
    assert_eq!(
        (answered.status.as_u16(), answered.body["error"].as_str()),
        (status, Some(code)),
        "{answered:?}"
    );
    assert_unstored(answered);
    let description = answered.body["error_description"].as_str().unwrap();
    let legal = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    assert!(description.chars().all(legal), "{description}");
}

fn assert_unstored(answered: &Answered) {
    assert_eq!(answered.header("cache-control"), Some("no-store"));
    assert_eq!(answered.header("pragma"), Some("no-cache"));
    assert_eq!(answered.header("content-type"), Some("application/json;charset=UTF-8"));
}

fn assert_token(app: &TestApp, answered: &Answered) {
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_unstored(answered);
    let token = answered.body["access_token"].as_str().unwrap();
    assert_eq!(answered.body, json!({"access_token": token, "token_type": "Bearer", "expires_in": 86400}));
    assert_eq!(token.len(), 64);
    assert_eq!(app.catalog.token(token).unwrap().organization, app.made.organization_id);
}

#[tokio::test]
async fn tokens_come_by_every_documented_way() {
    let app = TestApp::new().await;
    let (id, secret) = credentials(&app);
    let whole = json!({"client_id": id, "client_secret": secret, "audience": AUDIENCE,
                       "grant_type": "client_credentials", "unknown": "ignored"});
    for path in ["/oauth/token", "/v5/oauth/token"] {
        assert_token(&app, &post(&app, path, JSON, None, &whole.to_string()).await);
        let form = format!(
            "grant_type=client_credentials&client_id={id}&client_secret={secret}&audience={AUDIENCE}"
        );
        assert_token(&app, &post(&app, path, FORM, None, &form).await);
        let basic = Some((id.as_str(), secret.as_str()));
        assert_token(&app, &post(&app, path, FORM, basic, "grant_type=client_credentials&scope=").await);
    }
    let (id, secret) = (app.made.v4.id.as_str(), app.made.v4.secret.expose());
    assert_token(
        &app,
        &post(&app, "/v4/token", FORM, Some((id, secret)), "grant_type=client_credentials").await,
    );
}

#[tokio::test]
async fn errors_are_judged_in_their_order() {
    let app = TestApp::new().await;
    let (id, secret) = credentials(&app);
    let bad = json!({"client_id": id, "client_secret": "wrong", "audience": "wrong", "scope": "wrong"});
    let with = |changes: Value| {
        let mut body = bad.clone();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    assert_error(&post_v5(&app, bad.clone()).await, 400, "invalid_request");
    assert_error(
        &post_v5(&app, with(json!({"grant_type": "password"}))).await,
        400,
        "unsupported_grant_type",
    );
    let granted = json!({"grant_type": "client_credentials"});
    assert_error(&post_v5(&app, with(granted.clone())).await, 401, "invalid_client");
    let mut proven = granted;
    proven["client_secret"] = secret.into();
    assert_error(&post_v5(&app, with(proven.clone())).await, 400, "invalid_request");
    proven["audience"] = AUDIENCE.into();
    assert_error(&post_v5(&app, with(proven.clone())).await, 400, "invalid_scope");
    proven["scope"] = Value::Null;
    assert_token(&app, &post_v5(&app, with(proven)).await);
}

#[tokio::test]
async fn a_client_that_used_the_header_is_told_which_scheme() {
    let app = TestApp::new().await;
    let (id, _) = credentials(&app);
    let body = "grant_type=client_credentials";
    let answered = post(&app, "/oauth/token", FORM, Some((&id, "wrong")), body).await;
    assert_error(&answered, 401, "invalid_client");
    assert_eq!(answered.header("www-authenticate"), Some("Basic realm=\"tollgate\""));
    for path in ["/oauth/token", "/v4/token"] {
        let answered = post(&app, path, FORM, None, body).await;
        assert_error(&answered, 401, "invalid_client");
        assert_eq!(answered.header("www-authenticate"), None);
    }
    for value in ["Bearer abc", "Basic !!!", "Basic", "\u{e4}"] {
        let request = Request::post("/oauth/token")
            .header(header::CONTENT_TYPE, FORM)
            .header(header::AUTHORIZATION, value)
            .body(Body::from(body))
            .unwrap();
        let answered = app.send(request).await;
        assert_error(&answered, 401, "invalid_client");
        assert!(answered.header("www-authenticate").is_some());
    }
}

#[tokio::test]
async fn credentials_of_the_other_version_are_unauthorized() {
    let app = TestApp::new().await;
    let body = "grant_type=client_credentials";
    for (path, client) in [("/v4/token", &app.made.v5), ("/oauth/token", &app.made.v4)] {
        let answered = post(&app, path, FORM, Some((&client.id, client.secret.expose())), body).await;
        assert_error(&answered, 400, "unauthorized_client");
    }
}

#[tokio::test]
async fn malformed_requests_are_invalid() {
    let app = TestApp::new().await;
    let (id, secret) = credentials(&app);
    let basic = Some((id.as_str(), secret.as_str()));
    let both = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    assert_error(&post(&app, "/oauth/token", FORM, basic, &both).await, 400, "invalid_request");
    let twice = "grant_type=client_credentials&grant_type=client_credentials";
    assert_error(&post(&app, "/oauth/token", FORM, basic, twice).await, 400, "invalid_request");
    for body in ["", "[]", "{", "null", r#"{"grant_type":1}"#, r#"{"grant_type":"a","grant_type":"a"}"#] {
        assert_error(&post(&app, "/oauth/token", JSON, basic, body).await, 400, "invalid_request");
    }
    assert_error(&post(&app, "/oauth/token", "text/plain", basic, "x").await, 415, "invalid_request");
    let large = format!("grant_type={}", "x".repeat(1 << 20));
    assert_error(&post(&app, "/oauth/token", FORM, basic, &large).await, 413, "invalid_request");
    let answered = app.send(Request::get("/oauth/token").body(Body::empty()).unwrap()).await;
    assert_eq!((answered.status.as_u16(), answered.header("allow")), (405, Some("POST")));
    assert_error(&answered, 405, "invalid_request");
}

#[tokio::test]
async fn a_refreshed_client_gets_no_more_tokens_and_keeps_those_it_has() {
    let app = TestApp::new().await;
    let (id, secret) = credentials(&app);
    let body = json!({"client_id": id, "client_secret": secret, "grant_type": "client_credentials"});
    let answered = post_v5(&app, body.clone()).await;
    let token = answered.body["access_token"].as_str().unwrap().to_owned();
    let (organization, actor) = (app.made.organization_id, Actor::command_line());
    let refresh = |version| {
        let actor = &actor;
        let catalog = &app.catalog;
        async move {
            catalog.write(organization, actor, |draft| refresh_oauth_client(draft, version)).await.unwrap()
        }
    };
    refresh(ClientVersion::V4).await;
    assert_token(&app, &post_v5(&app, body.clone()).await);
    let fresh = refresh(ClientVersion::V5).await;
    assert_error(&post_v5(&app, body).await, 401, "invalid_client");
    assert!(app.catalog.token(&token).is_some(), "it lives until it expires or is revoked");
    let mixed =
        json!({"client_id": id, "client_secret": fresh.secret.expose(), "grant_type": "client_credentials"});
    assert_error(&post_v5(&app, mixed).await, 401, "invalid_client");
    let renewed = json!({"client_id": fresh.id, "client_secret": fresh.secret.expose(), "grant_type": "client_credentials"});
    assert_token(&app, &post_v5(&app, renewed).await);
}
