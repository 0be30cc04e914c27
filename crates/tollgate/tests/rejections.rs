//! A late rejection through the whole binary: shown at once, after `kill -9`, and after sealing.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::sync::Arc;
use support::{Made, Server};
use tollgate_domain::{Entropy, TxIdKey};
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::{Ledger, Options};

struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
}

fn get(made: &Made, server: &Server, path: &str) -> Value {
    let reply = server.connect().get(&format!("/g/{}/{path}", made.integration), &made.api_key);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// The only conversion, as the table shows it.
fn row(made: &Made, server: &Server) -> Value {
    let mut rows = made.report(server, "conversion-table", ("2020-01-01", "2090-01-01"));
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

#[test]
fn a_late_rejection_is_shown_at_once_and_ever_after() {
    let made = Made::new();
    let server = made.serve();
    let click = get(&made, &server, "click?offer=o&publisher=p&no_redirect=true");
    let click = click["transaction_id"].as_str().unwrap();
    let conversion = get(&made, &server, &format!("postback?transaction_id={click}"));
    assert_eq!(conversion["status"], "approved");
    let answer =
        get(&made, &server, &format!("rejection?transaction_id={click}&new_rejected_reason=HIJACKED"));
    let expected =
        json!({"transaction_id": conversion["transaction_id"], "status": "rejected", "reason": "HIJACKED"});
    assert_eq!(answer, expected);
    let shown = row(&made, &server);
    assert_eq!((&shown["status"], &shown["rejection"]), (&json!("rejected"), &json!("HIJACKED")));
    assert_eq!(shown["evidence"].as_array().unwrap().last().unwrap()["type"], "late_rejection");
    server.kill();
    let server = made.serve();
    assert_eq!(row(&made, &server), shown, "after kill -9");
    server.kill();
    let disk = Arc::new(RealDisk::new(made.path("data/ledger")).unwrap());
    let (ledger, opened) =
        Ledger::open(disk, Arc::new(Fixed), TxIdKey([0; 16]), Options::default(), u64::MAX, &mut |_| {})
            .unwrap();
    assert_eq!(opened.open_rows, 3);
    assert!(ledger.seal(u64::MAX / 2).unwrap().is_some());
    drop(ledger);
    let server = made.serve();
    assert_eq!(row(&made, &server), shown, "after sealing");
    let again = get(&made, &server, &format!("rejection?transaction_id={click}&third_party_status=declined"));
    assert_eq!(again, expected);
    assert_eq!(row(&made, &server)["third_party_status"], "declined");
    server.stop();
    let found = made.examine(&["--rejudge"]);
    let rejudged = found["findings"].as_array().unwrap().iter().find(|f| f["check"] == "rejudge").unwrap();
    assert_eq!(rejudged["details"]["different"], 0, "{found}");
}
