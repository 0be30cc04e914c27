//! Health of the real binary: what its log says is told, without the values that stand beside the words.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::Made;

#[test]
fn a_data_file_that_does_not_parse_is_told_with_what_the_log_says_of_it() {
    let made = Made::new();
    let folder = made.path("data/signals/geo");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("secret-name.mmdb"), "no database").unwrap();
    let server = made.serve();
    let health = server.connect().get("/tollgate/v1/health", &made.api_key).json();
    assert_eq!(health["status"], "attention", "{health}");
    let named = |list: &Value, key: &str, value: &str| {
        let mut found = list.as_array().unwrap().iter().filter(|one| one[key] == value);
        found.next().unwrap_or_else(|| panic!("no {value} in {list}")).clone()
    };
    named(&health["attention"], "what", "data_files");
    let file = named(&health["data_files"], "name", "geo/secret-name.mmdb");
    assert!(file["error"].is_string(), "{file}");
    let logged = named(&health["errors"], "where", "tollgate_signals::signals");
    assert_eq!((&logged["level"], &logged["times"]), (&json!("warn"), &json!(1)), "{logged}");
    assert!(logged["message"].as_str().unwrap().starts_with("signals file does not parse"), "{logged}");
    assert!(!health["errors"].to_string().contains("secret-name"), "{logged}");
    let (_, log) = server.stop_and_tell();
    assert!(log.contains("WARN") && log.contains("secret-name"), "the log itself names it: {log}");
}
