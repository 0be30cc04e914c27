//! Where rejected clicks go: down the waterfall of their offer group, through the gateway's public door.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

mod support;

use serde_json::{Value, json};
use std::convert::Infallible;
use support::TestServer;

const FALLBACK: &str = "https://fallback.example/";

/// A server with the offers `o1` to `o4` in one group, of which the last has filters of its own.
fn server(filters: Value) -> TestServer {
    let server = TestServer::start();
    let link = |n: u32| {
        json!({"url_id": format!("l{n}"), "offer": format!("o{n}"),
            "redirect_url": format!("https://o{n}.example/?c={{click_id}}&s=[sub_id]&a=${{advertiser}}")})
    };
    server.set_integration(json!({
        "links": [link(1), link(2), link(3), link(4)],
        "offer_groups": [{"name": "alone", "offers": []}, {"name": "all", "offers": ["o1", "o2", "o3", "o4"]}],
        "redirect_url": "https://own.example/?tx={transaction_id}",
        "fallback_url": FALLBACK,
        "allowed_hosts": ["partner.example"],
    }));
    server.set_filters(filters);
    server
}

/// A filter that rejects these offers.
fn blocked(offers: &[&str]) -> Value {
    json!({"type": "data_validation", "params": {"offer": {"blocked": offers}}})
}

/// Every stored click judged again in order: what the waterfall made must follow from the rows alone.
fn assert_judged_the_same(server: &TestServer, clicks: u64) {
    let snapshot = server.intake.catalog().snapshot();
    let found = server.intake.rejudge(|_| Ok::<_, Infallible>((*snapshot).clone())).unwrap();
    assert_eq!((found.judged, found.different), (clicks, 0), "{found:?}");
}

#[test]
fn a_rejected_click_goes_to_the_first_offer_that_takes_it() {
    let server = server(json!([blocked(&["o1", "o2"])]));
    let query = "offer=o1&publisher=p&sub_id=s%26t&advertiser=a&payout=2&aff=x&external_transaction_id=e1";
    let answer = server.get("click", query);
    let location = answer.header("location").unwrap().to_owned();
    let rows = server.table("click");
    let (second, first) = (&rows[0], &rows[1]);
    assert_eq!((answer.status, rows.len()), (302, 2));
    let id = |row: &Value| row["real_tx_id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("https://o3.example/?c={}&s=s%26t&a=&aff=x", id(second)));
    assert_eq!((&first["status"], &first["offer_id"]), (&json!("rejected"), &json!("o1")));
    assert_eq!((&first["redirected_to"], &first["payout"]), (&json!(location), &json!(2)));
    assert!(first["waterfall_from"].is_null());
    assert_eq!((&second["status"], &second["offer_id"]), (&json!("approved"), &json!("o3")));
    assert_eq!((&second["redirected_to"], &second["url_id"]), (&json!(location), &json!("l3")));
    assert_eq!(second["waterfall_from"], id(first));
    assert_eq!((&second["rejections"], &second["evidence"]), (&json!([]), &json!([])));
    // Who the user is goes along, what the first offer pays does not.
    assert_eq!((&second["publisher"], &second["ip"]), (&first["publisher"], &first["ip"]));
    assert!(second["payout"].is_null() && second["advertiser"].is_null());
    let path = format!(
        "/reports/v2/click-table?integration_id={}&start_date=2026-03-01&end_date=2026-03-01&page[size]=9&filter[waterfall_from]={}",
        server.made.integration_id,
        id(first)
    );
    let found = server.manage("GET", &path, Value::Null);
    assert_eq!(found["data"]["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"]["data"][0]["real_tx_id"], id(second));

    let postback = |parameters: &str| {
        server.get("postback", parameters);
        server.table("conversion")[0]["click_real_tx_id"].clone()
    };
    assert_eq!(postback(&format!("transaction_id={}", id(second))), id(second));
    assert_eq!(
        postback("external_transaction_id=e1"),
        id(second),
        "the caller's id means the click that counts"
    );
}

#[test]
fn without_an_offer_that_takes_it_a_click_is_alone() {
    let server = server(json!([blocked(&["o2", "o3", "o4"])]));
    let to = |query: &str| server.get("click", query).header("location").map(str::to_owned);
    assert_eq!(to("offer=o2").as_deref(), Some(FALLBACK));
    assert_eq!(to("offer=o4").as_deref(), Some(FALLBACK), "nothing follows the last one");
    assert!(
        to("offer=o1").unwrap().starts_with("https://own.example/"),
        "an approved click goes to its offer"
    );
    server.set_integration(json!({"monitoring_mode": true}));
    assert_eq!(server.table("click").len(), 3);
    server.set_filters(json!([blocked(&["other"])]));
    assert!(to("offer=other").is_some_and(|url| url == FALLBACK), "it is in no group");
    assert_eq!(server.table("click").len(), 4);
}

#[test]
fn nothing_is_enforced_under_monitoring_and_nothing_is_tried() {
    let server = server(json!([blocked(&["o1"])]));
    let path = format!("/integrations/{}/filter-groups", server.made.integration_id);
    let group = server.manage("GET", &path, Value::Null)["data"][0]["id"].as_str().unwrap().to_owned();
    server.change(&format!("{path}/{group}"), json!({"monitoring_mode": true}));
    let answer = server.get("click", "offer=o1");
    assert!(answer.header("location").unwrap().starts_with("https://own.example/"), "{answer:?}");
    assert_eq!(server.table("click").len(), 1);
}

#[test]
fn the_clicks_of_a_waterfall_count_like_any() {
    let cap = json!({"type": "click_capping", "params": {"cap": 1, "period": "day", "level": ["offer"]}});
    let server = server(json!([blocked(&["o1"]), cap]));
    let to = |query: &str| server.get("click", query).header("location").unwrap().to_owned();
    assert!(to("offer=o2").starts_with("https://own.example/"), "the cap of o2 is used up now");
    assert!(to("offer=o1").starts_with("https://o3.example/"));
    assert!(to("offer=o1").starts_with("https://o4.example/"), "the first one counted for o3");
    assert_eq!(to("offer=o1"), FALLBACK);
    assert_eq!(server.table("click").len(), 6);
    assert_judged_the_same(&server, 6);
}

#[test]
fn an_offer_is_tried_against_what_the_rejected_click_counts_for() {
    let duplicates = json!({"type": "duplicate_user", "params": {"allowed_duplicates": 0, "level": []}});
    let server = server(json!([blocked(&["o1"]), duplicates]));
    let answer = server.get("click", "offer=o1&click_ip=8.8.8.8");
    assert_eq!(answer.header("location"), Some(FALLBACK), "everywhere the same address would be a duplicate");
    assert_eq!(server.table("click").len(), 1);
    assert_judged_the_same(&server, 1);
}

#[test]
fn a_renamed_sub_id_is_judged_anew_for_the_next_offer() {
    let limit = json!({"type": "sub_id_validity", "params": {"max_unique": 1, "unified_name": "MANY"}});
    let server = server(json!([blocked(&["o1"]), limit]));
    server.get("click", "offer=o3&publisher=p&sub_id=first");
    let answer = server.get("click", "offer=o1&publisher=p&sub_id=second");
    assert!(answer.header("location").unwrap().contains("&s=second&"), "{answer:?}");
    for row in &server.table("click")[..2] {
        assert_eq!((&row["sub_id"], &row["invalid_sub_id"]), (&json!("MANY"), &json!("second")));
    }
    assert_judged_the_same(&server, 3);
}

#[test]
fn json_answers_speak_of_the_first_click_and_say_where_to() {
    let server = server(json!([blocked(&["o1"])]));
    let short = server.get("click", "offer=o1&no_redirect=true").json();
    assert_eq!((&short["status"], &short["reason"]), (&json!("rejected"), &json!("DATA_VALIDATION")));
    assert_eq!(server.table("click").len(), 1, "nobody is sent anywhere");
    let picked = server.get("click", "offer=o1&no_redirect=true&fields=redirect_url").json();
    let rows = server.table("click");
    assert_eq!((rows.len(), &picked["status"]), (3, &json!("rejected")));
    // The newest row is the one that the waterfall made.
    assert_eq!(picked["transaction_id"], rows[0]["waterfall_from"]);
    assert_eq!(picked["redirect_url"], rows[0]["redirected_to"]);
    let whole = server.get("click", "offer=o1&json=true").json();
    assert_eq!(whole["event"]["offer_id"], "o1");
    assert!(whole["event"]["redirected_to"].as_str().unwrap().starts_with("https://o2.example/"));
}

#[test]
fn a_repeated_request_goes_where_the_first_one_went() {
    let server = server(json!([blocked(&["o1"])]));
    let ask = || server.get("click", "offer=o1&event_key=k").header("location").unwrap().to_owned();
    let first = ask();
    assert!(first.starts_with("https://o2.example/"));
    assert_eq!(ask(), first);
    assert_eq!(server.table("click").len(), 2);
}

#[test]
fn the_callers_target_is_for_the_offer_he_named() {
    let server = server(json!([blocked(&["o1"])]));
    let to = |offer: &str| {
        let query = format!("offer={offer}&redirect_url=https%3A%2F%2Fpartner.example%2F");
        server.get("click", &query).header("location").unwrap().to_owned()
    };
    assert_eq!(to("o2"), "https://partner.example/");
    assert!(to("o1").starts_with("https://o2.example/"));
}

#[test]
fn many_events_at_once_have_no_waterfall() {
    let server = server(json!([blocked(&["o1"])]));
    let answer = server.events("{\"kind\":\"click\",\"offer\":\"o1\"}\n");
    assert_eq!(answer.lines()[0]["status"], "rejected");
    let rows = server.table("click");
    assert_eq!((rows.len(), &rows[0]["redirected_to"]), (1, &Value::Null));
}
