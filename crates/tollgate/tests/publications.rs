//! `tollgate ledger publish` through the whole binary: with the server running, through its socket, and without.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use support::{Made, Server, run, stderr, stdout};

fn publish(made: &Made, more: &[&str]) -> Value {
    let output = run(&[&["ledger", "publish", "--data-dir", &made.data(), "--json"], more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn click(made: &Made, server: &Server) {
    let path = format!("/g/{}/click?offer=7&no_redirect=true", made.integration);
    assert_eq!(server.connect().send("GET", &path, &[], b"").unwrap().status, 200);
}

#[test]
fn a_running_server_publishes_and_so_does_a_directory_without_one() {
    let made = Made::new();
    let dir = made.path("published");
    let shown = dir.to_str().unwrap();
    let server = made.serve();
    let socket = made.path("data/tollgate.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    click(&made, &server);
    click(&made, &server);
    assert_eq!(publish(&made, &[shown])["rows"], 2);
    click(&made, &server);
    let again = publish(&made, &[shown]);
    assert_eq!((&again["rows"], &again["cut"]), (&json!(3), &json!(3)), "what came since is in it");
    let refused = run(&["ledger", "publish", "--data-dir", &made.data(), &made.data()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("outside of the data directory"), "{}", stderr(&refused));

    std::fs::remove_file(&socket).unwrap();
    let refused = run(&["ledger", "publish", "--data-dir", &made.data(), shown]);
    assert!(
        stderr(&refused).contains("in use by process") && stderr(&refused).contains("tollgate.sock"),
        "{}",
        stderr(&refused)
    );
    server.kill();
    // A killed server leaves its socket behind, and the next one makes it anew.
    std::fs::write(&socket, "").unwrap();
    let server = made.serve();
    click(&made, &server);
    assert_eq!(publish(&made, &[shown])["rows"], 4);
    server.stop();
    assert!(!socket.exists(), "an ordered stop leaves none");

    let text = run(&["ledger", "publish", "--data-dir", &made.data(), shown]);
    assert!(stdout(&text).starts_with("4 events and 0 amendments up to seq 4 in "), "{}", stdout(&text));
    let manifest: Value = serde_json::from_slice(&std::fs::read(dir.join("manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["cut"], &manifest["rows"]), (&json!(4), &json!(4)));
    let relative = support::tollgate()
        .args(["ledger", "publish", "--data-dir", &made.data(), "beside"])
        .current_dir(made.dir.path())
        .output()
        .unwrap();
    assert!(relative.status.success() && made.path("beside/manifest.json").exists(), "{}", stderr(&relative));
}
