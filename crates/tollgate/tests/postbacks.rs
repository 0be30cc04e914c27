//! Outgoing postbacks of the whole binary: what was acknowledged before a `kill -9` is told, at least once, under one id.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Made, Server, run, tollgate};

/// What was asked for, by the conversion's external id: the ids of the deliveries.
type Told = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// A partner on this machine, who takes his time.
fn partner(pause: Duration) -> (SocketAddr, Told) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let told = Told::default();
    let kept = told.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let kept = kept.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                    let target = line.split(' ').nth(1).unwrap().to_owned();
                    while line.trim_end() != "" {
                        line.clear();
                        if reader.read_line(&mut line).is_err() {
                            return;
                        }
                    }
                    line.clear();
                    let (tx, delivery) = target.strip_prefix("/p?tx=").unwrap().split_once("&d=").unwrap();
                    kept.lock().unwrap().entry(tx.to_owned()).or_default().push(delivery.to_owned());
                    std::thread::sleep(pause);
                    if reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, told)
}

/// Serves with a configuration that lets postbacks go to this machine.
fn serve(made: &Made) -> Server {
    let file = made.path("tollgate.toml");
    std::fs::write(&file, "outbound_allow = [\"127.0.0.0/8\"]\noutbound_plain_http = true\n").unwrap();
    let data = made.data();
    Server::start(&[
        "serve",
        "--data-dir",
        &data,
        "--listen",
        "127.0.0.1:0",
        "--config",
        file.to_str().unwrap(),
    ])
}

fn headers(made: &Made) -> [(&str, &str); 2] {
    [("API-KEY", made.api_key.as_str()), ("content-type", "application/json")]
}

fn make_postback(made: &Made, server: &Server, partner: SocketAddr) -> String {
    let path = format!("/tollgate/v1/integrations/{}/postbacks", made.integration);
    let url = format!("http://{partner}/p?tx={{external_transaction_id}}&d={{delivery_id}}");
    let body = json!({"name": "partner", "on": "approved", "url": url}).to_string();
    let reply = server.connect().send("POST", &path, &headers(made), body.as_bytes()).unwrap();
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["id"].as_str().unwrap().to_owned()
}

/// Sends conversions until the server is gone, and counts those that were acknowledged; answers them.
fn convert(made: &Made, address: &str, prefix: &str, count: &AtomicUsize) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let Ok(mut connection) = support::Connection::open(address) else { return acknowledged };
    for number in 0.. {
        let id = format!("{prefix}-{number}");
        let body = json!({"external_transaction_id": id, "offer": "o"}).to_string();
        let path = format!("/g/{}/postback", made.integration);
        let headers = [("content-type", "application/json")];
        match connection.send("POST", &path, &headers, body.as_bytes()) {
            Ok(reply) => assert_eq!(reply.status, 200, "{}", reply.text()),
            Err(_) => break,
        }
        acknowledged.push(id);
        count.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2));
    }
    acknowledged
}

#[test]
fn what_was_acknowledged_is_told_after_kill_9() {
    let made = Made::new();
    let (address, told) = partner(Duration::from_millis(10));
    let mut server = serve(&made);
    let postback = make_postback(&made, &server, address);
    let mut acknowledged = Vec::new();
    for kill in 0..4 {
        let target = server.address.clone();
        let (made_here, prefix, count) = (&made, format!("k{kill}"), &AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let client = scope.spawn(move || convert(made_here, &target, &prefix, count));
            while count.load(Ordering::SeqCst) < 10 + kill * 15 && !client.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
            }
            server.kill();
            acknowledged.extend(client.join().unwrap());
        });
        server = serve(&made);
    }
    assert!(acknowledged.len() >= 4 * 10 + 6 * 15, "{}", acknowledged.len());
    let deadline = Instant::now() + Duration::from_secs(60);
    let missing = || {
        let told = told.lock().unwrap();
        acknowledged.iter().filter(|id| !told.contains_key(*id)).cloned().collect::<Vec<_>>()
    };
    while !missing().is_empty() {
        assert!(Instant::now() < deadline, "never told: {:?}", missing());
        std::thread::sleep(Duration::from_millis(50));
    }
    let log = delivered(&made, &server);
    // Conversions whose acknowledgement got lost may have been told as well.
    let all: BTreeMap<String, Vec<String>> = told.lock().unwrap().clone();
    let mut ids = BTreeSet::new();
    for (conversion, deliveries) in &all {
        assert!(deliveries.iter().all(|id| *id == deliveries[0]), "{conversion}: {deliveries:?}");
        assert!(ids.insert(&deliveries[0]), "{conversion} shares its delivery");
    }
    the_log_agrees(&log, &server, &postback, &all);
    the_command_line_agrees(&made, &postback, all.len());
    let (_, log) = server.stop_and_tell();
    assert!(!log.contains(&address.to_string()), "no address of a receiver is logged: {log}");
}

/// The log, once everything in it is delivered.
fn delivered(made: &Made, server: &Server) -> Vec<Value> {
    let path = format!("/tollgate/v1/integrations/{}/postback-deliveries?limit=1000", made.integration);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let items = server.connect().get(&path, &made.api_key).json()["items"].take();
        let items = items.as_array().unwrap().clone();
        if items.iter().all(|item| item["status"] == "delivered") {
            return items;
        }
        assert!(Instant::now() < deadline, "{items:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Every delivery stands in the log once, and its figures are told.
fn the_log_agrees(items: &[Value], server: &Server, postback: &str, told: &BTreeMap<String, Vec<String>>) {
    let ids: BTreeSet<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    let expected: BTreeSet<&str> = told.values().map(|deliveries| deliveries[0].as_str()).collect();
    assert_eq!(ids, expected);
    assert!(items.iter().all(|item| item["postback_id"] == postback));
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.metric("tollgate_postbacks_pending") > 0.0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.metric("tollgate_postbacks_oldest_pending_seconds"), 0.0);
    assert!(server.metric("tollgate_postback_attempts_total") > 0.0);
    assert_eq!(server.metric("tollgate_postbacks_behind"), 0.0);
}

/// `tollgate postbacks` tells the same beside the running server.
fn the_command_line_agrees(made: &Made, postback: &str, count: usize) {
    let data = made.data();
    let place = ["--data-dir", &data, "--integration", &made.integration];
    let lines = |arguments: &[&str]| {
        let said = run(&[&["postbacks"], arguments, &place].concat());
        assert!(said.status.success(), "{}", support::stderr(&said));
        support::stdout(&said).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&["list"]), [format!("{postback:<12}{:<10}{:<8}partner", "approved", "yes")]);
    let log = lines(&["log", "--limit", "1000"]);
    assert_eq!(log.len(), count.min(1000));
    assert!(log.iter().all(|line| line.contains(postback) && line.contains("delivered")), "{log:?}");
    assert_eq!(lines(&["log", "--status", "failed"]), [""; 0]);
}

#[test]
fn receivers_inside_are_refused_unless_the_operator_allows_them() {
    let made = Made::new();
    let server = made.serve();
    let path = format!("/tollgate/v1/integrations/{}/postbacks", made.integration);
    let wrong = |url: &str| {
        let body = json!({"name": "n", "on": "approved", "url": url}).to_string();
        let reply = server.connect().send("POST", &path, &headers(&made), body.as_bytes()).unwrap();
        assert_eq!(reply.status, 400, "{url}");
        reply.json()["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    assert!(wrong("https://127.0.0.1:9/").contains("loopback"));
    assert!(wrong("http://partner.example/").contains("outbound_plain_http"));
    let said =
        tollgate().args(["config", "check"]).env("TOLLGATE_OUTBOUND_PLAIN_HTTP", "true").output().unwrap();
    assert!(support::stdout(&said).contains("outbound_plain_http = true"));
    let none: Value = server.connect().get(&path, &made.api_key).json();
    assert_eq!(none["items"], json!([]));
}
