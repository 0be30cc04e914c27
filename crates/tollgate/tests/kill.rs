//! `kill -9` in the middle of load, again and again: every acknowledged event is there once, whatever was sent again
//! with its key too, as late rejections left it, and nothing that was refused. `TOLLGATE_KILLS` says how often (default 10; `make torture` 200).
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::{Connection, Made, Server, setting};
use tollgate_domain::TxId;

/// What became of the events of one client until the server died. Events are known by their external ids.
#[derive(Default)]
struct Told {
    acknowledged: Vec<(String, String)>,
    refused: Vec<String>,
    /// Conversions whose late rejection was acknowledged.
    rejected: Vec<String>,
    /// Sent with a key and never answered.
    open: Vec<(String, String)>,
}

const CLIENTS: usize = 4;

/// Sends until the server is gone: batches, single events with keys, and events that are wrong.
fn client(made: &Made, address: &str, name: &str, over: &AtomicBool) -> Told {
    let mut told = Told::default();
    let Ok(mut connection) = Connection::open(address) else { return told };
    let events = format!("/g/{}/events", made.integration);
    let batch_headers = [("API-KEY", made.api_key.as_str()), ("content-type", "application/x-ndjson")];
    for number in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let ids: Vec<String> = (0..10).map(|i| format!("{name}-b{number}-{i}")).collect();
        let line = |(i, id): (usize, &String)| {
            // One of ten is wrong, in a way that only its own line suffers from.
            let ip = if i == 7 { "999.1.2.3" } else { "10.9.8.7" };
            format!(
                "{}\n",
                json!({"kind": "click", "external_transaction_id": id, "offer": "o", "click_ip": ip})
            )
        };
        let body: String = ids.iter().enumerate().map(line).collect();
        let Ok(reply) = connection.send("POST", &events, &batch_headers, body.as_bytes()) else { break };
        assert_eq!(reply.status, 200, "{}", reply.text());
        for (id, line) in ids.iter().zip(reply.text().lines()) {
            let line: Value = serde_json::from_str(line).unwrap();
            match line["transaction_id"].as_str() {
                Some(real) => told.acknowledged.push((id.clone(), real.to_owned())),
                None => told.refused.push(id.clone()),
            }
        }
        let id = format!("{name}-v{number}");
        match rejection(&mut connection, made, &id) {
            Ok(()) => told.rejected.push(id),
            Err(_) => break,
        }
        let id = format!("{name}-s{number}");
        match single(&mut connection, made, &id) {
            Ok(real) => told.acknowledged.push((id, real)),
            Err(_) => {
                told.open.push((id.clone(), id));
                break;
            }
        }
    }
    told
}

/// Sends a conversion and rejects it late; the reason is its id.
fn rejection(connection: &mut Connection, made: &Made, id: &str) -> std::io::Result<()> {
    let conversion = json!({"external_transaction_id": id, "offer": "o"});
    let late = json!({"external_transaction_id": id, "new_rejected_reason": id});
    for (endpoint, body) in [("postback", conversion), ("rejection", late)] {
        let path = format!("/g/{}/{endpoint}", made.integration);
        let headers = [("content-type", "application/json")];
        let reply = connection.send("POST", &path, &headers, body.to_string().as_bytes())?;
        assert_eq!(
            (reply.status, reply.json()["transaction_id"].is_string()),
            (200, true),
            "{}",
            reply.text()
        );
    }
    Ok(())
}

/// Sends one click with a key; an error means that it is unknown whether it was taken.
fn single(connection: &mut Connection, made: &Made, id: &str) -> std::io::Result<String> {
    let path = format!("/g/{}/click", made.integration);
    let body =
        json!({"external_transaction_id": id, "offer": "o", "click_ip": "10.9.8.7", "no_redirect": true});
    let headers = [("content-type", "application/json"), ("idempotency-key", id)];
    let reply = connection.send("POST", &path, &headers, body.to_string().as_bytes())?;
    assert_eq!(reply.status, 200, "{}", reply.text());
    Ok(reply.json()["transaction_id"].as_str().unwrap().to_owned())
}

/// How often each external id is stored among the clicks from `since` on, with the real ids.
fn stored(made: &Made, server: &Server, since: Option<TxId>) -> HashMap<String, Vec<String>> {
    let mut connection = server.connect();
    let (mut found, mut cursor) = (HashMap::<String, Vec<String>>::new(), String::new());
    loop {
        let path = format!(
            "/api/v2/reports/v2/click-table?integration_id={}&start_date=2020-01-01&end_date=2090-01-01&page%5Bsize%5D=100{cursor}",
            made.integration
        );
        let reply = connection.get(&path, &made.api_key);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let page = &reply.json()["data"];
        for row in page["data"].as_array().unwrap() {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            found.entry(text("external_transaction_id")).or_default().push(text("real_tx_id"));
        }
        let end: Option<TxId> = page["pageInfo"]["endCursor"].as_str().map(|id| id.parse().unwrap());
        match end {
            Some(end)
                if page["pageInfo"]["hasNextPage"] == true && since.is_none_or(|since| end >= since) =>
            {
                cursor = format!("&page%5Bafter%5D={end}");
            }
            _ => return found,
        }
    }
}

fn check(told: &Told, stored: &HashMap<String, Vec<String>>) {
    for (external, real) in &told.acknowledged {
        assert_eq!(stored.get(external), Some(&vec![real.clone()]), "{external} was acknowledged as {real}");
    }
    for external in &told.refused {
        assert_eq!(stored.get(external), None, "{external} was refused");
    }
}

#[test]
fn acknowledged_events_survive_kill_9() {
    let kills = setting("TOLLGATE_KILLS", 10);
    let made = Made::new();
    let mut all = Told::default();
    let mut server = made.serve();
    for kill in 0..kills {
        let (address, over) = (server.address.clone(), AtomicBool::new(false));
        let mut told = Told::default();
        std::thread::scope(|scope| {
            let (made, address, over) = (&made, &address, &over);
            let name = |client: usize| format!("k{kill}c{client}");
            let clients: Vec<_> =
                (0..CLIENTS).map(|i| scope.spawn(move || client(made, address, &name(i), over))).collect();
            // A different moment every time, the first right after the start.
            std::thread::sleep(Duration::from_millis(20 + kill * 37 % 400));
            server.kill();
            over.store(true, Ordering::Relaxed);
            for one in clients {
                let one = one.join().unwrap();
                told.acknowledged.extend(one.acknowledged);
                told.refused.extend(one.refused);
                told.rejected.extend(one.rejected);
                told.open.extend(one.open);
            }
        });
        server = made.serve();
        // What was never answered is sent again under its key, and answered as the one event it is.
        let mut connection = server.connect();
        for (id, _) in std::mem::take(&mut told.open) {
            let real = single(&mut connection, &made, &id).unwrap();
            assert_eq!(single(&mut connection, &made, &id).unwrap(), real);
            told.acknowledged.push((id, real));
        }
        let earliest = told.acknowledged.iter().map(|(_, real)| real.parse::<TxId>().unwrap()).min();
        if earliest.is_some() {
            check(&told, &stored(&made, &server, earliest));
        }
        all.acknowledged.extend(told.acknowledged);
        all.refused.extend(told.refused);
        all.rejected.extend(told.rejected);
    }
    let conversions = made.report(&server, "conversion-table", ("2020-01-01", "2090-01-01"));
    let shown: HashMap<&str, &Value> =
        conversions.iter().filter_map(|row| Some((row["external_transaction_id"].as_str()?, row))).collect();
    for id in &all.rejected {
        assert_eq!(
            (&shown[id.as_str()]["status"], &shown[id.as_str()]["rejection"]),
            (&json!("rejected"), &json!(id))
        );
    }
    assert!(!all.rejected.is_empty(), "conversions were rejected late");
    let everything = stored(&made, &server, None);
    check(&all, &everything);
    assert!(everything.values().all(|ids| ids.len() == 1), "nothing is stored twice");
    assert!(
        all.acknowledged.len() as u64 > kills * 20 && !all.refused.is_empty(),
        "there was load: {}",
        all.acknowledged.len()
    );
    server.stop();
    let found = made.examine(&["--rejudge"]);
    eprintln!(
        "{kills} kills, {} acknowledged, {} refused\n{found}",
        all.acknowledged.len(),
        all.refused.len()
    );
}
