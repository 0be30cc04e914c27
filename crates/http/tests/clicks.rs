//! What a caller may say of a click and what he is answered: signed links, groups, fields, and where users go.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

mod support;

use serde_json::{Value, json};
use support::{Answer, NOW, TestServer};
use tollgate_intake::signature::{Purpose, SIGNATURE, SIGNED_AT, sign};

const KEY: &str = "a signing key of some length";

/// The parameters with those that sign them.
fn signed(server: &TestServer, purpose: Purpose, parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    let at = (NOW / 1000).to_string();
    let mut all: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.push((SIGNED_AT.to_owned(), at));
    let pairs: Vec<_> = all.iter().map(|(n, v)| (n.as_str().into(), v.as_str().into())).collect();
    let signature = sign(KEY.as_bytes(), server.made.integration_id, purpose, &pairs);
    all.push((SIGNATURE.to_owned(), signature));
    all
}

/// The same as a query; the values need no encoding.
fn link(server: &TestServer, purpose: Purpose, parameters: &[(&str, &str)]) -> String {
    let pairs = signed(server, purpose, parameters);
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

#[test]
fn where_trust_is_strict_a_signed_link_speaks_for_itself() {
    let server = TestServer::start();
    server.set_integration(json!({"trust": "strict", "signing_key": KEY}));
    let id = server.made.integration_id;
    for (endpoint, purpose, parameters) in [
        ("click", Purpose::Click, [("offer", "o1"), ("no_redirect", "true")]),
        ("impression", Purpose::Impression, [("offer", "o1"), ("publisher", "p1")]),
        ("postback", Purpose::Postback, [("offer", "o1"), ("payout", "2.5")]),
    ] {
        let right = link(&server, purpose, &parameters);
        assert_eq!(server.get(endpoint, &right).status, 200, "{endpoint}");
        for (wrong, why) in [
            (right.replace("offer=o1", "offer=o2"), "changed"),
            (format!("{right}&sub_id=x"), "more than was signed"),
            (right.replace(&format!("&{SIGNED_AT}={}", NOW / 1000), ""), "without its time"),
            (right.split(&format!("&{SIGNATURE}")).next().unwrap().to_owned(), "not signed"),
            (format!("{right}0"), "another signature"),
        ] {
            assert_eq!(server.get(endpoint, &wrong).status, 401, "{endpoint}, {why}");
        }
        // A body is covered by no link, and is not even read.
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let path = format!("/g/{id}/{endpoint}?{right}");
        assert_eq!(server.request("POST", &path, form, b"sub_id=x").status, 401, "{endpoint}");
        assert_eq!(server.request("GET", &path, &server.key_header(), b"").status, 200, "{endpoint}");
    }
    let rows = server.table("click");
    assert_eq!((rows.len(), &rows[0]["signature_valid"]), (2, &json!(true)));
    let answer =
        server.get("click", &link(&server, Purpose::Click, &[("offer", "o1"), ("json", "true")])).json();
    assert!(
        answer["event"].is_null(),
        "a signature says who the link is from, not who reads the answer: {answer}"
    );
    let lines =
        server.request("POST", &format!("/g/{id}/events?{}", link(&server, Purpose::Click, &[])), "", b"{}");
    assert_eq!(lines.status, 401, "many events need a key");
    server.set_integration(json!({"signing_key": null}));
    assert_eq!(
        server.get("click", &link(&server, Purpose::Click, &[("offer", "o1")])).status,
        401,
        "there is no key any more"
    );
}

/// A publisher holds signed links to clicks; no other endpoint may believe them.
#[test]
fn a_link_is_signed_for_one_endpoint_alone() {
    let server = TestServer::start();
    server.set_filters(json!([{"type": "signature", "params": {"required": true}}]));
    server.set_integration(json!({"trust": "strict", "signing_key": KEY}));
    let endpoints = [
        ("click", Purpose::Click),
        ("impression", Purpose::Impression),
        ("pixel.gif", Purpose::Impression),
        ("postback", Purpose::Postback),
        ("rejection", Purpose::Rejection),
    ];
    // Enough for each endpoint; those that it does not know are nothing to it.
    let parameters = [
        ("offer", "o1"),
        ("payout", "2.5"),
        ("no_redirect", "true"),
        ("external_transaction_id", "e1"),
        ("new_rejected_reason", "X"),
    ];
    let is_refused = |endpoint: &str, purpose: Purpose| {
        let answer = server.get(endpoint, &link(&server, purpose, &parameters));
        // The pixel is an image whatever happens.
        match answer.header("tollgate-not-stored") {
            Some(cause) => cause.contains("API key"),
            None => answer.status == 401,
        }
    };
    for (endpoint, right) in endpoints {
        for (_, purpose) in endpoints {
            assert_eq!(
                !is_refused(endpoint, purpose),
                purpose == right,
                "{endpoint} by a link for {purpose:?}"
            );
        }
    }
    assert_eq!(server.table("click").len(), 1);
    let evidence = server.table("conversion")[0]["evidence"].as_array().cloned().unwrap_or_default();
    assert_eq!(evidence.last().map(|last| &last["given_by"]), Some(&json!("signed_link")), "{evidence:?}");

    server.set_integration(json!({"trust": "open"}));
    let reason = |purpose| server.get("click", &link(&server, purpose, &parameters)).json()["reason"].clone();
    assert_eq!(reason(Purpose::Click), Value::Null);
    for purpose in [Purpose::Impression, Purpose::Postback, Purpose::Rejection] {
        assert_eq!(reason(purpose), "INVALID_SIGNATURE", "{purpose:?}");
    }
}

#[test]
fn a_line_is_signed_as_a_whole_or_as_the_link_it_forwards() {
    let server = TestServer::start();
    server.set_integration(json!({"signing_key": KEY}));
    server.set_filters(json!([{"type": "signature", "params": {"required": true}}]));
    let parameters = [("offer", "7"), ("sub_id", "a b"), ("empty", "")];
    let object_for = |purpose: Purpose, more: &[(&str, Value)]| {
        let mut line = json!({"kind": "click"});
        for (name, value) in &signed(&server, purpose, &parameters) {
            line[name.as_str()] = json!(value);
        }
        for (name, value) in more {
            line[*name] = value.clone();
        }
        line.to_string()
    };
    let object = |more: &[(&str, Value)]| object_for(Purpose::Click, more);
    let ambient = [
        ("click_ip", json!("8.8.8.8")),
        ("user_agent", json!("Mozilla/5.0")),
        ("click_time", json!(NOW / 1000)),
    ];
    let lines = [
        object(&[]),
        object(&ambient),
        object(&[("publisher", json!("p"))]),
        object(&[("offer", json!("8"))]),
        json!({"kind": "click", "offer": "7"}).to_string(),
        object_for(Purpose::Postback, &[]),
    ];
    let verdicts: Vec<Value> = server.events(&lines.join("\n")).lines();
    let reasons: Vec<&Value> = verdicts.iter().map(|verdict| &verdict["reason"]).collect();
    let wrong = json!("INVALID_SIGNATURE");
    assert_eq!(reasons, [&Value::Null, &Value::Null, &wrong, &wrong, &wrong, &wrong], "{verdicts:?}");
    let valid =
        |value: Value| server.table("click").iter().filter(|row| row["signature_valid"] == value).count();
    assert_eq!((valid(json!(true)), valid(json!(false)), valid(Value::Null)), (2, 3, 1));
}

#[test]
fn callers_choose_group_and_fields() {
    let server = TestServer::start();
    let path = format!("/integrations/{}/filter-groups", server.made.integration_id);
    let group = server.manage(
        "POST",
        &path,
        json!({"name": "strict one", "priority": 1, "integration": server.made.integration_id.as_str(),
            "organization": server.made.organization_id.as_str(), "offer_ids": ["bound"], "filters": [
            {"type": "data_validation", "params": {"publisher": {"blocked": ["bad"]}}}]}),
    );
    let group = group["created_item_id"].as_str().unwrap().to_owned();
    server.set_integration(json!({"name": "with a group"}));
    let ask = |query: &str| server.get("click", &format!("publisher=bad&{query}&no_redirect=true")).json();
    assert_eq!(ask("offer=other")["status"], "approved");
    assert_eq!(ask("offer=bound")["status"], "rejected");
    let forced = ask(&format!(
        "offer=other&filter_group={group}&click_ip=8.8.8.8&fingerprint=f1&uuid=u1&fields=monitoring_mode,filter_group_id,rejections,is_bot,proxy_type,redirect_url,ip,country,city,isp,asn,fingerprint,uuid"
    ));
    assert_eq!((&forced["status"], &forced["filter_group_id"]), (&json!("rejected"), &json!(group)));
    assert_eq!(
        (&forced["ip"], &forced["fingerprint"], &forced["uuid"]),
        (&json!("8.8.8.8"), &json!("f1"), &json!("u1"))
    );
    assert_eq!(
        (&forced["monitoring_mode"], &forced["rejections"]),
        (&json!(false), &json!(["DATA_VALIDATION"]))
    );
    for name in ["is_bot", "proxy_type", "redirect_url", "country", "city", "isp", "asn"] {
        assert!(forced.get(name).is_some(), "{name} in {forced}");
    }
    assert!(forced.get("offer_id").is_none());
    let whole = server.get("click", "publisher=bad&offer=bound&json=true").json();
    assert_eq!(whole["event"]["filter_group_id"], group);
    let unknown = server.get("click", "offer=1&fields=ip,nonsense&no_redirect=true");
    assert_eq!((unknown.status, &unknown.json()["errors"][0]["field"]), (400, &json!("fields")));
}

#[test]
fn an_inactive_integration_rejects_every_click() {
    let server = TestServer::start();
    server.set_integration(
        json!({"active": false, "monitoring_mode": true, "preview_url": "https://preview.example/[sub_id]"}),
    );
    let answer = server.get("click", "offer=1&sub_id=s");
    assert_eq!(answer.header("location"), Some("https://preview.example/s"));
    let short = server.get("click", "offer=1&no_redirect=true").json();
    assert_eq!((&short["status"], &short["reason"]), (&json!("rejected"), &json!("INTEGRATION_INACTIVE")));
    let row = &server.table("click")[0];
    assert_eq!((&row["rejection"], &row["monitoring_mode"]), (&json!("INTEGRATION_INACTIVE"), &json!(false)));
}

#[test]
fn a_rejected_user_goes_to_the_nearest_fallback_there_is() {
    let server = TestServer::start();
    server.set_filters(json!([{"type": "data_validation", "params": {"offer": {"blocked": ["bad"]}}}]));
    let to = |query: &str| {
        let Answer { status, .. } = server.get("click", query);
        (status, server.get("click", query).header("location").map(str::to_owned))
    };
    let at = |host: &str| (302, Some(format!("https://{host}.example/")));
    assert_eq!(to("offer=bad"), (200, None), "a blank page");
    assert_eq!(to("offer=good"), (200, None));
    server.set_integration(json!({"preview_url": "https://preview.example/"}));
    assert_eq!(to("offer=bad"), at("preview"));
    assert_eq!(to("offer=good"), (200, None), "a preview is no offer");
    server.set_integration(json!({"fallback_url": "https://fallback.example/", "links": [
        {"url_id": "l1", "fallback_url": "https://own.example/", "redirect_url": "https://offer.example/"}]}));
    assert_eq!(to("offer=bad"), at("fallback"));
    assert_eq!(to("offer=bad&url_id=l1"), at("own"));
    assert_eq!(to("offer=good&url_id=l1"), at("offer"));
    assert_eq!(to("offer=good&url_id=unknown"), (200, None));
    let answer = server.get("click", "offer=bad");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn macros_of_three_styles_and_the_trackers_names() {
    let server = TestServer::start();
    server.set_integration(json!({
        "redirect_url": "https://offers.example/[publisher_id]?c=${click_id}&t={transaction_id}&s1=[sub1]&s2={aff_sub2}&ip=[ip]&f[country]=1&n={nobody}&x={clickid}",
    }));
    let answer = server
        .get("click", "offer=1&publisher=p%2F1&sub_id=a%20b&sub_id_2=%26&click_ip=8.8.8.8&clickid=theirs");
    let id = server.table("click")[0]["real_tx_id"].as_str().unwrap().to_owned();
    let expected = format!(
        "https://offers.example/p%2F1?c={id}&t={id}&s1=a%20b&s2=%26&ip=8.8.8.8&f[country]=1&n=&x={id}"
    );
    assert_eq!(answer.header("location"), Some(expected.as_str()));
}

#[test]
fn a_truncated_address_is_all_that_is_stored_and_passed_on() {
    let server = TestServer::start();
    server.set_integration(json!({"ip_privacy": "truncated", "redirect_url": "https://o.example/?ip={ip}"}));
    let to = |ip: &str| server.get("click", &format!("click_ip={ip}")).header("location").unwrap().to_owned();
    assert_eq!(to("203.0.113.77"), "https://o.example/?ip=203.0.113.0");
    assert_eq!(to("2001:db8:1:2:3:4:5:6"), "https://o.example/?ip=2001%3Adb8%3A1%3A%3A");
    for row in server.table("click") {
        assert!(["203.0.113.0", "2001:db8:1::"].map(Value::from).contains(&row["ip"]), "{row}");
    }
}
