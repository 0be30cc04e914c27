//! The account through the real router: entries, and what a late rejection takes back.

use crate::testing::TestApp;
use serde_json::{Value, json};
use tollgate_domain::{Amendment, Event, EventKind, Number, Status, Text, Timestamp};

fn conversion(app: &TestApp, at: &str, payout: i64) -> Event {
    let mut event = Event::new(EventKind::Conversion, app.made.integration_id);
    event.set_number(Number::RequestTime, Timestamp::parse("time", at).unwrap().millis());
    event.set_status(Status::Approved);
    event.set_text(Text::AppId, "some-app");
    event.set_text(Text::Campaign, "spring");
    event.set_number(Number::Payout, payout);
    event.set_number(Number::Revenue, payout + 1);
    event
}

/// As the gateway does when an advertiser rejects a conversion late.
fn reject(app: &TestApp, event: &Event, at: &str) {
    let mut amendment = Amendment::of(event, Timestamp::parse("time", at).unwrap());
    amendment.record.set_status(Status::Rejected);
    amendment.record.set_number(Number::MonitoringMode, 0);
    amendment.record.set_number(Number::LateRejection, 1);
    amendment.record.set_text(Text::Rejections, r#"["CHARGEBACK"]"#);
    let evidence = format!(r#"[{{"type":"bot","at":"x"}},{{"type":"late_rejection","at":"{at}"}}]"#);
    amendment.record.set_text(Text::Evidence, &evidence);
    let promise = app.ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
    app.ledger.amend(&promise, &mut amendment);
    app.ledger.commit().unwrap();
}

#[tokio::test]
async fn entries_are_kept_and_a_late_rejection_takes_money_back_with_its_reason_and_date() {
    let app = TestApp::new().await;
    let mut events = vec![
        conversion(&app, "2026-03-01T20:00:00Z", 100_000_000),
        conversion(&app, "2026-03-02T20:00:00Z", 7_000_001),
    ];
    app.store(&mut events);
    let entry = json!({"kind": "payout", "amount": 60.5, "note": "Bank 7"});
    let made = app.native("POST", "/account/entries", entry).await;
    assert_eq!((made.status.as_u16(), &made.body["amount"]), (201, &json!(60.5)), "{made:?}");
    let deposit = json!({"kind": "deposit", "amount": 500});
    assert_eq!(app.native("POST", "/account/entries", deposit).await.status, 201);
    let account = app.native("GET", "/account", Value::Null).await.body;
    let expected = json!({
        "earned": 107.000001, "spent": 107.000003, "paid_out": 60.5, "deposited": 500, "transferred": 0,
        "earnings": 46.500001, "balance": 392.999997,
    });
    assert_eq!(account, expected);
    let listed = app.native("GET", "/account/entries?kind=payout", Value::Null).await.body;
    assert_eq!(
        (&listed["items"][0]["note"], &listed["items"][0]["kind"]),
        (&json!("Bank 7"), &json!("payout"))
    );
    assert!(listed["items"][0]["created_by"].as_str().unwrap().starts_with("api_key:"));

    reject(&app, &events[0], "2026-04-05T03:00:00.000Z");
    let account = app.native("GET", "/account", Value::Null).await.body;
    assert_eq!((&account["earned"], &account["earnings"]), (&json!(7.000001), &json!(-53.499999)));
    let path = "/restatements?start_date=2026-03-01&end_date=2026-03-31";
    let restated = app.native("GET", path, Value::Null).await.body;
    let expected = json!({"items": [{
        "date": "2026-03-01", "rejected_on": "2026-04-04", "reason": "CHARGEBACK", "app_id": "some-app",
        "campaign": "spring", "events": 1, "earned": 100.0, "spent": 100.000001,
    }]});
    assert_eq!(restated, expected);
    let later = "/restatements?start_date=2026-03-02&end_date=2026-03-31";
    assert_eq!(app.native("GET", later, Value::Null).await.body, json!({"items": []}));
    let entry = json!({"kind": "payout", "amount": 1});
    let refused = app.native("POST", "/account/entries", entry).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (400, &json!("not_enough_earnings")));
}

#[tokio::test]
async fn what_is_not_legal_is_named() {
    let app = TestApp::new().await;
    for (body, fields) in [
        (json!({}), &["kind", "amount"][..]),
        (json!({"kind": "gift", "amount": 0}), &["kind", "amount"]),
        (json!({"kind": "deposit", "amount": 1e10}), &["amount"]),
        (json!({"kind": "deposit", "amount": 1, "note": "", "x": 1}), &["note", "x"]),
    ] {
        let answered = app.native("POST", "/account/entries", body.clone()).await;
        assert_eq!((answered.status.as_u16(), answered.error_fields()), (400, fields.to_vec()), "{body}");
    }
    for (query, fields) in [
        ("", &["start_date", "end_date"][..]),
        ("?start_date=2026-03-02&end_date=2026-03-01", &["end_date"]),
        ("?start_date=x&end_date=2026-03-01", &["start_date"]),
        ("?start_date=2026-03-01&end_date=2026-03-01&timezone=Mars", &["timezone"]),
        ("?start_date=2026-03-01&end_date=2026-03-01&x=1", &["x"]),
    ] {
        let answered = app.native("GET", &format!("/restatements{query}"), Value::Null).await;
        assert_eq!((answered.status.as_u16(), answered.error_fields()), (400, fields.to_vec()), "{query}");
    }
}
