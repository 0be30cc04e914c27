//! Late rejections and third parties' words through the public door.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Answer, Setup, TestServer};

/// A click and its conversion, approved: our ids of the two.
fn converted(server: &TestServer, external: &str) -> (String, String) {
    let id = |answer: Answer| answer.json()["transaction_id"].as_str().unwrap().to_owned();
    let click = id(server
        .get("click", &format!("offer=o&publisher=p&external_transaction_id={external}&no_redirect=true")));
    let answer = server.get("postback", &format!("transaction_id={click}"));
    assert_eq!(answer.json()["status"], "approved", "{answer:?}");
    (click, id(answer))
}

fn conversion(server: &TestServer, id: &str) -> Value {
    server.table("conversion").into_iter().find(|row| row["real_tx_id"] == id).expect("it is stored")
}

/// Seals everything, once it is committed.
fn seal(server: &TestServer) {
    let ledger = server.intake.ledger();
    ledger.wait_committed(ledger.assigned());
    ledger.seal(u64::MAX / 2).unwrap().expect("there is something to seal");
}

fn records(server: &TestServer) -> usize {
    server.intake.ledger().view().scan_seq_from(0).count()
}

#[test]
fn an_approved_conversion_is_rejected_late_by_any_of_its_names() {
    let server = TestServer::start();
    server.set_filters(json!([]));
    let key = server.key_header();
    let path = format!("/g/{}/rejection", server.made.integration_id);
    for (n, sealed) in [false, true].into_iter().enumerate() {
        let (click, id) = converted(&server, &format!("by-click-{n}"));
        let (_, by_id) = converted(&server, &format!("by-id-{n}"));
        let (_, by_external) = converted(&server, &format!("by-external-{n}"));
        if sealed {
            seal(&server);
        }
        let answer =
            server.get("rejection", &format!("transaction_id={click}&new_rejected_reason=INSTALL%20HIJACK"));
        let expected = json!({"transaction_id": id, "status": "rejected", "reason": "INSTALL HIJACK"});
        assert_eq!((answer.status, answer.json()), (200, expected), "{answer:?}");
        let form = format!("{key}Content-Type: application/x-www-form-urlencoded\r\n");
        let body = format!("transaction_id={by_id}&new_rejected_reason=BOTS&sent_by=tracker");
        let answer = server.request("POST", &path, &form, body.as_bytes());
        assert_eq!((answer.status, &answer.json()["reason"]), (200, &json!("BOTS")), "{answer:?}");
        let json_headers = "Content-Type: application/json\r\n";
        let body = json!({"external_transaction_id": format!("by-external-{n}"), "new_rejected_reason": "X"});
        let answer = server.request("POST", &path, json_headers, body.to_string().as_bytes());
        assert_eq!(answer.json()["transaction_id"], by_external.as_str(), "{answer:?}");
        let row = conversion(&server, &by_id);
        assert_eq!((&row["status"], &row["rejection"]), (&json!("rejected"), &json!("BOTS")));
        let evidence = row["evidence"].as_array().unwrap().last().unwrap();
        let told = ["type", "reason", "was", "given_by"].map(|name| &evidence[name]);
        assert_eq!(told, ["late_rejection", "BOTS", "approved", "api_key"]);
        assert_eq!(conversion(&server, &id)["evidence"][0]["given_by"], "anyone");
    }
    let rejected = "filter[status]=rejected&filter[rejection]=BOTS";
    let path = format!(
        "/reports/v2/conversion-table?integration_id={}&start_date=2026-03-01&end_date=2026-03-01&page[size]=100&{rejected}",
        server.made.integration_id
    );
    let rows = server.manage("GET", &path, Value::Null)["data"]["data"].as_array().unwrap().len();
    assert_eq!(rows, 2, "filters see late rejections");
}

#[test]
fn what_counted_before_a_late_rejection_is_restated_once_and_nothing_else() {
    let server = TestServer::start();
    server.set_filters(json!([{"type": "attribution", "params": {}}]));
    let click = server.get("click", "offer=o&publisher=p&campaign=c&no_redirect=true").json();
    let click = click["transaction_id"].as_str().unwrap();
    let convert = |more: &str| {
        let answer = server.get("postback", &format!("transaction_id={click}&revenue=2&{more}")).json();
        answer["transaction_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let approved = convert("payout=1");
    let later = convert("payout=10&event_name=level");
    let enforced = convert("payout=100");
    let groups = format!("/integrations/{}/filter-groups", server.made.integration_id);
    let group = server.manage("GET", &groups, Value::Null)["data"][0]["id"].as_str().unwrap().to_owned();
    server.change(&format!("{groups}/{group}"), json!({"monitoring_mode": true}));
    let monitored = convert("payout=1000");
    let judged = |id: &str| {
        let row = conversion(&server, id);
        (row["status"].as_str().unwrap().to_owned(), row["monitoring_mode"] == true)
    };
    assert_eq!(judged(&approved), ("approved".to_owned(), false));
    assert_eq!(judged(&later), ("approved".to_owned(), false));
    assert_eq!(judged(&enforced), ("rejected".to_owned(), false), "a second conversion");
    assert_eq!(judged(&monitored), ("rejected".to_owned(), true));

    let restated = || {
        let path = "/tollgate/v1/restatements?start_date=2026-03-01&end_date=2026-03-01&timezone=UTC";
        let answer = server.request("GET", path, &server.key_header(), &[]);
        assert_eq!(answer.status, 200, "{answer:?}");
        let items = answer.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["earned"].as_f64().unwrap()).sum::<f64>()
    };
    assert_eq!(restated(), 0.0);
    for (id, expected) in [(&approved, 1.0), (&later, 11.0), (&enforced, 11.0), (&monitored, 1011.0)] {
        for reason in ["LATE", "LATER"] {
            let answer =
                server.get("rejection", &format!("transaction_id={id}&new_rejected_reason={reason}"));
            assert_eq!((answer.status, &answer.json()["reason"]), (200, &json!(reason)), "{answer:?}");
            assert_eq!(restated(), expected, "{id} {reason}");
        }
    }
    seal(&server);
    assert_eq!(restated(), 1011.0);
    let evidence = conversion(&server, &approved)["evidence"].as_array().unwrap().last().unwrap().clone();
    assert!(evidence["first_at"].is_string() && evidence["reason"] == "LATER", "{evidence}");
}

#[test]
fn the_reason_is_replaced_and_the_same_one_changes_nothing() {
    let server = TestServer::start();
    server.set_filters(json!([]));
    let (_, id) = converted(&server, "e");
    let reject = |reason: &str| {
        server.get("rejection", &format!("transaction_id={id}&new_rejected_reason={reason}")).json()
    };
    assert_eq!(reject("A")["reason"], "A");
    assert_eq!(reject("A")["reason"], "A");
    assert_eq!(records(&server), 3, "what says nothing new is not stored");
    seal(&server);
    assert_eq!(reject("B")["reason"], "B");
    seal(&server);
    let row = conversion(&server, &id);
    assert_eq!((&row["rejections"], records(&server)), (&json!(["B"]), 4));
    assert_eq!(row["evidence"].as_array().unwrap().len(), 1, "the last one is told");
    assert_eq!(row["evidence"][0]["was"], "rejected");
}

#[test]
fn what_is_wrong_is_named_and_what_is_unknown_is_answered() {
    let server = TestServer::start();
    let (_, id) = converted(&server, "e");
    let wrong = |query: &str, field: &str| {
        let answer = server.get("rejection", query);
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (400, &json!(field)), "{query}");
    };
    wrong("new_rejected_reason=X", "transaction_id");
    wrong("transaction_id=nonsense&new_rejected_reason=X", "transaction_id");
    wrong(&format!("transaction_id={id}"), "new_rejected_reason");
    let path = format!("/g/{}/rejection", server.made.integration_id);
    for (name, value) in [
        ("third_party_status", json!({})),
        ("third_party_rejected_reason", json!(["x"])),
        ("event_key", json!([])),
        ("new_rejected_reason", json!({"a": 1})),
    ] {
        let mut body = json!({"transaction_id": id, "new_rejected_reason": "X"});
        body[name] = value;
        let answer =
            server.request("POST", &path, "Content-Type: application/json\r\n", body.to_string().as_bytes());
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (400, &json!(name)), "{answer:?}");
    }
    for reason in ["a%22b", "a%5Cb", "a%0Ab", "%20", &"x".repeat(129)] {
        wrong(&format!("transaction_id={id}&new_rejected_reason={reason}"), "new_rejected_reason");
    }
    wrong(&format!("transaction_id={id}&third_party_status={}", "x".repeat(1025)), "third_party_status");
    let before = records(&server);
    for name in ["transaction_id=01ARZ3NDEKTSV4RRFFQ69G5FAV", "external_transaction_id=nobody's"] {
        let answer = server.get("rejection", &format!("{name}&new_rejected_reason=X"));
        let expected = json!({"transaction_id": null, "status": "unknown"});
        assert_eq!((answer.status, answer.json()), (200, expected));
    }
    assert_eq!(records(&server), before);
    assert_eq!(server.request("DELETE", &path, "", b"").status, 405);
}

#[test]
fn trust_and_keys_hold_for_rejections() {
    let server = TestServer::start();
    let (_, id) = converted(&server, "e");
    let (_, other) = converted(&server, "f");
    let path = format!("/g/{}/rejection?transaction_id={id}&new_rejected_reason", server.made.integration_id);
    let keyed = format!("{}Idempotency-Key: k\r\n", server.key_header());
    server.set_integration(json!({"trust": "strict"}));
    assert_eq!(server.get("rejection", &format!("transaction_id={id}&new_rejected_reason=A")).status, 401);
    let first = server.request("GET", &format!("{path}=A"), &keyed, b"");
    assert_eq!(first.json()["reason"], "A", "{first:?}");
    server.request("GET", &format!("{path}=B"), &server.key_header(), b"");
    for _ in 0..2 {
        let again = server.request("GET", &format!("{path}=A"), &keyed, b"");
        assert_eq!(again.json(), first.json(), "the same key gives the same answer");
        assert_eq!(conversion(&server, &id)["rejection"], "B", "and changes nothing");
        assert_eq!(server.request("GET", &format!("{path}=C"), &keyed, b"").status, 422);
        seal(&server);
        let elsewhere = format!(
            "/g/{}/rejection?transaction_id={other}&new_rejected_reason=Z",
            server.made.integration_id
        );
        server.request("GET", &elsewhere, &server.key_header(), b"");
        let event = server.events(&json!({"kind": "click", "offer": "more to seal"}).to_string());
        assert_eq!(event.status, 200);
    }
}

#[test]
fn lines_of_a_body_may_reject_what_came_with_it() {
    let server = TestServer::start();
    let (_, id) = converted(&server, "e");
    let lines = [
        json!({"kind": "rejection", "external_transaction_id": "new", "new_rejected_reason": "LATE"}),
        json!({"kind": "conversion", "external_transaction_id": "new", "offer": "o"}),
        json!({"kind": "rejection", "transaction_id": id, "third_party_status": "declined"}),
        json!({"kind": "rejection", "new_rejected_reason": "LATE"}),
    ];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = server.events(&body).lines();
    assert_eq!(answers[0]["transaction_id"], answers[1]["transaction_id"], "{answers:?}");
    assert_eq!((&answers[0]["reason"], &answers[1]["status"]), (&json!("LATE"), &json!("approved")));
    assert_eq!(answers[2], json!({"transaction_id": id, "status": "approved"}));
    assert!(answers[3]["error"].as_str().unwrap().contains("transaction_id"), "{answers:?}");
    assert_eq!(conversion(&server, &id)["third_party_status"], "declined");
}

#[test]
fn rejections_of_a_body_wait_for_a_busy_ledger_but_not_each_of_them() {
    let server = TestServer::of(Setup { max_open_rows: 10, ..Setup::default() });
    server.set_filters(json!([]));
    let (_, id) = converted(&server, "e");
    let fill = || server.events(&"{\"kind\":\"click\",\"offer\":\"1\"}\n".repeat(20));
    let line = |reason: &str| {
        json!({"kind": "rejection", "transaction_id": id, "new_rejected_reason": reason}).to_string() + "\n"
    };
    assert!(fill().lines().iter().all(|line| line["status"].is_string()));
    let answered = std::thread::scope(|scope| {
        let sent = scope.spawn(|| server.events(&(line("A") + &line("B"))).lines());
        std::thread::sleep(Duration::from_millis(300));
        seal(&server);
        sent.join().unwrap()
    });
    assert_eq!((&answered[0]["reason"], &answered[1]["reason"]), (&json!("A"), &json!("B")), "{answered:?}");
    fill();
    // If each of them waited, nobody would wait for the answer.
    let refused = server.events(&line("C").repeat(500)).lines();
    assert!(refused.len() == 500 && refused.iter().all(|line| line["error"].is_string()), "{refused:?}");
    assert_eq!(conversion(&server, &id)["rejection"], "B");
}

#[test]
fn a_repeated_postback_with_a_new_word_amends_its_conversion() {
    let server = TestServer::start();
    server.set_filters(json!([{"type": "attribution", "params": {}}]));
    let (click, id) = converted(&server, "e");
    let word = |word: &str| server.get("postback", &format!("transaction_id={click}&{word}"));
    let answer = word("third_party_status=declined");
    assert_eq!(answer.json(), json!({"transaction_id": id, "status": "approved"}), "{answer:?}");
    seal(&server);
    let before = records(&server);
    assert_eq!(word("third_party_status=declined").json()["transaction_id"], id.as_str(), "nothing new");
    assert_eq!(records(&server), before);
    word("third_party_status=declined&third_party_rejected_reason=fraud");
    let row = conversion(&server, &id);
    assert_eq!(row["third_party_status"], "declined");
    assert_eq!((&row["third_party_rejected_reason"], &row["status"]), (&json!("fraud"), &json!("approved")));
    assert_eq!(server.table("conversion").len(), 1);
    // Without a word it is what it always was: a second conversion.
    assert_eq!(word("").json()["reason"], "DUPLICATE_CONVERSION");
    // An event after it has facts of its own.
    let event = word("event_id=level&third_party_status=ok").json();
    assert!(event["status"] == "approved" && event["transaction_id"] != id.as_str(), "{event}");
}

#[test]
fn an_event_needs_a_prior_conversion() {
    let server = TestServer::start();
    let click = server.get("click", "offer=o&no_redirect=true").json();
    let click = click["transaction_id"].as_str().unwrap();
    for (query, field) in [("event_id=1", "event_id"), ("event_name=level", "event_name")] {
        let answer = server.get("postback", &format!("transaction_id={click}&{query}"));
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (400, &json!(field)), "{answer:?}");
    }
    assert_eq!(records(&server), 1);
    // A body may bring both.
    let lines = [
        json!({"kind": "conversion", "transaction_id": click, "event_id": "0"}),
        json!({"kind": "conversion", "transaction_id": click}),
        json!({"kind": "conversion", "transaction_id": click, "event_id": "1"}),
    ];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = server.events(&body).lines();
    assert!(answers[0]["error"].as_str().unwrap().contains("event_id"), "{answers:?}");
    assert!(answers[1]["status"] == "approved" && answers[2]["status"] == "approved", "{answers:?}");
    seal(&server);
    let answer = server.get("postback", &format!("transaction_id={click}&event_name=level"));
    assert_eq!(answer.json()["status"], "approved", "{answer:?}");
    // Nothing is known of other clicks, so nothing can be missing.
    let unknown = server.get("postback", "external_transaction_id=nobody's&offer=o&event_id=1");
    assert_eq!(unknown.status, 200, "{unknown:?}");
}

#[test]
fn rejections_of_one_conversion_at_once_all_count_and_the_last_one_stays() {
    let server = TestServer::start();
    server.set_filters(json!([]));
    let (_, id) = converted(&server, "e");
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let send = |n: usize| {
            let (server, id) = (&server, &id);
            let query = format!("transaction_id={id}&new_rejected_reason=R{n}");
            scope.spawn(move || server.get("rejection", &query))
        };
        let all: Vec<_> = (0..16).map(send).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let history = server.intake.ledger().view().scan_seq_from(3).map(Result::unwrap);
    let history: Vec<_> = history.collect();
    let newly =
        |record: &tollgate_ledger::Record| record.columns().flag(tollgate_domain::Number::LateRejection);
    assert_eq!((history.len(), history.iter().filter(|record| newly(record)).count()), (16, 1));
    let last = history[15].columns().text(tollgate_domain::Text::Rejections).unwrap().to_owned();
    assert_eq!(conversion(&server, &id)["rejections"].to_string(), last);
}
