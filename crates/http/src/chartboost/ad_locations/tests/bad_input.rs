//! Every field of an ad location: absent, null, of the wrong type, empty, too long, out of range, in the wrong case, in
//! disguise, twice. Each violated rule is named at once and nothing is stored.

use super::golden::{create_example, make};
use crate::chartboost::apps::tests::{details, make_app, send_text};
use crate::testing::TestApp;
use serde_json::{Value, json};

fn at(entries: &[(&str, &str)]) -> (u16, Vec<(String, String)>) {
    let mut entries: Vec<_> =
        entries.iter().map(|(at, code)| (format!("body.{at}"), (*code).to_owned())).collect();
    entries.sort();
    (400, entries)
}

fn bad_names() -> Vec<(Value, &'static str)> {
    let types =
        [json!(null), json!(1), json!(true), json!(["a"]), json!({})].map(|value| (value, "type_error"));
    let long = "a".repeat(81);
    let texts = [
        "",
        " ",
        " a",
        "a ",
        "\ta",
        "a\n",
        "a.b",
        "a:b",
        "a'b",
        "ä",
        "a\u{a0}b",
        "а",
        "a\u{200b}",
        "a\u{0}b",
        "😀",
        long.as_str(),
    ];
    types.into_iter().chain(texts.map(|text| (json!(text), "value_error"))).collect()
}

#[tokio::test]
async fn bad_names_and_kinds() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let locations = format!("/v5/apps/{}/ad-locations", make_app(&publisher, "n").await);
    let (path, made) = make(&publisher, &locations, "fine").await;
    for (value, code) in bad_names() {
        let mut body = create_example();
        body["name"] = value.clone();
        for (method, path, body) in [("POST", &locations, body), ("PATCH", &path, json!({"name": value}))] {
            let answered = publisher.call(method, path, body).await;
            assert_eq!(
                (answered.status.as_u16(), details(&answered)),
                at(&[("name", code)]),
                "{method} {value}"
            );
        }
    }
    for field in ["ad_type", "type"] {
        for (value, code) in [
            (json!(null), "type_error"),
            (json!(1), "type_error"),
            (json!([]), "type_error"),
            (json!(""), "value_error"),
            (json!("Banner"), "value_error"),
            (json!("FIXED_CPM"), "value_error"),
            (json!("auto_cpm"), "value_error"),
            (json!("cross_promo"), "value_error"),
            (json!("mock_response"), "value_error"),
        ] {
            let mut body = create_example();
            body[field] = value.clone();
            let answered = publisher.call("POST", &locations, body).await;
            assert_eq!(
                (answered.status.as_u16(), details(&answered)),
                at(&[(field, code)]),
                "{field} {value}"
            );
        }
    }
    assert_eq!(publisher.call("GET", &locations, Value::Null).await.body, json!({"items": [made]}));
}

#[tokio::test]
async fn bad_prices() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let locations = format!("/v4/apps/{}/ad-locations", make_app(&publisher, "n").await);
    let (path, made) = make(&publisher, &locations, "fine").await;
    let one = |country: Value, price: Value| json!([{"country": country, "price": price}]);
    let many: Vec<Value> = (0..251).map(|_| json!({"country": "US", "price": 1})).collect();
    let mut cases = vec![
        (json!(null), vec![("", "type_error")]),
        (json!({}), vec![("", "type_error")]),
        (json!("US"), vec![("", "type_error")]),
        (json!([]), vec![("", "value_error")]),
        (json!(many), vec![("", "value_error")]),
        (json!([1, null, "US"]), vec![("[0]", "type_error"), ("[1]", "type_error"), ("[2]", "type_error")]),
        (json!([{}]), vec![("[0].country", "missing"), ("[0].price", "missing")]),
        (
            json!([{"country": "US", "price": 0}, {"country": "US", "price": "1"}, {"country": "us"}]),
            vec![
                ("[0].price", "value_error"),
                ("[1].country", "value_error"),
                ("[1].price", "type_error"),
                ("[2].country", "value_error"),
                ("[2].price", "missing"),
            ],
        ),
        (
            json!([{"country": "default", "price": 1}, {"country": "default", "price": 1}]),
            vec![("[1].country", "value_error")],
        ),
    ];
    for country in ["", "us", "USA", "XX", "Default", "ＵＳ", "U", "EU", "UK"] {
        cases.push((one(json!(country), json!(1)), vec![("[0].country", "value_error")]));
    }
    for country in [json!(null), json!(1), json!(["US"])] {
        cases.push((one(country, json!(1)), vec![("[0].country", "type_error")]));
    }
    for price in [
        json!(0),
        json!(-1),
        json!(0.009_999_999),
        json!(500.000_001),
        json!(501),
        json!(1e300),
        json!(u64::MAX),
    ] {
        cases.push((one(json!("US"), price), vec![("[0].price", "value_error")]));
    }
    for price in [json!(null), json!("1.0"), json!(true), json!([]), json!({})] {
        cases.push((one(json!("US"), price), vec![("[0].price", "type_error")]));
    }
    for (value, places) in cases {
        let places: Vec<_> =
            places.iter().map(|(at, code)| (format!("country_targeting{at}"), *code)).collect();
        let expected: Vec<_> = places.iter().map(|(at, code)| (at.as_str(), *code)).collect();
        let mut body = create_example();
        body["country_targeting"] = value.clone();
        let change = json!({"country_targeting": value});
        for (method, path, body) in [("POST", &locations, body), ("PATCH", &path, change)] {
            let answered = publisher.call(method, path, body.clone()).await;
            assert_eq!((answered.status.as_u16(), details(&answered)), at(&expected), "{method} {body}");
        }
    }
    assert_eq!(publisher.call("GET", &locations, Value::Null).await.body, json!({"items": [made]}));
}

#[tokio::test]
async fn everything_wrong_is_named_at_once() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let locations = format!("/v5/apps/{}/ad-locations", make_app(&publisher, "n").await);
    let empty = publisher.call("POST", &locations, json!({})).await;
    let missing =
        [("name", "missing"), ("ad_type", "missing"), ("type", "missing"), ("country_targeting", "missing")];
    assert_eq!((empty.status.as_u16(), details(&empty)), at(&missing));
    let body = json!({"name": "", "ad_type": "x", "type": "y", "surprise": 1,
        "country_targeting": [{"country": "z", "price": 0}]});
    let answered = publisher.call("POST", &locations, body).await;
    let expected = [
        ("name", "value_error"),
        ("ad_type", "value_error"),
        ("type", "value_error"),
        ("country_targeting[0].country", "value_error"),
        ("country_targeting[0].price", "value_error"),
    ];
    assert_eq!((answered.status.as_u16(), details(&answered)), at(&expected));
    for field in ["name", "ad_type", "type", "country_targeting"] {
        let mut body = create_example();
        body.as_object_mut().unwrap().remove(field);
        let answered = publisher.call("POST", &locations, body).await;
        assert_eq!((answered.status.as_u16(), details(&answered)), at(&[(field, "missing")]));
    }
    for body in
        ["", "[]", "{\"name\":1,\"name\":2}", "{\"country_targeting\":[{\"price\":1,\"price\":2}]}", "nul"]
    {
        let answered = send_text(&publisher, "POST", &locations, "application/json", body).await;
        assert_eq!(answered.status, 400, "{body}");
    }
}

#[tokio::test]
async fn ids_that_are_none_are_not_found() {
    let home = TestApp::new().await;
    let publisher = home.publisher().await;
    let (app, other) = (make_app(&publisher, "n").await, make_app(&publisher, "m").await);
    let (path, made) = make(&publisher, &format!("/v5/apps/{app}/ad-locations"), "l").await;
    let uuid = made["uuid"].as_str().unwrap();
    let not_found = vec![(String::new(), "not_found".to_owned())];
    for path in [
        format!("/v5/apps/{other}/ad-locations/{uuid}"),
        format!("/v5/apps/{app}/ad-locations/{}", uuid.to_uppercase()),
        format!("/v5/apps/{app}/ad-locations/x"),
        format!("/v5/apps/{app}/ad-locations/%ff"),
        format!("/v5/apps/x/ad-locations/{uuid}"),
    ] {
        for (method, body) in [("PATCH", json!({"name": ""})), ("DELETE", Value::Null)] {
            let answered = publisher.call(method, &path, body).await;
            assert_eq!(
                (answered.status.as_u16(), details(&answered)),
                (404, not_found.clone()),
                "{method} {path}"
            );
        }
    }
    assert_eq!(publisher.call("PATCH", &path, json!({})).await.status, 200);
}
