//! Lists through the router: the documented answers to the letter in both versions, and what is refused.

use crate::chartboost::testing::{Publisher, VERSIONS, owned};
use crate::testing::TestApp;
use serde_json::{Value, json};
use std::collections::HashSet;

const CUSTOM: &str = "iab_content_taxonomy_1.0";
const DEFAULT: &str = "iab_content_taxonomy_1.0_chartboost_default";
const START: i64 = 1_700_000_000;

fn example() -> Value {
    json!({"title": "No gambling", "type": CUSTOM, "elements": ["IAB9-7", "IAB1-1"]})
}

async fn create(publisher: &Publisher<'_>, title: &str, elements: &[&str]) -> String {
    let body = json!({"title": title, "type": CUSTOM, "elements": elements});
    let made = publisher.call("POST", "/v5/lists", body).await;
    assert_eq!(made.status, 200, "{made:?}");
    made.body["id"].as_str().unwrap().to_owned()
}

async fn default_id(publisher: &Publisher<'_>) -> String {
    let found = publisher.get(&format!("/v5/lists?types_filter={DEFAULT}")).await;
    found.body["items"][0]["id"].as_str().unwrap().to_owned()
}

async fn titles(publisher: &Publisher<'_>, query: &str) -> Vec<String> {
    let found = publisher.get(&format!("/v5/lists?{query}")).await;
    assert_eq!(found.status, 200, "{found:?}");
    let items = found.body["items"].as_array().unwrap();
    items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_operation_answers_as_documented() {
    for version in VERSIONS {
        let app = TestApp::new().await;
        let publisher = app.publisher().await;
        let lists = format!("{version}/lists");

        let made = publisher.call("POST", &lists, example()).await;
        let id = made.body["id"].as_str().unwrap().to_owned();
        assert_eq!((made.status.as_u16(), &made.body), (200, &json!({"id": id})));
        assert!(id.len() == 24 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");

        app.clock.advance_seconds(60);
        let one = format!("{lists}/{id}");
        let whole = json!({
            "id": id, "title": "No gambling", "type": CUSTOM, "date_created": START, "date_modified": START,
            "elements": ["IAB9-7", "IAB1-1"],
        });
        let read = publisher.get(&one).await;
        assert_eq!((read.status.as_u16(), &read.body), (200, &whole));
        assert_eq!(read.header("etag"), Some("\"1\""));

        let default = json!({
            "id": default_id(&publisher).await,
            "title": "Sensitive IAB Taxonomy content v1.0 Chartboost default blocked categories",
            "type": DEFAULT, "date_created": START, "date_modified": START,
            "elements": ["IAB25-1", "IAB25-2", "IAB25-3", "IAB25-4", "IAB25-5", "IAB25-6", "IAB25-7",
                         "IAB26-1", "IAB26-2", "IAB26-3", "IAB26-4"],
        });
        let long = publisher.get(&lists).await;
        let expected = json!({"items": [whole, default], "page": 1, "limit": 25, "total": 2});
        assert_eq!((long.status.as_u16(), &long.body), (200, &expected));
        let short = publisher.get(&format!("{lists}?summary=true")).await;
        let mut expected = expected;
        for (item, total) in expected["items"].as_array_mut().unwrap().iter_mut().zip([2, 11]) {
            item.as_object_mut().unwrap().remove("elements");
            item["total_elements"] = json!(total);
        }
        assert_eq!((short.status.as_u16(), &short.body), (200, &expected));

        let update = json!({"title": "No dating", "type": CUSTOM, "elements": ["IAB14-1"]});
        let updated = publisher.call("PUT", &one, update).await;
        let expected = json!({"id": id, "title": "No dating", "type": CUSTOM, "elements": ["IAB14-1"]});
        assert_eq!((updated.status.as_u16(), &updated.body), (200, &expected));
        assert_eq!(updated.header("etag"), Some("\"2\""));
        let read = publisher.get(&one).await;
        assert_eq!(read.body["elements"], json!(["IAB14-1"]));
        assert_eq!(
            (&read.body["date_created"], &read.body["date_modified"]),
            (&json!(START), &json!(START + 60))
        );

        let gone = publisher.call("DELETE", &one, Value::Null).await;
        assert_eq!((gone.status.as_u16(), &gone.body), (204, &Value::Null));
        for method in ["GET", "DELETE"] {
            let again = publisher.call(method, &one, Value::Null).await;
            let message = format!("There is no category list with ID {id}");
            let expected = json!({"detail": [{"msg": message, "type": "not_found"}]});
            assert_eq!((again.status.as_u16(), &again.body), (404, &expected), "{method}");
        }
        assert_eq!(publisher.call("PUT", &one, example()).await.status, 404);
    }
}

/// A field, a value that it cannot have, and what is said of it.
type BadValue<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Every bad value of every field, with what is said of it.
const BAD: &[BadValue<'_>] = &[
    ("title", "absent", &[("body.title", "missing")]),
    ("title", "null", &[("body.title", "type_error")]),
    ("title", "5", &[("body.title", "type_error")]),
    ("title", "[\"x\"]", &[("body.title", "type_error")]),
    ("title", "\"\"", &[("body.title", "value_error")]),
    ("title", "\"  \"", &[("body.title", "value_error")]),
    ("title", "\"\u{200b}\"", &[("body.title", "value_error")]),
    ("title", "\"a\\u0000\"", &[("body.title", "value_error")]),
    ("title", "\"a\\nb\"", &[("body.title", "value_error")]),
    ("title", "\"a\u{202e}b\"", &[("body.title", "value_error")]),
    ("type", "absent", &[("body.type", "missing")]),
    ("type", "null", &[("body.type", "type_error")]),
    ("type", "1.0", &[("body.type", "type_error")]),
    ("type", "\"\"", &[("body.type", "value_error")]),
    ("type", "\"IAB_CONTENT_TAXONOMY_1.0\"", &[("body.type", "value_error")]),
    ("type", "\"iab_content_taxonomy_2.0\"", &[("body.type", "value_error")]),
    ("elements", "absent", &[("body.elements", "missing")]),
    ("elements", "null", &[("body.elements", "type_error")]),
    ("elements", "\"IAB1-1\"", &[("body.elements", "type_error")]),
    ("elements", "{\"0\":\"IAB1-1\"}", &[("body.elements", "type_error")]),
    ("elements", "[]", &[("body.elements", "value_error")]),
    ("elements", "[1]", &[("body.elements[0]", "type_error")]),
    (
        "elements",
        "[null, {}, [\"IAB1-1\"]]",
        &[
            ("body.elements[0]", "type_error"),
            ("body.elements[1]", "type_error"),
            ("body.elements[2]", "type_error"),
        ],
    ),
    (
        "elements",
        "[\"IAB1-1\", \"IAB1\", \"IAB24\"]",
        &[("body.elements[1]", "value_error"), ("body.elements[2]", "value_error")],
    ),
    ("elements", "[\"IAB1-1\", \"IAB1-1\"]", &[("body.elements[1]", "value_error")]),
    (
        "elements",
        "[\"iab1-1\", \"IAB1-99\", \"\", \"IAB1-1 \", \"IAB\u{ff11}-1\"]",
        &[
            ("body.elements[0]", "value_error"),
            ("body.elements[1]", "value_error"),
            ("body.elements[2]", "value_error"),
            ("body.elements[3]", "value_error"),
            ("body.elements[4]", "value_error"),
        ],
    ),
];

#[tokio::test]
async fn every_bad_value_of_every_field_is_refused_and_nothing_is_stored() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = create(&publisher, "Kept", &["IAB1-1"]).await;
    let head = app.catalog.snapshot().seq();
    let targets = [("POST", "/v5/lists".to_owned()), ("PUT", format!("/v4/lists/{id}"))];
    let long = format!("\"{}\"", "ä".repeat(256));
    let many = format!("[{}]", vec!["\"IAB1-1\""; 367].join(","));
    let more: [BadValue<'_>; 2] = [
        ("title", &long, &[("body.title", "value_error")]),
        ("elements", &many, &[("body.elements", "value_error")]),
    ];
    for (method, path) in &targets {
        for (field, value, expected) in BAD.iter().chain(&more) {
            let mut body = example();
            match *value {
                "absent" => drop(body.as_object_mut().unwrap().remove(*field)),
                value => body[*field] = serde_json::from_str(value).unwrap(),
            }
            let refused = publisher.call(method, path, body).await;
            assert_eq!(refused.status, 400, "{method} {field} {value}: {refused:?}");
            assert_eq!(refused.details(), owned(expected), "{method} {field} {value}");
        }
        let refused = publisher.call(method, path, json!({"elements": ["IAB1"], "title": null})).await;
        let expected =
            [("body.type", "missing"), ("body.title", "type_error"), ("body.elements[0]", "value_error")];
        assert_eq!(refused.details(), owned(&expected), "everything at once");
        assert!(refused.body["detail"][2]["msg"].as_str().unwrap().contains("IAB1 (Arts & Entertainment)"));
    }
    assert_eq!(app.catalog.snapshot().seq(), head);
}

#[tokio::test]
async fn bodies_that_are_no_object_are_refused() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "5",
        "{\"title\":\"a\",\"title\":\"b\"}",
        "{\"title\":1e999}",
        &deep,
        "\u{feff}{}",
    ] {
        let refused = publisher.send("POST", "/v5/lists", body, &[]).await;
        assert_eq!(refused.status, 400, "{body:.20}");
        assert!(!refused.details().is_empty());
    }
    let large = format!("{{\"title\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(publisher.send("POST", "/v5/lists", &large, &[]).await.status, 413);
    let total = publisher.get("/v5/lists").await;
    assert_eq!(total.body["total"], 1, "only the default list");
}

#[tokio::test]
async fn fields_that_nobody_knows_do_not_matter() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = create(&publisher, "Mine", &["IAB1-1"]).await;
    let read = publisher.get(&format!("/v5/lists/{id}")).await;
    let same = publisher.call("PUT", &format!("/v5/lists/{id}"), read.body.clone()).await;
    assert_eq!(same.status, 200, "what was read can be sent back");
    assert_eq!(same.header("etag"), Some("\"1\""), "an equal list is not changed");
}

#[tokio::test]
async fn the_default_list_is_there_and_stays() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = default_id(&publisher).await;
    let before = publisher.get(&format!("/v5/lists/{id}")).await;
    assert_eq!(before.status, 200);
    for (method, body) in [("PUT", example()), ("PUT", json!({})), ("DELETE", Value::Null)] {
        for version in VERSIONS {
            let refused = publisher.call(method, &format!("{version}/lists/{id}"), body.clone()).await;
            assert_eq!(refused.status, 400);
            assert_eq!(refused.details(), owned(&[("", "default_list_immutable")]));
        }
    }
    assert_eq!(publisher.get(&format!("/v5/lists/{id}")).await.body, before.body);
    let mut body = example();
    body["type"] = json!(DEFAULT);
    let refused = publisher.call("POST", "/v5/lists", body.clone()).await;
    assert_eq!(refused.details(), owned(&[("body.type", "value_error")]));
    let custom = create(&publisher, "Mine", &["IAB1-1"]).await;
    let refused = publisher.call("PUT", &format!("/v5/lists/{custom}"), body).await;
    assert_eq!(refused.details(), owned(&[("body.type", "immutable_field")]));
}

#[tokio::test]
async fn lists_are_sorted_filtered_and_paged() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let id = create(&publisher, "alpha", &["IAB1-1"]).await;
    for title in ["Beta", "ÄRGER", "beta 2"] {
        app.clock.advance_seconds(10);
        create(&publisher, title, &["IAB1-1"]).await;
    }
    app.clock.advance_seconds(10);
    let body = json!({"title": "alpha", "type": CUSTOM, "elements": ["IAB1-2"]});
    assert_eq!(publisher.call("PUT", &format!("/v5/lists/{id}"), body).await.status, 200);
    let sensitive = "Sensitive IAB Taxonomy content v1.0 Chartboost default blocked categories";
    let custom = format!("types_filter={CUSTOM}");
    for (query, expected) in [
        (String::new(), &["alpha", "Beta", "beta 2", sensitive, "ÄRGER"][..]),
        ("direction=DESC".to_owned(), &["ÄRGER", sensitive, "beta 2", "Beta", "alpha"]),
        (format!("{custom}&sort=date_created&direction=asc"), &["alpha", "Beta", "ÄRGER", "beta 2"]),
        (format!("{custom}&sort=date_created&direction=DeSc"), &["beta 2", "ÄRGER", "Beta", "alpha"]),
        (format!("{custom}&sort=date_modified"), &["Beta", "ÄRGER", "beta 2", "alpha"]),
        (format!("{custom}&sort=title&limit=2"), &["alpha", "Beta"]),
        (format!("{custom}&sort=title&limit=2&page=2"), &["beta 2", "ÄRGER"]),
        (format!("{custom}&page=3&limit=2"), &[]),
        ("keyword_filter=BETA".to_owned(), &["Beta", "beta 2"]),
        ("keyword_filter=%C3%A4rger".to_owned(), &["ÄRGER"]),
        ("keyword_filter=".to_owned(), &["alpha", "Beta", "beta 2", sensitive, "ÄRGER"]),
        ("keyword_filter=nothing".to_owned(), &[]),
        (format!("types_filter={CUSTOM},{DEFAULT}&keyword_filter=s"), &[sensitive]),
        (format!("types_filter=%22{DEFAULT}%22"), &[sensitive]),
        (format!("types_filter={DEFAULT}&summary=True&unknown=1"), &[sensitive]),
    ] {
        assert_eq!(titles(&publisher, &query).await, expected, "{query}");
    }
    let page = publisher.get("/v5/lists?limit=2&page=2").await;
    assert_eq!(
        (&page.body["page"], &page.body["limit"], &page.body["total"]),
        (&json!(2), &json!(2), &json!(5))
    );
}

#[tokio::test]
async fn wrong_parameters_are_named_at_once() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let query = "page=0&limit=1001&direction=up&sort=id&types_filter=iab&summary=maybe";
    for version in VERSIONS {
        let refused = publisher.get(&format!("{version}/lists?{query}")).await;
        assert_eq!(refused.status, 400);
        let names = ["page", "limit", "direction", "sort", "types_filter", "summary"];
        let expected: Vec<_> =
            names.iter().map(|name| (format!("query.{name}"), "value_error".to_owned())).collect();
        assert_eq!(refused.details(), expected);
    }
    for (query, place) in [("limit=0", "query.limit"), ("page=-1", "query.page"), ("page=x", "query.page")] {
        let refused = publisher.get(&format!("/v5/lists?{query}")).await;
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(refused.details()[0].0, place);
    }
    assert_eq!(publisher.get("/v5/lists?keyword_filter=%FF").await.status, 400);
}

#[tokio::test]
async fn lists_of_others_do_not_exist() {
    let app = TestApp::new().await;
    let (ours, theirs) = (app.publisher().await, app.other_publisher().await);
    let id = create(&theirs, "Theirs", &["IAB1-1"]).await;
    let default = default_id(&theirs).await;
    assert_ne!(default, default_id(&ours).await);
    for id in [
        &id[..],
        &default,
        "x",
        "64054c7decf2fc7b954e98d2",
        "64054C7DECF2FC7B954E98D2",
        "%00",
        "%FF",
        "..%2F",
    ] {
        for (method, body) in [("GET", Value::Null), ("PUT", example()), ("DELETE", Value::Null)] {
            let refused = ours.call(method, &format!("/v5/lists/{id}"), body).await;
            assert_eq!(refused.status, 404, "{method} {id}");
            assert_eq!(refused.details(), owned(&[("", "not_found")]));
        }
    }
    assert_eq!(theirs.get(&format!("/v5/lists/{id}")).await.body["title"], "Theirs");
    assert_eq!(titles(&ours, "").await.len(), 1);
}

#[tokio::test]
async fn no_update_is_lost_and_no_creation_done_twice() {
    let app = TestApp::new().await;
    let publisher = app.publisher().await;
    let path = format!("/v5/lists/{}", create(&publisher, "First", &["IAB1-1"]).await);
    let body = example().to_string();
    let put = async |tag| publisher.send("PUT", &path, &body, &[("If-Match", tag)]).await;
    assert_eq!(put("\"1\"").await.status, 200);
    let stale = put("\"1\"").await;
    assert_eq!((stale.status.as_u16(), stale.details()), (412, owned(&[("", "precondition_failed")])));
    assert_eq!(publisher.send("DELETE", &path, "", &[("If-Match", "\"1\"")]).await.status, 412);
    assert_eq!(publisher.send("DELETE", &path, "", &[("If-Match", "\"2\"")]).await.status, 204);

    let post = async |body: Value| {
        publisher.send("POST", "/v5/lists", &body.to_string(), &[("Idempotency-Key", "k1")]).await
    };
    let (first, again) = (post(example()).await, post(example()).await);
    assert_eq!((first.status.as_u16(), &first.body), (200, &again.body));
    let other = post(json!({"title": "Other", "type": CUSTOM, "elements": ["IAB1-1"]})).await;
    assert_eq!(other.status, 422);
    assert_eq!(titles(&publisher, &format!("types_filter={CUSTOM}")).await, ["No gambling"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_writers_make_sixty_four_lists_and_one_of_them_changes_one() {
    let app = std::sync::Arc::new(TestApp::new().await);
    let id = create(&app.publisher().await, "Shared", &["IAB1-1"]).await;
    let writers = (0..64).map(|number| {
        let (app, id) = (app.clone(), id.clone());
        tokio::spawn(async move {
            let publisher = app.publisher().await;
            let made = create(&publisher, &format!("List {number}"), &["IAB1-1"]).await;
            let body = json!({"title": format!("Shared {number}"), "type": CUSTOM, "elements": ["IAB1-2"]});
            let path = format!("/v5/lists/{id}");
            let put = publisher.send("PUT", &path, &body.to_string(), &[("If-Match", "\"1\"")]).await;
            (made, put.status.as_u16())
        })
    });
    let mut ids = HashSet::new();
    let mut statuses = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        let (made, status) = writer.await.unwrap();
        assert!(ids.insert(made));
        statuses.push(status);
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[412; 63][..]));
    let publisher = app.publisher().await;
    assert_eq!(publisher.get("/v5/lists?limit=1000").await.body["total"], 66);
}
