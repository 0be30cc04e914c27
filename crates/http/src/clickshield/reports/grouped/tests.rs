//! The grouped report through the real router, over events in a real ledger.

use super::*;
use crate::Limits;
use crate::testing::TestApp;
use serde_json::{Value, json};
use std::future::{Future, poll_fn};
use std::task::Poll;
use tollgate_domain::{Event, Number, Status, Text, Timestamp};

const DAYS: &str = "start_date=2026-03-01&end_date=2026-03-02";

fn event(app: &TestApp, kind: EventKind, time: &str, country: Option<&str>) -> Event {
    let mut event = Event::new(kind, app.made.integration_id);
    event.set_number(Number::RequestTime, Timestamp::parse("time", time).unwrap().millis());
    event.set_status(Status::Approved);
    if let Some(country) = country {
        event.set_text(Text::Country, country);
    }
    event
}

/// Clicks and conversions of three days, some rejected, one under monitoring mode.
fn stored(app: &TestApp) -> Vec<Event> {
    let rejected = |mut event: Event, monitored: bool| {
        event.set_status(Status::Rejected);
        event.set_text(Text::Rejections, r#"["BOT","VPN"]"#);
        event.set_number(Number::MonitoringMode, i64::from(monitored));
        event
    };
    let paid = |mut event: Event, revenue: i64| {
        event.set_number(Number::Revenue, revenue);
        event.set_number(Number::Payout, revenue / 2);
        event
    };
    let click = |time, country| event(app, EventKind::Click, time, country);
    let conversion = |time, country| event(app, EventKind::Conversion, time, country);
    let mut events = vec![
        click("2026-02-27 12:00:00", Some("DE")),
        click("2026-02-28 12:00:00", Some("IT")),
        click("2026-03-01 12:00:00", Some("DE")),
        rejected(click("2026-03-01 12:10:00", Some("DE")), false),
        rejected(click("2026-03-01 13:10:00", Some("FR")), true),
        paid(click("2026-03-02 23:30:00", Some("FR")), 2_500_001),
        click("2026-03-02 23:40:00", None),
        paid(conversion("2026-03-01 14:00:00", Some("DE")), -1_000_000),
        rejected(paid(conversion("2026-03-02 14:00:00", Some("JP")), 3_000_000), false),
    ];
    app.store(&mut events);
    events
}

async fn report(app: &TestApp, rest: &str) -> Value {
    let answered = app.call("GET", &format!("/reports/v2/grouped?{rest}"), Value::Null).await;
    assert_eq!(answered.status, 200, "{rest}: {answered:?}");
    answered.body
}

fn measures(counts: [u64; 4], conversions: Value, rate: Value, money: [f64; 2]) -> Value {
    let [total, approved, rejected, monitored] = counts;
    json!({
        "total": total, "approved": approved, "rejected": rejected, "monitored": monitored,
        "conversions": conversions, "conversion_rate": rate, "revenue": money[0], "payout": money[1],
    })
}

fn with(keys: Value, measures: Value) -> Value {
    let mut all = keys;
    all.as_object_mut().unwrap().extend(measures.as_object().unwrap().clone());
    all
}

/// Numbers as they are told, whatever their type.
fn told(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(told).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), told(value))).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn clicks_are_counted_by_country_with_their_conversions() {
    let app = TestApp::new().await;
    let cut = stored(&app).len();
    let found = report(&app, &format!("{DAYS}&group_by=country")).await;
    let expected = json!({
        "data": [
            with(json!({"country": null}), measures([1, 1, 0, 0], json!(0), json!(0), [0.0, 0.0])),
            with(json!({"country": "DE"}), measures([2, 1, 1, 0], json!(1), json!(0.5), [0.0, 0.0])),
            with(json!({"country": "FR"}), measures([2, 1, 0, 1], json!(0), json!(0), [2.500001, 1.25])),
            with(json!({"country": "JP"}), measures([0, 0, 0, 0], json!(1), Value::Null, [0.0, 0.0])),
        ],
        "totals": measures([5, 3, 1, 1], json!(2), json!(0.4), [2.500001, 1.25]),
        "meta": {"links": {"next": null, "prev": null}, "total_count": 4, "total_page": 1, "as_of": cut},
    });
    assert_eq!(told(&found), told(&expected));
}

#[tokio::test]
async fn days_and_hours_are_those_of_the_integrations_zone() {
    let app = TestApp::new().await;
    stored(&app);
    let path = format!("/integrations/{}", app.made.integration_id);
    app.call("PATCH", &path, json!({"time_zone": "Europe/Berlin"})).await;
    let days = "start_date=2026-03-02&end_date=2026-03-03";
    let found = report(&app, &format!("{days}&group_by=date,hour,integration_id&kind=click")).await;
    let id = app.made.integration_id.to_string();
    let keys = json!({"date": "2026-03-03", "hour": 0, "integration_id": id});
    let only = with(keys, measures([2, 2, 0, 0], json!(0), json!(0), [2.500001, 1.25]));
    assert_eq!(told(&found["data"][1]), told(&only), "{found}");
    assert_eq!(found["data"][0]["conversions"], 1);
}

#[tokio::test]
async fn groups_are_sorted_and_paged() {
    let app = TestApp::new().await;
    stored(&app);
    let countries = |found: &Value| -> Vec<Value> {
        found["data"].as_array().unwrap().iter().map(|row| row["country"].clone()).collect()
    };
    let sorted = |sort: &str| format!("{DAYS}&group_by=country&sort={sort}");
    let by_total = report(&app, &sorted("-total,-country")).await;
    assert_eq!(countries(&by_total), [json!("FR"), json!("DE"), Value::Null, json!("JP")]);
    let by_rate = report(&app, &sorted("-conversion_rate")).await;
    assert_eq!(countries(&by_rate), [json!("DE"), Value::Null, json!("FR"), json!("JP")]);
    let second = report(&app, &format!("{}&page[size]=3&page[number]=2", sorted("-revenue"))).await;
    assert_eq!(countries(&second), [json!("JP")]);
    let links = json!({"next": null, "prev": {"page[number]": 1, "page[size]": 3}});
    assert_eq!((&second["meta"]["links"], &second["meta"]["total_page"]), (&links, &json!(2)));
}

#[tokio::test]
async fn the_days_before_stand_beside() {
    let app = TestApp::new().await;
    stored(&app);
    let found = report(&app, &format!("{DAYS}&group_by=date&compare=previous")).await;
    let days: Vec<_> =
        found["data"].as_array().unwrap().iter().map(|row| (&row["date"], &row["total"])).collect();
    assert_eq!(days, [(&json!("2026-03-01"), &json!(3)), (&json!("2026-03-02"), &json!(2))]);
    assert_eq!(found["data"][1]["previous"]["total"], 1, "of 2026-02-28");
    assert_eq!(found["totals"]["previous"]["total"], 2);
    let by_country = report(&app, &format!("{DAYS}&group_by=country&compare=previous&sort=country")).await;
    let italy = &by_country["data"][3];
    assert_eq!(
        (&italy["country"], &italy["total"], &italy["previous"]["total"]),
        (&json!("IT"), &json!(0), &json!(1))
    );
}

#[tokio::test]
async fn kinds_filters_and_cuts_are_heeded() {
    let app = TestApp::new().await;
    stored(&app);
    let paid = report(&app, &format!("{DAYS}&group_by=rejection&kind=conversion")).await;
    let expected = json!([
        with(json!({"rejection": null}), measures([1, 1, 0, 0], Value::Null, Value::Null, [-1.0, -0.5])),
        with(json!({"rejection": "BOT"}), measures([1, 0, 1, 0], Value::Null, Value::Null, [3.0, 1.5])),
    ]);
    assert_eq!(told(&paid["data"]), told(&expected));
    let total =
        async |rest: &str| report(&app, &format!("{DAYS}&group_by=country&{rest}")).await["totals"].clone();
    let german = total("filter[country]=DE").await;
    assert_eq!((&german["total"], &german["conversions"]), (&json!(2), &json!(1)));
    let rejected = total("filter[status]=rejected").await;
    assert_eq!((&rejected["total"], &rejected["monitored"]), (&json!(2), &json!(1)));
    let redirected = total("filter[redirected_to]=nowhere").await;
    assert_eq!(redirected["conversions"], Value::Null, "conversions are not redirected");
    assert_eq!(total("as_of=3").await["total"], 1);
    let id = app.made.integration_id;
    assert_eq!(total(&format!("integration_id={id}&integration_id={id}")).await["total"], 5);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_what_is_known() {
    let app = TestApp::new().await;
    let cases: &[(&str, &[&str])] = &[
        ("", &["start_date", "end_date", "group_by"]),
        ("start_date=2026-03-02&end_date=2026-03-01&group_by=country", &["end_date"]),
        ("start_date=2026-03-01&end_date=2026-03-01&group_by=country,date,hour,isp", &["group_by"]),
        ("start_date=2026-03-01&end_date=2026-03-01&group_by=country,country", &["group_by"]),
        ("start_date=2026-03-01&end_date=2026-03-01&group_by=ip", &["group_by"]),
        ("start_date=2026-03-01&end_date=2026-03-01&group_by=isp&sort=country", &["sort"]),
        (
            "start_date=2026-03-01&end_date=2026-03-01&group_by=isp&compare=next&kind=view",
            &["kind", "compare"],
        ),
        (
            "start_date=2026-03-01&end_date=2026-03-01&group_by=isp&as_of=-1&filter[x]=1",
            &["as_of", "filter[x]"],
        ),
        ("start_date=2026-03-01&end_date=2026-03-01&group_by=isp&page[size]=101", &["page[size]"]),
    ];
    for (parameters, fields) in cases {
        let answered = app.call("GET", &format!("/reports/v2/grouped?{parameters}"), Value::Null).await;
        assert_eq!(answered.status, 400, "{parameters}");
        assert_eq!(answered.error_fields(), *fields, "{parameters}");
    }
    let path = "/reports/v2/grouped?start_date=2026-03-01&end_date=2026-03-01&group_by=colour";
    let answered = app.call("GET", path, Value::Null).await;
    let message = answered.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("known are date, hour, integration_id, rejection, advertiser"), "{message}");
}

#[tokio::test]
async fn another_organizations_events_are_not_counted() {
    let app = TestApp::new().await;
    stored(&app);
    let neighbour = app.neighbour().await;
    let path = format!("/reports/v2/grouped?{DAYS}&group_by=country");
    let answered = app.call_as(&neighbour.api_key, "GET", &path, Value::Null).await;
    assert_eq!((answered.status.as_u16(), &answered.body["totals"]["total"]), (200, &json!(0)));
    let named = format!("{path}&integration_id={}", app.made.integration_id);
    assert_eq!(app.call_as(&neighbour.api_key, "GET", &named, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_report_over_too_many_events_says_how_to_narrow_it() {
    let app = TestApp::with_limits(Limits::default().with_group_rows(5)).await;
    stored(&app);
    let path = format!("/reports/v2/grouped?{DAYS}&group_by=country&kind=conversion");
    assert_eq!(app.call("GET", &path, Value::Null).await.status, 200);
    let wide = app.call("GET", &format!("/reports/v2/grouped?{DAYS}&group_by=sub_id"), Value::Null).await;
    assert_eq!(wide.status, 402, "{wide:?}");
    let message = wide.body["message"].as_str().unwrap();
    assert!(message.contains("more than 5 events") && message.contains("a shorter time range"), "{message}");
}

#[tokio::test]
async fn counting_ends_when_nobody_waits_for_it() {
    let app = TestApp::new().await;
    stored(&app);
    let day = Day::parse("day", "2026-03-01").unwrap();
    let request = Request {
        entries: app.catalog.snapshot().integrations().cloned().collect(),
        days: (day, day),
        kind: EventKind::Click,
        keys: vec![Key::Date],
        predicates: Vec::new(),
        conversions: None,
        order: Vec::new(),
        page: Page { number: 1, size: 25 },
        compare: false,
        as_of: None,
    };
    let place = app.limits.groups.take(app.made.organization_id).await.unwrap();
    let bounds = bounds();
    let stop = bounds.stop.clone();
    let mut counting = Box::pin(count(app.ledger.view(), request, place, bounds));
    let begun = poll_fn(|context| Poll::Ready(counting.as_mut().poll(context))).await;
    assert!(begun.is_ready() || !stop.is_set());
    drop(counting);
    assert!(stop.is_set());
}
