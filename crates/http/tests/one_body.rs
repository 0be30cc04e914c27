//! Events of one NDJSON body that belong together, and what a postback that repeats another is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

mod support;

use serde_json::{Value, json};
use std::collections::HashSet;
use support::TestServer;

fn line(fields: Value) -> String {
    fields.to_string() + "\n"
}

#[test]
fn a_conversion_finds_its_click_in_its_own_body() {
    let server = TestServer::start();
    server.set_filters(json!([{"type": "attribution", "params": {"require_click": true}}]));
    let mut body = String::new();
    for n in 0..300 {
        let id = format!("t{n}");
        body += &line(json!({"kind": "click", "offer": "o", "publisher": format!("p{n}"),
                             "external_transaction_id": id}));
        body += &line(json!({"kind": "conversion", "external_transaction_id": id}));
        body += &line(json!({"kind": "conversion", "external_transaction_id": id, "event_name": "bought"}));
    }
    let answers = server.events(&body).lines();
    assert_eq!(answers.len(), 900);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer["status"], "approved", "{n}: {answer}");
    }
    let rows = server.table("conversion");
    for row in rows.iter().filter(|row| row["event_name"].is_null()) {
        let n: usize = row["external_transaction_id"].as_str().unwrap()[1..].parse().unwrap();
        assert_eq!(row["click_real_tx_id"], answers[n * 3]["transaction_id"]);
        assert_eq!(row["publisher"], format!("p{n}"));
    }
}

#[test]
fn a_conversion_takes_the_newest_click_before_it() {
    let server = TestServer::start();
    let click = |publisher: &str| {
        line(json!({"kind": "click", "offer": "o", "publisher": publisher, "external_transaction_id": "t"}))
    };
    let conversion = line(json!({"kind": "conversion", "external_transaction_id": "t"}));
    server.events(&click("stored"));
    let body = [&*conversion, &click("first"), &click("second"), &conversion, &click("later")].concat();
    let answers = server.events(&body).lines();
    let rows = server.table("conversion");
    let publisher = |answer: &Value| {
        let row =
            rows.iter().find(|row| row["real_tx_id"] == answer["transaction_id"]).expect("it is stored");
        row["publisher"].clone()
    };
    assert_eq!((publisher(&answers[0]), publisher(&answers[3])), (json!("stored"), json!("second")));
}

#[test]
fn a_repeated_conversion_of_one_body_amends_the_first() {
    let server = TestServer::start();
    server.set_filters(json!([]));
    let click = json!({"kind": "click", "offer": "o", "external_transaction_id": "t"});
    let first = json!({"kind": "conversion", "external_transaction_id": "t"});
    let again = json!({"kind": "conversion", "external_transaction_id": "t", "third_party_status": "fraud"});
    let answers = server.events(&[click, first, again].map(line).concat()).lines();
    let ids: HashSet<&str> =
        answers.iter().map(|answer| answer["transaction_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2, "{answers:?}");
    let rows = server.table("conversion");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["third_party_status"], "fraud");
}

#[test]
fn who_repeats_a_postback_learns_nothing_of_the_first() {
    let server = TestServer::start();
    server.set_filters(json!([]));
    let click = server.get("click", "offer=o&no_redirect=true").json();
    let id = click["transaction_id"].as_str().unwrap();
    let said = "revenue=9.5&payout=4.25&click_ip=192.0.2.7&goal=g";
    let first = server.get("postback", &format!("transaction_id={id}&{said}&json=1")).json();
    assert_eq!(first["event"]["payout"], 4.25, "whoever sends it is told what was understood: {first}");
    let verdict = json!({"transaction_id": first["transaction_id"], "status": "approved"});
    for wish in ["json=1", "fields=payout,revenue,goal,device_id"] {
        let query = format!("transaction_id={id}&third_party_status=x&{wish}");
        assert_eq!(server.get("postback", &query).json(), verdict);
    }
    let path =
        format!("/g/{}/postback?transaction_id={id}&third_party_status=y&json=1", server.made.integration_id);
    let told = server.request("GET", &path, &server.key_header(), b"").json();
    assert_eq!(told["event"]["payout"], 4.25, "{told}");
}
