//! Determinism through the whole binary: whatever the number of connections, judging the ledger again in the order of
//! `seq` gives exactly the verdicts that were answered.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::collections::HashMap;
use support::Made;

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0";
const EVENTS: usize = 4_000;

/// The stream's event of a number: few addresses, so that what came before decides.
fn event(number: usize) -> Value {
    let agent = if number.is_multiple_of(13) { "curl/8.9.1" } else { AGENT };
    json!({
        "kind": "click", "external_transaction_id": format!("e{number}"), "offer": format!("o{}", number % 3),
        "publisher": format!("p{}", number % 5), "click_ip": format!("10.1.{}.{}", number * number % 4, number % 61),
        "user_agent": agent,
    })
}

/// Sends the stream over so many connections; answers id → (status, reason).
fn send(made: &Made, connections: usize) -> HashMap<String, (String, String)> {
    let server = made.serve();
    made.set_group(
        &server,
        &json!({
            "monitoring_mode": false,
            "filters": [
                {"type": "bot"},
                {"type": "duplicate_user", "params": {"data_points": ["ip"], "allowed_duplicates": 2}},
                {"type": "click_flooding", "params": {"threshold": 20, "window_minutes": 60}},
            ],
        }),
    );
    let path = format!("/g/{}/events", made.integration);
    let headers = [("API-KEY", made.api_key.as_str()), ("content-type", "application/x-ndjson")];
    let answered: Vec<Value> = std::thread::scope(|scope| {
        let client = |number: usize| {
            let (server, path, headers) = (&server, &path, &headers);
            scope.spawn(move || {
                let mut connection = server.connect();
                let mine: Vec<_> = (number..EVENTS).step_by(connections).collect();
                let mut answers = Vec::new();
                for batch in mine.chunks(40) {
                    let body: String = batch.iter().map(|number| format!("{}\n", event(*number))).collect();
                    let reply = connection.send("POST", path, headers, body.as_bytes()).unwrap();
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    answers.extend(
                        reply.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()),
                    );
                }
                answers
            })
        };
        let clients: Vec<_> = (0..connections).map(client).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(answered.len(), EVENTS);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verdict =
        |line: &Value| (text(&line["transaction_id"]), (text(&line["status"]), text(&line["reason"])));
    let answered = answered.iter().map(verdict).collect();
    server.stop();
    answered
}

#[test]
fn the_ledger_judged_again_gives_the_verdicts_that_were_answered() {
    for connections in [1, 8] {
        let made = Made::new();
        let answered = send(&made, connections);
        let found = made.examine(&["--rejudge"]);
        let details = found["findings"].as_array().unwrap().iter().find(|f| f["check"] == "rejudge").unwrap();
        assert_eq!(
            (&details["details"]["judged"], &details["details"]["different"]),
            (&json!(EVENTS), &json!(0))
        );

        let server = made.serve();
        let rows = made.report(&server, "click-table", ("2020-01-01", "2090-01-01"));
        assert_eq!(rows.len(), EVENTS);
        let mut reasons: HashMap<&str, usize> = HashMap::new();
        for row in &rows {
            let (status, reason) = &answered[row["real_tx_id"].as_str().unwrap()];
            assert_eq!(row["status"], status.as_str(), "{row}");
            assert_eq!(row["rejection"].as_str().unwrap_or_default(), reason);
            *reasons.entry(reason).or_default() += 1;
        }
        eprintln!("{connections} connections: {reasons:?}");
        assert!(reasons["BOT"] > 200 && reasons["DUPLICATE_IP"] > 200 && reasons[""] > 500, "{reasons:?}");
    }
}
