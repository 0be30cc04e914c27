//! `tollgate sign`: the links it makes are those the running server takes.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Made, run, stderr, stdout};

#[test]
fn a_signed_link_is_taken_and_a_changed_one_is_not() {
    let made = Made::new();
    let server = made.serve();
    let link = format!("{}/g/{}/click?offer=7&sub_id=a+b&no_redirect=true", server.url(), made.integration);
    let sign =
        |link: &str| run(&["sign", link, "--integration", &made.integration, "--data-dir", &made.data()]);
    let keyless = sign(&link);
    assert_eq!(keyless.status.code(), Some(1));
    assert!(stderr(&keyless).contains("has no signing_key"), "{}", stderr(&keyless));

    let body = json!({"signing_key": "a signing key of some length"}).to_string();
    let headers = [("API-KEY", made.api_key.as_str()), ("content-type", "application/json")];
    let path = format!("/api/v2/integrations/{}", made.integration);
    assert_eq!(server.connect().send("PATCH", &path, &headers, body.as_bytes()).unwrap().status, 200);
    let filters = json!([{"type": "signature", "params": {"required": true}}]);
    made.set_group(&server, &json!({"monitoring_mode": false, "filters": filters}));

    let signed = sign(&link);
    assert!(signed.status.success(), "{}", stderr(&signed));
    let signed = stdout(&signed).trim().replace(&server.url(), "");
    let reason = |path: &str| server.connect().send("GET", path, &[], b"").unwrap().json()["reason"].clone();
    assert_eq!(reason(&signed), Value::Null, "{signed}");
    assert_eq!(reason(&signed.replace("offer=7", "offer=8")), "INVALID_SIGNATURE");
    let postback = stdout(&sign(&link.replace("/click?", "/postback?"))).trim().replace(&server.url(), "");
    assert_eq!(
        reason(&postback.replace("/postback?", "/click?")),
        "INVALID_SIGNATURE",
        "signed for the endpoint it names"
    );
    let twice = sign(&signed);
    assert_eq!((twice.status.code(), stderr(&twice).contains("is signed already")), (Some(1), true));
}
