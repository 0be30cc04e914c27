//! What pages load and send: the pixel, the collector's script, requests from other origins.

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

fn is_pixel(answer: &Answer) -> bool {
    answer.status == 200
        && answer.header("content-type") == Some("image/gif")
        && answer.header("cache-control") == Some("no-store")
        && answer.header("access-control-allow-origin") == Some("*")
        && answer.body.starts_with(b"GIF89a\x01\0\x01\0")
}

#[test]
fn the_pixel_is_an_impression() {
    let server = TestServer::start();
    let answer = server.get("pixel.gif", "publisher=p&offer=o&fingerprint=f&json=true");
    assert!(is_pixel(&answer), "{answer:?}");
    assert_eq!(answer.header("tollgate-not-stored"), None);
    let rows = server.table("impression");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["publisher"], &rows[0]["offer_id"], &rows[0]["fingerprint"], &rows[0]["ip"]),
        (&json!("p"), &json!("o"), &json!("f"), &json!("127.0.0.1"))
    );
}

#[test]
fn a_pixel_that_stored_nothing_is_an_image_and_says_why() {
    let server = TestServer::start();
    let why = |answer: Answer| {
        assert!(is_pixel(&answer), "{answer:?}");
        answer.header("tollgate-not-stored").unwrap().to_owned()
    };
    let lacking = why(server.get("pixel.gif", "publisher=p"));
    assert!(lacking.starts_with("invalid_parameters: ") && lacking.contains("app_id"), "{lacking}");
    // Names are the caller's: no line end of his, and nothing of his alphabet, gets into the head.
    let broken = why(server.get("pixel.gif", "publisher=p&offer=o&%0d%0aSet-Cookie:x%C3%A4=%ff"));
    assert!(broken.is_ascii() && broken.contains("%0d%0aSet-Cookie"), "{broken}");
    let long = why(server.get("pixel.gif", &"%ff=%ff&".repeat(60)));
    assert_eq!(long.len(), 512);
    let nobody = server.request("GET", "/g/nope/pixel.gif?publisher=p&offer=o", "", b"");
    assert!(why(nobody).starts_with("not_found: "));
    server.set_integration(json!({"trust": "strict"}));
    assert!(why(server.get("pixel.gif", "publisher=p&offer=o")).starts_with("unauthorized: "));
    assert_eq!(server.table("impression").len(), 0);
    let posted = server.request("POST", &format!("/g/{}/pixel.gif", server.made.integration_id), "", b"");
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET")));
}

#[test]
fn the_script_is_small_cached_and_known_again() {
    let server = TestServer::start();
    let path = format!("/g/{}/collector.js", server.made.integration_id);
    let plain = server.request("GET", &path, "", b"");
    assert_eq!((plain.status, plain.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
    assert_eq!(plain.header("cache-control"), Some("public, max-age=3600"));
    assert_eq!(plain.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("accept-encoding")));
    assert_eq!(plain.body, include_bytes!("../src/gateway/collector/collector.js"));
    let refused = server.request("GET", &path, "Accept-Encoding: br, gzip;q=0\r\n", b"");
    assert_eq!(refused.body, plain.body);

    let zipped = server.request("GET", &path, "Accept-Encoding: br;q=1.0, gzip;q=0.8\r\n", b"");
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(zipped.body.len() <= 4096, "{} bytes", zipped.body.len());
    let mut unzipped = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*zipped.body), &mut unzipped).unwrap();
    assert_eq!(unzipped, plain.body);

    let (tag, other) = (plain.header("etag").unwrap(), zipped.header("etag").unwrap());
    assert_ne!(tag, other, "forms of one thing have tags of their own");
    let again = server.request("GET", &path, &format!("If-None-Match: \"x\", W/{tag}\r\n"), b"");
    assert_eq!((again.status, again.header("etag"), again.body.len()), (304, Some(tag), 0));
    assert_eq!(server.request("GET", &path, &format!("If-None-Match: {other}\r\n"), b"").status, 200);

    let head = server.request("HEAD", &path, "", b"");
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, Some(tag), 0));
    assert_eq!(server.request("POST", &path, "", b"").header("allow"), Some("GET, HEAD"));
    assert_eq!(server.request("GET", "/g/zzzzzzzzzz/collector.js", "", b"").status, 404);
}

#[test]
fn pages_of_other_origins_may_post_impressions_as_json() {
    let domain = Some("gate.example".to_owned());
    let server = TestServer::with(GatewayOptions { domain, ..GatewayOptions::default() });
    let id = server.made.integration_id;
    let origin = format!("Host: {id}.imp.gate.example\r\nOrigin: https://page.example\r\n");
    let asking = format!(
        "{origin}Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"
    );
    let leave = server.request("OPTIONS", "/", &asking, b"");
    assert_eq!(leave.status, 204, "{leave:?}");
    assert_eq!(leave.header("access-control-allow-origin"), Some("*"));
    assert_eq!(leave.header("access-control-allow-methods"), Some("GET, POST"));
    assert!(leave.header("access-control-allow-headers").unwrap().contains("content-type"));
    let json = format!("{origin}Content-Type: application/json\r\n");
    let posted = server.request("POST", "/?json=true", &json, br#"{"publisher":"p","offer":"o"}"#);
    assert_eq!((posted.status, posted.header("access-control-allow-origin")), (200, Some("*")));
    assert_eq!(server.table("impression")[0]["publisher"], "p");
    // What the management and the other endpoints answer is for no page.
    let click = server.request("OPTIONS", &format!("/g/{id}/click"), &asking, b"");
    assert_eq!((click.status, click.header("access-control-allow-origin")), (405, None));
}
