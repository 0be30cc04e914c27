//! The list, with every filter that the vendor has.

use super::{Working, asked, store_clicks, until};
use crate::testing::TestApp;
use serde_json::{Value, json};

async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let answered = app.call("GET", &format!("/download-center/exports?{query}"), Value::Null).await;
    assert_eq!(answered.status, 200, "{query}: {answered:?}");
    let data = answered.body["data"].as_array().unwrap();
    data.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_list_is_filtered_sorted_and_paged() {
    let app = TestApp::new().await;
    store_clicks(&app, 10);
    let rejected = asked(&app, "&filter[publisher]=a&filter[publisher]=b&filter[status]=rejected").await;
    let all = asked(&app, "&filter[offer_id]=plain&filter[advertiser]=x").await;
    let working = Working::on(&app.exports);
    until(&app, &rejected, "COMPLETED").await;
    until(&app, &all, "COMPLETED").await;
    working.stop().await;
    let path =
        format!("/download-center/{}/impressions?fields=ip&extra_parameters=", app.made.integration_id);
    let made = app.call("GET", &path, Value::Null).await;
    let waiting = made.body["id"].as_str().unwrap().to_owned();
    let (rejected, all, waiting) = (&*rejected, &*all, &*waiting);

    let option = "filter[reports_query_option";
    let integration = app.made.integration_id;
    for (query, expected) in [
        ("", &[waiting, all, rejected][..]),
        (&format!("{option}.filters.publisher.equalvalues]=b"), &[rejected]),
        (&format!("{option}.filters.publisher.equalvalues]=c,a"), &[rejected]),
        (&format!("{option}.filters.offer_id.equalvalues]=plain"), &[all]),
        (
            &format!("{option}.filters.advertiser.equalvalues]=x&{option}.filters.offer_id.equalvalues]=y"),
            &[],
        ),
        (&format!("{option}.filters.integration_id.equalvalues]={integration}"), &[waiting, all, rejected]),
        (&format!("{option}.filters.integration_id.equalvalues]=aaaaaaaaaa"), &[]),
        (&format!("{option}.start_date]=2026-03-01"), &[all, rejected]),
        (&format!("{option}.end_date]=2023-11-14"), &[waiting]),
        ("filter[status]=PENDING", &[waiting]),
        ("filter[status]=COMPLETED", &[all, rejected]),
        ("filter[status]=UNKNOWN", &[]),
        ("filter[type]=impression_logs", &[waiting]),
        ("filter[type][in]=click_logs,conversion_logs", &[all, rejected]),
        ("filter[results_meta.total][gte]=3", &[all, rejected]),
        ("filter[results_meta.total][gte]=4", &[rejected]),
        ("filter[results_meta.total][lte]=3", &[all]),
        ("filter[results_meta.duration_seconds][gte]=1", &[]),
        ("filter[results_meta.duration_seconds][lte]=1", &[all, rejected]),
        ("sort=results_meta.total", &[all, rejected, waiting]),
        ("page[size]=1&page[number]=2", &[all]),
        (&format!("filter[id]={all}"), &[all]),
        (&format!("query={rejected}"), &[rejected]),
    ] {
        assert_eq!(ids(&app, query).await, expected, "{query}");
    }
    let one = app.call(
        "GET",
        "/download-center/exports?filter[status]=COMPLETED&fields=id,status&page[size]=1",
        Value::Null,
    );
    let body = one.await.body;
    assert_eq!(body["data"], json!([{"id": all, "status": "COMPLETED"}]));
    assert_eq!((&body["meta"]["total_count"], &body["meta"]["total_page"]), (&json!(2), &json!(2)));
    let links = app.call("GET", "/download-center/exports", Value::Null).await.body["data"].take();
    let has_link = |n: usize| links[n]["artifact"]["download_link"].is_string();
    assert_eq!([has_link(0), has_link(1), has_link(2)], [false, true, true]);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::new().await;
    for (query, fields) in [
        ("filter[status]=DONE", &["filter[status]"][..]),
        ("filter[type]=x", &["filter[type]"]),
        ("filter[results_meta.total][gte]=many", &["filter[results_meta.total][gte]"]),
        (
            "filter[results_meta]=1&sort=artifact&fields=results_meta.total",
            &["sort", "fields", "filter[results_meta]"],
        ),
        ("filter[nothing]=1&x=1", &["filter[nothing]", "x"]),
    ] {
        let answered = app.call("GET", &format!("/download-center/exports?{query}"), Value::Null).await;
        assert_eq!((answered.status.as_u16(), answered.error_fields()), (400, fields.to_vec()), "{query}");
    }
}

#[tokio::test]
async fn another_organization_sees_none() {
    let app = TestApp::new().await;
    let id = asked(&app, "").await;
    let key = app.neighbour().await.api_key;
    let list = app.call_as(&key, "GET", "/download-center/exports", Value::Null).await;
    assert_eq!(list.body["data"], json!([]));
    assert_eq!(
        app.call_as(&key, "GET", &format!("/download-center/exports/{id}"), Value::Null).await.status,
        404
    );
}
