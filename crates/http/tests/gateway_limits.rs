//! What the gateway does not tell, does not take, and does not let others wait for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

mod support;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{Setup, TestServer};
use tollgate_http::gateway::GatewayOptions;
use tollgate_http::server::{Server, ServerOptions};

fn reject_publisher_bad(server: &TestServer) {
    server.set_filters(json!([{"type": "data_validation", "params": {"publisher": {"blocked": ["bad"]}}}]));
}

#[test]
fn evidence_is_for_key_holders_where_callers_are_listed() {
    let server = TestServer::start();
    reject_publisher_bad(&server);
    server.set_integration(json!({"trust": "listed", "trusted_sources": ["127.0.0.0/8"]}));
    let query = "publisher=bad&no_redirect=true";
    let path = format!("/g/{}/click?{query}", server.made.integration_id);
    let with_key =
        |more: &str| server.request("GET", &format!("{path}{more}"), &server.key_header(), b"").json();
    let without = |more: &str| server.get("click", &format!("{query}{more}")).json();
    assert!(with_key("&json=true")["event"]["evidence"][0].is_object());
    let short = without("&json=true");
    assert_eq!((&short["status"], &short["event"]), (&json!("rejected"), &Value::Null));
    assert!(short["reason"].is_string());
    assert!(with_key("&fields=evidence,publisher")["evidence"][0].is_object());
    let picked = without("&fields=evidence,publisher");
    assert_eq!((picked.get("evidence"), &picked["publisher"]), (None, &json!("bad")));
}

#[test]
fn a_postback_does_not_learn_its_click() {
    let server = TestServer::start();
    let click =
        "external_transaction_id=e1&publisher=p&click_ip=8.8.4.4&device_id=d&user_agent=a&no_redirect=true";
    assert_eq!(server.get("click", click).status, 200);
    let full = server.get("postback", "external_transaction_id=e1&json=true").json();
    let event = full["event"].as_object().unwrap();
    assert_eq!((&full["status"], &event["kind"]), (&json!("approved"), &json!("conversion")));
    for column in ["ip", "device_id", "user_agent", "publisher", "country", "click_time", "evidence", "tx_id"]
    {
        assert!(!event.contains_key(column), "{column}");
    }
    let picked = server.get("postback", "external_transaction_id=e1&fields=ip,device_id,goal").json();
    assert!(picked.get("ip").is_none() && picked.get("device_id").is_none() && picked.get("goal").is_some());
    let path = format!("/g/{}/postback?external_transaction_id=e1&json=true", server.made.integration_id);
    let held = server.request("GET", &path, &server.key_header(), b"").json();
    assert_eq!((&held["event"]["ip"], &held["event"]["device_id"]), (&json!("8.8.4.4"), &json!("d")));
    // Who says himself what he says is told it.
    let own = server.get("postback", "offer=o&conversion_ip=8.8.8.8&json=true").json();
    assert_eq!(own["event"]["ip"], "8.8.8.8");
}

#[test]
fn a_members_name_stands_once_in_an_answer() {
    let server = TestServer::start();
    let answer = server.get("click", "fields=status,ip,ip,rejection&click_ip=8.8.8.8");
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!((text.matches("\"status\"").count(), text.matches("\"ip\"").count()), (1, 1), "{text}");
}

#[test]
fn a_user_is_never_refused_for_what_his_browser_sends() {
    let server = TestServer::start();
    let path = format!("/g/{}/click?no_redirect=true", server.made.integration_id);
    let mut request =
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nReferer: http://a/\u{fc}");
    request.push_str(&"\u{fc}".repeat(3000));
    let mut request = request.into_bytes();
    request.extend_from_slice(b"\r\nAccept-Language: de,\xff\xfe\r\nUser-Agent: ");
    request.extend(std::iter::repeat_n(b'u', 9000));
    request.extend_from_slice(b"\r\n\r\n");
    let answer = server.raw(&request);
    assert_eq!(answer.status, 200, "{answer:?}");
    let row = &server.table("click")[0];
    assert_eq!(row["user_agent"].as_str().unwrap().len(), 4096);
    assert!(row["referer"].as_str().unwrap().starts_with("http://a/\u{fc}\u{fc}"));
    assert!(row["browser_languages"].as_str().unwrap().starts_with("de,\u{fffd}"));
}

#[test]
fn a_key_of_a_body_is_a_key_of_each_line() {
    let server = TestServer::start();
    let path = format!("/g/{}/events", server.made.integration_id);
    let headers = format!("{}Idempotency-Key: k\r\n", server.key_header());
    let send = |lines: &str| server.request("POST", &path, &headers, lines.as_bytes()).lines();
    let lines = "{\"kind\":\"click\",\"offer\":\"1\"}\n\nnot json\n{\"kind\":\"click\",\"offer\":\"1\",\"event_key\":\"own\"}\n{\"kind\":\"click\",\"offer\":\"1\"}\n";
    let first = send(lines);
    assert_eq!(send(lines), first);
    assert_eq!(server.table("click").len(), 3);
    let other = send("{\"kind\":\"click\",\"offer\":\"2\"}\n");
    assert!(other[0]["error"].is_string(), "{other:?}");
    let broken = format!("{}Idempotency-Key: \u{fc}\r\n", server.key_header());
    assert_eq!(server.request("POST", &path, &broken, lines.as_bytes()).status, 400);
}

#[test]
fn listed_sources_are_those_that_trusted_proxies_name() {
    let gateway =
        GatewayOptions { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..Default::default() };
    let server = TestServer::with(gateway);
    server.set_integration(json!({"trust": "listed", "trusted_sources": ["203.0.113.0/24"]}));
    let path = format!("/g/{}/click?no_redirect=true", server.made.integration_id);
    let status =
        |from: &str| server.request("GET", &path, &format!("X-Forwarded-For: {from}\r\n"), b"").status;
    assert_eq!((status("203.0.113.9"), status("198.51.100.1")), (200, 401));
    assert_eq!(status("203.0.113.9, 198.51.100.1"), 401, "what others claim does not count");
}

#[test]
fn a_batch_waits_for_a_busy_ledger_and_is_refused_whole_when_that_does_not_help() {
    let server = TestServer::of(Setup { max_open_rows: 10, ..Setup::default() });
    server.set_integration(json!({"ip_privacy": "truncated"}));
    let lines = "{\"kind\":\"click\",\"click_ip\":\"8.8.4.4\",\"event_key\":\"k\"}\n{\"kind\":\"click\"}\n"
        .to_owned()
        + &"{\"kind\":\"click\",\"offer\":\"1\"}\n".repeat(20);
    let all_taken = |answer: support::Answer| answer.lines().iter().all(|line| line["status"].is_string());
    assert!(all_taken(server.events(&lines)));
    let waited = std::thread::scope(|scope| {
        let sent = scope.spawn(|| server.events(&lines.replace("\"k\"", "\"l\"")));
        std::thread::sleep(Duration::from_millis(300));
        assert!(server.intake.ledger().seal(1_000).unwrap().is_some());
        sent.join().unwrap()
    });
    assert!(all_taken(waited));
    let rows = server.table("click");
    assert_eq!(rows.len(), 44);
    assert_eq!(rows.iter().filter(|row| row["ip"] == "8.8.4.0").count(), 2);
    let started = Instant::now();
    let refused = server.events(&"{\"kind\":\"click\"}\n".repeat(1_000));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    assert!(started.elapsed() < Duration::from_secs(6), "it waits once, not for every chunk");
    assert_eq!(server.table("click").len(), 44);
}

#[test]
fn too_many_lines_are_too_many() {
    let server = TestServer::start();
    assert_eq!(server.events(&"x\n".repeat(10_001)).status, 413);
}

#[test]
fn who_reads_history_holds_up_nobody_else() {
    let read_delay = Arc::new(AtomicU64::new(0));
    let server = TestServer::of(Setup { cores: 1, read_delay: read_delay.clone(), ..Setup::default() });
    let click = "external_transaction_id=e&event_key=k&publisher=p&no_redirect=true";
    assert_eq!(server.get("click", click).status, 200);
    assert!(server.intake.ledger().seal(100).unwrap().is_some());
    read_delay.store(80, Ordering::Relaxed);
    std::thread::scope(|scope| {
        let slow = [
            scope.spawn(|| server.get("postback", "external_transaction_id=e")),
            scope.spawn(|| server.get("click", "event_key=new&no_redirect=true")),
            scope.spawn(|| server.events("{\"kind\":\"conversion\",\"external_transaction_id\":\"e\"}\n")),
        ];
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(server.get("click", "no_redirect=true").status, 200);
        assert!(slow.iter().all(|slow| !slow.is_finished()), "the click waited for one of them");
        for slow in slow {
            assert_eq!(slow.join().unwrap().status, 200);
        }
    });
    read_delay.store(0, Ordering::Relaxed);
    let conversions = server.table("conversion");
    assert!(conversions.len() == 2 && conversions.iter().all(|row| row["publisher"] == "p"));
}

#[test]
fn a_port_has_one_server() {
    let server = TestServer::start();
    let options = ServerOptions { listen: server.address, cores: 1, gateway: GatewayOptions::default() };
    let second = Server::bind(options, server.intake.clone(), Router::new());
    assert_eq!(second.err().map(|error| error.kind()), Some(std::io::ErrorKind::AddrInUse));
}

#[test]
fn a_stop_keeps_to_its_grace() {
    let slow = || async {
        let work = || std::thread::sleep(Duration::from_secs(4));
        tokio::task::spawn_blocking(work).await.map(|()| "late").unwrap_or_default()
    };
    let mut server =
        TestServer::of(Setup { routes: Router::new().route("/slow", get(slow)), ..Setup::default() });
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    server.stop(Duration::from_millis(300));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
