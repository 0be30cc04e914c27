//! Signing in behind a proxy: whose word counts for how the browser came, and for where it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops where its premise fails"
)]

mod support;

use serde_json::json;
use support::{Answer, TestServer};
use tollgate_http::gateway::GatewayOptions;

fn behind_a_proxy() -> TestServer {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    TestServer::with(GatewayOptions { trusted_proxies, ..GatewayOptions::default() })
}

fn sign_in(server: &TestServer, password: &str, headers: &str) -> Answer {
    let body = json!({"email": server.made.admin.id, "password": password}).to_string();
    let headers = format!("Content-Type: application/json\r\n{headers}");
    server.request("POST", "/tollgate/v1/session", &headers, body.as_bytes())
}

#[test]
fn a_trusted_proxy_that_was_called_over_tls_gets_a_secure_cookie() {
    let (trusting, other) = (behind_a_proxy(), TestServer::start());
    for (server, headers, secure) in [
        (&trusting, "X-Forwarded-Proto: https\r\n", true),
        (&trusting, "X-Forwarded-Proto: http\r\n", false),
        (&trusting, "", false),
        (&other, "X-Forwarded-Proto: https\r\n", false),
    ] {
        let password = server.made.admin.secret.expose();
        let answer = sign_in(server, password, headers);
        let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("{answer:?}"));
        let is_secure = cookie.starts_with("__Host-") && cookie.ends_with("; Secure");
        assert_eq!(is_secure, secure, "{headers}: {cookie}");
    }
}

#[test]
fn who_guesses_elsewhere_does_not_lock_a_user_out() {
    let server = behind_a_proxy();
    let from = |address: &str, password: &str| {
        sign_in(&server, password, &format!("X-Forwarded-For: {address}\r\n")).status
    };
    // On a slow machine some attempts come back meanwhile.
    let refused = (0..60).any(|_| from("203.0.113.1", "guess") == 429);
    assert!(refused, "guesses from one place end");
    assert_eq!(from("203.0.113.2", server.made.admin.secret.expose()), 200);
}
