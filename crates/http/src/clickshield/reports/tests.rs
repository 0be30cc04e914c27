//! The tables and lookups through the real router, over events in a real ledger.

use crate::testing::TestApp;
use serde_json::{Value, json};
use tollgate_domain::{Event, EventKind, Number, Status, Text, Timestamp};

const DAY: &str = "start_date=2026-03-01&end_date=2026-03-01";

fn event(app: &TestApp, kind: EventKind, time: &str, number: usize) -> Event {
    let mut event = Event::new(kind, app.made.integration_id);
    event.set_number(Number::RequestTime, Timestamp::parse("time", time).unwrap().millis());
    event.set_status(if number.is_multiple_of(3) { Status::Rejected } else { Status::Approved });
    event.set_text(Text::OfferId, "offer");
    event.set_text(Text::Publisher, ["a", "b"][number % 2]);
    event.set_text(Text::ExternalTransactionId, &format!("ext-{number}"));
    event
}

/// 60 clicks, one a minute from noon on.
fn sixty_clicks(app: &TestApp) -> Vec<Event> {
    let mut events: Vec<Event> =
        (0..60).map(|n| event(app, EventKind::Click, &format!("2026-03-01 12:{n:02}:00"), n)).collect();
    app.store(&mut events);
    events
}

async fn table(app: &TestApp, kind: &str, rest: &str) -> Value {
    let path = format!("/reports/v2/{kind}-table?integration_id={}&{rest}", app.made.integration_id);
    let answered = app.call("GET", &path, Value::Null).await;
    assert_eq!(answered.status, 200, "{rest}: {answered:?}");
    answered.body["data"].clone()
}

fn ids(page: &Value) -> Vec<String> {
    let rows = page["data"].as_array().unwrap();
    rows.iter().map(|row| row["real_tx_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_follow_each_other_both_ways() {
    let app = TestApp::new().await;
    let newest_first: Vec<String> =
        sixty_clicks(&app).iter().rev().map(|event| event.id.to_string()).collect();
    let mut seen = Vec::new();
    let mut page = table(&app, "click", &format!("{DAY}&page[size]=25")).await;
    assert_eq!(page["pageInfo"]["hasPreviousPage"], false);
    loop {
        seen.extend(ids(&page));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        let cursor = page["pageInfo"]["endCursor"].as_str().unwrap();
        page = table(&app, "click", &format!("{DAY}&page[size]=25&page[after]={cursor}")).await;
        assert_eq!(page["pageInfo"]["hasPreviousPage"], true);
    }
    assert_eq!(seen, newest_first);
    let before =
        table(&app, "click", &format!("{DAY}&page[size]=10&page[before]={}", newest_first[30])).await;
    assert_eq!(ids(&before), newest_first[20..30]);
}

#[tokio::test]
async fn an_empty_page_has_null_cursors() {
    let app = TestApp::new().await;
    sixty_clicks(&app);
    let page = table(&app, "impression", &format!("{DAY}&page[size]=25")).await;
    let info =
        json!({"startCursor": null, "endCursor": null, "hasPreviousPage": false, "hasNextPage": false});
    assert_eq!(page, json!({"data": [], "pageInfo": info}));
}

#[tokio::test]
async fn filters_leave_out_rows() {
    let app = TestApp::new().await;
    sixty_clicks(&app);
    let count = async |filter: &str| {
        ids(&table(&app, "click", &format!("{DAY}&page[size]=100&{filter}")).await).len()
    };
    assert_eq!(count("filter[status]=rejected").await, 20);
    assert_eq!(count("filter[publisher]=a&filter[status]=approved").await, 20);
    assert_eq!(count("filter[publisher][in]=a,b").await, 60);
    assert_eq!(count("filter[publisher]=a&filter[publisher]=b").await, 60);
    assert_eq!(count("filter[publisher][ne]=a&filter[publisher][ne]=b").await, 0);
    assert_eq!(count("filter[tx_id]=ext-7").await, 1);
    assert_eq!(count("filter[request_time][gte]=2026-03-01T12:30:00Z").await, 30);
}

#[tokio::test]
async fn days_are_those_of_the_integrations_zone() {
    let app = TestApp::new().await;
    let mut events = [
        event(&app, EventKind::Click, "2026-03-01 23:30:00", 1),
        event(&app, EventKind::Click, "2026-03-01 00:30:00", 2),
    ];
    app.store(&mut events);
    let path = format!("/integrations/{}", app.made.integration_id);
    app.call("PATCH", &path, json!({"time_zone": "Europe/Berlin"})).await;
    let page = table(&app, "click", "start_date=2026-03-02&end_date=2026-03-02&page[size]=25").await;
    assert_eq!(ids(&page), [events[0].id.to_string()]);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::new().await;
    let id = app.made.integration_id;
    let cases: &[(&str, &[&str])] = &[
        ("", &["start_date", "end_date", "page[size]"]),
        ("start_date=2026-02-30&end_date=x&page[size]=101", &["start_date", "end_date", "page[size]"]),
        ("start_date=2026-03-02&end_date=2026-03-01&page[size]=1", &["end_date"]),
        ("start_date=2026-03-01&end_date=2026-03-01&page[size]=1&page[after]=x", &["page[after]"]),
        ("start_date=2026-03-01&end_date=2026-03-01&page[size]=1&sort=ip", &["sort"]),
        ("start_date=2026-03-01&end_date=2026-03-01&page[size]=1&filter[x]=1", &["filter[x]"]),
        ("start_date=2026-03-01&end_date=2026-03-01&page[size]=1&filter[asn]=x", &["filter[asn]"]),
        (
            "start_date=2026-03-01&end_date=2026-03-01&page[size]=1&page[after]=01ARZ3NDEKTSV4RRFFQ69G5FAV&page[before]=01ARZ3NDEKTSV4RRFFQ69G5FAV",
            &["page[before]"],
        ),
    ];
    for (parameters, fields) in cases {
        let path = format!("/reports/v2/click-table?integration_id={id}&{parameters}");
        let answered = app.call("GET", &path, Value::Null).await;
        assert_eq!(answered.status, 400, "{parameters}");
        assert_eq!(answered.error_fields(), *fields, "{parameters}");
    }
}

#[tokio::test]
async fn another_organizations_events_do_not_exist() {
    let app = TestApp::new().await;
    sixty_clicks(&app);
    let neighbour = app.neighbour().await;
    let path =
        format!("/reports/v2/click-table?integration_id={}&{DAY}&page[size]=25", app.made.integration_id);
    let answered = app.call_as(&neighbour.api_key, "GET", &path, Value::Null).await;
    assert_eq!(answered.status, 404);
}

#[tokio::test]
async fn one_click_is_found_by_either_id() {
    let app = TestApp::new().await;
    let events = sixty_clicks(&app);
    let path = |tx_id: &str, publisher: &str| {
        let id = app.made.integration_id;
        format!(
            "/reports/v2/click?integration_id={id}&request_date=2026-03-01&offer=offer&publisher={publisher}&tx_id={tx_id}"
        )
    };
    for tx_id in ["ext-7".to_owned(), events[7].id.to_string()] {
        let answered = app.call("GET", &path(&tx_id, "b"), Value::Null).await;
        assert_eq!(answered.body["real_tx_id"], events[7].id.to_string(), "{answered:?}");
    }
    assert_eq!(app.call("GET", &path("ext-7", "a"), Value::Null).await.status, 404);
    assert_eq!(app.call("GET", &path("ext-99", "a"), Value::Null).await.status, 404);
}

#[tokio::test]
async fn one_conversion_is_found_by_its_hash() {
    let app = TestApp::new().await;
    let mut conversion = event(&app, EventKind::Conversion, "2026-03-01 12:00:00", 1);
    conversion.set_text(Text::Hash, "00112233445566778899aabbccddeeff");
    let mut stored = [conversion];
    app.store(&mut stored);
    let id = app.made.integration_id;
    let path = format!(
        "/reports/v2/conversion?integration_id={id}&request_date=2026-03-01&offer=offer&publisher=b&hash=00112233445566778899aabbccddeeff"
    );
    let answered = app.call("GET", &path, Value::Null).await;
    assert_eq!(answered.body["real_tx_id"], stored[0].id.to_string(), "{answered:?}");
}
