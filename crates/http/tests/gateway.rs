//! The gateway through its public door: real sockets, the real path, a simulated disk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

mod support;

use serde_json::{Value, json};
use support::{NOW, TestServer};
use tollgate_http::gateway::GatewayOptions;
use tollgate_intake::signature::{Purpose, SIGNATURE, SIGNED_AT, sign};

const AGENT: &str = "user_agent=Mozilla%2F5.0%20(iPhone%3B%20CPU%20iPhone%20OS%2017_4%20like%20Mac%20OS%20X)";

#[test]
fn a_click_is_judged_stored_and_reported() {
    let server = TestServer::start();
    let answer = server
        .get("click", &format!("offer=o1&publisher=p1&click_ip=8.8.8.8&{AGENT}&aff=x&no_redirect=true"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert_eq!(body["status"], "approved");
    let rows = server.table("click");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["real_tx_id"], body["transaction_id"]);
    assert_eq!(rows[0]["offer_id"], "o1");
    assert_eq!(rows[0]["extra_parameters"], json!({"aff": "x"}));
}

#[test]
fn form_and_json_bodies_are_read_like_queries() {
    let server = TestServer::start();
    let path = format!("/g/{}/click?no_redirect=true", server.made.integration_id);
    let form = server.request(
        "POST",
        &path,
        "Content-Type: application/x-www-form-urlencoded\r\n",
        b"offer=a+b&sub_id=%C3%BC",
    );
    let json = server.request(
        "POST",
        &path,
        "Content-Type: application/json\r\n",
        br#"{"offer":"a b","payout":1.5,"click_time":1772366399}"#,
    );
    assert_eq!((form.status, json.status), (200, 200), "{form:?} {json:?}");
    let rows = server.table("click");
    assert_eq!((&rows[0]["offer_id"], &rows[0]["sub_id"]), (&json!("a b"), &json!("ü")));
    assert_eq!(rows[1]["payout"], 1.5);
}

#[test]
fn every_bad_parameter_is_named_and_nothing_is_stored() {
    let server = TestServer::start();
    let query = "click_ip=1.2.3&click_time=2099-01-01T00:00:00Z&revenue=x&fields=nonsense&redirect_url=//evil&sub_id=%ff&no_redirect=2";
    let answer = server.get("click", query);
    assert_eq!(answer.status, 400);
    let body = answer.json();
    let fields: Vec<&str> =
        body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    for field in ["click_ip", "click_time", "revenue", "fields", "redirect_url", "sub_id", "no_redirect"] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    assert!(server.table("click").is_empty());
}

#[test]
fn what_is_not_there_or_not_allowed_says_so() {
    let server = TestServer::start();
    let id = server.made.integration_id;
    assert_eq!(server.request("GET", "/g/nosuchidxx/click", "", b"").status, 404);
    assert_eq!(server.request("GET", "/g/short/click", "", b"").status, 404);
    let wrong = server.request("DELETE", &format!("/g/{id}/click"), "", b"");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, POST")));
    assert_eq!(server.request("POST", &format!("/g/{id}/events"), "", b"{}").status, 401);
    assert_eq!(server.request("POST", &format!("/g/{id}/events"), "API-KEY: nope\r\n", b"{}").status, 401);
    assert_eq!(
        server.request("POST", &format!("/g/{id}/click"), "Content-Type: text/plain\r\n", b"x").status,
        415
    );
    let large = vec![b'x'; 70 << 10];
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(server.request("POST", &format!("/g/{id}/click"), form, &large).status, 413);
}

#[test]
fn hosts_name_the_integration_and_the_endpoint() {
    let domain = Some("gate.example".to_owned());
    let server = TestServer::with(GatewayOptions { domain, ..GatewayOptions::default() });
    let id = server.made.integration_id;
    let host = |endpoint: &str| format!("Host: {id}.{endpoint}.gate.example\r\n");
    let click = server.request("GET", "/?offer=1&no_redirect=true", &host("clicks"), b"");
    assert_eq!(click.json()["status"], "approved", "{click:?}");
    let postback = server.request("GET", "/?offer=1", &host("postbacks"), b"");
    assert_eq!(postback.json()["status"], "approved", "{postback:?}");
    let impression = server.request("GET", "/?offer=1&publisher=2", &host("imp"), b"");
    assert_eq!((impression.status, impression.header("content-type")), (200, Some("image/gif")));
    assert_eq!(server.table("impression").len(), 1);
}

#[test]
fn redirects_follow_the_verdict_and_the_allowed_hosts() {
    let server = TestServer::start();
    server.set_integration(json!({
        "redirect_url": "https://offers.example/go?tx={transaction_id}&s={sub_id}",
        "fallback_url": "https://fallback.example/",
        "allowed_hosts": ["*.partner.example"],
    }));
    server.set_filters(json!([{"type": "data_validation", "params": {"publisher": {"blocked": ["bad"]}}}]));
    let good = server.get("click", "offer=1&publisher=good&sub_id=a%26b");
    assert_eq!(good.status, 302);
    let rows = server.table("click");
    let id = rows[0]["real_tx_id"].as_str().unwrap();
    assert_eq!(good.header("location"), Some(format!("https://offers.example/go?tx={id}&s=a%26b").as_str()));
    assert_eq!(rows[0]["redirected_to"].as_str(), good.header("location"));
    let bad = server.get("click", "offer=1&publisher=bad");
    assert_eq!(bad.header("location"), Some("https://fallback.example/"));
    let own = server.get("click", "offer=1&publisher=good&redirect_url=https%3A%2F%2Fx.partner.example%2F");
    assert_eq!(own.header("location"), Some("https://x.partner.example/"));
    let foreign = server.get("click", "offer=1&redirect_url=https%3A%2F%2Fevil.example%2F");
    assert_eq!(foreign.status, 400);
    // A browser reads everything before the @ as a name.
    let hidden =
        server.get("click", "offer=1&redirect_url=https%3A%2F%2Fx.partner.example%3A80%40evil.example%2F");
    assert_eq!((hidden.status, hidden.header("location")), (400, None));
    let odd = server.get(
        "click",
        "offer=1&publisher=good&k=v&redirect_url=https%3A%2F%2Fx.partner.example%2F%C3%AB%23top",
    );
    assert_eq!(odd.header("location"), Some("https://x.partner.example/%C3%AB?k=v#top"));
}

#[test]
fn a_signed_link_counts_until_it_is_changed_or_old() {
    let server = TestServer::start();
    server.set_filters(json!([{"type": "signature", "params": {"required": true, "max_age_minutes": 60}}]));
    let reason =
        |query: &str| server.get("click", &format!("{query}&no_redirect=true")).json()["reason"].clone();
    let key = "a signing key of some length";
    let id = server.made.integration_id;
    let link = |signed_at: i64| {
        let at = signed_at.to_string();
        let parameters = [("offer", "7"), ("sub_id", "a b"), (SIGNED_AT, &*at), ("no_redirect", "true")];
        let parameters = parameters.map(|(name, value)| (name.into(), value.into()));
        format!(
            "sub_id=a+b&{SIGNED_AT}={at}&offer=7&{SIGNATURE}={}",
            sign(key.as_bytes(), id, Purpose::Click, &parameters)
        )
    };
    assert_eq!(
        reason(&link(NOW / 1000)),
        "INVALID_SIGNATURE",
        "there is no key yet, so nothing can be signed"
    );
    server.set_integration(json!({"signing_key": key}));
    assert_eq!(reason("offer=7"), "INVALID_SIGNATURE");
    assert_eq!(reason(&link(NOW / 1000)), Value::Null, "approved");
    let rows = server.table("click");
    let row = rows.iter().find(|row| row["signature_valid"] == true).unwrap();
    assert_eq!(row["sub_id"], "a b");
    assert_eq!(
        (&row["signed_at"], &row["extra_parameters"]),
        (&json!("2026-03-01T12:00:00.000Z"), &json!({}))
    );
    assert_eq!(reason(&link(NOW / 1000 - 3601)), "EXPIRED_LINK");
    assert_eq!(reason(&link(NOW / 1000).replace("offer=7", "offer=8")), "INVALID_SIGNATURE");
    assert_eq!(
        reason(&format!("{}&publisher=p", link(NOW / 1000))),
        "INVALID_SIGNATURE",
        "one more than was signed"
    );
    let path = format!("/g/{id}/click?{}&no_redirect=true", link(NOW / 1000));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let added = server.request("POST", &path, form, b"publisher=p");
    assert_eq!(added.json()["reason"], "INVALID_SIGNATURE", "what a body adds is not signed");
}

/// A small template and a long value make an address too long for any browser: then there is none.
#[test]
fn a_redirect_that_grows_too_long_is_a_blank_page() {
    let server = TestServer::start();
    server.set_integration(json!({"allowed_hosts": ["x.example"]}));
    let target = format!("https%3A%2F%2Fx.example%2F{}", "%7Breferer%7D".repeat(400));
    let answer = server.get("click", &format!("redirect_url={target}&referer={}", "%20%C3%A4".repeat(500)));
    assert_eq!((answer.status, answer.header("location")), (200, None));
    assert_eq!(server.table("click")[0]["redirected_to"], Value::Null);
}

#[test]
fn a_rejection_names_its_reason_and_its_evidence() {
    let server = TestServer::start();
    server.set_filters(
        json!([{"type": "duplicate_user", "params": {"data_points": ["ip"], "allowed_duplicates": 1}}]),
    );
    let click = "offer=1&click_ip=9.9.9.9&no_redirect=true";
    let verdicts: Vec<Value> = (0..3).map(|_| server.get("click", click).json()["status"].clone()).collect();
    assert_eq!(verdicts, ["approved", "approved", "rejected"]);
    let full = server.get("click", "offer=1&click_ip=9.9.9.9&json=true").json();
    assert_eq!(full["reason"], "DUPLICATE_IP");
    let evidence = &full["event"]["evidence"][0];
    assert_eq!((&evidence["reason"], &evidence["filter"]), (&json!("DUPLICATE_IP"), &json!(0)), "{evidence}");
    let picked = server.get("click", "offer=1&click_ip=9.9.9.9&fields=rejections,ip,is_bot").json();
    assert_eq!((&picked["rejections"], &picked["ip"]), (&json!(["DUPLICATE_IP"]), &json!("9.9.9.9")));
}

#[test]
fn a_conversion_joins_its_click_by_either_id() {
    let server = TestServer::start();
    let click = server.get(
        "click",
        "offer=o&publisher=p&external_transaction_id=e1&click_time=1772366000&no_redirect=true",
    );
    let id = click.json()["transaction_id"].as_str().unwrap().to_owned();
    for query in [format!("transaction_id={id}"), "external_transaction_id=e1".to_owned()] {
        assert_eq!(server.get("postback", &query).status, 200);
        let row = &server.table("conversion")[0];
        assert_eq!(row["click_real_tx_id"], json!(id));
        assert_eq!((&row["publisher"], &row["offer_id"]), (&json!("p"), &json!("o")));
        assert_eq!(row["click_time"], "2026-03-01T11:53:20.000Z");
    }
    assert_eq!(server.get("postback", "").status, 400);
}

#[test]
fn equal_retries_are_one_event_and_other_bodies_are_refused() {
    let server = TestServer::start();
    let first = server.get("click", "offer=1&event_key=k&no_redirect=true");
    let again = server.get("click", "offer=1&event_key=k&no_redirect=true");
    assert_eq!(first.json(), again.json());
    assert_eq!(server.get("click", "offer=2&event_key=k&no_redirect=true").status, 422);
    assert_eq!(server.table("click").len(), 1);
    // Once sealed, the key is found in its segment.
    assert!(server.intake.ledger().seal(100).unwrap().is_some());
    assert_eq!(server.get("click", "offer=1&event_key=k&no_redirect=true").json(), first.json());
    assert_eq!(server.table("click").len(), 1);
}

#[test]
fn ndjson_is_answered_line_by_line() {
    let server = TestServer::start();
    let lines = concat!(
        "{\"kind\":\"click\",\"offer\":\"1\",\"event_key\":\"a\"}\n",
        "not json\n",
        "{\"offer\":\"1\"}\n",
        "\n",
        "{\"offer\":\"1\",\"kind\":\"impression\",\"publisher\":\"p\"}\r\n",
        "{\"kind\":\"click\",\"click_ip\":\"x\"}\n",
        "{\"kind\":\"click\",\"offer\":\"1\",\"event_key\":\"a\"}\n",
        "{\"kind\":\"click\",\"offer\":\"cut"
    );
    let answer = server.events(lines);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    let lines = answer.lines();
    let is_error = |line: &Value| line["error"].is_string();
    let errors: Vec<bool> = lines.iter().map(is_error).collect();
    assert_eq!(errors, [false, true, true, false, true, false, true], "{lines:?}");
    assert_eq!(lines[0], lines[5], "the same key is the same event");
    assert!(lines[4]["error"].as_str().unwrap().contains("click_ip"));
    assert_eq!((server.table("click").len(), server.table("impression").len()), (1, 1));
}

#[test]
fn an_inactive_integration_rejects_clicks_and_takes_no_conversion() {
    let server = TestServer::start();
    let click = server.get("click", "offer=1&external_transaction_id=e1&no_redirect=true").json();
    server.set_integration(json!({"active": false, "fallback_url": "https://fallback.example/"}));
    let rejected = server.get("click", "offer=1&no_redirect=true").json();
    assert_eq!(rejected["reason"], "INTEGRATION_INACTIVE");
    let sent_on = server.get("click", "offer=1");
    assert_eq!(sent_on.header("location"), Some("https://fallback.example/"));
    let id = click["transaction_id"].as_str().unwrap();
    for query in [format!("transaction_id={id}"), "external_transaction_id=e1".into(), "offer=1".into()] {
        let refused = server.get("postback", &query);
        assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (400, &json!("integration")));
    }
    let lines = server
        .events("{\"kind\":\"conversion\",\"offer\":\"1\"}\n{\"kind\":\"click\",\"offer\":\"1\"}")
        .lines();
    assert!(lines[0]["error"].as_str().unwrap().contains("is inactive"), "{lines:?}");
    assert_eq!(lines[1]["reason"], "INTEGRATION_INACTIVE");
    assert_eq!((server.table("conversion").len(), server.table("click").len()), (0, 4));
    server.set_integration(json!({"active": true}));
    assert_eq!(server.get("postback", "external_transaction_id=e1").json()["status"], "approved");
}

#[test]
fn trust_decides_who_may_speak() {
    let server = TestServer::start();
    server.set_integration(json!({"trust": "strict"}));
    assert_eq!(server.get("click", "offer=1").status, 401);
    let path = format!("/g/{}/click?offer=1&no_redirect=true", server.made.integration_id);
    assert_eq!(server.request("GET", &path, &server.key_header(), b"").status, 200);
    server.set_integration(json!({"trust": "listed", "trusted_sources": ["10.0.0.0/8"]}));
    assert_eq!(server.get("click", "offer=1").status, 401);
    server.set_integration(json!({"trust": "listed", "trusted_sources": ["127.0.0.0/8"]}));
    assert_eq!(server.get("click", "offer=1").status, 200);
}

#[test]
fn forwarded_addresses_count_only_from_trusted_proxies() {
    let forwarded = "X-Forwarded-For: 6.6.6.6, 7.7.7.7, 127.0.0.2\r\n";
    let trusted =
        GatewayOptions { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..Default::default() };
    for (options, expected) in [(GatewayOptions::default(), "127.0.0.1"), (trusted, "7.7.7.7")] {
        let server = TestServer::with(options);
        let path = format!("/g/{}/click?offer=1", server.made.integration_id);
        assert_eq!(server.request("GET", &path, forwarded, b"").status, 200);
        assert_eq!(server.table("click")[0]["ip"], expected);
    }
}

/// L5: a full disk is 503 with Retry-After, reads go on, and ingest resumes by itself.
#[test]
fn a_full_disk_refuses_events_until_there_is_space() {
    let server = TestServer::start();
    server.disk.set_capacity(0);
    let line = format!("{{\"kind\":\"click\",\"offer\":\"{}\"}}\n", "x".repeat(900));
    let batch = line.repeat(1_000);
    let mut stored = 0;
    let refused = (0..20).find_map(|_| {
        let answer = server.events(&batch);
        if answer.status == 503 {
            return Some(answer);
        }
        let lines = answer.lines();
        stored += lines.iter().filter(|line| line["status"].is_string()).count();
        let refused = lines.iter().position(|line| line["error"].is_string()).unwrap_or(1_000);
        assert_eq!(lines.len(), 1_000);
        assert!(lines[refused..].iter().all(|line| line["error"].is_string()), "nothing after a refusal");
        None
    });
    let refused = refused.expect("the log fills up");
    assert_eq!(refused.header("retry-after"), Some("1"), "nothing of it was stored");
    assert!(refused.json()["message"].as_str().unwrap().contains("disk is full"), "{refused:?}");
    let single = (0..4_000).find_map(|_| {
        let answer = server.get("click", &format!("offer={}", "x".repeat(1000)));
        stored += usize::from(answer.status == 200);
        (answer.status != 200).then_some(answer)
    });
    let single = single.expect("what a batch left free fills up too");
    assert_eq!((single.status, single.header("retry-after")), (503, Some("1")));
    assert_eq!(server.table("click").len(), 100, "reads go on");
    server.disk.set_capacity(1 << 30);
    let resumed = (0..400).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(25));
        server.get("click", "offer=1").status == 200
    });
    assert!(resumed, "ingest resumes by itself");
    let history = server.intake.ledger().view().scan_seq_from(0).count();
    assert_eq!(history, stored + 1, "what was acknowledged is stored once, what was refused is not");
}
