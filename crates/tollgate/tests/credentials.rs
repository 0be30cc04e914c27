//! `tollgate credentials` beside a running server: what is refreshed or revoked in the directory holds on the wire.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Made, Reply, Server, run, stderr, stdout};

fn credentials(made: &Made, arguments: &[&str]) -> Value {
    let begin = ["credentials"];
    let end = ["--data-dir", &made.data(), "--json"];
    let output = run(&[&begin[..], arguments, &end].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn ask(server: &Server, id: &str, secret: &str) -> Reply {
    let body = json!({"client_id": id, "client_secret": secret, "grant_type": "client_credentials"});
    let headers = [("content-type", "application/json")];
    server.connect().send("POST", "/oauth/token", &headers, body.to_string().as_bytes()).unwrap()
}

fn status_with(server: &Server, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    server.connect().send("GET", "/v5/apps", &[("authorization", &bearer)], b"").unwrap().status
}

/// Asks until it is so, for at most 5 seconds; answers how long it took.
fn until(mut so: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < Duration::from_secs(5), "it does not come about");
        std::thread::sleep(Duration::from_millis(20));
    }
    begin.elapsed()
}

fn rows<'a>(listed: &'a Value, kind: &str) -> Vec<&'a Value> {
    listed["credentials"].as_array().unwrap().iter().filter(|row| row["kind"] == kind).collect()
}

#[test]
fn refreshing_ends_the_old_pair_and_keeps_its_tokens() {
    let made = Made::new();
    let server = made.serve();
    let text = |pointer: &str| made.all.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let (id, secret) = (text("/oauth/v5/client_id"), text("/oauth/v5/client_secret"));
    let token = ask(&server, &id, &secret).json()["access_token"].as_str().unwrap().to_owned();
    let listed = credentials(&made, &["list"]);
    assert_eq!(
        (rows(&listed, "v5")[0]["id"].as_str(), &rows(&listed, "v5")[0]["tokens_in_force"]),
        (Some(id.as_str()), &json!(1))
    );
    for kind in ["v3", "v4", "v5", "api_key"] {
        assert_eq!(rows(&listed, kind).len(), 1, "{kind}: {listed}");
    }
    for hidden in [&secret, &token, &made.api_key] {
        assert!(!listed.to_string().contains(hidden.as_str()));
    }

    let fresh = credentials(&made, &["refresh", "v5"]);
    assert_eq!((&fresh["ended"], &fresh["tokens_revoked"]), (&json!([id]), &json!(0)));
    let (new_id, new_secret) =
        (fresh["client_id"].as_str().unwrap(), fresh["client_secret"].as_str().unwrap());
    assert_ne!((new_id, new_secret), (id.as_str(), secret.as_str()));
    let took = until(|| ask(&server, new_id, new_secret).status == 200);
    assert!(took < Duration::from_secs(2), "{took:?}");
    let refused = ask(&server, &id, &secret);
    assert_eq!((refused.status, &refused.json()["error"]), (401, &json!("invalid_client")));
    assert_eq!(status_with(&server, &token), 200, "tokens already issued live on");
    let v4 = text("/oauth/v4/client_id");
    let listed = credentials(&made, &["list"]);
    assert_eq!(rows(&listed, "v4")[0]["id"], v4.as_str(), "v4 is refreshed by itself");
    assert_eq!(
        rows(&listed, "ended")[0],
        &json!({"kind": "ended", "id": id, "created_at": null, "tokens_in_force": 1})
    );

    let revoked = credentials(&made, &["revoke", &id, "--tokens"]);
    assert_eq!((&revoked["kind"], &revoked["tokens_revoked"]), (&Value::Null, &json!(1)));
    until(|| status_with(&server, &token) == 401);
}

#[test]
fn revoking_ends_a_client_and_if_asked_its_tokens() {
    let made = Made::new();
    let server = made.serve();
    let (id, secret) = (&made.all["oauth"]["v5"]["client_id"], &made.all["oauth"]["v5"]["client_secret"]);
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    let token = ask(&server, id, secret).json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(credentials(&made, &["revoke", id, "--tokens"])["tokens_revoked"], 1);
    until(|| ask(&server, id, secret).status == 401);
    until(|| status_with(&server, &token) == 401);

    let key = rows(&credentials(&made, &["list"]), "api_key")[0]["id"].as_str().unwrap().to_owned();
    let with_key = || server.connect().get("/api/v2/integrations", &made.api_key).status;
    assert_eq!(with_key(), 200);
    assert_eq!(credentials(&made, &["revoke", &key])["kind"], "api_key");
    until(|| with_key() == 401);
    server.stop();

    let fresh = credentials(&made, &["refresh", "v3", "--tokens"]);
    assert_eq!(fresh["ended"], json!([made.all["legacy"]["user_id"]]));
    assert!(fresh["user_signature"].is_string());
    let again = run(&["credentials", "revoke", id, "--data-dir", &made.data()]);
    assert!(again.status.code() == Some(1) && stderr(&again).contains("no credential"), "{}", stderr(&again));
    let shown = stdout(&run(&["credentials", "list", "--data-dir", &made.data()]));
    assert!(shown.starts_with("KIND") && shown.contains("v4 "), "{shown}");
    let other = run(&["credentials", "list", "--data-dir", &made.data(), "--organization", &"0".repeat(24)]);
    assert!(
        other.status.code() == Some(2) && stderr(&other).contains("--organization"),
        "{}",
        stderr(&other)
    );
    let absent = run(&["credentials", "list", "--data-dir", made.path("none").to_str().unwrap()]);
    assert!(
        absent.status.code() == Some(1) && stderr(&absent).contains("tollgate init"),
        "{}",
        stderr(&absent)
    );
}
