//! `tollgate explain` and `GET /tollgate/v1/events/{id}/explanation` through the whole binary.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Connection, Made, run, stderr, stdout};

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0";

/// Sends a click; answers its id.
fn click(made: &Made, connection: &mut Connection, ip: &str, agent: &str) -> String {
    let path = format!("/g/{}/click?offer=7&publisher=p&click_ip={ip}&no_redirect=true", made.integration);
    let reply = connection.send("GET", &path, &[("user-agent", agent)], b"").unwrap();
    reply.json()["transaction_id"].as_str().unwrap().to_owned()
}

fn explain(made: &Made, arguments: &[&str], id: &str) -> String {
    let output = run(&[&["explain", "--data-dir", &made.data()], arguments, &[id]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

/// The filter of a type in an explanation.
fn filter<'a>(explanation: &'a Value, name: &str) -> &'a Value {
    explanation["filters"].as_array().unwrap().iter().find(|filter| filter["type"] == name).unwrap()
}

#[test]
fn a_duplicate_click_is_explained_by_the_server_and_from_its_directory() {
    let made = Made::new();
    let server = made.serve();
    made.set_group(
        &server,
        &json!({
            "monitoring_mode": false,
            "filters": [
                {"type": "bot"},
                {"type": "duplicate_user", "params": {"data_points": ["ip"], "allowed_duplicates": 1}},
                {"type": "geo", "enabled": false},
                {"type": "session_time"},
            ],
        }),
    );
    let mut connection = server.connect();
    for ip in ["192.0.2.1", "192.0.2.1", "198.51.100.7"] {
        click(&made, &mut connection, ip, AGENT);
    }
    let duplicate = click(&made, &mut connection, "192.0.2.1", AGENT);
    let after = click(&made, &mut connection, "192.0.2.1", "curl/8.9.1");

    let path = |id: &str| format!("/tollgate/v1/events/{id}/explanation");
    let told = connection.get(&path(&duplicate), &made.api_key);
    assert_eq!(told.status, 200, "{}", told.text());
    let told = told.json();
    assert_eq!(told["rejections"], json!(["DUPLICATE_IP"]));
    assert_eq!((&told["agrees"], &told["notes"]), (&json!(true), &json!([])));
    assert_eq!(told["counted"]["events"], 3);
    assert_eq!(told["groups"][0]["outcome"], "won");
    let look = &filter(&told, "duplicate_user")["looks"][0];
    assert_eq!(
        (&look["objects"], &look["observed"], &look["threshold"]),
        (&json!(true), &json!(2), &json!(1))
    );
    let counter = json!({"window": "1 day", "window_minutes": 1440, "count": 2, "hits": null,
                         "key": {"ip": "192.0.2.1", "offer_id": "7"}});
    assert_eq!(look["counter"], counter);
    assert_eq!(look["flip"]["parameter"], "allowed_duplicates");
    assert_eq!(look["flip"]["at_least"], 2);
    assert_eq!(look["flip"]["sentence"], "It would have passed with allowed_duplicates 2 or more.");
    let outcomes = ["bot", "geo", "session_time"].map(|name| filter(&told, name)["outcome"].clone());
    assert_eq!(outcomes, ["passed", "disabled", "other_kind"]);

    // What comes later changes nothing, a changed configuration neither.
    made.set_group(&server, &json!({"filters": []}));
    click(&made, &mut connection, "192.0.2.1", AGENT);
    assert_eq!(connection.get(&path(&duplicate), &made.api_key).json(), told);
    let bot = connection.get(&path(&after), &made.api_key).json();
    assert_eq!(bot["rejections"], json!(["BOT", "DUPLICATE_IP"]));
    assert_eq!(filter(&bot, "bot")["looks"][0]["flip"]["parameter"], "libraries");
    assert_eq!(filter(&bot, "duplicate_user")["looks"][0]["observed"], 3);

    let address = format!("http://{}", server.address);
    let remote = run(&["explain", "--server", &address, "--api-key", &made.api_key, "--json", &duplicate]);
    assert!(remote.status.success(), "{}", stderr(&remote));
    assert_eq!(serde_json::from_str::<Value>(&stdout(&remote)).unwrap(), told);
    let busy = run(&["explain", "--data-dir", &made.data(), &duplicate]);
    assert!(stderr(&busy).contains("ask the running server instead"), "{}", stderr(&busy));

    server.stop();
    assert_eq!(serde_json::from_str::<Value>(&explain(&made, &["--json"], &duplicate)).unwrap(), told);
    let text = explain(&made, &[], &duplicate);
    for line in [
        "  verdict        rejected: DUPLICATE_IP",
        "  #1  duplicate_user  reject  rejected",
        "       DUPLICATE_IP  ip  observed 2, threshold 1  (2 counted in 1 day; ip=192.0.2.1, offer_id=7)",
        "         It would have passed with allowed_duplicates 2 or more.",
        "  #2  geo             reject  disabled",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks");
}

#[test]
fn what_is_not_there_is_told() {
    let made = Made::new();
    let server = made.serve();
    let mut connection = server.connect();
    let get = |connection: &mut Connection, id: &str| {
        let reply = connection.get(&format!("/tollgate/v1/events/{id}/explanation"), &made.api_key);
        (reply.status, reply.json())
    };
    let (status, body) = get(&mut connection, "00000000000000000000000001");
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
    let (status, body) = get(&mut connection, "nonsense");
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("tx_id")));
    server.stop();
    let unknown = run(&["explain", "--data-dir", &made.data(), "00000000000000000000000001"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        stderr(&unknown).contains("there is no event 00000000000000000000000001"),
        "{}",
        stderr(&unknown)
    );
    let malformed = run(&["explain", "--data-dir", &made.data(), "nonsense"]);
    assert_eq!(malformed.status.code(), Some(2), "{}", stderr(&malformed));
}
