//! What public clients of these endpoints do, imitated.

use super::{Working, asked, event, job_id, proof, result, until_created};
use crate::testing::TestApp;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tollgate_domain::{EventKind, Number, Text};

const DAYS: &str = "dateMin=2026-03-01&dateMax=2026-03-31";

async fn with_traffic() -> TestApp {
    let app = TestApp::new().await;
    let texts =
        [(Text::Campaign, "tab\there \"and\" ümläut"), (Text::AppId, "some-app"), (Text::Country, "US")];
    let mut events = Vec::new();
    for day in 1..=3 {
        let mut impression = event(&app, EventKind::Impression, &format!("2026-03-0{day} 12:00:00"), &texts);
        impression.set_number(Number::Price, 1_234_500 * day);
        events.push(impression);
    }
    app.store(&mut events);
    app
}

/// As many clients do: UTF-16 where the content type or a byte order mark says so, else where every second byte is zero.
fn decoded(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(&[0xff, 0xfe]).unwrap_or(bytes);
    assert_eq!(bytes.len() % 2, 0);
    let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).unwrap()
}

#[tokio::test]
async fn a_client_asks_polls_splits_the_id_and_reads_tabs() {
    let app = with_traffic().await;
    let working = Working::on(&app.analytics);
    let id =
        job_id(&asked(&app, &format!("/v3/metrics/campaign?{DAYS}&groupBy=campaign&role=publisher")).await);
    let (hex, uuid) = id.split_once('/').unwrap();
    assert!(hex.len() == 32 && uuid.len() == 36 && !uuid.contains('/'), "{id}");
    until_created(&app, &id).await;
    let (kind, bytes) = result(&app, &id, "").await;
    assert_eq!(kind, "text/tab-separated-values;charset=UTF-16LE");
    assert_ne!(&bytes[..2], [0xff, 0xfe], "no byte order mark");
    let text = decoded(&bytes);
    for line in text.lines() {
        assert!(line.starts_with('"') && line.ends_with('"'), "every value is quoted: {line}");
    }
    let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(text.as_bytes());
    let titles = reader.headers().unwrap().clone();
    let at = |title: &str| titles.iter().position(|one| one == title).unwrap();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(&rows[2][at("To Campaign ID")], "tab\there \"and\" ümläut");
    assert_eq!((&rows[2][at("Money Earned")], &rows[2][at("eCPM Earned")]), ("0.003704", "3.7035"));

    // The slash may be escaped, and the parameter of the retrieval wins.
    let escaped = id.replace('/', "%2F");
    let (kind, csv) = result(&app, &escaped, "&csv_format=csv").await;
    assert_eq!(kind, "text/csv;charset=utf-8");
    assert!(csv.starts_with(b"Date,To Campaign Name,"));
    let (kind, json) = result(&app, &id, "&csv_format=JSON").await;
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((kind.as_str(), json.as_array().unwrap().len()), ("application/json", 3));
    assert_eq!((&json[2]["Impressions"], &json[2]["Money Earned"]), (&json!(1), &json!(0.003704)));
    working.stop().await;
}

#[tokio::test]
async fn the_form_that_was_asked_for_with_the_report_is_kept() {
    let app = with_traffic().await;
    let working = Working::on(&app.analytics);
    let asking = format!("/v3/metrics/campaign?{DAYS}&groupBy=app&csv_format=CSV");
    let id = job_id(&asked(&app, &asking).await);
    until_created(&app, &id).await;
    assert_eq!(result(&app, &id, "").await.0, "text/csv;charset=utf-8");
    assert_eq!(result(&app, &id, "&csv_format=TSV").await.0, "text/tab-separated-values;charset=UTF-16LE");
    working.stop().await;
}

/// `response.json()[0]["moneyEarned"].toFixed(2)`: numbers must be numbers, one row for a day.
#[tokio::test]
async fn figures_are_numbers_in_one_row_a_day() {
    let app = with_traffic().await;
    let path = format!("/v3/metrics/app?{DAYS}&aggregate=daily&appId=some-app");
    let body = asked(&app, &path).await.body;
    let rows = body.as_array().unwrap();
    let days: Vec<&str> = rows.iter().map(|row| row["dt"].as_str().unwrap()).collect();
    assert_eq!(days, ["2026-03-01", "2026-03-02", "2026-03-03"]);
    for name in ["moneyEarned", "ecpmEarned", "impressionsDelivered", "clicksDelivered", "ctrDelivered"] {
        assert!(rows.iter().all(|row| row[name].is_number()), "{name}");
    }
    assert_eq!(rows[0]["app"], "some-app", "an app that nobody registered is told under its id");
}

#[tokio::test]
async fn parameters_may_stand_in_the_body_of_a_get() {
    let app = with_traffic().await;
    let legacy = &app.made.legacy;
    let body = json!({
        "dateMin": "2026-03-01", "dateMax": "2026-03-31", "aggregate": "monthly", "appIds": ["some-app", "other"],
        "userId": legacy.id, "userSignature": legacy.secret.expose(), "adTypeIds": [], "unknown": null,
    });
    let request = |path: &str, body: String| {
        Request::get(path).header("content-type", "application/json").body(Body::from(body)).unwrap()
    };
    let answered = app.send(request("/v3/metrics/app", body.to_string())).await;
    assert_eq!(answered.body[0]["impressionsDelivered"], 3, "{answered:?}");
    let publisher = app.publisher().await;
    let days = json!({"dateMin": "2026-03-02", "dateMax": "2026-03-02"});
    let answered = publisher.call("GET", "/v5/analytics/appcountry", days).await;
    assert_eq!(answered.body[0]["impressionsDelivered"], 1, "{answered:?}");
    // Part here, part there; the same parameter in both is refused by its name.
    let both = format!("/v3/metrics/app?dateMin=2026-03-01&{}", proof(&app));
    let answered = app.send(request(&both, json!({"dateMax": "2026-03-31"}).to_string())).await;
    assert_eq!(answered.body.as_array().unwrap().len(), 3);
    let answered =
        app.send(request(&both, json!({"dateMin": "2026-03-02", "dateMax": "2026-03-31"}).to_string())).await;
    assert_eq!(answered.status, 400);
    assert!(super::message(&answered).starts_with("dateMin: must be given only once"), "{answered:?}");
}
