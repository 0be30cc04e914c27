//! The binary's commands from the outside: init, serve, config check, doctor, demo.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{Made, Server, run, stderr, stdout, tollgate};

#[test]
fn init_makes_a_directory_once() {
    let made = Made::new();
    for pointer in [
        "/organization_id",
        "/admin/email",
        "/admin/password",
        "/oauth/v4/client_id",
        "/oauth/v4/client_secret",
        "/oauth/v5/client_id",
        "/oauth/v5/client_secret",
        "/legacy/user_id",
        "/legacy/user_signature",
        "/api_key",
        "/integration_id",
    ] {
        assert!(
            made.all.pointer(pointer).is_some_and(|value| !value.as_str().unwrap().is_empty()),
            "{pointer}"
        );
    }
    let before = std::fs::read(made.path("data/catalog.sqlite")).unwrap();
    let again = run(&["init", "--data-dir", &made.data(), "--json"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("already initialised"), "{}", stderr(&again));
    assert!(again.stdout.is_empty());
    assert_eq!(std::fs::read(made.path("data/catalog.sqlite")).unwrap(), before);

    std::fs::create_dir(made.path("full")).unwrap();
    std::fs::write(made.path("full/thesis.txt"), "x").unwrap();
    let full = run(&["init", "--data-dir", made.path("full").to_str().unwrap()]);
    assert!(!full.status.success() && stderr(&full).contains("thesis.txt"));
}

#[test]
fn serving_answers_shows_its_health_and_stops_in_order() {
    let made = Made::new();
    let server = made.serve();
    let mut connection = server.connect();
    let click =
        format!("/g/{}/click?offer=o&publisher=p&click_ip=1.2.3.4&no_redirect=true", made.integration);
    let answer = connection.send("GET", &click, &[("user-agent", "curl/8")], b"").unwrap();
    assert_eq!(answer.json()["status"], "approved", "the Default group begins in monitoring mode");

    let mut admin = support::Connection::open(&server.admin).unwrap();
    let mut ask = |path: &str| admin.send("GET", path, &[], b"").unwrap();
    assert_eq!((ask("/healthz").status, ask("/readyz").status), (200, 200));
    let metrics = ask("/metrics").text();
    for line in [
        "tollgate_events_total{verdict=\"monitored\"} 1",
        "tollgate_ledger_seq 1",
        "tollgate_ledger_unsealed_rows 1",
        "# TYPE tollgate_events_total counter",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }

    let other = run(&["serve", "--data-dir", &made.data(), "--listen", "127.0.0.1:0"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("in use by process") && other.stdout.is_empty(), "{}", stderr(&other));
    let busy = run(&["doctor", "--data-dir", &made.data()]);
    assert!(busy.status.success() && stdout(&busy).contains("in use by process"), "{}", stdout(&busy));

    assert_eq!(server.stop(), "", "one line on standard output");
    let found = made.examine(&["--rejudge"]);
    let rejudged = found["findings"].as_array().unwrap().iter().find(|f| f["check"] == "rejudge").unwrap();
    assert_eq!(rejudged["details"], json!({"judged": 1, "imported": 0, "unknown": 0, "different": 0}));
}

#[test]
fn an_absent_directory_and_a_taken_address_are_told() {
    let made = Made::new();
    let absent = run(&["serve", "--data-dir", made.path("none").to_str().unwrap()]);
    assert!(
        absent.status.code() == Some(1) && stderr(&absent).contains("tollgate init"),
        "{}",
        stderr(&absent)
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = run(&["serve", "--data-dir", &made.data(), "--listen", &address]);
    assert!(refused.status.code() == Some(1) && stderr(&refused).contains(&address), "{}", stderr(&refused));
    assert_eq!(run(&["serve", "--data-dir", &made.data(), "--cores", "0"]).status.code(), Some(2));
    assert_eq!(run(&["serve", "--nonsense"]).status.code(), Some(2));
    assert_eq!(run(&["serve"]).status.code(), Some(2));
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

#[test]
fn the_configuration_is_checked_as_a_whole() {
    let made = Made::new();
    let file = made.path("t.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:9\"\napi_key = \"verysecret\"\n").unwrap();
    let path = file.to_str().unwrap();
    let good =
        tollgate().args(["config", "check", "--config", path]).env("TOLLGATE_CORES", "3").output().unwrap();
    let said = stdout(&good);
    assert!(said.contains("cores = 3") && said.contains("listen = \"127.0.0.1:9\""), "{said}");
    assert!(!said.contains("verysecret"));
    std::fs::write(&file, "listen = \"x\"\nlog_format = \"xml\"\ncolour = 1\n").unwrap();
    let bad = run(&["config", "check", "--config", path]);
    assert_eq!(bad.status.code(), Some(2));
    std::fs::write(&file, "outbound_allow = [\"10.0.0.0/8\"]\noutbound_authorities = \"/nowhere/ca.pem\"\n")
        .unwrap();
    let start = ["serve", "--data-dir", &made.data(), "--listen", "127.0.0.1:0", "--config", path];
    for refused in [run(&["config", "check", "--config", path]), run(&start)] {
        assert_eq!(refused.status.code(), Some(2));
        let said = "outbound_authorities /nowhere/ca.pem: No such file";
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
    for part in ["listen (from", "log_format: ", "colour is not a setting"] {
        assert!(stderr(&bad).contains(part), "{part}: {}", stderr(&bad));
    }
}

#[test]
fn doctor_finds_what_is_damaged() {
    let made = Made::new();
    let server = made.serve();
    let mut connection = server.connect();
    for _ in 0..3 {
        let click = format!("/g/{}/click?offer=o&no_redirect=true", made.integration);
        assert_eq!(connection.send("GET", &click, &[], b"").unwrap().status, 200);
    }
    server.stop();
    let ranges = made.path("data/signals/ranges/vpn");
    std::fs::create_dir_all(&ranges).unwrap();
    std::fs::write(ranges.join("list.txt"), "this is no address\n").unwrap();
    let found = run(&["doctor", "--data-dir", &made.data()]);
    assert_eq!(found.status.code(), Some(1));
    assert!(stdout(&found).contains("list.txt: does not parse"), "{}", stdout(&found));
    std::fs::remove_file(ranges.join("list.txt")).unwrap();
    made.examine(&[]);

    // A byte of the first acknowledged row, with later frames behind it.
    let log = std::fs::read_dir(made.path("data/ledger/log")).unwrap().map(|entry| entry.unwrap().path());
    let first = log
        .filter(|path| std::fs::read(path).unwrap().windows(10).any(|w| w == made.integration.as_bytes()))
        .min();
    let first = first.unwrap();
    let mut bytes = std::fs::read(&first).unwrap();
    let at = bytes.windows(10).position(|window| window == made.integration.as_bytes()).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&first, bytes).unwrap();
    let found = run(&["doctor", "--data-dir", &made.data(), "--json"]);
    assert_eq!(found.status.code(), Some(1));
    assert!(stdout(&found).contains("damaged at byte"), "{}", stdout(&found));
    let refused = run(&["serve", "--data-dir", &made.data(), "--listen", "127.0.0.1:0"]);
    assert!(
        !refused.status.success() && stderr(&refused).contains("damaged at byte"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn the_demonstration_fills_its_directory_once_and_shows_its_key_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("demo").to_str().unwrap().to_owned();
    let start = || Server::start(&["demo", "--data-dir", &data, "--listen", "127.0.0.1:0"]);
    let seq = |server: &Server| {
        let metrics = support::Connection::open(&server.admin)
            .unwrap()
            .send("GET", "/metrics", &[], b"")
            .unwrap()
            .text();
        let line = metrics.lines().find_map(|line| line.strip_prefix("tollgate_ledger_seq ")).unwrap();
        line.parse::<u64>().unwrap()
    };
    let server = start();
    let stored = seq(&server);
    assert!(stored > 5_000, "{stored}");
    let first = server.stop();
    let key = first.split("API-KEY: ").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(
        ["/click?", "no_redirect=true", "click-table", "/v5/oauth/token", "/v5/apps", "/docs"]
            .iter()
            .all(|said| first.contains(said)),
        "{first}"
    );

    let server = start();
    assert_eq!(seq(&server), stored, "a later start adds nothing");
    let report = first.lines().find(|line| line.contains("click-table")).unwrap();
    let path =
        report.split("http://").nth(1).unwrap().split_once('/').unwrap().1.trim_end_matches('\'').to_owned();
    let path = format!("/{}", path.replace('[', "%5B").replace(']', "%5D"));
    let reply = server.connect().get(&path, &key);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let rows = &reply.json()["data"]["data"];
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert!(rows[0]["extra_parameters"]["label"].is_string(), "{rows}");
    let again = server.stop();
    assert!(again.contains(&key));
    // The last word is the way to the console, where the binary has one.
    let last = again.trim_end().lines().last().unwrap().to_owned();
    if cfg!(feature = "console") {
        let (url, invitation) = last.trim().split_once("#invitation=").unwrap();
        assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/console/"), "{last}");
        assert!(invitation.len() == 64 && !first.contains(invitation), "new at every start");
    } else {
        assert!(last.contains("built without the console"), "{last}");
    }
    use std::os::unix::fs::PermissionsExt;
    let credentials = std::fs::metadata(dir.path().join("demo/demo.json")).unwrap();
    assert_eq!(credentials.permissions().mode() & 0o777, 0o600);
}
