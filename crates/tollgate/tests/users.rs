//! `tollgate user` beside a running server: who is locked out gets in again.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Made, Reply, Server, run, stderr, stdout};

fn user(made: &Made, arguments: &[&str]) -> Value {
    let output = run(&[&["user"], arguments, &["--data-dir", &made.data(), "--json"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sign_in(server: &Server, body: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    server.connect().send("POST", "/tollgate/v1/session", &headers, body.to_string().as_bytes()).unwrap()
}

#[test]
fn a_link_of_the_command_line_lets_a_user_choose_a_password() {
    let made = Made::new();
    let server = made.serve();
    let listed = user(&made, &["list"]);
    let owner = listed["users"][0]["email"].as_str().unwrap();
    assert_eq!(
        (listed["users"].as_array().unwrap().len(), &listed["users"][0]["role"]),
        (1, &json!("owner"))
    );

    let link = user(&made, &["link", "--email", &owner.to_uppercase()]);
    let (url, invitation) = (link["url"].as_str().unwrap(), link["invitation"].as_str().unwrap());
    assert!(url.ends_with(&format!("/console/#choose-password={invitation}")), "{url}");
    let chosen = json!({"invitation": invitation, "new_password": "chosen by the owner"});
    let signed_in = sign_in(&server, &chosen);
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    assert_eq!(sign_in(&server, &chosen).status, 401, "it works once");
    let password = json!({"email": owner, "password": "chosen by the owner"});
    assert_eq!(sign_in(&server, &password).status, 200);

    let added = user(&made, &["add", "--email", "ann@example.com", "--role", "analyst"]);
    assert_eq!(sign_in(&server, &json!({"invitation": added["invitation"]})).status, 401, "unseen");
    let chosen = json!({"invitation": added["invitation"], "new_password": "chosen by the analyst"});
    let answered = sign_in(&server, &chosen).json();
    assert_eq!(
        (&answered["user"]["email"], &answered["user"]["role"]),
        (&json!("ann@example.com"), &json!("analyst"))
    );

    let fails = |arguments: &[&str]| {
        let output = run(&[&["user"], arguments, &["--data-dir", &made.data()]].concat());
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        stderr(&output)
    };
    assert!(fails(&["link", "--email", "nobody@example.com"]).contains("nobody@example.com is no user"));
    let again = fails(&["add", "--email", "ANN@example.com", "--role", "owner"]);
    assert!(again.contains("a user with this address already"), "{again}");
    let words = run(&["user", "list", "--data-dir", &made.data()]);
    assert!(stdout(&words).contains("analyst"), "{}", stdout(&words));
}
