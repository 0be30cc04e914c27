//! The keys, columns and answers that the vendor and its clients know, to the letter.

use super::{Working, asked, event, get, job_id, proof, result, row, until_created};
use crate::testing::TestApp;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use tollgate_catalog::{Actor, new_campaign};
use tollgate_domain::{Campaign, EventKind, Number, Status, Text};

const DAYS: &str = "dateMin=2026-03-01&dateMax=2026-03-31";

/// Two apps and a campaign that promotes the second in the first, with some traffic on one day.
async fn furnished() -> (TestApp, String, String) {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let game = publisher.new_app(json!({"nickname": "Game", "name": "Game"})).await;
    let shop = publisher.new_app(json!({"nickname": "Shop", "name": "The \"Shop\""})).await;
    let campaign: Campaign = serde_json::from_value(json!({
        "id": "spring", "name": "Spring, sale", "campaign_type": "network", "app": shop,
        "creatives": [{"id": "c1", "name": "First"}],
    }))
    .unwrap();
    let actor = Actor::command_line();
    let write =
        app.catalog.write(app.made.organization_id, &actor, |draft| new_campaign(draft, campaign.clone()));
    write.await.unwrap();
    let texts = [
        (Text::AppId, game.as_str()),
        (Text::AdLocation, "Home"),
        (Text::AdType, "rewarded"),
        (Text::Country, "DE"),
        (Text::Campaign, "spring"),
        (Text::Creative, "c1"),
    ];
    let at = "2026-03-09 20:00:00";
    let mut events = Vec::new();
    for n in 0..4 {
        let mut impression = event(&app, EventKind::Impression, at, &texts);
        impression.set_number(Number::Price, 5_000_000);
        impression.set_number(Number::VideoCompleted, i64::from(n < 2));
        events.push(impression);
    }
    events[3].set_status(Status::Rejected);
    events.push(event(&app, EventKind::Click, at, &texts));
    let mut install = event(&app, EventKind::Conversion, at, &texts);
    install.set_number(Number::Payout, 700_000);
    install.set_number(Number::Revenue, 1_250_001);
    events.push(install);
    app.store(&mut events);
    (app, game, shop)
}

#[tokio::test]
async fn the_report_on_countries_has_the_keys_that_clients_read() {
    let (app, game, shop) = furnished().await;
    let answered = asked(&app, &format!("/v3/metrics/appcountry?{DAYS}")).await;
    let expected = json!([{
        "dt": "2026-03-09", "appId": game, "app": "Game", "platform": "Google Play", "countryCode": "DE",
        "adType": "rewarded", "adLocation": "Home", "campaignType": "network",
        "impressionsDelivered": 3, "clicksDelivered": 1, "installsDelivered": 1, "videoCompletedDelivered": 2,
        "ctrDelivered": 0.333333, "installRateDelivered": 1,
        "moneyEarned": 0.715, "ecpmEarned": 238.333333, "cpcvEarned": 0.3575,
    }]);
    assert_eq!((answered.status.as_u16(), &answered.body), (200, &expected));
    let query = format!("/v3/metrics/appcountry?{DAYS}&role=advertiser&appIds={shop}");
    let spent = asked(&app, &query).await.body;
    assert_eq!(spent[0]["appId"], shop);
    assert_eq!((&spent[0]["impressionsReceived"], &spent[0]["installsReceived"]), (&json!(3), &json!(1)));
    assert_eq!(spent[0]["moneySpent"], json!(1.265001));
    assert!(spent[0].get("moneyEarned").is_none());
}

#[tokio::test]
async fn the_report_on_apps_has_one_row_for_an_app_and_a_day() {
    let (app, game, shop) = furnished().await;
    let body = asked(&app, &format!("/metrics/app?{DAYS}&aggregate=monthly&timezone=UTC")).await.body;
    assert_eq!(body.as_array().unwrap().len(), 2);
    let own = row(&body, "appId", &game);
    assert_eq!((&own["dt"], &own["bootups"], &own["role"]), (&json!("2026-03-01"), &json!(0), &json!("all")));
    assert_eq!((&own["moneyEarned"], &own["moneySpent"]), (&json!(0.715), &json!(0)));
    assert_eq!((&own["installDelivered"], &own["impressionsReceived"]), (&json!(1), &json!(0)));
    assert_eq!(own["appBundleId"], "com.chartboost.example");
    let promoted = row(&body, "appId", &shop);
    assert_eq!((&promoted["moneyEarned"], &promoted["moneySpent"]), (&json!(0), &json!(1.265001)));
    let only = asked(&app, &format!("/metrics/app?{DAYS}&appId={game}&role=publisher")).await.body;
    assert_eq!(only.as_array().unwrap().len(), 1);
    assert!(only[0].get("moneySpent").is_none());
}

#[tokio::test]
async fn the_report_on_campaigns_is_told_at_once_where_nothing_is_grouped() {
    let (app, _, shop) = furnished().await;
    let body = asked(&app, &format!("/v3/metrics/campaign?{DAYS}")).await.body;
    let expected = json!([{
        "dt": "2026-03-09", "campaign": "Spring, sale", "campaignId": "spring", "campaignTarget": shop,
        "campaignType": "network", "campaignSubType": "cpm", "app": "The \"Shop\"", "creative": "", "role": "all",
        "adTypeId": 4,
        "impressionsDelivered": 3, "clicksDelivered": 1, "installDelivered": 1, "videoCompletedDelivered": 2,
        "ctrDelivered": 0.333333, "installRateDelivered": 1,
        "moneyEarned": 0.715, "ecpmEarned": 238.333333, "cpcvEarned": 0.3575,
        "impressionsReceived": 3, "clicksReceived": 1, "installReceived": 1, "videoCompletedReceived": 2,
        "ctrReceived": 0.333333, "installRateReceived": 1,
        "moneySpent": 1.265001, "ecpmSpent": 421.667, "cpcvSpent": 0.6325,
    }]);
    assert_eq!(body, expected);
    for (parameter, rows) in [
        ("campaignId=spring", 1),
        ("campaignIds=other,spring", 1),
        ("campaignId=other", 0),
        ("campaignType=cross_promo", 0),
        ("platform=Google+Play", 1),
        ("platform=iOS", 0),
    ] {
        let body = asked(&app, &format!("/v3/metrics/campaign?{DAYS}&{parameter}")).await.body;
        assert_eq!(body.as_array().unwrap().len(), rows, "{parameter}");
    }
}

#[tokio::test]
async fn the_file_of_apps_and_creatives_has_the_columns_in_their_order() {
    let (app, game, shop) = furnished().await;
    let working = Working::on(&app.analytics);
    let id = job_id(&asked(&app, &format!("/v3/metrics/campaign?{DAYS}&groupBy=app,creative")).await);
    until_created(&app, &id).await;
    let (kind, csv) = result(&app, &id, "&csv_format=CSV").await;
    assert_eq!(kind, "text/csv;charset=utf-8");
    let bundle = "com.chartboost.example";
    let about = format!(
        "2026-03-09,\"Spring, sale\",spring,\"The \"\"Shop\"\"\",{shop},{bundle},Google Play,,,Game,{game},{bundle},\
         Google Play,network,First"
    );
    let expected = format!(
        "Date,To Campaign Name,To Campaign ID,To App Name,To App ID,To App Bundle,To App Platform,From Campaign ID,\
         From Campaign Name,From App Name,From App ID,From App Bundle,From App Platform,Campaign Type,Creative,Role,\
         Ad Type,Impressions,Clicks,Installs,CTR,IR,Money Earned,eCPM Earned,Money Spent,eCPM Spent,Completed View\n\
         {about},publisher,4,3,1,1,0.333333,1,0.715,238.333333,0,0,2\n\
         {about},advertiser,4,3,1,1,0.333333,1,0,0,1.265001,421.667,2\n"
    );
    assert_eq!(String::from_utf8(csv).unwrap(), expected);
    working.stop().await;
}

#[tokio::test]
async fn the_file_of_installs_has_its_columns_where_clients_look() {
    let (app, game, _) = furnished().await;
    let working = Working::on(&app.analytics);
    let id = job_id(&asked(&app, &format!("/v3/metrics/install?{DAYS}&campaignIds=spring")).await);
    until_created(&app, &id).await;
    let (_, csv) = result(&app, &id, "&csv_format=CSV").await;
    let mut reader = csv::Reader::from_reader(&csv[..]);
    assert!(reader.headers().unwrap().len() >= 24);
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    let cells: Vec<&str> = [0, 2, 11, 12, 13, 21, 23].iter().map(|at| &rows[0][*at]).collect();
    let bundle = "com.chartboost.example";
    // Eight hours behind UTC before the second Sunday of March, seven after.
    assert_eq!(cells, ["2026-03-09 13:00:00", "Spring, sale", "Game", &game, bundle, "DE", "1.250001"]);
    working.stop().await;
}

#[tokio::test]
async fn wrong_credentials_are_told_to_the_letter() {
    let app = TestApp::new().await;
    let expected = "{\"code\":401,\"message\":\"401 Unauthorized: Invalid authentication\",\"status\":\"Unauthorized\"}\n";
    let path =
        format!("/v3/metrics/app?{DAYS}&userId={}&userSignature={}", app.made.legacy.id, "0".repeat(40));
    for path in [&path, "/v3/metrics/app", "/metrics/jobs/a/b"] {
        let (status, _, body) = app.bytes(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((status, std::str::from_utf8(&body).unwrap()), (401, expected), "{path}");
    }
    let answered = get(&app, &format!("/v5/analytics/app?{DAYS}&{}", proof(&app))).await;
    assert_eq!((answered.status.as_u16(), answered.header("www-authenticate")), (401, Some("Bearer")));
    let publisher = app.publisher().await;
    assert_eq!(publisher.get(&format!("/v5/analytics/app?{DAYS}")).await.body, json!([]));
    assert_eq!(publisher.get(&format!("/v3/metrics/app?{DAYS}")).await.status, 401);
}
