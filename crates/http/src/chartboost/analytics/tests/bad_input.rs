//! What is not legal is told with the parameter's name, all of it at once; secrets cannot be tried for ever.

use super::{asked, get, message};
use crate::testing::TestApp;
use serde_json::json;
use sha2::{Digest, Sha256};
use tollgate_domain::{Event, EventKind, Number, Timestamp};
use tollgate_jobs::retention::Retention;

#[tokio::test]
async fn each_parameter_is_named_with_what_would_be_right() {
    let app = TestApp::new().await;
    let days = "dateMin=2026-03-01&dateMax=2026-03-31";
    for (path, named) in [
        ("campaign", "dateMin: must be given; dateMax: must be given"),
        ("app?dateMin=2026-03-01", "dateMax: must be given"),
        ("app?dateMin=2026-3-1&dateMax=x", "dateMin: must be a date"),
        ("app?dateMin=2026-03-02&dateMax=2026-03-01", "dateMax: must not be before dateMin"),
        ("app?dateMin=2026-03-01&dateMax=9999-12-31", "dateMax: must be a day before the year 9999"),
        ("campaign?D&groupBy=weather", "groupBy: must be one of country | app | app,creative"),
        ("campaign?D&groupBy=creative,app", "groupBy: must be one of"),
        ("app?D&groupBy=campaign", "groupBy: must be one of app | date | eventLocation"),
        ("app?D&role=owner", "role: must be one of publisher, advertiser"),
        ("app?D&aggregate=hourly", "aggregate: must be one of daily, weekly, monthly"),
        ("app?D&timezone=Mars/Base", "timezone: must be the IANA name of a time zone"),
        ("app?D&timezone=", "timezone: must be the IANA name of a time zone"),
        ("campaign?D&campaignType=own", "campaignType: must be one of network, cross_promo"),
        ("campaign?D&platform=windows", "platform: must be one of Google Play, iOS, Amazon"),
        ("appcountry?D&adTypeIds=4,6", "adTypeIds: must be among 1, 2, 3, 4, 5, 10, 11"),
        ("install?D&csv_format=XLS", "csv_format: must be one of CSV, TSV, JSON"),
        ("app?D&role=x&aggregate=y", "role: must be"),
    ] {
        for prefix in ["/v3/metrics", "/metrics"] {
            let answered =
                asked(&app, &format!("{prefix}/{}", path.replace("?D", &format!("?{days}")))).await;
            assert_eq!(answered.status, 400, "{path}: {answered:?}");
            assert!(message(&answered).contains(named), "{path}: {}", message(&answered));
        }
    }
    let answered = asked(&app, &format!("/metrics/app?{days}&role=x&aggregate=y&dateMax=z")).await;
    for name in ["role: ", "aggregate: ", "dateMax: "] {
        assert!(message(&answered).contains(name), "{answered:?}");
    }
}

#[tokio::test]
async fn days_that_are_not_kept_whole_are_refused() {
    let app = TestApp::new().await;
    let path = format!("/integrations/{}", app.made.integration_id);
    let kept = json!({"retention_days": 400, "click_retention_days": 30});
    assert_eq!(app.call("PATCH", &path, kept).await.status, 200);
    // It is 2023-11-14 in these tests.
    let days = |first: &str| format!("/v3/metrics/app?dateMin={first}&dateMax=2023-11-14&timezone=UTC");
    assert_eq!(asked(&app, &days("2023-10-15")).await.status, 200);
    let answered = asked(&app, &days("2023-10-14")).await;
    assert_eq!(answered.status, 400);
    let said = message(&answered);
    assert!(said.starts_with("dateMin: is too early: clicks of integration"), "{said}");
    assert!(said.ends_with("are kept from 2023-10-15T00:00:00.000Z on"), "{said}");
    // What was deleted by then stays missing.
    let mut click = [Event::new(EventKind::Click, app.made.integration_id)];
    let at = Timestamp::parse("time", "2023-10-12T07:00:00Z").unwrap();
    click[0].set_number(Number::RequestTime, at.millis());
    app.store(&mut click);
    Retention::new(app.catalog.clone(), app.ledger.clone()).round(app.catalog.now()).unwrap().unwrap();
    let kept = json!({"click_retention_days": 400});
    assert_eq!(app.call("PATCH", &path, kept).await.status, 200);
    assert_eq!(asked(&app, &days("2023-10-13")).await.status, 200);
    let answered = asked(&app, &days("2023-10-12")).await;
    let said = message(&answered);
    assert!(said.ends_with("are kept from 2023-10-12T07:00:00.001Z on"), "{said}");
}

#[tokio::test]
async fn a_user_id_is_closed_after_many_wrong_signatures_and_others_are_not() {
    let app = TestApp::new().await;
    let days = "dateMin=2026-03-01&dateMax=2026-03-31";
    let id = &app.made.legacy.id;
    let wrong = |id: &str| format!("/v3/metrics/app?{days}&userId={id}&userSignature={}", "0".repeat(40));
    assert_eq!(asked(&app, &format!("/v3/metrics/app?{days}")).await.status, 200);
    let mut refused = None;
    for _ in 0..40 {
        let answered = get(&app, &wrong(id)).await;
        if answered.status == 429 {
            refused = Some(answered);
            break;
        }
        assert_eq!(answered.status, 401, "{answered:?}");
    }
    let refused = refused.expect("wrong signatures can be tried for ever");
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(asked(&app, &format!("/v3/metrics/app?{days}")).await.status, 429, "even with the right one");
    assert_eq!(get(&app, &wrong("0123456789abcdef01234567")).await.status, 401);
    assert!(app.publisher().await.get(&format!("/v5/analytics/app?{days}")).await.status == 200);
}

#[tokio::test]
async fn who_makes_up_user_ids_closes_none_that_there_is() {
    let app = TestApp::new().await;
    let days = "dateMin=2026-03-01&dateMax=2026-03-31";
    // Made-up ids share places, and this one would have that of the organization's id.
    let place = |id: &str| Sha256::digest(id.as_bytes())[..2].to_vec();
    let own = place(&app.made.legacy.id);
    let made_up = (0..).map(|n: u64| n.to_string()).find(|id| place(id) == own).unwrap();
    let path = format!("/v3/metrics/app?{days}&userId={made_up}&userSignature={}", "0".repeat(40));
    let mut closed = false;
    for _ in 0..40 {
        closed |= get(&app, &path).await.status == 429;
    }
    assert!(closed, "made-up ids can be tried for ever");
    assert_eq!(asked(&app, &format!("/v3/metrics/app?{days}")).await.status, 200);
}
