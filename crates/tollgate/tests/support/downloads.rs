//! The Download Center as its callers use it.

use super::{Connection, Made, Reply, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub const FIELDS: &str =
    "real_tx_id,external_transaction_id,request_time,offer_id,user_agent,status,rejection";
/// How long anything may take on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Sends so many clicks.
pub fn send_clicks(made: &Made, server: &Server, count: usize) {
    send(made, server, count, "and more");
}

/// Sends so many clicks of three and a half KB each.
pub fn send_long_clicks(made: &Made, server: &Server, count: usize) {
    send(made, server, count, &"and more ".repeat(390));
}

fn send(made: &Made, server: &Server, count: usize, end: &str) {
    let mut connection = server.connect();
    let path = format!("/g/{}/events", made.integration);
    let headers = [("API-KEY", made.api_key.as_str()), ("content-type", "application/x-ndjson")];
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(5_000) {
        let line = |n: &usize| {
            let user_agent = format!("Mozilla/5.0 (Linux; Android 14; Phone {n}) \"quoted\", {end}");
            let click = json!({"kind": "click", "external_transaction_id": format!("x{n}"), "offer": "o",
                               "click_ip": "10.9.8.7", "user_agent": user_agent});
            format!("{click}\n")
        };
        let body: String = some.iter().map(line).collect();
        let reply = connection.send("POST", &path, &headers, body.as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// Asks for a file of clicks; answers the export's id.
pub fn ask(made: &Made, connection: &mut Connection, more: &str) -> String {
    let path = format!(
        "/api/v2/download-center/{}/clicks?fields={FIELDS}&extra_parameters={more}",
        made.integration
    );
    let reply = connection.get(&path, &made.api_key);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["id"].as_str().unwrap().to_owned()
}

pub fn exports(made: &Made, server: &Server) -> BTreeMap<String, Value> {
    let reply = server.connect().get("/api/v2/download-center/exports?page%5Bsize%5D=100", &made.api_key);
    let list = reply.json()["data"].as_array().unwrap().clone();
    list.into_iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one)).collect()
}

/// Every export once none waits or is written any more.
pub fn settled(made: &Made, server: &Server) -> BTreeMap<String, Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let all = exports(made, server);
        let is_open = |one: &Value| one["status"] == "PENDING" || one["status"] == "IN_PROGRESS";
        if !all.values().any(is_open) {
            return all;
        }
        assert!(Instant::now() < deadline, "exports do not come to an end: {all:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The file that an export's link leads to.
pub fn download(server: &Server, export: &Value, headers: &[(&str, &str)]) -> Reply {
    let link = export["artifact"]["download_link"].as_str().unwrap();
    let path = link.strip_prefix(&server.url()).unwrap();
    server.connect().send("GET", path, headers, b"").unwrap()
}
