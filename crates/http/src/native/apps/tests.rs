use crate::chartboost::apps::tests::make_app;
use crate::testing::{Answered, TestApp};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

/// A request with `init`'s API key and, unless it is null, a JSON body.
pub(in crate::native) async fn call(home: &TestApp, method: &str, path: &str, body: Value) -> Answered {
    let request = Request::builder()
        .method(method)
        .uri(format!("/tollgate/v1{path}"))
        .header("API-KEY", home.made.api_key.secret.expose());
    let request = if body.is_null() {
        request.body(Body::empty())
    } else {
        request.header("Content-Type", "application/json").body(Body::from(body.to_string()))
    };
    home.send(request.unwrap()).await
}

#[tokio::test]
async fn a_person_decides() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let id = make_app(&publisher, "n").await;
    home.clock.advance_seconds(60);
    let path = format!("/apps/{id}/review");
    let body = json!({"status": "Rejected", "reject_reason": "dau", "reject_detail": "low-dau",
        "reviewer_notes": "see me"});
    let decided = call(&home, "PUT", &path, body).await;
    let by = format!("api_key:{}", home.made.api_key.id);
    let expected = json!({
        "status": "Rejected", "created_at": 1_700_000_000, "reviewed_by": by, "reviewed_at": 1_700_000_060,
        "reviewer_notes": "see me", "reject_reason": "dau", "reject_detail": "low-dau", "rejected_at": 1_700_000_060
    });
    assert_eq!((decided.status.as_u16(), decided.header("etag")), (200, Some("\"2\"")), "{decided:?}");
    assert_eq!(decided.body, json!({"app_id": id, "publishing_application": expected}));
    let read = publisher.get(&format!("/v5/apps/{id}")).await;
    assert_eq!((&read.body["publishing_application"], read.header("etag")), (&expected, Some("\"2\"")));
    let approved = call(&home, "PUT", &path, json!({"status": "Approved"})).await.body;
    let application = &approved["publishing_application"];
    assert_eq!((&application["status"], &application["rejected_at"]), (&json!("Approved"), &Value::Null));
}

#[tokio::test]
async fn decisions_that_are_none() {
    let home = TestApp::new().await;
    let id = make_app(&home.publisher().await, "n").await;
    let path = format!("/apps/{id}/review");
    for (body, fields) in [
        (json!({}), &["status"][..]),
        (json!({"status": "approved", "reviewer_notes": null}), &["status", "reviewer_notes"]),
        (json!({"status": "Pending"}), &["status"]),
        (json!({"status": "Rejected"}), &["reject_reason"]),
        (
            json!({"status": "Rejected", "reject_reason": "", "reject_detail": 1}),
            &["reject_detail", "reject_reason"],
        ),
        (json!({"status": "Approved", "reject_reason": "dau"}), &["reject_reason"]),
        (json!({"status": "Approved", "reviewer_notes": "a".repeat(4097)}), &["reviewer_notes"]),
    ] {
        let refused = call(&home, "PUT", &path, body.clone()).await;
        assert_eq!(refused.status, 400, "{body}");
        let mut found = refused.error_fields();
        found.sort_unstable();
        let mut expected = fields.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{body}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }
    let other =
        call(&home, "PUT", "/apps/000000000000000000000000/review", json!({"status": "Approved"})).await;
    assert_eq!((other.status.as_u16(), &other.body["code"]), (404, &json!("not_found")));
    assert_eq!(home.publisher().await.get(&format!("/v5/apps/{id}")).await.header("etag"), Some("\"1\""));
}

#[tokio::test]
async fn settings_that_the_vendor_lacks() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let id = make_app(&publisher, "n").await;
    let path = format!("/apps/{id}/settings");
    assert_eq!(
        call(&home, "GET", &path, Value::Null).await.body,
        json!({"developer_domain": null, "icon": null})
    );
    let body = json!({"developer_domain": "Example.COM", "icon": "https://example.com/i.png"});
    let changed = call(&home, "PATCH", &path, body).await;
    let expected = json!({"developer_domain": "example.com", "icon": "https://example.com/i.png"});
    assert_eq!(
        (changed.status.as_u16(), &changed.body, changed.header("etag")),
        (200, &expected, Some("\"2\""))
    );
    let listed = publisher.get("/v5/apps").await.body;
    assert_eq!(listed["items"][0]["icon"], "https://example.com/i.png");
    let cleared = call(&home, "PATCH", &path, json!({"icon": null})).await.body;
    assert_eq!(cleared, json!({"developer_domain": "example.com", "icon": null}));
    for domain in [json!("127.0.0.1"), json!("https://a.b"), json!(""), json!(1), json!("localhost")] {
        let refused = call(&home, "PATCH", &path, json!({"developer_domain": domain, "icon": "x"})).await;
        assert_eq!(
            (refused.status.as_u16(), refused.error_fields()),
            (400, vec!["developer_domain", "icon"])
        );
    }
    let gone = call(&home, "GET", "/apps/x/settings", Value::Null).await;
    assert_eq!(gone.status, 404);
}
