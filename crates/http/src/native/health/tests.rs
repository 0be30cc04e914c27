//! Health as it is answered.

use crate::testing::TestApp;
use serde_json::{Value, json};
use tollgate_catalog::Scope;

#[tokio::test]
async fn health_tells_of_the_disk_the_ledger_what_waits_and_what_went_wrong() {
    let app = TestApp::new().await;
    let read = async || app.native("GET", "/health", Value::Null).await;
    let well = read().await;
    assert_eq!((well.status.as_u16(), &well.body["errors"]), (200, &json!([])), "{well:?}");
    assert_eq!(well.body["data_files"][0]["name"], "builtin");
    assert_eq!(well.body["jobs"]["exports"], json!({"waiting": 0, "running": 0}));
    assert!(well.body["ledger"]["unsealed_events"].is_u64() && well.body["disk"]["free_bytes"].is_u64());
    let writer = app.key_with(&[Scope::Write]).await;
    let request = axum::http::Request::get("/tollgate/v1/health").header("API-KEY", writer);
    assert_eq!(app.send(request.body(axum::body::Body::empty()).unwrap()).await.status, 403);

    let problems = &app.state.process.problems;
    problems.note(app.catalog.now(), false, "tollgate_jobs::exports", "a file could not be sent".to_owned());
    let attention = |answered: &crate::testing::Answered| {
        let named = answered.body["attention"].as_array().unwrap().iter();
        named.filter(|one| one["what"] == "errors").count()
    };
    assert_eq!(attention(&read().await), 0, "a warning is shown, no more");
    problems.note(app.catalog.now(), true, "tollgate_http::error", "a request failed".to_owned());
    let ill = read().await;
    assert_eq!((attention(&ill), &ill.body["status"]), (1, &json!("attention")), "{ill:?}");
    assert_eq!(ill.body["errors"][0]["message"], "a request failed");
    assert_eq!(ill.body["errors"][1]["level"], "warn");
    app.clock.advance_seconds(3600);
    assert_eq!(attention(&read().await), 0);
}
