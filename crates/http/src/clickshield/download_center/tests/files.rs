//! What files hold, and what their links lead to.

use super::{Fetched, Working, asked, fetch, file, store_clicks, until};
use crate::testing::TestApp;
use serde_json::Value;
use std::io::Read;
use tollgate_domain::{Event, EventKind, Number, Text};

/// The link to a whole file, made anew.
async fn link(app: &TestApp, name: &str) -> String {
    let answered = app.call("GET", &format!("/download-center/url?artifact_name={name}"), Value::Null).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    answered.body["url"].as_str().unwrap().to_owned()
}

/// An export that is whole.
async fn whole(app: &TestApp) -> Value {
    let working = Working::on(&app.exports);
    let export = until(app, &asked(app, "").await, "COMPLETED").await;
    working.stop().await;
    export
}

#[tokio::test]
async fn a_file_has_a_header_and_the_rows_that_were_asked_for() {
    let app = TestApp::new().await;
    let ids: Vec<String> = store_clicks(&app, 8).iter().map(|event| event.id.to_string()).collect();
    let text = String::from_utf8(file(&app, "color,none&delimiter=tab&filter[publisher]=a").await).unwrap();
    let expected = [
        "real_tx_id\toffer_id\tpublisher\tcolor\tnone\r\n".to_owned(),
        format!("{}\tplain\ta\tred\t\r\n", ids[0]),
        format!("{}\t\"say \"\"hi\"\"\"\ta\tred\t\r\n", ids[2]),
        format!("{}\tplain\ta\tred\t\r\n", ids[4]),
        format!("{}\t\"say \"\"hi\"\"\"\ta\tred\t\r\n", ids[6]),
    ];
    assert_eq!(text, expected.concat());
    let text = String::from_utf8(file(&app, "&filter[publisher]=b").await).unwrap();
    assert!(text.contains(&format!("{},\"a,b\",b\r\n{},=1+1,b\r\n", ids[1], ids[3])), "{text}");
    let text = String::from_utf8(file(&app, "&filter[publisher]=b&safe_cells=true").await).unwrap();
    assert!(text.contains(&format!("{},'=1+1,b\r\n", ids[3])), "{text}");
}

#[tokio::test]
async fn a_compressed_file_holds_the_same() {
    let app = TestApp::new().await;
    store_clicks(&app, 500);
    let (plain, zipped) = (file(&app, "").await, file(&app, "&gzip=true").await);
    assert!(zipped.len() < plain.len() / 2);
    let mut unzipped = Vec::new();
    flate2::read::GzDecoder::new(&*zipped).read_to_end(&mut unzipped).unwrap();
    assert_eq!(unzipped, plain);
}

/// Every row of a day's clicks as of a cut, newest first, by pages.
async fn pages(app: &TestApp, as_of: u64) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!(
            "/reports/v2/click-table?integration_id={}&start_date=2026-03-01&end_date=2026-03-01&page[size]=100\
             &as_of={as_of}{cursor}",
            app.made.integration_id
        );
        let mut page = app.call("GET", &path, Value::Null).await.body["data"].take();
        rows.append(page["data"].as_array_mut().unwrap());
        if page["pageInfo"]["hasNextPage"] == false {
            return rows;
        }
        cursor = format!("&page[after]={}", page["pageInfo"]["endCursor"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_file_and_the_pages_of_its_cut_hold_the_same_rows() {
    let app = TestApp::new().await;
    store_clicks(&app, 230);
    let export = whole(&app).await;
    store_clicks(&app, 50);
    let cut = export["results_meta"]["as_of"].as_u64().unwrap();
    assert_eq!(export["results_meta"]["total"], 230);
    let rows = pages(&app, cut).await;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let of_pages: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| ["real_tx_id", "offer_id", "publisher"].map(|name| text(row, name)))
        .collect();
    let fetched = fetch(&app, "GET", export["artifact"]["download_link"].as_str().unwrap(), &[]).await;
    let mut reader = csv::Reader::from_reader(&*fetched.body);
    let of_file: Vec<_> = reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            [0, 1, 2].map(|n| row[n].to_owned())
        })
        .collect();
    assert_eq!(of_file, of_pages);
}

#[tokio::test]
async fn other_kinds_have_files_of_their_own() {
    let app = TestApp::new().await;
    let mut conversion = Event::new(EventKind::Conversion, app.made.integration_id);
    conversion.set_number(Number::RequestTime, 1_772_366_400_000);
    conversion.set_text(Text::Hash, "00112233445566778899aabbccddeeff");
    app.store(&mut [conversion]);
    let path = format!(
        "/download-center/{}/conversions?start_date=2026-03-01&end_date=2026-03-01&fields=hash&extra_parameters=",
        app.made.integration_id
    );
    let id = app.call("GET", &path, Value::Null).await.body["id"].as_str().unwrap().to_owned();
    let working = Working::on(&app.exports);
    let export = until(&app, &id, "COMPLETED").await;
    working.stop().await;
    let fetched = fetch(&app, "GET", export["artifact"]["download_link"].as_str().unwrap(), &[]).await;
    assert_eq!(fetched.text(), "hash\r\n00112233445566778899aabbccddeeff\r\n");
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked_for() {
    let app = TestApp::new().await;
    store_clicks(&app, 10_000);
    let export = whole(&app).await;
    let name = export["artifact"]["name"].as_str().unwrap();
    let link = link(&app, name).await;
    let all = fetch(&app, "GET", &link, &[]).await;
    let size = all.body.len();
    assert!(size > 256 << 10, "more than one piece: {size}");
    assert_eq!((all.status.as_u16(), all.header("accept-ranges")), (200, "bytes"));
    assert_eq!(all.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(all.header("content-disposition"), format!("attachment; filename=\"{name}\""));
    assert_eq!(all.header("cache-control"), "private, no-store");
    let head = fetch(&app, "HEAD", &link, &[]).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(
        (head.header("content-length"), head.header("etag")),
        (&*size.to_string(), all.header("etag"))
    );

    let ranged = async |range: &str| fetch(&app, "GET", &link, &[("range", range)]).await;
    for (range, expected) in [
        ("bytes=0-99", 0..100),
        ("bytes=100000-300000", 100_000..300_001),
        ("bytes=-7", size - 7..size),
        (&*format!("bytes={}-", size - 1), size - 1..size),
    ] {
        let part = ranged(range).await;
        assert_eq!(part.status, 206, "{range}");
        let told = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
        assert_eq!((part.header("content-range"), &part.body[..]), (&*told, &all.body[expected.clone()]));
        assert_eq!(part.header("content-length"), expected.len().to_string());
    }
    let outside = ranged(&format!("bytes={size}-")).await;
    assert_eq!(
        (outside.status.as_u16(), outside.header("content-range")),
        (416, &*format!("bytes */{size}"))
    );
    assert_eq!(serde_json::from_slice::<Value>(&outside.body).unwrap()["code"], "range_outside");
    let tagged = async |tag: &str| {
        fetch(&app, "GET", &link, &[("range", "bytes=5-"), ("if-range", tag)]).await.status.as_u16()
    };
    assert_eq!((tagged(all.header("etag")).await, tagged("\"another\"").await), (206, 200));
}

fn is_refused(fetched: &Fetched, why: &str) -> bool {
    let body: Value = serde_json::from_slice(&fetched.body).unwrap_or_default();
    fetched.status == 403
        && body["code"] == "link_refused"
        && body["message"].as_str().is_some_and(|message| message.contains(why))
}

#[tokio::test]
async fn a_link_is_for_one_file_of_one_organization_for_a_while() {
    let app = TestApp::new().await;
    store_clicks(&app, 3);
    let (one, other) = (whole(&app).await, whole(&app).await);
    let name = |export: &Value| export["artifact"]["name"].as_str().unwrap().to_owned();
    let link = link(&app, &name(&one)).await;
    assert_eq!(fetch(&app, "GET", &link, &[]).await.status, 200);
    let neighbour = app.neighbour().await;
    let (organization, theirs) = (app.made.organization_id.to_string(), neighbour.organization.to_string());
    let signature = link.rsplit('=').next().unwrap();
    let flipped = signature.replace(['0', '1', '2', '3'], "f");
    for (changed, why) in [
        (link.replace(&name(&one), &name(&other)), "another file"),
        (link.replace(&organization, &theirs), "not right"),
        (link.replace("expires=1", "expires=2"), "not right"),
        (link.replace("expires=1", "expires=01"), "not one that was signed"),
        (link.replace(signature, &flipped), "not right"),
        (link.replace(signature, ""), "not right"),
        (link.split('?').next().unwrap().to_owned(), "no whole link"),
        (link.split("&signature").next().unwrap().to_owned(), "no whole link"),
    ] {
        let fetched = fetch(&app, "GET", &changed, &[]).await;
        assert!(is_refused(&fetched, why), "{changed}: {}", fetched.text());
    }
    app.clock.advance_seconds(15 * 60 - 1);
    assert_eq!(fetch(&app, "GET", &link, &[]).await.status, 200);
    app.clock.advance_seconds(1);
    assert!(is_refused(&fetch(&app, "GET", &link, &[]).await, "expired"));
}

#[tokio::test]
async fn links_are_absolute_and_can_be_revoked() {
    let app = TestApp::new().await;
    store_clicks(&app, 3);
    let export = whole(&app).await;
    let name = export["artifact"]["name"].as_str().unwrap();
    let before = link(&app, name).await;
    assert!(before.starts_with("/api/v2/download-center/files/click_logs-"), "nobody said where: {before}");
    let path = format!("/api/v2/download-center/url?artifact_name={name}");
    let asked = axum::http::Request::get(path).header("host", "ads.example:8443");
    let asked = asked.header("API-KEY", app.made.api_key.secret.expose());
    let answered = app.send(asked.body(axum::body::Body::empty()).unwrap()).await;
    let absolute = answered.body["url"].as_str().unwrap();
    assert!(absolute.starts_with("http://ads.example:8443/api/v2/download-center/files/"), "{absolute}");
    let revoked = super::work::native(&app, "/tollgate/v1/exports/links/revoke").await;
    assert_eq!(revoked.status, 204);
    assert!(is_refused(&fetch(&app, "GET", &before, &[]).await, "revoked"));
    assert_eq!(fetch(&app, "GET", &link(&app, name).await, &[]).await.status, 200);
}

#[tokio::test]
async fn only_whole_files_of_the_organization_have_links() {
    let app = TestApp::new().await;
    let waiting = asked(&app, "").await;
    let url = async |key: &str, name: &str| {
        let path = format!("/download-center/url?artifact_name={name}");
        app.call_as(key, "GET", &path, Value::Null).await.status.as_u16()
    };
    let own = app.made.api_key.secret.expose();
    assert_eq!(url(own, &format!("click_logs-{waiting}.csv")).await, 404, "it waits");
    assert_eq!(url(own, "exports.sqlite").await, 404);
    assert_eq!(url(own, "").await, 400);
    let export = whole(&app).await;
    let name = export["artifact"]["name"].as_str().unwrap();
    assert_eq!(url(own, name).await, 200);
    assert_eq!(url(&app.neighbour().await.api_key, name).await, 404);
}

#[tokio::test]
async fn a_deleted_export_takes_its_file_along() {
    let app = TestApp::new().await;
    let export = whole(&app).await;
    let (id, name) = (export["id"].as_str().unwrap(), export["artifact"]["name"].as_str().unwrap());
    let link = link(&app, name).await;
    let path = format!("/download-center/exports/{id}");
    let theirs = app.neighbour().await.api_key;
    assert_eq!(app.call_as(&theirs, "DELETE", &path, Value::Null).await.status, 404);
    assert_eq!(fetch(&app, "GET", &link, &[]).await.text().lines().count(), 1);
    let deleted = app.call("DELETE", &path, Value::Null).await;
    assert_eq!((deleted.status.as_u16(), deleted.body), (200, serde_json::json!({})));
    assert_eq!(app.call("DELETE", &path, Value::Null).await.status, 404, "once is enough");
    assert_eq!(app.call("GET", &path, Value::Null).await.status, 404);
    assert_eq!(fetch(&app, "GET", &link, &[]).await.status, 404);
    assert_eq!(std::fs::read_dir(app.folder().join("exports")).unwrap().count(), 0);
}
