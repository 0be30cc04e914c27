//! Every field of an app: absent, null, of the wrong type, empty, too long, out of range, in the wrong case, in disguise,
//! twice. Each violated rule is named at once and nothing is stored.

use super::golden::create_example;
use crate::chartboost::apps::tests::{details, make_app, send_text};
use crate::testing::TestApp;
use serde_json::{Value, json};

/// One bad value for a field: what it is, and the entry of `detail` that it must cause.
fn bad_values() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let long = "a".repeat(256);
    let mut bad = Vec::new();
    let mut add = |field: &'static str, values: Vec<Value>, at: &'static str, code: &'static str| {
        bad.extend(values.into_iter().map(|value| (field, value, at, code)));
    };
    let not_text = || vec![json!(1), json!(true), json!([]), json!({})];
    let not_flag = || vec![json!(null), json!("true"), json!(1), json!(0), json!([])];
    add("nickname", vec![json!(null)], "nickname", "type_error");
    add("nickname", not_text(), "nickname", "type_error");
    add(
        "nickname",
        vec![
            json!(""),
            json!("  "),
            json!(long),
            json!("a\u{0}b"),
            json!("a\u{202e}b"),
            json!("\u{200b}"),
            json!("a\nb"),
        ],
        "nickname",
        "value_error",
    );
    add("name", not_text(), "name", "type_error");
    add("name", vec![json!(""), json!(long), json!("\u{7}"), json!("\u{3000}")], "name", "value_error");
    add("orientations", vec![json!(null), json!("portrait"), json!({})], "orientations", "type_error");
    add(
        "orientations",
        vec![json!([]), json!(["portrait", "landscape", "portrait"])],
        "orientations",
        "value_error",
    );
    add(
        "orientations",
        vec![json!(["portrait", "portrait"]), json!(["portrait", "up"])],
        "orientations[1]",
        "value_error",
    );
    add(
        "orientations",
        vec![json!(["Portrait"]), json!([" portrait"]), json!([""])],
        "orientations[0]",
        "value_error",
    );
    add("orientations", vec![json!([1]), json!([null])], "orientations[0]", "type_error");
    add("orientations", vec![json!(["portrait", "landscape"])], "default_orientation", "missing");
    add("default_orientation", vec![json!(1), json!([]), json!(true)], "default_orientation", "type_error");
    add(
        "default_orientation",
        vec![json!(""), json!("PORTRAIT"), json!("landscape"), json!("pоrtrait")],
        "default_orientation",
        "value_error",
    );
    add("is_live", not_flag(), "is_live", "type_error");
    for field in ["store_app_id", "store_app_url", "store_bundle_id"] {
        add(field, vec![json!(null)], field, "missing");
        add(field, not_text(), field, "type_error");
        add(
            field,
            vec![json!(""), json!("a b"), json!("ä"), json!("\u{202e}com.a"), json!("x".repeat(3000))],
            field,
            "value_error",
        );
    }
    add("store_app_id", vec![json!("123"), json!("com")], "store_app_id", "value_error");
    add(
        "store_app_url",
        vec![json!("com.a"), json!("ftp://a.b"), json!("//a.b"), json!("https:// a.b")],
        "store_app_url",
        "value_error",
    );
    add("is_test_mode_on", not_flag(), "is_test_mode_on", "type_error");
    add("test_mode_duration", vec![json!("5"), json!(true), json!([])], "test_mode_duration", "type_error");
    add(
        "test_mode_duration",
        vec![json!(0), json!(-1), json!(1.5), json!(1e300), json!(2_147_483_648_u64)],
        "test_mode_duration",
        "value_error",
    );
    add(
        "is_directed_at_kids_under_13",
        vec![json!(null), json!(true), json!(0)],
        "is_directed_at_kids_under_13",
        "type_error",
    );
    add(
        "is_directed_at_kids_under_13",
        vec![json!("yes"), json!("No"), json!(""), json!("ＹＥＳ")],
        "is_directed_at_kids_under_13",
        "value_error",
    );
    bad
}

fn expected(at: &str, code: &str) -> (u16, Vec<(String, String)>) {
    (400, vec![(format!("body.{at}"), code.to_owned())])
}

#[tokio::test]
async fn every_bad_value_is_named_and_nothing_is_stored() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let known = publisher.call("POST", "/v5/apps", create_example()).await.body;
    let path = format!("/v5/apps/{}", known["id"].as_str().unwrap());
    let stored = publisher.call("GET", &path, Value::Null).await.body;
    for (field, value, at, code) in bad_values() {
        let mut body = create_example();
        body[field] = value.clone();
        let answered = publisher.call("POST", "/v4/apps", body).await;
        assert_eq!((answered.status.as_u16(), details(&answered)), expected(at, code), "{field}: {value}");
        // A change keeps the stored default where a creation must name one.
        if (field, at) == ("orientations", "default_orientation") {
            continue;
        }
        // What is missing in a creation is taken away in a change.
        let code = if value.is_null() && field.starts_with("store_") { "value_error" } else { code };
        let body = json!({field: value});
        let patched = publisher.call("PATCH", &path, body.clone()).await;
        assert_eq!((patched.status.as_u16(), details(&patched)), expected(at, code), "{body}");
        assert_eq!(publisher.call("GET", &path, Value::Null).await.body, stored, "{body}");
    }
    for value in [json!(null), json!(1)] {
        let mut body = create_example();
        body["platform"] = value;
        let answered = publisher.call("POST", "/v5/apps", body).await;
        assert_eq!((answered.status.as_u16(), details(&answered)), expected("platform", "type_error"));
    }
    for value in ["", "iOS", "windows", "android "] {
        let mut body = create_example();
        body["platform"] = json!(value);
        let answered = publisher.call("POST", "/v5/apps", body).await;
        assert_eq!(
            (answered.status.as_u16(), details(&answered)),
            expected("platform", "value_error"),
            "{value}"
        );
    }
    assert_eq!(publisher.call("GET", "/v5/apps", Value::Null).await.body["total"], 1);
}

#[tokio::test]
async fn absent_fields_are_missing() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    for field in create_example().as_object().unwrap().keys() {
        let mut body = create_example();
        body.as_object_mut().unwrap().remove(field);
        let answered = publisher.call("POST", "/v5/apps", body).await;
        assert_eq!((answered.status.as_u16(), details(&answered)), expected(field, "missing"), "{field}");
    }
    let answered = publisher.call("POST", "/v5/apps", json!({})).await;
    assert_eq!(details(&answered).len(), 6, "{answered:?}");
    let everything = json!({"nickname": 1, "orientations": ["up"], "is_live": "x", "is_test_mode_on": null,
        "store_app_url": "x", "test_mode_duration": 0, "is_directed_at_kids_under_13": "y", "platform": "z",
        "default_orientation": "w", "name": ""});
    assert_eq!(details(&publisher.call("POST", "/v5/apps", everything).await).len(), 10);
}

#[tokio::test]
async fn bodies_that_are_no_objects() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let path = format!("/v5/apps/{}", make_app(&publisher, "n").await);
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (method, path) in [("POST", "/v5/apps"), ("PATCH", path.as_str())] {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "1",
            r#"{"nickname":"a","nickname":"b"}"#,
            r#"{"a":1e999}"#,
            deep.as_str(),
        ] {
            let answered = send_text(&publisher, method, path, "application/json", body).await;
            assert!(answered.status.is_client_error(), "{method} {body}: {answered:?}");
            assert!(!details(&answered).is_empty());
        }
        let form =
            send_text(&publisher, method, path, "application/x-www-form-urlencoded", "nickname=a").await;
        assert_eq!(form.status, 415, "{form:?}");
        let large = format!(r#"{{"nickname":"{}"}}"#, "a".repeat(1 << 20));
        assert_eq!(send_text(&publisher, method, path, "application/json", &large).await.status, 413);
    }
}

#[tokio::test]
async fn ids_that_are_none_are_not_found() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let id = make_app(&publisher, "n").await;
    let upper = id.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A");
    for id in
        ["x", "000000000000000000000000", upper.as_str(), "%00", "%ff", "..%2f", &id[1..], "%F0%9F%98%80"]
    {
        for method in ["GET", "PATCH", "DELETE"] {
            let body = if method == "PATCH" { json!({"nickname": ""}) } else { Value::Null };
            let answered = publisher.call(method, &format!("/v5/apps/{id}"), body).await;
            let not_found = vec![(String::new(), "not_found".to_owned())];
            assert_eq!((answered.status.as_u16(), details(&answered)), (404, not_found), "{method} {id}");
        }
    }
}
