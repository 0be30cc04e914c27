//! The account through the real router: entries, and what a late rejection takes back.

use crate::Limits;
use crate::testing::TestApp;
use serde_json::{Value, json};
use tollgate_catalog::{Actor, new_account_entry, random_object_id};
use tollgate_domain::{
    AccountEntry, Amendment, EntryKind, Event, EventKind, Money, Number, Status, Text, Timestamp,
};
use tollgate_jobs::retention::Retention;

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
    amendment.record.set_number(Number::Restated, 1);
    amendment.record.set_text(Text::Rejections, r#"["CHARGEBACK"]"#);
    let evidence = format!(r#"[{{"type":"bot","at":"x"}},{{"type":"late_rejection","at":"{at}"}}]"#);
    amendment.record.set_text(Text::Evidence, &evidence);
    let promise = app.ledger.promise(1, amendment.record.text_bytes() as u64).unwrap();
    app.ledger.amend(&promise, &mut amendment);
    app.ledger.commit().unwrap();
}

/// As whoever runs Tollgate does by a command.
async fn enter(app: &TestApp, kind: EntryKind, micros: i64, note: Option<&str>) {
    let actor = Actor::command_line();
    let write = app.catalog.write(app.made.organization_id, &actor, |draft| {
        let (id, amount) = (random_object_id(draft.entropy()), Money::from_micros(micros));
        let entry = AccountEntry { id, kind, amount, note: note.map(str::to_owned) };
        new_account_entry(draft, entry, i128::MAX)
    });
    write.await.unwrap();
}

#[tokio::test]
async fn entries_are_kept_and_a_late_rejection_takes_money_back_with_its_reason_and_date() {
    let app = TestApp::new().await;
    let mut events = vec![
        conversion(&app, "2026-03-01T20:00:00Z", 100_000_000),
        conversion(&app, "2026-03-02T20:00:00Z", 7_000_001),
    ];
    app.store(&mut events);
    enter(&app, EntryKind::Payout, 60_500_000, Some("Bank 7")).await;
    enter(&app, EntryKind::Deposit, 500_000_000, None).await;
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
    assert_eq!(listed["items"][0]["created_by"], "cli");
    let transfer = json!({"kind": "transfer", "amount": 6.5});
    let made = app.native("POST", "/account/entries", transfer).await;
    assert_eq!((made.status.as_u16(), &made.body["amount"]), (201, &json!(6.5)), "{made:?}");
    assert!(made.body["created_by"].as_str().unwrap().starts_with("api_key:"));

    reject(&app, &events[0], "2026-04-05T03:00:00.000Z");
    let account = app.native("GET", "/account", Value::Null).await.body;
    assert_eq!((&account["earned"], &account["earnings"]), (&json!(7.000001), &json!(-59.999999)));
    let path = "/restatements?start_date=2026-03-01&end_date=2026-03-31";
    let restated = app.native("GET", path, Value::Null).await.body;
    let expected = json!({"items": [{
        "date": "2026-03-01", "rejected_on": "2026-04-04", "reason": "CHARGEBACK", "app_id": "some-app",
        "campaign": "spring", "events": 1, "earned": 100.0, "spent": 100.000001,
    }]});
    assert_eq!(restated, expected);
    let later = "/restatements?start_date=2026-03-02&end_date=2026-03-31";
    assert_eq!(app.native("GET", later, Value::Null).await.body, json!({"items": []}));
    for (days, found) in [("2026-04-04", 1), ("2026-04-05", 0), ("2026-03-01", 0)] {
        let path = format!("/restatements?by=rejected_on&start_date={days}&end_date={days}");
        let told = app.native("GET", &path, Value::Null).await.body;
        assert_eq!(told["items"].as_array().unwrap().len(), found, "{days}: {told}");
    }
    let entry = json!({"kind": "transfer", "amount": 1});
    let refused = app.native("POST", "/account/entries", entry).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (400, &json!("not_enough_earnings")));
}

#[tokio::test]
async fn restatements_read_what_somebody_said_more_of_and_no_more_than_they_may() {
    let app = TestApp::with_limits(Limits::default().with_group_rows(7)).await;
    let mut events: Vec<Event> =
        (0..20).map(|n| conversion(&app, &format!("2026-03-01T20:00:{n:02}Z"), 1_000_000)).collect();
    app.store(&mut events);
    let paths = ["rejected_on", "date"]
        .map(|by| format!("/restatements?by={by}&start_date=2026-03-01&end_date=2026-12-31"));
    // None of them was rejected late, and each has to be looked at while it is not in a segment.
    for path in &paths {
        let refused = app.native("GET", path, Value::Null).await;
        assert_eq!(refused.status, 402, "{refused:?}");
        assert!(refused.body["detail"].as_str().unwrap().starts_with("more than 7 events"), "{refused:?}");
    }
    while app.ledger.seal(1_000).unwrap().is_some() {}
    for event in &events[..3] {
        reject(&app, event, "2026-04-05T03:00:00.000Z");
    }
    for path in &paths {
        let told = app.native("GET", path, Value::Null).await.body;
        assert_eq!(told["items"][0]["events"], 3, "{told}");
    }
}

#[tokio::test]
async fn an_account_does_not_fall_because_events_go() {
    let app = TestApp::new().await;
    let mut events: Vec<Event> =
        (1..=6).map(|n| conversion(&app, &format!("2023-03-0{n}T20:00:00Z"), 10_i64.pow(n))).collect();
    let mut shown = Event::new(EventKind::Impression, app.made.integration_id);
    shown.set_number(Number::RequestTime, events[0].at().millis());
    shown.set_status(Status::Approved);
    shown.set_number(Number::Price, 5_000_500);
    events.extend([shown, conversion(&app, "2023-03-01T21:00:00Z", 1)]);
    events[2].set_text(Text::DeviceId, "somebody");
    app.store(&mut events);
    reject(&app, &events[7], "2023-03-05T00:00:00.000Z");
    reject(&app, &events[1], "2023-03-05T00:00:00.000Z");
    let account = async || app.native("GET", "/account", Value::Null).await.body;
    let before = account().await;
    assert_eq!(before["earned"], json!(1.116010), "{before}");

    // A person's events, with the real request; what is too old, with the real round.
    let gone = app.native("POST", "/privacy-requests", json!({"device_id": "somebody"})).await;
    assert!(gone.status.is_success(), "{gone:?}");
    assert_eq!(account().await, before);
    let path = format!("/integrations/{}", app.made.integration_id);
    let kept = json!({"retention_days": 1});
    assert_eq!(app.call("PATCH", &path, kept).await.status, 200);
    let retention = Retention::new(app.catalog.clone(), app.ledger.clone());
    let deleted = retention.round(app.catalog.now()).unwrap().unwrap();
    assert_eq!(deleted.rows.iter().map(|rows| rows.rows).sum::<u64>(), 7, "{deleted:?}");
    assert_eq!(account().await, before);
    // Rows that are there still, of an integration that is not.
    let mut late = [conversion(&app, "2023-11-14T20:00:00Z", 7_000_000)];
    app.store(&mut late);
    let with_late = account().await;
    assert_eq!(with_late["earned"], json!(8.116010), "{with_late}");
    assert!(app.call("DELETE", &path, Value::Null).await.status.is_success());
    assert_eq!(account().await, with_late);
}

#[tokio::test]
async fn what_is_not_legal_is_named() {
    let app = TestApp::new().await;
    for (body, fields) in [
        (json!({}), &["kind", "amount"][..]),
        (json!({"kind": "gift", "amount": 0}), &["kind", "amount"]),
        // Whoever runs Tollgate says what was paid.
        (json!({"kind": "payout", "amount": 1}), &["kind"]),
        (json!({"kind": "deposit", "amount": 1}), &["kind"]),
        (json!({"kind": "transfer", "amount": 1e10}), &["amount"]),
        (json!({"kind": "transfer", "amount": 1, "note": "", "x": 1}), &["note", "x"]),
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
        ("?start_date=2026-03-01&end_date=2026-03-01&by=app", &["by"]),
    ] {
        let answered = app.native("GET", &format!("/restatements{query}"), Value::Null).await;
        assert_eq!((answered.status.as_u16(), answered.error_fields()), (400, fields.to_vec()), "{query}");
    }
}
