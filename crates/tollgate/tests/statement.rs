//! Campaigns and statements through the whole binary: a campaign that a command makes is what later events are paid by, and
//! a month's statement tells what was earned, what was invalid and why, and what came only after it, with the server
//! running and without.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Made, Server, run, stderr, stdout};

fn command(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

fn send(made: &Made, server: &Server, lines: &[Value]) {
    let path = format!("/g/{}/events", made.integration);
    let headers = [("API-KEY", made.api_key.as_str()), ("content-type", "application/x-ndjson")];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let reply = server.connect().send("POST", &path, &headers, body.as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.text().contains("errors"), "{}", reply.text());
}

/// An app, made over the management API.
fn app(made: &Made, server: &Server) -> String {
    let client = &made.all["oauth"]["v5"];
    let body = json!({"client_id": client["client_id"], "client_secret": client["client_secret"],
                      "grant_type": "client_credentials"});
    let kind = ("content-type", "application/json");
    let reply = server.connect().send("POST", "/oauth/token", &[kind], body.to_string().as_bytes()).unwrap();
    let bearer = format!("Bearer {}", reply.json()["access_token"].as_str().unwrap());
    let app = json!({
        "nickname": "<Game>", "orientations": ["portrait"], "is_live": false, "is_test_mode_on": false,
        "is_directed_at_kids_under_13": "NO", "platform": "android",
    });
    let headers = [("authorization", bearer.as_str()), kind];
    let reply = server.connect().send("POST", "/v5/apps", &headers, app.to_string().as_bytes()).unwrap();
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn click(n: usize, app: &str, agent: &str) -> Value {
    json!({
        "kind": "click", "external_transaction_id": format!("x{n}"), "app_id": app, "campaign": "spring",
        "click_ip": format!("198.51.100.{n}"), "user_agent": agent, "click_time": "2026-03-09 20:00:00",
    })
}

const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 \
                     Mobile Safari/537.36";

#[test]
fn a_statement_has_gross_invalid_and_net_of_each_app() {
    let made = Made::new();
    let data = made.data();
    let server = made.serve();
    let app = app(&made, &server);
    let filters = json!([{"type": "bot", "enabled": true, "action": "reject", "params": {}}]);
    made.set_group(&server, &json!({"monitoring_mode": false, "filters": filters}));
    let place = ["--data-dir", data.as_str()];
    let create =
        ["campaign", "create", "--id", "spring", "--name", "Spring", "--app", &app, "--billing", "cpc"];
    command(&[&create[..], &["--bid", "default=0.25"], &place].concat());
    assert!(command(&[&["campaign", "list"][..], &place].concat()).contains("spring"));
    // A running server follows.
    let deadline = Instant::now() + Duration::from_secs(30);
    let path = "/tollgate/v1/campaigns/spring";
    while server.connect().get(path, &made.api_key).status != 200 {
        assert!(Instant::now() < deadline, "the server does not follow");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut lines: Vec<Value> = (1..=4).map(|n| click(n, &app, PHONE)).collect();
    lines.extend((5..=6).map(|n| click(n, &app, "curl/8.0")));
    send(&made, &server, &lines);
    let statement = ["statement", "--month", "2026-03"];
    let csv = command(&[&statement[..], &place].concat());
    let expected = format!(
        "month,app_id,app,figure,reason,rejected_on,events,usd\n\
         2026-03,{app},<Game>,gross,,,6,1.5\n\
         2026-03,{app},<Game>,givt,,,2,0.5\n\
         2026-03,{app},<Game>,sivt,,,0,0\n\
         2026-03,{app},<Game>,terms,,,0,0\n\
         2026-03,{app},<Game>,givt by reason,BOT,,2,0.5\n\
         2026-03,{app},<Game>,net,,,4,1\n\
         2026-03,{app},<Game>,taken back later,,,0,0\n\
         2026-03,{app},<Game>,came later,,,4,1\n\
         2026-03,{app},<Game>,taken back of earlier months,,,0,0\n\
         2026-03,{app},<Game>,came of earlier months,,,0,0\n\
         2026-03,{app},<Game>,due,,,0,0\n"
    );
    assert_eq!(csv, expected);
    let html = command(&[&statement[..], &["--form", "html"], &place].concat());
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("&lt;Game&gt;") && !html.contains("<Game>"));
    for unwanted in ["http://", "https://", "src=", "<script"] {
        assert!(!html.contains(unwanted), "{unwanted}");
    }
    let enter = ["account", "enter", "payout"];
    let paid: Value = serde_json::from_str(&command(&[&enter[..], &["0.4"], &place].concat())).unwrap();
    assert_eq!(
        (&paid["kind"], &paid["amount"], &paid["created_by"]),
        (&json!("payout"), &json!(0.4), &json!("cli"))
    );
    // Repeated with the key that was told, it is entered once.
    let note = ["0.1", "--note", "Bank 7"];
    let first = run(&[&enter[..], &note, &place].concat());
    let said = stderr(&first);
    let key = said.split("--key ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    assert_eq!(key.len(), 32, "{said}");
    let again = run(&[&enter[..], &note, &["--key", key], &place].concat());
    assert_eq!((again.status.success(), &again.stdout), (true, &first.stdout), "{}", stderr(&again));
    let another = run(&[&enter[..], &["0.2", "--key", key], &place].concat());
    assert!(stderr(&another).contains("another request"), "{}", stderr(&another));
    let malformed = run(&[&enter[..], &["0.2", "--key", "two words"], &place].concat());
    assert_eq!(malformed.status.code(), Some(2), "{}", stderr(&malformed));
    let refused = run(&[&enter[..], &["0.51"], &place].concat());
    assert!(
        !refused.status.success() && stderr(&refused).contains("more than what was earned"),
        "{refused:?}"
    );
    let refused = run(&[&enter[..], &["-1"], &["--note", "x"], &place].concat());
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    server.stop();
    let account: Value =
        serde_json::from_str(&command(&[&["account", "show"][..], &place].concat())).unwrap();
    assert_eq!((&account["earned"], &account["earnings"]), (&json!(1), &json!(0.5)), "{account}");
    assert_eq!(command(&[&statement[..], &place].concat()), expected, "without a server");
    let refused = run(&["statement", "--month", "2026-13", "--data-dir", &data]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--month"), "{}", stderr(&refused));
    let refused = run(&["statement", "--month", "2199-01", "--data-dir", &data]);
    assert!(stderr(&refused).contains("--month: is not over"), "{}", stderr(&refused));
    let refused = run(&["campaign", "update", "spring", "--billing", "cpm", "--data-dir", &data]);
    assert!(!refused.status.success() && stderr(&refused).contains("bids"), "{}", stderr(&refused));
    command(&["campaign", "delete", "spring", "--data-dir", &data]);
    assert!(!command(&["campaign", "list", "--data-dir", &data]).contains("spring"));
}
