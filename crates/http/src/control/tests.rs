//! What commands are answered through the socket's router: statements, and entries of the operator.

use super::{Control, router};
use crate::testing::TestApp;
use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use std::path::PathBuf;
use tollgate_domain::{Amendment, Event, EventKind, Number, Status, Text, Timestamp};
use tollgate_jobs::privacy;
use tollgate_jobs::retention::Retention;
use tower::ServiceExt;

async fn ask(app: &TestApp, method: Method, path: &str, body: Value) -> (u16, String) {
    ask_once(app, method, path, ("", body)).await
}

/// The same with a key, unless it is empty.
async fn ask_once(app: &TestApp, method: Method, path: &str, (key, body): (&str, Value)) -> (u16, String) {
    let folders = (PathBuf::new(), app.folder().join(privacy::FOLDER));
    let control = Control::new(app.catalog.clone(), app.ledger.clone(), folders, u64::MAX);
    let request =
        Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let request = if key.is_empty() { request } else { request.header("Idempotency-Key", key) };
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let answer = router(control).oneshot(request.body(body).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// The figures of a statement's app: figure and reason, events, USD.
async fn statement(app: &TestApp, month: &str, id: &str) -> Vec<(String, String, String)> {
    let path = format!("/statements?month={month}&timezone=UTC");
    let (status, csv) = ask(app, Method::GET, &path, Value::Null).await;
    assert_eq!(status, 200, "{csv}");
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let rows = rows.records().map(Result::unwrap).filter(|row| &row[1] == id);
    let figure = |row: &csv::StringRecord| format!("{} {}", &row[3], &row[4]).trim_end().to_owned();
    rows.map(|row| (figure(&row), row[6].to_owned(), row[7].to_owned())).collect()
}

fn conversion(app: &TestApp, at: &str, payout: i64, of: &str) -> Event {
    let mut event = Event::new(EventKind::Conversion, app.made.integration_id);
    event.set_number(Number::RequestTime, Timestamp::parse("time", at).unwrap().millis());
    event.set_status(Status::Approved);
    event.set_text(Text::AppId, of);
    event.set_number(Number::Payout, payout);
    event
}

/// As the gateway does when a conversion that counted is rejected late.
fn reject(app: &TestApp, event: &Event, at: &str) {
    let mut amendment = Amendment::of(event, Timestamp::parse("time", at).unwrap());
    amendment.record.set_status(Status::Rejected);
    amendment.record.set_number(Number::MonitoringMode, 0);
    amendment.record.set_number(Number::Restated, 1);
    amendment.record.set_text(Text::Rejections, r#"["CHARGEBACK"]"#);
    let evidence = format!(r#"[{{"type":"late_rejection","at":"{at}"}}]"#);
    amendment.record.set_text(Text::Evidence, &evidence);
    let promise = app.ledger.promise(1, 1000).unwrap();
    app.ledger.amend(&promise, &mut amendment);
    app.ledger.commit().unwrap();
}

#[tokio::test]
async fn what_is_rejected_after_its_month_is_taken_off_the_statement_of_the_month_it_is_rejected_in() {
    let app = TestApp::new().await;
    let game = app.publisher().await.new_app(json!({"nickname": "Game"})).await;
    let mut events = [
        conversion(&app, "2023-09-10T20:00:00Z", 1_000_000, &game),
        conversion(&app, "2023-09-11T20:00:00Z", 20_000_000, &game),
        conversion(&app, "2023-09-12T20:00:00Z", 300_000_000, &game),
        conversion(&app, "2023-10-12T20:00:00Z", 4_000_000_000, &game),
    ];
    app.store(&mut events);
    let due = async |month: &str| {
        let figures = statement(&app, month, &game).await;
        figures.into_iter().find(|(figure, ..)| figure == "due").unwrap().2
    };
    assert_eq!((due("2023-09").await.as_str(), due("2023-10").await.as_str()), ("321", "4000"));
    reject(&app, &events[0], "2023-09-30T23:59:59.999Z");
    reject(&app, &events[1], "2023-10-01T00:00:00.000Z");
    let told = |figure: &str, events: &str, usd: &str| (figure.to_owned(), events.to_owned(), usd.to_owned());
    let september = [
        told("gross", "3", "321"),
        told("givt", "0", "0"),
        told("sivt", "0", "0"),
        told("terms", "2", "21"),
        told("terms by reason CHARGEBACK", "2", "21"),
        told("net", "1", "300"),
        told("taken back later", "1", "20"),
        told("came later", "0", "0"),
        told("taken back of earlier months", "0", "0"),
        told("came of earlier months", "0", "0"),
        told("due", "2", "320"),
        told("taken back CHARGEBACK", "1", "1"),
        told("taken back CHARGEBACK", "1", "20"),
    ];
    assert_eq!(statement(&app, "2023-09", &game).await, september);
    let october = [
        told("gross", "1", "4000"),
        told("givt", "0", "0"),
        told("sivt", "0", "0"),
        told("terms", "0", "0"),
        told("net", "1", "4000"),
        told("taken back later", "0", "0"),
        told("came later", "0", "0"),
        told("taken back of earlier months", "1", "20"),
        told("came of earlier months", "0", "0"),
        told("due", "0", "3980"),
        told("taken back of 2023-09 CHARGEBACK", "1", "20"),
    ];
    assert_eq!(statement(&app, "2023-10", &game).await, october);
    let page =
        ask(&app, Method::GET, "/statements?month=2023-10&timezone=UTC&form=html", Value::Null).await.1;
    assert!(page.contains("Of earlier months, rejected in this one"), "{page}");
}

#[tokio::test]
async fn lines_add_up_and_made_up_apps_stand_in_one() {
    let app = TestApp::new().await;
    let game = app.publisher().await.new_app(json!({"nickname": "Game"})).await;
    // Half a micro-dollar each, rounded once a line.
    let shown = |of: &str, reason: Option<&str>| {
        let mut event = conversion(&app, "2023-09-10T20:00:00Z", 0, of);
        event.kind = EventKind::Impression;
        event.set_number(Number::Price, 1_500);
        if let Some(reason) = reason {
            event.set_status(Status::Rejected);
            event.set_text(Text::Rejections, &format!("[\"{reason}\"]"));
        }
        event
    };
    let mut events = vec![shown(&game, None), shown(&game, Some("BOT")), shown(&game, Some("VPN"))];
    events.extend((0..50).map(|n| shown(&format!("made-up-{n}"), (n % 2 == 0).then_some("BOT"))));
    app.store(&mut events);
    let usd = |figures: &[(String, String, String)], figure: &str| {
        let found = figures.iter().find(|(name, ..)| name == figure).map(|(_, _, usd)| usd.clone());
        let micros = found.unwrap_or_default().parse::<f64>().unwrap() * 1e6;
        micros.round() as i64
    };
    let figures = statement(&app, "2023-09", &game).await;
    let sorts = ["givt", "sivt", "terms", "net"].map(|figure| usd(&figures, figure));
    assert_eq!(sorts.iter().sum::<i64>(), usd(&figures, "gross"), "{figures:?}");
    let reasons = ["givt by reason BOT", "sivt by reason VPN"].map(|figure| usd(&figures, figure));
    assert_eq!(reasons, [2, 2], "{figures:?}");
    let others = statement(&app, "2023-09", "").await;
    assert_eq!((&*others[0].1, usd(&others, "net"), usd(&others, "givt")), ("50", 38, 38), "{others:?}");
    let path = "/statements?month=2023-09&timezone=UTC";
    let (_, csv) = ask(&app, Method::GET, path, Value::Null).await;
    assert!(!csv.contains("made-up"), "{csv}");
}

#[tokio::test]
async fn a_month_that_is_not_over_or_not_kept_whole_has_no_statement() {
    let app = TestApp::new().await;
    // It is 2023-11-14 in these tests.
    let path = format!("/integrations/{}", app.made.integration_id);
    let kept = json!({"retention_days": 60, "click_retention_days": 30});
    assert_eq!(app.call("PATCH", &path, kept).await.status, 200);
    for (month, why) in [("2023-11", "is not over"), ("2023-09", "is too early: clicks of integration")] {
        let path = format!("/statements?month={month}&timezone=UTC");
        let (status, body) = ask(&app, Method::GET, &path, Value::Null).await;
        assert_eq!(status, 400, "{body}");
        assert!(body.contains("month") && body.contains(why), "{body}");
    }
}

#[tokio::test]
async fn what_was_deleted_under_a_shorter_retention_stays_missing() {
    let app = TestApp::new().await;
    let game = app.publisher().await.new_app(json!({"nickname": "Game"})).await;
    let mut events = [
        conversion(&app, "2023-07-10T20:00:00Z", 1_000_000, &game),
        conversion(&app, "2023-08-10T20:00:00Z", 1_000_000, &game),
        conversion(&app, "2023-10-10T20:00:00Z", 1_000_000, &game),
    ];
    app.store(&mut events);
    reject(&app, &events[0], "2023-09-05T00:00:00.000Z");
    let path = format!("/integrations/{}", app.made.integration_id);
    // It is 2023-11-14 in these tests.
    assert_eq!(app.call("PATCH", &path, json!({"retention_days": 50})).await.status, 200);
    Retention::new(app.catalog.clone(), app.ledger.clone()).round(app.catalog.now()).unwrap().unwrap();
    assert_eq!(app.call("PATCH", &path, json!({"retention_days": null})).await.status, 200);
    for (month, expected) in [
        ("2023-08", "are kept from 2023-08-10T20:00:00.001Z on"),
        ("2023-09", "that came or were rejected up to 2023-09-05T00:00:00.000Z are deleted"),
        ("2023-10", ",due,"),
    ] {
        let path = format!("/statements?month={month}&timezone=UTC");
        let (_, body) = ask(&app, Method::GET, &path, Value::Null).await;
        assert!(body.contains(expected), "{month}: {body}");
    }
}

#[tokio::test]
async fn a_statement_says_what_was_deleted_at_a_persons_request() {
    let app = TestApp::new().await;
    let game = app.publisher().await.new_app(json!({"nickname": "Game"})).await;
    let mut events = [
        conversion(&app, "2023-09-10T20:00:00Z", 1_000_000, &game),
        conversion(&app, "2023-09-11T20:00:00Z", 20_000_000, &game),
        conversion(&app, "2023-10-11T20:00:00Z", 300_000_000, &game),
    ];
    events.iter_mut().skip(1).for_each(|event| event.set_text(Text::DeviceId, "somebody"));
    app.store(&mut events);
    let asked = app.native("POST", "/privacy-requests", json!({"device_id": "somebody"})).await;
    assert!(asked.status.is_success(), "{asked:?}");
    let told = async |month: &str, form: &str| {
        let path = format!("/statements?month={month}&timezone=UTC&form={form}");
        ask(&app, Method::GET, &path, Value::Null).await.1
    };
    let said = "conversions of 2023-09-11 to 2023-10-11 (UTC), deleted on 2023-11-14";
    let line = |month: &str| format!("{month},,,deleted at a person's request,\"{said}\",,2,\n");
    for month in ["2023-09", "2023-10"] {
        assert!(told(month, "csv").await.contains(&line(month)), "{}", told(month, "csv").await);
    }
    assert!(told("2023-09", "html").await.contains(&format!("2 {said}")));
    assert!(!told("2023-08", "csv").await.contains("deleted"), "before the first of them");
    let figures = statement(&app, "2023-09", &game).await;
    assert!(figures.contains(&("due".to_owned(), "1".to_owned(), "1".to_owned())), "{figures:?}");
}

#[tokio::test]
async fn the_operator_enters_what_was_paid() {
    let app = TestApp::new().await;
    app.store(&mut [conversion(&app, "2023-09-10T20:00:00Z", 10_000_000, "x")]);
    let enter = async |body: Value| ask(&app, Method::POST, "/account/entries", body).await;
    for (kind, amount) in [("deposit", 500.0), ("payout", 4.25), ("transfer", 1.0)] {
        let (status, body) = enter(json!({"kind": kind, "amount": amount, "note": "Bank 7"})).await;
        assert_eq!(status, 201, "{body}");
        assert!(body.contains("\"created_by\":\"cli\""), "{body}");
    }
    let (status, body) = enter(json!({"kind": "payout", "amount": 4.76})).await;
    assert!(status == 400 && body.contains("not_enough_earnings"), "{body}");
    let organization = app.made.organization_id;
    let path = format!("/organizations/{organization}/account");
    let (_, body) = ask(&app, Method::GET, &path, Value::Null).await;
    let account: Value = serde_json::from_str(&body).unwrap();
    let expected = json!({
        "earned": 10, "spent": 0, "paid_out": 4.25, "deposited": 500, "transferred": 1, "earnings": 4.75,
        "balance": 501,
    });
    assert_eq!(account, expected);
    let (status, _) = ask(&app, Method::GET, "/organizations/nobody/account", Value::Null).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn what_is_entered_again_with_its_key_is_entered_once() {
    let app = TestApp::new().await;
    app.store(&mut [conversion(&app, "2023-09-10T20:00:00Z", 10_000_000, "x")]);
    let payout = |amount: f64| json!({"kind": "payout", "amount": amount});
    let own = format!("/organizations/{}/account/entries", app.made.organization_id);
    let first = ask_once(&app, Method::POST, "/account/entries", ("k1", payout(6.0))).await;
    assert_eq!(first.0, 201, "{}", first.1);
    // What is left would not do for another; and the organization may be named.
    for path in ["/account/entries", &own] {
        assert_eq!(ask_once(&app, Method::POST, path, ("k1", payout(6.0))).await, first);
    }
    let (status, body) = ask_once(&app, Method::POST, &own, ("k1", payout(1.0))).await;
    assert!(status == 422 && body.contains("idempotency_key_reused"), "{body}");
    let (status, body) = ask_once(&app, Method::POST, &own, ("two words", payout(1.0))).await;
    assert!(status == 400 && body.contains("Idempotency-Key"), "{body}");
    assert_eq!(ask_once(&app, Method::POST, &own, ("k2", payout(1.0))).await.0, 201);
    let (_, body) = ask(&app, Method::GET, "/account", Value::Null).await;
    let account: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(account["paid_out"], 7, "{account}");
}
