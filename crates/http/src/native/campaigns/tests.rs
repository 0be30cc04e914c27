//! Campaigns through the real router: made, changed, listed, deleted, restored; and what is refused.

use crate::testing::TestApp;
use serde_json::{Value, json};

async fn an_app(app: &TestApp) -> String {
    app.publisher().await.new_app(json!({})).await
}

#[tokio::test]
async fn a_campaign_is_made_changed_listed_deleted_and_restored() {
    let app = TestApp::new().await;
    let shop = an_app(&app).await;
    let made = app.native("POST", "/campaigns", json!({"name": "Spring", "app_id": shop})).await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, Some("\"1\"")), "{made:?}");
    let expected = json!({
        "id": made.body["id"], "name": "Spring", "campaign_type": "network", "app_id": shop, "status": "active",
        "billing": "cpm", "bids": [], "date_min": null, "date_max": null, "promote_in": [], "creatives": [],
        "created_at": made.body["created_at"], "updated_at": made.body["updated_at"],
    });
    assert_eq!(made.body, expected);
    assert!(made.body["id"].as_str().unwrap().len() == 24);
    let own = json!({
        "id": "tracker-7", "name": "Own", "app_id": shop, "billing": "cpi",
        "bids": [{"country": "default", "price": 1.5}, {"country": "DE", "price": 2.25}],
        "date_min": "2026-03-01", "date_max": "2026-03-31", "promote_in": [shop],
        "creatives": [{"id": "c1", "name": "First"}],
    });
    let second = app.native("POST", "/campaigns", own.clone()).await;
    assert_eq!(second.status, 201, "{second:?}");
    // What was read can be sent back.
    let again = app.native("PATCH", "/campaigns/tracker-7", second.body.clone()).await;
    assert_eq!((again.status.as_u16(), again.header("etag")), (200, Some("\"1\"")), "{again:?}");
    let change = json!({"status": "paused", "date_max": null, "bids": [{"country": "default", "price": 3}]});
    let changed = app.native("PATCH", "/campaigns/tracker-7", change).await.body;
    assert_eq!((&changed["status"], &changed["date_max"]), (&json!("paused"), &Value::Null));
    assert_eq!(changed["bids"], json!([{"country": "default", "price": 3.0}]));
    let taken = app.native("POST", "/campaigns", own).await;
    assert_eq!((taken.status.as_u16(), taken.error_fields()), (400, vec!["id"]));
    let other = an_app(&app).await;
    let promoted = app.native("PATCH", "/campaigns/tracker-7", json!({"app_id": other})).await;
    assert_eq!((promoted.status.as_u16(), promoted.error_fields()), (400, vec!["app_id"]), "{promoted:?}");
    let page = app.native("GET", "/campaigns?limit=1", Value::Null).await.body;
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = app.native("GET", &format!("/campaigns?limit=1&cursor={cursor}"), Value::Null).await.body;
    assert_eq!((&next["items"][0]["id"], &next["next_cursor"]), (&json!("tracker-7"), &Value::Null));
    let paused = app.native("GET", "/campaigns?status=paused", Value::Null).await.body;
    assert_eq!(paused["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.native("DELETE", "/campaigns/tracker-7", Value::Null).await.status, 204);
    assert_eq!(app.native("GET", "/campaigns/tracker-7", Value::Null).await.status, 404);
    let again = json!({"id": "tracker-7", "name": "Another", "app_id": other});
    let refused = app.native("POST", "/campaigns", again).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (400, &json!("other_campaign")),
        "{refused:?}"
    );
    let restored = app.native("POST", "/objects/campaign/tracker-7/restore", json!({"version": 1})).await;
    assert!(restored.status.is_success(), "{restored:?}");
    assert_eq!(app.native("GET", "/campaigns/tracker-7", Value::Null).await.body["date_max"], "2026-03-31");
}

#[tokio::test]
async fn what_is_not_legal_is_named() {
    let app = TestApp::new().await;
    let shop = an_app(&app).await;
    let bid = json!([{"country": "default", "price": 1}]);
    for (body, fields) in [
        (json!({}), &["name", "app_id"][..]),
        (json!({"name": "", "app_id": "x"}), &["name", "app_id"]),
        (json!({"name": "x", "app_id": shop, "id": "a/b"}), &["id"]),
        (json!({"name": "x", "app_id": shop, "billing": "cpc"}), &["bids"]),
        (json!({"name": "x", "app_id": shop, "bids": bid}), &["bids"]),
        (
            json!({"name": "x", "app_id": shop, "billing": "cpi", "bids": bid, "campaign_type": "cross_promo"}),
            &["bids", "billing"],
        ),
        (
            json!({"name": "x", "app_id": shop, "date_min": "2026-03-02", "date_max": "2026-03-01"}),
            &["date_max"],
        ),
        (json!({"name": "x", "app_id": shop, "date_min": "soon"}), &["date_min"]),
        (json!({"name": "x", "app_id": shop, "promote_in": ["x"]}), &["promote_in[0]"]),
        (
            json!({"name": "x", "app_id": shop, "creatives": [{"id": "a", "name": "a"}, {"id": "a", "name": "b"}]}),
            &["creatives[1].id"],
        ),
        (json!({"name": "x", "app_id": shop, "status": null, "weather": 1}), &["status", "weather"]),
    ] {
        let answered = app.native("POST", "/campaigns", body.clone()).await;
        assert_eq!((answered.status.as_u16(), answered.error_fields()), (400, fields.to_vec()), "{body}");
    }
    for nobodys in ["app_id", "promote_in"] {
        let id = "0123456789abcdef01234567";
        let value = if nobodys == "app_id" { json!(id) } else { json!([id]) };
        let mut body = json!({"name": "x", "app_id": shop});
        body[nobodys] = value;
        let answered = app.native("POST", "/campaigns", body).await;
        assert_eq!((answered.status.as_u16(), &answered.body["code"]), (400, &json!("unknown_app")));
    }
}
