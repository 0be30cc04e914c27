//! Pages of apps: order, filters, limits.

use super::golden::create_example;
use crate::chartboost::apps::tests::details;
use crate::chartboost::testing::{Publisher, VERSIONS};
use crate::testing::{Answered, TestApp};
use serde_json::{Value, json};

fn nicknames(answered: &Answered) -> Vec<&str> {
    assert_eq!(answered.status, 200, "{answered:?}");
    answered.body["items"].as_array().unwrap().iter().map(|item| item["nickname"].as_str().unwrap()).collect()
}

async fn make_apps(publisher: &Publisher<'_>) {
    for (nickname, name, platform, store_app_id) in [
        ("beta", "Zebra", "android", "com.a"),
        ("Alpha", "Solitaire", "ios", "123"),
        ("ALPHA 2", "x", "amazon", "B00ABCDEF1"),
        ("gamma", "alphabet", "android", "com.b"),
    ] {
        let mut body = create_example();
        body["nickname"] = json!(nickname);
        body["name"] = json!(name);
        body["platform"] = json!(platform);
        body["store_app_id"] = json!(store_app_id);
        let made = publisher.call("POST", "/v5/apps", body).await;
        assert_eq!(made.status, 200, "{made:?}");
    }
}

#[tokio::test]
async fn filters_and_directions() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    make_apps(&publisher).await;
    for version in VERSIONS {
        for (query, expected) in [
            ("", &["Alpha", "ALPHA 2", "beta", "gamma"][..]),
            ("?direction=DESC", &["gamma", "beta", "ALPHA 2", "Alpha"]),
            ("?keyword_filter=ALPHA", &["Alpha", "ALPHA 2", "gamma"]),
            ("?keyword_filter=%22zebra%22", &["beta"]),
            ("?keyword_filter=nothing", &[]),
            ("?platform_filters=android", &["beta", "gamma"]),
            ("?platform_filters=android,IOS", &["Alpha", "beta", "gamma"]),
            ("?platform_filters=ios&platform_filters=amazon&direction=desc", &["ALPHA 2", "Alpha"]),
            ("?platform_filters=android&keyword_filter=alpha", &["gamma"]),
            ("?limit=3", &["Alpha", "ALPHA 2", "beta"]),
            ("?limit=3&page=2", &["gamma"]),
            ("?limit=1&page=2&direction=desc", &["beta"]),
            ("?limit=3&page=3", &[]),
            ("?unknown=1", &["Alpha", "ALPHA 2", "beta", "gamma"]),
        ] {
            let listed = publisher.call("GET", &format!("{version}/apps{query}"), Value::Null).await;
            assert_eq!(nicknames(&listed), expected, "{query}");
        }
    }
    let listed =
        publisher.call("GET", "/v5/apps?limit=1&page=2&platform_filters=android", Value::Null).await.body;
    assert_eq!((&listed["page"], &listed["limit"], &listed["total"]), (&json!(2), &json!(1), &json!(2)));
}

#[tokio::test]
async fn bad_parameters_are_named_at_once() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    for (query, expected) in [
        ("page=0&limit=0", &[("query.limit", "value_error"), ("query.page", "value_error")][..]),
        ("page=x&limit=1.5", &[("query.limit", "type_error"), ("query.page", "type_error")]),
        ("limit=1001&direction=up", &[("query.direction", "value_error"), ("query.limit", "value_error")]),
        ("platform_filters=windows", &[("query.platform_filters", "value_error")]),
    ] {
        let answered = publisher.call("GET", &format!("/v4/apps?{query}"), Value::Null).await;
        let expected: Vec<_> = expected.iter().map(|(at, code)| (at.to_string(), code.to_string())).collect();
        assert_eq!((answered.status.as_u16(), details(&answered)), (400, expected), "{query}");
    }
    assert_eq!(publisher.call("GET", "/v5/apps?keyword_filter=%ff", Value::Null).await.status, 400);
    assert_eq!(publisher.call("GET", "/v5/apps?limit=1000", Value::Null).await.status, 200);
}
