//! Campaigns, apps and the account for a user id and its signature.

use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tollgate_domain::{Event, EventKind, Number, Status, Text};

fn proof(app: &TestApp) -> String {
    format!("user_id={}&user_signature={}", app.made.legacy.id, app.made.legacy.secret.expose())
}

async fn get(app: &TestApp, path: &str) -> Answered {
    let joined = if path.contains('?') { "&" } else { "?" };
    app.send(Request::get(format!("{path}{joined}{}", proof(app))).body(Body::empty()).unwrap()).await
}

async fn transfer(app: &TestApp, amount: Value) -> Answered {
    let legacy = &app.made.legacy;
    let body = json!({"amount": amount, "user_id": legacy.id, "user_signature": legacy.secret.expose()});
    let request = Request::post("/account/transfer").header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// Conversions that earn so many micro-dollars each, and cost twice as much.
fn earn(app: &TestApp, amounts: &[i64]) {
    let event = |micros: &i64| {
        let mut event = Event::new(EventKind::Conversion, app.made.integration_id);
        event.set_number(Number::RequestTime, 1_699_000_000_000);
        event.set_status(Status::Approved);
        event.set_text(Text::Campaign, "spring");
        event.set_number(Number::Payout, *micros);
        event.set_number(Number::Revenue, 2 * micros);
        event
    };
    let mut events: Vec<Event> = amounts.iter().map(event).collect();
    app.store(&mut events);
}

#[tokio::test]
async fn the_account_tells_what_was_earned_and_a_transfer_makes_funds_of_it() {
    let app = TestApp::new().await;
    let account = get(&app, "/account").await;
    assert_eq!(account.body, json!({"company": "My organization", "balance": 0, "earnings": 0}));
    earn(&app, &[250_000_000, 33_333_333]);
    let account = get(&app, "/account").await.body;
    assert_eq!((&account["earnings"], &account["balance"]), (&json!(283.333333), &json!(-566.666666)));
    for wrong in [json!(99.99), json!("x"), json!(-100), json!(null), json!(1e12)] {
        let refused = transfer(&app, wrong.clone()).await;
        assert_eq!(refused.status, 400, "{wrong}");
        let message = refused.body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("amount: "), "{wrong}: {message}");
    }
    let refused = transfer(&app, json!(283.333334)).await;
    assert_eq!((refused.status.as_u16(), get(&app, "/account").await.body), (400, account), "{refused:?}");
    let done = transfer(&app, json!(200.5)).await;
    let expected = json!({
        "amount": 200.5, "balance": -366.166666, "earnings": 82.833333, "status": "success",
        "message": done.body["message"],
    });
    assert_eq!((done.status.as_u16(), &done.body), (200, &expected));
    assert_eq!(transfer(&app, json!("100")).await.status, 400, "that is not left");
    let other = app.other_publisher().await;
    assert_eq!(other.get("/account").await.status, 401, "a token is no signature");
}

#[tokio::test]
async fn a_transfer_that_is_sent_again_with_its_key_is_done_once() {
    let app = TestApp::new().await;
    earn(&app, &[450_000_000]);
    let legacy = &app.made.legacy;
    let keyed = async |key: &str, amount: i64| {
        let body = json!({"amount": amount, "user_id": legacy.id, "user_signature": legacy.secret.expose()});
        let request = Request::post("/account/transfer")
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        app.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let first = keyed("a", 100).await;
    assert_eq!((first.status.as_u16(), &first.body["earnings"]), (200, &json!(350)), "{first:?}");
    let again = keyed("a", 100).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(keyed("a", 200).await.status, 422, "another amount is another transfer");
    assert_eq!(get(&app, "/account").await.body["earnings"], json!(350));
    assert_eq!(keyed("b", 100).await.body["earnings"], json!(250));
    let refused = keyed("a b", 100).await;
    let message = refused.body["error"]["message"].as_str();
    assert!(message.is_some_and(|said| said.contains("Idempotency-Key")), "{refused:?}");
}

#[tokio::test]
async fn at_the_same_time_nobody_takes_more_than_there_is() {
    let app = TestApp::new().await;
    earn(&app, &[450_000_000]);
    let one = || transfer(&app, json!(100));
    let answered = tokio::join!(one(), one(), one(), one(), one(), one());
    let all = [answered.0, answered.1, answered.2, answered.3, answered.4, answered.5];
    assert_eq!(all.iter().filter(|one| one.status == 200).count(), 4, "{all:?}");
    assert_eq!(get(&app, "/account").await.body["earnings"], json!(50));
}

#[tokio::test]
async fn campaigns_and_apps_have_the_keys_that_clients_read() {
    let app = TestApp::new().await;
    let shop = app.publisher().await.new_app(json!({"nickname": "Shop"})).await;
    let body = json!({
        "id": "spring", "name": "Spring", "app_id": shop, "billing": "cpc",
        "bids": [{"country": "default", "price": 0.25}], "date_min": "2026-03-01",
    });
    let made = app.native("POST", "/campaigns", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let expected = json!([{
        "id": "spring", "name": "Spring", "app_id": shop, "bids": [{"country": "default", "price": 0.25}],
        "campaign_type": "network", "date_created": 1_700_000_000, "date_modified": 1_700_000_000,
        "date_min": "2026-03-01", "date_max": null, "platform": "Google Play", "promote_in": [], "status": "active",
    }]);
    assert_eq!(get(&app, "/campaigns").await.body, expected);
    assert_eq!(get(&app, "/campaigns?campaign_id=spring").await.body, expected);
    assert_eq!(get(&app, "/campaigns?campaign_id=other").await.body, json!([]));
    let apps = get(&app, "/apps/").await.body;
    let expected = json!({
        "id": shop, "name": "Shop", "nickname": "Shop", "date_created": 1_700_000_000,
        "store_id": "com.chartboost.example", "store_url": "https://play.google.com/store/apps/example",
        "bundle_id": "com.chartboost.example", "platform": "Google Play",
    });
    assert_eq!(apps, json!({ &shop: expected }));
    assert_eq!(get(&app, &format!("/apps/{shop}")).await.body, expected);
    let missing = get(&app, "/apps/0123456789abcdef01234567").await;
    assert_eq!(missing.status, 404);
    assert!(missing.body["error"]["message"].as_str().unwrap().contains("0123456789abcdef01234567"));
}
