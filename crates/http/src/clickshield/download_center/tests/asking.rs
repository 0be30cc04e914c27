//! What can be asked for, and what is refused.

use super::{USUAL, ask, asked};
use crate::testing::{ExportSetup, TestApp};
use serde_json::{Value, json};
use tollgate_catalog::Scope;
use tollgate_jobs::exports::Options;

#[tokio::test]
async fn an_export_is_answered_whole() {
    let app = TestApp::new().await;
    let more = "&delimiter=%3B&safe_cells=true&gzip=true&filter[status]=rejected&filter[publisher][in]=a,b\
                &filter[revenue][gte]=0.5";
    let answered = ask(&app, &format!("{USUAL}color{more}")).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let id = answered.body["id"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    let (organization, integration) = (app.made.organization_id, app.made.integration_id);
    let (day, fields) = ("2026-03-01", ["real_tx_id", "offer_id", "publisher"]);
    let by = format!("api_key:{}", app.made.api_key.id);
    let at = "2023-11-14T22:13:20.000Z";
    let expected = json!({
        "artifact": {
            "download_link": null,
            "meta": {"id": id, "organization": organization, "type": "click_logs"},
            "name": format!("click_logs-{id}.csv.gz"),
            "size": null,
        },
        "created_at": at,
        "error": null,
        "export_list_options": {
            "start_date": day, "end_date": day, "delimiter": ";", "fields": fields, "extra_parameters": ["color"],
            "safe_cells": true, "gzip": true,
            "filter": {"status": {"eq": ["rejected"]}, "publisher": {"eq": ["a", "b"]}, "revenue": {"gte": ["0.5"]}},
        },
        "format": {"delimiter": ";", "fields": fields, "extra_parameters": ["color"]},
        "id": id,
        "integration": integration,
        "last_updated_by": by,
        "organization": organization,
        "reports_query_option": {
            "start_date": day, "end_date": day,
            "filters": {
                "integration_id": {"equalvalues": [integration]},
                "status": {"equalvalues": ["rejected"]},
                "publisher": {"equalvalues": ["a", "b"]},
                "revenue": {"gte": ["0.5"]},
            },
        },
        "requested_by": by,
        "results_meta": {"total": null, "duration_seconds": null, "progress": 0.0, "as_of": null},
        "status": "PENDING",
        "type": "click_logs",
        "updated_at": at,
    });
    assert_eq!(answered.body, expected);
    let read = super::read(&app, id).await;
    assert_eq!((read.status.as_u16(), read.body), (200, expected));
}

#[tokio::test]
async fn a_body_says_what_a_query_says() {
    let app = TestApp::new().await;
    let path = |kind: &str| format!("/download-center/{}/{kind}", app.made.integration_id);
    let query = format!("{USUAL}a,b&gzip=true&filter[publisher]=a&filter[publisher]=b&filter[asn][gte]=5");
    let body = json!({
        "start_date": "2026-03-01", "end_date": "2026-03-01", "fields": ["real_tx_id", "offer_id", "publisher"],
        "extra_parameters": ["a", "b"], "gzip": true,
        "filter": {"publisher": ["a", "b"], "asn": {"gte": 5}},
    });
    let form = "start_date=2026-03-01&end_date=2026-03-01&fields=real_tx_id,offer_id,publisher&extra_parameters[]=a\
                &extra_parameters[]=b&gzip=1&filter[publisher][]=a&filter[publisher][]=b&filter[asn][gte]=5";
    for (kind, name) in
        [("clicks", "click_logs"), ("conversions", "conversion_logs"), ("impressions", "impression_logs")]
    {
        let path = path(kind);
        let by_get = app.call("GET", &format!("{path}?{query}"), Value::Null).await;
        assert_eq!((by_get.status.as_u16(), &by_get.body["type"]), (200, &json!(name)));
        for by_post in [app.call("POST", &path, body.clone()).await, app.form("POST", &path, form).await] {
            assert_eq!(by_post.status, 201, "{by_post:?}");
            for part in ["export_list_options", "reports_query_option", "type"] {
                assert_eq!(by_post.body[part], by_get.body[part]);
            }
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::new().await;
    let long = "x".repeat(256);
    let many = (0..101).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let (long, many) = (format!("{USUAL}{long}"), format!("{USUAL}{many}"));
    let days = "fields=ip&extra_parameters=&start_date";
    for (query, fields) in [
        ("", &["fields", "extra_parameters"][..]),
        ("fields=&extra_parameters=", &["fields"]),
        ("fields=ip,nothing&extra_parameters=", &["fields"]),
        ("fields=ip,ip&extra_parameters=", &["fields"]),
        ("fields=ip&extra_parameters=a,a", &["extra_parameters"]),
        ("fields=ip&extra_parameters=ip", &["extra_parameters"]),
        (&long, &["extra_parameters"]),
        (&many, &["extra_parameters"]),
        ("fields=ip&extra_parameters=&delimiter=ab", &["delimiter"]),
        ("fields=ip&extra_parameters=&delimiter=", &["delimiter"]),
        ("fields=ip&extra_parameters=&safe_cells=x&gzip=yes", &["safe_cells", "gzip"]),
        (&format!("{days}=2026-03-02&end_date=2026-03-01"), &["end_date"]),
        (&format!("{days}=2025-03-01&end_date=2026-03-02"), &["end_date"]),
        (&format!("{days}=2026-02-30&end_date=today"), &["start_date", "end_date"]),
        ("fields=ip&extra_parameters=&filter[x]=1", &["filter[x]"]),
        (
            "fields=ip&extra_parameters=&filter[asn]=x&filter[ip][like]=x",
            &["filter[ip][like]", "filter[asn]"],
        ),
        ("fields=ip&extra_parameters=&filter[is_bot][gt]=1", &["filter[is_bot][gt]"]),
        ("fields=ip&extra_parameters=&page[size]=5", &["page[size]"]),
    ] {
        let answered = ask(&app, query).await;
        assert_eq!(answered.status, 400, "{query}");
        assert_eq!(answered.error_fields(), fields, "{query}");
    }
    let answered = ask(&app, "fields=nothing&extra_parameters=").await;
    let message = answered.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("known are real_tx_id, tx_id"), "{message}");
    let conversions = format!("/download-center/{}/conversions?{USUAL}", app.made.integration_id);
    let redirect = conversions.replace("offer_id", "redirected_to");
    assert_eq!(app.call("GET", &redirect, Value::Null).await.error_fields(), ["fields"], "clicks have it");
}

#[tokio::test]
async fn days_that_are_not_given_are_the_last_thirty() {
    let app = TestApp::new().await;
    let days = async |query: &str| {
        let body = ask(&app, &format!("fields=ip&extra_parameters={query}")).await.body;
        let options = &body["export_list_options"];
        [&options["start_date"], &options["end_date"]].map(|day| day.as_str().unwrap().to_owned())
    };
    assert_eq!(days("").await, ["2023-10-16", "2023-11-14"]);
    assert_eq!(days("&end_date=2023-03-01").await, ["2023-01-31", "2023-03-01"]);
    assert_eq!(days("&start_date=2023-11-01").await, ["2023-11-01", "2023-11-14"]);
    assert_eq!(days("&start_date=2022-11-14").await, ["2022-11-14", "2023-11-14"], "a year is not too far");
    let path = format!("/integrations/{}", app.made.integration_id);
    app.call("PATCH", &path, json!({"time_zone": "Pacific/Auckland"})).await;
    assert_eq!(days("").await, ["2023-10-17", "2023-11-15"], "where the integration is it is tomorrow");
}

#[tokio::test]
async fn who_may_read_asks_with_get_and_who_may_write_with_post() {
    let app = TestApp::new().await;
    let path = format!("/download-center/{}/clicks", app.made.integration_id);
    let (reader, neighbour) = (app.key_with(&[Scope::Read]).await, app.neighbour().await);
    let query = format!("{path}?{USUAL}");
    assert_eq!(app.call_as(&reader, "GET", &query, Value::Null).await.status, 200);
    assert_eq!(app.call_as(&reader, "POST", &query, Value::Null).await.status, 403);
    assert_eq!(app.call("POST", &query, Value::Null).await.status, 201, "a query will do");
    for (method, path) in [("GET", &query), ("POST", &query), ("POST", &path)] {
        assert_eq!(app.call_as(&neighbour.api_key, method, path, Value::Null).await.status, 404);
    }
    let made = async || app.exports.list(app.made.organization_id).await.unwrap().len();
    assert_eq!(made().await, 2);
    assert_eq!(app.call("HEAD", &query, Value::Null).await.status, 405);
    assert_eq!(made().await, 2, "a HEAD makes nothing");
}

#[tokio::test]
async fn an_organization_has_so_many_exports() {
    let options = Options { waiting: 2, kept: 3, ..Options::default() };
    let app = TestApp::with_exports(ExportSetup { options, artifacts: None }).await;
    let first = asked(&app, "").await;
    asked(&app, "").await;
    let refused = ask(&app, USUAL).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, Some("30")));
    assert!(refused.body["message"].as_str().unwrap().contains("2 exports"), "{refused:?}");
    let cancel = async |id: &str| {
        let path = format!("/tollgate/v1/exports/{id}/cancel");
        super::work::native(&app, &path).await.status.as_u16()
    };
    assert_eq!(cancel(&first).await, 200);
    let third = asked(&app, "").await;
    assert_eq!(cancel(&third).await, 200);
    let refused = ask(&app, USUAL).await;
    assert_eq!(refused.status, 429);
    assert!(refused.body["message"].as_str().unwrap().contains("delete some"), "{refused:?}");
    app.call("DELETE", &format!("/download-center/exports/{first}"), Value::Null).await;
    asked(&app, "").await;
    let retried = super::work::native(&app, &format!("/tollgate/v1/exports/{third}/retry")).await;
    assert_eq!(retried.status, 429, "who waits again counts, too");
}
