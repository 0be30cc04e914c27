//! Long answers: counted and sent some days at a time, and whole all the same.

use super::{asked, event};
use crate::testing::TestApp;
use tollgate_domain::{Day, Event, EventKind, Number, Text};
use tollgate_jobs::analytics::{Aggregate, FigureError, Report, ReportRequest, figures};
use tollgate_ledger::group::Bounds;

const DAYS: usize = 100;
const APPS: usize = 45;

#[tokio::test]
async fn a_long_answer_is_sent_in_parts_and_has_every_row_once_in_order() {
    let app = TestApp::new().await;
    for day in 0..DAYS {
        let shown = |n: usize| {
            let id = format!("app-{n:02}");
            let mut event = event(&app, EventKind::Click, "2026-03-01 12:00:00", &[(Text::AppId, &id)]);
            let at = event.at().plus_millis(day as i64 * 86_400_000);
            event.set_number(Number::RequestTime, at.millis());
            event.set_number(Number::Payout, 1 + n as i64);
            event
        };
        app.store(&mut (0..APPS).map(shown).collect::<Vec<Event>>());
    }
    let days = "dateMin=2026-03-01&dateMax=2026-06-30&timezone=UTC";
    let short = asked(&app, &format!("/v3/metrics/app?{days}&aggregate=monthly&role=publisher")).await;
    assert_eq!(short.body.as_array().unwrap().len(), 4 * APPS);
    let long = asked(&app, &format!("/v3/metrics/app?{days}")).await;
    assert_eq!(
        (long.status.as_u16(), long.header("content-length")),
        (200, None),
        "it is sent as it is made"
    );
    let rows = long.body.as_array().unwrap();
    let keys: Vec<(&str, &str)> =
        rows.iter().map(|row| (row["dt"].as_str().unwrap(), row["appId"].as_str().unwrap())).collect();
    assert_eq!(keys.len(), DAYS * APPS);
    assert!(keys.is_sorted(), "by day, then by app");
    let clicks: i64 = rows.iter().map(|row| row["clicksDelivered"].as_i64().unwrap()).sum();
    assert_eq!(clicks, (DAYS * APPS) as i64);
}

#[tokio::test]
async fn years_without_events_are_passed_over_in_few_parts() {
    let app = TestApp::new().await;
    app.store(&mut [event(&app, EventKind::Click, "2026-03-01 12:00:00", &[(Text::AppId, "a")])]);
    let day = |text: &str| Day::parse("day", text).unwrap();
    for aggregate in [Aggregate::Daily, Aggregate::Weekly, Aggregate::Monthly] {
        let request = ReportRequest {
            organization: app.made.organization_id,
            report: Report::App,
            first: day("1970-01-01"),
            last: day("9998-12-30"),
            aggregate,
            zone: "America/New_York".to_owned(),
            role: None,
            grouping: None,
            campaigns: Vec::new(),
            apps: Vec::new(),
            campaign_type: None,
            platform: None,
            ad_location: None,
            ad_types: Vec::new(),
        };
        let (view, snapshot) = (app.ledger.view(), app.catalog.snapshot());
        let (mut parts, mut rows) = (0, 0);
        let mut take = |part: Vec<_>| {
            (parts, rows) = (parts + 1, rows + part.len());
            Ok::<_, FigureError>(())
        };
        figures(&view, &snapshot, &request, &Bounds::threads(1), &mut take).unwrap();
        assert!(parts < 40 && rows == 1, "{aggregate:?}: {parts} parts, {rows} rows");
    }
}
