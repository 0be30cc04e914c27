//! `tollgate forget` and retention through the whole binary.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::path::Path;
use support::downloads::{download, exports, settled};
use support::{Made, run, stderr, stdout};

fn forget(arguments: &[&str]) -> Value {
    let output = run(&[&["forget"], arguments].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// Whether any file below `folder` has these bytes.
fn has_bytes(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_bytes(&path, bytes);
        }
        std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn files_that_a_person_is_in_go_and_can_be_made_anew_without_him() {
    let made = Made::new();
    let server = made.serve();
    let click = |device: &str| {
        let path =
            format!("/g/{}/click?offer=7&publisher=p&device_id={device}&no_redirect=true", made.integration);
        assert_eq!(server.connect().send("GET", &path, &[], b"").unwrap().status, 200);
    };
    click("device-of-somebody");
    click("device-of-another");
    let path =
        format!("/api/v2/download-center/{}/clicks?fields=device_id&extra_parameters=", made.integration);
    let asked = server.connect().get(&path, &made.api_key);
    assert_eq!(asked.status, 200, "{}", asked.text());
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    let whole = settled(&made, &server)[&id].clone();
    assert!(download(&server, &whole, &[]).text().contains("device-of-somebody"));

    let there = ["--server", &server.url(), "--api-key", &made.api_key, "--device-id", "device-of-somebody"];
    let certificate = forget(&there);
    assert_eq!((&certificate["deleted_events"], &certificate["files"]["exports"]), (&json!(1), &json!(1)));
    assert_eq!(download(&server, &whole, &[]).status, 404);
    assert!(!has_bytes(&made.path("data/exports"), b"device-of"), "the file is gone");
    let lost = &exports(&made, &server)[&id];
    assert_eq!((&lost["status"], &lost["artifact"]["download_link"]), (&json!("ERROR"), &Value::Null));
    assert!(lost["error"].as_str().unwrap().contains("deleted since"), "{lost}");

    let path = format!("/tollgate/v1/exports/{id}/retry");
    let headers = [("API-KEY", made.api_key.as_str())];
    assert_eq!(server.connect().send("POST", &path, &headers, b"").unwrap().status, 200);
    let again = &settled(&made, &server)[&id];
    assert_eq!(download(&server, again, &[]).text(), "device_id\r\ndevice-of-another\r\n");
    server.stop();
}

#[test]
fn a_person_is_forgotten_by_the_server_and_from_its_directory() {
    let made = Made::new();
    let server = made.serve();
    let mut connection = server.connect();
    for device in ["device-of-the-first", "device-of-the-second", "device-of-the-first"] {
        let path =
            format!("/g/{}/click?offer=7&publisher=p&device_id={device}&no_redirect=true", made.integration);
        assert_eq!(connection.send("GET", &path, &[], b"").unwrap().status, 200);
    }
    let there = ["--server", &server.url(), "--api-key", &made.api_key];
    let first = forget(&[&there[..], &["--device-id", "device-of-the-first"]].concat());
    assert_eq!((&first["deleted_events"], &first["identifier_kind"]), (&json!(2), &json!("device_id")));
    let path = format!("/tollgate/v1/privacy-requests/{}", first["id"].as_str().unwrap());
    let read = server.connect().get(&path, &made.api_key);
    assert_eq!((read.status, &read.json()["deleted"]), (200, &first["deleted"]));
    let refused = run(&[&["forget"], &there[..], &["--ip", "somewhere"]].concat());
    assert!(stderr(&refused).contains("ip: must be an IP address"), "{}", stderr(&refused));
    let data = made.data();
    let used = run(&["forget", "--data-dir", &data, "--device-id", "device-of-the-second"]);
    assert!(stderr(&used).contains("--server"), "{}", stderr(&used));
    server.stop();

    let second = forget(&[
        "--data-dir",
        &data,
        "--device-id",
        "device-of-the-second",
        "--integration",
        &made.integration,
    ]);
    assert_eq!((&second["deleted_events"], &second["requested_by"]), (&json!(1), &json!("cli")));
    assert_eq!(
        second["files"],
        json!({"dropped": 1, "rewritten": 0, "pending": [], "log_pending": false, "exports": 0})
    );
    for device in ["device-of-the-first", "device-of-the-second"] {
        assert!(!has_bytes(&made.path("data/ledger"), device.as_bytes()), "{device}");
    }
    let unknown = run(&["forget", "--data-dir", &data, "--ip", "192.0.2.1", "--integration", "zzzzzzzzzz"]);
    assert!(stderr(&unknown).contains("--integration zzzzzzzzzz"), "{}", stderr(&unknown));
}
